//! `lockhouse images`

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;

use super::{Installation, say};
use crate::config::Config;
use crate::db::Db;
use crate::ids::{InstanceId, Kind};
use crate::runtimes::engine::{Engine, Error};
use crate::runtimes::{self, engines, images};

#[derive(Debug, clap::Args)]
pub(super) struct Images {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    installation: Installation,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds a root file system for a kind from this system's packages.
    Build {
        /// Such as `python`.
        kind: String,
        /// Also hands it to Docker as `lockhouse/<kind>`.
        #[arg(long)]
        docker: bool,
    },
    /// Says what a project of the kind would run on, or why it can't.
    Check {
        /// Such as `python`.
        kind: String,
    },
    /// Builds one only where a project of the kind could not run without it.
    Ensure {
        /// Such as `python`.
        kind: String,
    },
    /// Lists what was built.
    List,
}

impl Images {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.installation.load()?;
        match self.command {
            Command::Build { kind, docker } => build(&config, kind.parse()?, docker).await?,
            Command::Check { kind } => check(&config, kind.parse()?).await?,
            Command::Ensure { kind } => ensure(&config, kind.parse()?).await?,
            Command::List => list(&config),
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn build(config: &Config, kind: Kind, docker: bool) -> anyhow::Result<()> {
    let mut progress = |line: &str| say(format_args!("  {line}"));
    let built = images::build(&config.data, kind, &mut progress).await?;
    say(format_args!("{kind}: {}", built.path.display()));
    if docker {
        let docker = engines::open_docker(&config.engines, &opened(config).await?.1).await?;
        let image = images::import(&config.data, kind, &docker, &mut progress).await?;
        say(format_args!("{kind}: {} in Docker", image.name));
    }
    Ok(())
}

async fn check(config: &Config, kind: Kind) -> anyhow::Result<()> {
    let image = engine(config).await?.image(kind).await?;
    say(format_args!("{kind} runs on {}", image.name));
    Ok(())
}

/// The engine that the server would use.
async fn engine(config: &Config) -> anyhow::Result<Arc<dyn Engine>> {
    let (db, instance) = opened(config).await?;
    let used = runtimes::engines_in_use(&db).await?;
    let (engine, why) = engines::choose(&config.engines, &config.data, &instance, &used).await?;
    say(format_args!("engine {}: {why}", engine.name()));
    Ok(engine)
}

async fn ensure(config: &Config, kind: Kind) -> anyhow::Result<()> {
    let engine = engine(config).await?;
    match engine.image(kind).await {
        Ok(image) => {
            say(format_args!("{kind} runs on {}", image.name));
            Ok(())
        }
        Err(Error::NoImage(why)) => {
            say(why);
            say(format_args!("building it now, once"));
            build(config, kind, engine.name() == "docker").await
        }
        Err(error) => Err(error.into()),
    }
}

fn list(config: &Config) {
    for built in images::list(&config.data) {
        say(format_args!("{}  {}  {}", built.kind, built.digest, built.path.display()));
    }
}

pub(super) async fn opened(config: &Config) -> anyhow::Result<(Db, InstanceId)> {
    std::fs::create_dir_all(&config.data)?;
    let db = Db::open(&config.database, &config.data).await.context("the database")?;
    let id = db.setting("instance", InstanceId::generate().as_str()).await?;
    Ok((db, id.parse()?))
}
