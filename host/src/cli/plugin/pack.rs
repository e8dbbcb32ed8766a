//! `lockhouse plugin pack`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_component::ComponentEncoder;

use super::{component, files};
use crate::cli::say;
use crate::plugins::Config;
use crate::plugins::manifest::{Manifest, SECTION};

/// The only packages whose interfaces a plugin may import.
const OWN_PACKAGES: &str = "lockhouse:";

#[derive(Debug, clap::Args)]
pub(super) struct Pack {
    /// What the compiler wrote: a core module, or a component.
    input: PathBuf,
    /// Where the plugin goes [default: `<id>.wasm` in this folder].
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// What the plugin says of itself and asks for.
    #[arg(long, default_value = "plugin.toml")]
    manifest: PathBuf,
}

impl Pack {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let manifest = files::read_text(&self.manifest)?;
        let id = Manifest::parse(&manifest)?.id;
        // A module is larger than the component that is made of it.
        let input = files::read(&self.input, 4 * Config::default().max_component_bytes)?;
        let bytes = pack(&input, &manifest).with_context(|| self.input.display().to_string())?;
        let output = self.output.unwrap_or_else(|| PathBuf::from(format!("{id}.wasm")));
        files::write(&output, &bytes)?;
        say(format_args!("{}: {} KiB", output.display(), bytes.len().div_ceil(1024)));
        Ok(ExitCode::SUCCESS)
    }
}

/// A component with the manifest inside.
pub(super) fn pack(input: &[u8], manifest: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = if component::is_module(input) {
        encode(input)?
    } else {
        component::without_manifest(input)?
    };
    refuse_foreign_imports(&bytes)?;
    CustomSection { name: SECTION.into(), data: manifest.as_bytes().into() }
        .append_to_component(&mut bytes);
    Ok(bytes)
}

/// A module is written for one world; its imports and exports are in it.
fn encode(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .context("the module is no component: it may import nothing but what its `wit/` names")
}

/// The host refuses them as well; here is where its author can still act.
fn refuse_foreign_imports(bytes: &[u8]) -> anyhow::Result<()> {
    let imports = component::read(bytes)?.imports;
    let foreign: Vec<_> =
        imports.into_iter().filter(|name| !name.starts_with(OWN_PACKAGES)).collect();
    ensure!(
        foreign.is_empty(),
        "it imports {}, and a plugin gets nothing but `{OWN_PACKAGES}` interfaces: \
         build it with `--stub-wasi`, or for wasm32-unknown-unknown",
        foreign.join(", ")
    );
    Ok(())
}
