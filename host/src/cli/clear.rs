//! `lockhouse clear`

use std::process::ExitCode;

use super::{Installation, images, say};
use crate::runtimes::engines;

#[derive(Debug, clap::Args)]
pub(super) struct Clear {
    #[command(flatten)]
    installation: Installation,
}

impl Clear {
    /// A server that runs on the same data makes what it needs again when it
    /// starts the next time.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.installation.load()?;
        let instance = images::instance(&config).await?;
        let (engine, _) = engines::choose(&config.engines, &config.data, &instance).await?;
        let mut left = Vec::new();
        for runtime in engine.list().await? {
            match engine.remove(&runtime.id).await {
                Ok(()) => say(format_args!("removed {}", runtime.id)),
                Err(error) => left.push(format!("{}: {error}", runtime.id)),
            }
        }
        anyhow::ensure!(left.is_empty(), "some could not be removed: {}", left.join("; "));
        Ok(ExitCode::SUCCESS)
    }
}
