//! `lockhouse clear`

use std::process::ExitCode;

use super::{Installation, images, say};
use crate::db::home;
use crate::runtimes::{self, engines};

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
        let (db, instance) = images::opened(&config).await?;
        if home::is_elsewhere(&db, &config.data).await? {
            return Err(home::Error::Elsewhere.into());
        }
        let used = runtimes::engines_in_use(&db).await?;
        let (engine, _) = engines::choose(&config.engines, &config.data, &instance, &used).await?;
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
