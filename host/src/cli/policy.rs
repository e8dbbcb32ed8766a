//! `lockhouse policy`: cases of policies, and what a new policy would change.

mod evaluate;
mod replay;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use super::plugin::{Judge, Place, read};
use crate::artifacts;
use crate::plugins::Config;

#[derive(Debug, clap::Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges the commands of case files, and says where a policy judges otherwise.
    Test(Test),
    /// Asks a running server whether a command may run, without running it.
    Evaluate(evaluate::Evaluate),
    /// Says what a policy would have decided otherwise, had it judged the commands
    /// of the past.
    Replay(replay::Replay),
}

#[derive(Debug, clap::Args)]
struct Test {
    /// Files of cases.
    #[arg(required = true)]
    cases: Vec<PathBuf>,
    /// A policy that is built in, or the file of one.
    #[arg(long, default_value = "layered")]
    policy: String,
    /// Its settings, one JSON object.
    #[arg(long, default_value = "{}")]
    settings: String,
    #[command(flatten)]
    place: Place,
}

impl PolicyCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Test(test) => test.run().await,
            Command::Evaluate(evaluate) => evaluate.run().await,
            Command::Replay(replay) => replay.run().await,
        }
    }
}

impl Test {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = self.bytes()?;
        let host = self.place.host()?;
        Judge::new(host, self.policy, bytes, &self.settings)?.run(&self.cases).await
    }

    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        if let Some(built_in) = artifacts::component(&self.policy) {
            return Ok(built_in.to_owned());
        }
        read(self.policy.as_ref(), Config::default().max_component_bytes)
            .with_context(|| format!("“{}” is no policy that is built in", self.policy))
    }
}
