//! `lockhouse clear`

use std::path::PathBuf;
use std::process::ExitCode;

use super::{images, say};
use crate::config::{Config, EngineFlag, Flags};
use crate::runtimes::engines;

#[derive(Debug, clap::Args)]
pub(super) struct Clear {
    /// The server's data directory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// `auto`, `docker` or `local`.
    #[arg(long)]
    engine: Option<String>,
    /// Configuration file [default: lockhouse.toml, if it is there].
    #[arg(long)]
    config: Option<PathBuf>,
}

impl Clear {
    /// A server that runs on the same data makes what it needs again when it
    /// starts the next time.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let engines = self.engine.map(|engine| EngineFlag { engine });
        let flags = Flags { data: self.data, engines, listen: None };
        let config = Config::load(self.config.as_deref(), flags)?;
        let instance = images::instance(&config).await?;
        let (engine, _) = engines::choose(&config.engines, &config.data, &instance).await?;
        for runtime in engine.list().await? {
            engine.remove(&runtime.id).await?;
            say(format_args!("removed {}", runtime.id));
        }
        Ok(ExitCode::SUCCESS)
    }
}
