//! Compiles a guest's source to a core WebAssembly module.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    discover::{Guest, Workspace},
    sysroot::Sysroot,
};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "small";

/// What cargo wants between flags that may hold spaces.
pub(crate) const SEPARATOR: &str = "\x1f";

/// The cargo that runs this tool, so that guests never meet another toolchain.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Flags meant for the machine's own target (coverage, linkers) would break a guest.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
    command
}

pub(crate) fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

pub(crate) fn toolchain_version() -> Result<String> {
    output_of(Command::new(rustc()).arg("-vV")).context("install Rust, or set RUSTC")
}

/// Flags that keep the paths of this machine out of what is built: those of these
/// folders, of cargo's own and of the toolchain. Texts of panics name files.
pub(crate) fn anonymous(folders: &[(&Path, &str)]) -> Result<Vec<OsString>> {
    let toolchain =
        PathBuf::from(output_of(Command::new(rustc()).args(["--print", "sysroot"]))?.trim());
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let general = [(Some(toolchain), "/rust"), (cargo, "/cargo")];
    let general = general.into_iter().filter_map(|(folder, name)| Some((folder?, name)));
    let given = folders.iter().map(|(folder, name)| (folder.to_path_buf(), *name));
    // The last that fits counts, so the narrower ones stand behind.
    Ok(general.chain(given).map(|(folder, name)| remap(&folder, name)).collect())
}

fn remap(folder: &Path, name: &str) -> OsString {
    let mut flag = joined("--remap-path-prefix=", folder);
    flag.push("=");
    flag.push(name);
    flag
}

fn joined(option: &str, value: &Path) -> OsString {
    let mut flag = OsString::from(option);
    flag.push(value);
    flag
}

/// What a program prints, where it succeeds.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} failed: {}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("{program} printed no text"))
}

/// Builds the guest and returns its core module.
pub(crate) fn module(workspace: &Workspace, guest: &Guest, sysroot: &Sysroot) -> Result<Vec<u8>> {
    let directory = workspace.build_directory();
    let mut command = cargo();
    command
        .current_dir(&workspace.root)
        .args(["rustc", "--locked", "--lib", "--package", &guest.package])
        .args(["--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(&directory);
    let mut flags = anonymous(&[(&workspace.root, "/lockhouse")])?;
    if let Sysroot::Own(path) = sysroot {
        flags.push(joined("--sysroot=", path));
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new(SEPARATOR)));
    // Only for the guest itself: its dependencies stay shared among guests of all stacks.
    command.arg("--").arg(format!("-Clink-arg=-zstack-size={}", guest.stack_bytes));
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo could not compile package `{}`", guest.package);
    let path = directory.join(TARGET).join(PROFILE).join(format!("{}.wasm", guest.module));
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}
