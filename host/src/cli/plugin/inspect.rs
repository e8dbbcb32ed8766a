//! `lockhouse plugin inspect`

use std::process::ExitCode;

use super::component::{self, Anatomy};
use super::samples::{self, Samples};
use super::{Source, manifest, show};
use crate::cli::say;
use crate::plugins::Digest;

#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    source: Source,
}

impl Inspect {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let samples = Samples::install()?;
        let bytes = self.source.bytes()?;
        let anatomy = component::read(&bytes)?;
        line("file", self.source.file.display());
        line("digest", Digest::of(&bytes));
        line("size", show::size(bytes.len()));
        line("roles", manifest::roles(&anatomy).join(", "));
        say_anatomy(&anatomy);
        // A plugin that this host refuses can still be looked at.
        match self.source.load().await {
            Ok(plugin) => {
                line("name", plugin.name());
                let memory = samples.summary(samples::MEMORY)?.worst as usize;
                line("memory", format_args!("{} to describe itself", show::size(memory)));
                line("compiled", format_args!("in {} ms", plugin.compile_time().as_millis()));
            }
            Err(error) => line("refused", format_args!("{error:#}")),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn say_anatomy(anatomy: &Anatomy) {
    line("imports", show::list(&anatomy.imports));
    line("exports", show::list(&anatomy.exports));
    for section in &anatomy.sections {
        line("section", format_args!("{} ({})", section.name, show::size(section.size_bytes)));
    }
    match &anatomy.manifest {
        None => line("manifest", "none; `lockhouse plugin pack` puts one inside"),
        Some(manifest) => {
            line("manifest", "");
            manifest.lines().for_each(|text| say(format_args!("    {text}")));
        }
    }
}

fn line(what: &str, value: impl std::fmt::Display) {
    say(format!("{what:<10} {value}").trim_end());
}
