//! Compiles a guest's source to a core WebAssembly module.

use std::{
    env,
    ffi::OsString,
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    discover::{Guest, Workspace},
    sysroot::Sysroot,
};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "small";

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
    if let Sysroot::Own(path) = sysroot {
        let mut flag = OsString::from("--sysroot=");
        flag.push(path);
        command.env("CARGO_ENCODED_RUSTFLAGS", flag);
    }
    // Only for the guest itself: its dependencies stay shared among guests of all stacks.
    command.arg("--").arg(format!("-Clink-arg=-zstack-size={}", guest.stack_bytes));
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "cargo could not compile package `{}`", guest.package);
    let path = directory.join(TARGET).join(PROFILE).join(format!("{}.wasm", guest.module));
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}
