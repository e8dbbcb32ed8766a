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
        for runtime in engine.list().await? {
            engine.remove(&runtime.id).await?;
            say(format_args!("removed {}", runtime.id));
        }
        Ok(ExitCode::SUCCESS)
    }
}
