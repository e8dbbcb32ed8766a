//! Makes sure that the standard library for the guests' target is there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    compile::{TARGET, rustc},
    discover::Workspace,
    source,
};

/// Where the guests' standard library comes from.
pub(crate) enum Sysroot {
    /// The toolchain has the target.
    Toolchain,
    /// Built from source by this tool, since the toolchain lacks it.
    Own(PathBuf),
}

/// The toolchain's own target, else rustup's, else one built from the standard library's source.
pub(crate) fn ensure(workspace: &Workspace, toolchain: &str) -> Result<Sysroot> {
    if toolchain_has_target()? {
        return Ok(Sysroot::Toolchain);
    }
    println!("guests: this toolchain lacks the target {TARGET}; asking rustup for it");
    if rustup_adds_target() && toolchain_has_target()? {
        return Ok(Sysroot::Toolchain);
    }
    println!("guests: rustup can't install {TARGET}; building its standard library from source");
    source::build_sysroot(workspace, toolchain).map(Sysroot::Own).with_context(|| {
        format!(
            "the target {TARGET} is missing: run `rustup target add {TARGET}`, or install the \
             source of the standard library (`rustup component add rust-src`, or Debian's \
             package rust-src in the version of your rustc) and try again"
        )
    })
}

fn toolchain_has_target() -> Result<bool> {
    let output = Command::new(rustc())
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("cannot run rustc")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success() && has_core(Path::new(&folder)))
}

/// Whether a folder holds a compiled `core`.
pub(crate) fn has_core(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    })
}

/// False where there is no rustup, or it can't reach its server.
fn rustup_adds_target() -> bool {
    Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
