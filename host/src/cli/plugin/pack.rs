//! `lockhouse plugin pack`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use wit_component::ComponentEncoder;

use super::{component, files};
use crate::cli::say;
use crate::plugins::manifest::{self, Manifest};
use crate::plugins::{Config, beside, cases};

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
    /// Cases by which a server tries the plugin before it goes live [default:
    /// `cases.toml` beside the manifest, if it is there].
    #[arg(long)]
    cases: Option<PathBuf>,
}

impl Pack {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let manifest = files::read_text(&self.manifest)?;
        let id = Manifest::parse(&manifest)?.id;
        // A module is larger than the component that is made of it.
        let input = files::read(&self.input, 4 * Config::default().max_component_bytes)?;
        let cases = self.cases()?;
        let bytes = pack(&input, &manifest, cases.as_deref());
        let bytes = bytes.with_context(|| self.input.display().to_string())?;
        let output = self.output.unwrap_or_else(|| PathBuf::from(format!("{id}.wasm")));
        files::write(&output, &bytes)?;
        say(format_args!("{}: {} KiB", output.display(), bytes.len().div_ceil(1024)));
        Ok(ExitCode::SUCCESS)
    }

    fn cases(&self) -> anyhow::Result<Option<String>> {
        let beside = self.manifest.with_file_name("cases.toml");
        let file = self.cases.clone().or_else(|| beside.exists().then_some(beside));
        let Some(file) = file else { return Ok(None) };
        let text = files::read_text(&file)?;
        cases::check_carried(&text)
            .with_context(|| format!("{}: `--cases FILE` names another file", file.display()))?;
        Ok(Some(text))
    }
}

/// A component with the manifest inside, and with these cases.
fn pack(input: &[u8], manifest: &str, cases: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let bytes = if component::is_module(input) {
        encode(input)?
    } else {
        component::without_own_sections(input)?
    };
    refuse_foreign_imports(&bytes)?;
    let bytes = beside::with_section(bytes, manifest::SECTION, manifest);
    Ok(match cases {
        Some(cases) => beside::with_section(bytes, cases::SECTION, cases),
        None => bytes,
    })
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
