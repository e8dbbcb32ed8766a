//! Builds the standard library for the guests' target from its source, for machines whose
//! toolchain lacks the target and can't be given it.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

use crate::{
    compile::{SEPARATOR, TARGET, anonymous, cargo, output_of, rustc},
    discover::Workspace,
    sysroot::has_core,
};

/// A library built by one toolchain is useless to another, so its version lies beside it.
const VERSION_FILE: &str = "toolchain";
/// Raised when this tool builds the library differently than before.
const RECIPE: &str = "library 2";
/// How deep below an unpacked package the source may lie.
const MAX_PACKAGE_DEPTH: usize = 8;

/// The folder to hand to rustc as `--sysroot`; what is there and fits is used again.
pub(crate) fn build_sysroot(workspace: &Workspace, toolchain: &str) -> Result<PathBuf> {
    let sysroot = workspace.sysroot();
    let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let version_file = sysroot.join(VERSION_FILE);
    let version = format!("{RECIPE}\n{toolchain}");
    if has_core(&libraries) && fs::read_to_string(&version_file).is_ok_and(|v| v == version) {
        return Ok(sysroot);
    }
    let source = source(&sysroot, toolchain)?;
    println!("guests: building the standard library from {}", source.display());
    if libraries.exists() {
        fs::remove_dir_all(&libraries).context("removing the library of another toolchain")?;
    }
    fs::create_dir_all(&libraries)?;
    let built = compile(&source, &sysroot.join("build"))?;
    copy_libraries(&built, &libraries)?;
    ensure!(has_core(&libraries), "building the standard library left no `core`");
    fs::write(version_file, version)?;
    Ok(sysroot)
}

/// The `library` folder of exactly this version: the toolchain's, rustup's, or Debian's.
fn source(sysroot: &Path, toolchain: &str) -> Result<PathBuf> {
    let version = release(toolchain)?;
    let own = PathBuf::from(output_of(Command::new(rustc()).args(["--print", "sysroot"]))?.trim());
    let own = own.join("lib/rustlib/src/rust/library");
    let debian = PathBuf::from(format!("/usr/src/rustc-{version}/library"));
    let installed = || [&own, &debian].into_iter().find(|folder| is_source(folder)).cloned();
    if let Some(found) = installed() {
        return Ok(found);
    }
    let rustup = Command::new("rustup").args(["component", "add", "rust-src"]).status();
    if rustup.is_ok_and(|status| status.success())
        && let Some(found) = installed()
    {
        return Ok(found);
    }
    unpack_debian(&sysroot.join("package"), version)
}

fn is_source(folder: &Path) -> bool {
    folder.join("sysroot/Cargo.toml").is_file()
}

/// `1.95.0` of `release: 1.95.0`.
fn release(toolchain: &str) -> Result<&str> {
    let line = toolchain.lines().find_map(|line| line.strip_prefix("release: "));
    line.context("`rustc -vV` names no release")
}

/// Takes the package from whatever archives this machine is configured for.
fn unpack_debian(folder: &Path, version: &str) -> Result<PathBuf> {
    let listed = output_of(Command::new("apt-cache").args(["madison", "rust-src"]))
        .context("there is no source of the standard library, and no apt to get it with")?;
    let package = listed
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|package| package.starts_with(&format!("{version}+")))
        .with_context(|| format!("the configured archives have no rust-src {version}"))?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let request = format!("rust-src={package}");
    output_of(Command::new("apt-get").args(["download", &request]).current_dir(folder))?;
    let downloaded = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let archive = downloaded
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    output_of(Command::new("dpkg-deb").arg("--extract").args([&archive, &folder.join("files")]))?;
    WalkDir::new(folder)
        .max_depth(MAX_PACKAGE_DEPTH)
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path)
        .find(|path| is_source(path))
        .context("the package rust-src holds no standard library")
}

/// Compiles the library with the flags that its own build uses and returns where it lies.
fn compile(source: &Path, target: &Path) -> Result<PathBuf> {
    let mut flags = anonymous(&[(source, "/rust/library")])?;
    flags.extend(["-Zforce-unstable-if-unmarked", "-Cembed-bitcode=yes"].map(OsString::from));
    let status = cargo()
        .args(["build", "--release", "--locked", "--features", "panic-unwind"])
        .args(["--target", TARGET, "--manifest-path"])
        .arg(source.join("sysroot/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new(SEPARATOR)))
        .stdin(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo could not compile the standard library");
    Ok(target.join(TARGET).join("release/deps"))
}

fn copy_libraries(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("listing {}", from.display()))? {
        let path = entry?.path();
        if let Some(name) = path.file_name()
            && path.extension().is_some_and(|extension| extension == "rlib")
        {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
