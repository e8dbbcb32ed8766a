//! `lockhouse plugin test`

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Judge, Source};

#[derive(Debug, clap::Args)]
pub(super) struct Test {
    #[command(flatten)]
    source: Source,
    /// Files of cases.
    #[arg(default_value = "cases.toml")]
    cases: Vec<PathBuf>,
}

impl Test {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Source { settings, place, .. } = &self.source;
        let bytes = self.source.bytes()?;
        Judge::new(place.host()?, self.source.name(), bytes, settings)?.run(&self.cases).await
    }
}
