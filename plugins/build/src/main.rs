//! Builds every WebAssembly guest of the workspace from source:
//! `cargo run -p guests` writes `target/components/<name>.wasm`.
//!
//! A guest is a package with `[package.metadata.lockhouse] component = "<name>"` in its
//! `Cargo.toml` and a `plugin.toml` beside it. A component whose inputs are unchanged is
//! left alone, so the tool can run before every build.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool: it runs cargo, reads its environment and talks to a terminal"
)]

mod compile;
mod component;
mod digest;
mod discover;
mod source;
mod sysroot;

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result};
use discover::{Guest, Workspace};
use sysroot::Sysroot;

fn main() -> ExitCode {
    match build_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guests: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build_all() -> Result<()> {
    let workspace = Workspace::read()?;
    if workspace.guests.is_empty() {
        println!("guests: no package has `[package.metadata.lockhouse] component = …`");
    }
    let toolchain = compile::toolchain_version()?;
    let mut target = None;
    for guest in &workspace.guests {
        let digest = digest::of(&workspace, guest, &toolchain)
            .with_context(|| format!("reading the sources of guest `{}`", guest.name))?;
        if component::is_fresh(&workspace, guest, &digest) {
            println!("guests: {} is fresh", guest.name);
            continue;
        }
        // Asked for late: a machine without the target can still use fresh components.
        let sysroot = match &target {
            Some(sysroot) => sysroot,
            None => target.insert(sysroot::ensure(&workspace, &toolchain)?),
        };
        build(&workspace, guest, sysroot, &digest)
            .with_context(|| format!("building guest `{}`", guest.name))?;
    }
    Ok(())
}

fn build(workspace: &Workspace, guest: &Guest, sysroot: &Sysroot, digest: &str) -> Result<()> {
    let begun = Instant::now();
    let module = compile::module(workspace, guest, sysroot)?;
    let bytes = component::encode(guest, &module)?;
    let path = component::write(workspace, guest, &bytes, digest)?;
    println!(
        "guests: {} built in {:.1} s, {} KiB, {}",
        guest.name,
        begun.elapsed().as_secs_f32(),
        bytes.len().div_ceil(1024),
        path.display()
    );
    Ok(())
}
