//! `lockhouse plugin test`

use std::path::PathBuf;
use std::process::ExitCode;

use super::recording::Recording;
use super::{Judge, Source, recording};
use crate::agents::Models;
use crate::config::{Config, Flags};
use crate::plugins::{Rooms, Tape};

#[derive(Debug, clap::Args)]
pub(super) struct Test {
    #[command(flatten)]
    source: Source,
    /// Files of cases.
    #[arg(default_value = "cases.toml")]
    cases: Vec<PathBuf>,
    /// Writes down what the plugin asks of its host, beside the cases, so that it
    /// can be tested again without.
    #[arg(long)]
    record: bool,
    /// The transcript of a run, as `/api/v1/runs/ID/transcript` has it: models
    /// answer as they did there.
    #[arg(long, conflicts_with = "record")]
    replay: Option<PathBuf>,
    /// With `--record`, where models are configured [default: lockhouse.toml, if
    /// it is there].
    #[arg(long, requires = "record")]
    config: Option<PathBuf>,
}

impl Test {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Source { settings, place, .. } = &self.source;
        let bytes = self.source.bytes()?;
        let tape = Tape::default();
        let models = if self.record { self.models()? } else { Models::default() };
        let rooms = Rooms { tape: Some(tape.clone()), models, ..Rooms::default() };
        let host = place.host_with(rooms)?;
        let recording = match &self.replay {
            Some(transcript) => Recording::of_models(tape, recording::models(transcript)?),
            None => Recording::beside_cases(tape, self.record),
        };
        let judge = Judge::new(host, self.source.name(), bytes, settings)?;
        judge.recorded(recording).run(&self.cases).await
    }

    /// The models that a server would have here.
    fn models(&self) -> anyhow::Result<Models> {
        let config = Config::load(self.config.as_deref(), Flags::default())?;
        Ok(Models::open(&config.models, &config.egress.upstream)?)
    }
}
