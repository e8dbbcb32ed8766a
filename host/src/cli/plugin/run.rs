//! `lockhouse plugin run`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{Source, answer, files};
use crate::cli::say;
use crate::plugins::request;

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    source: Source,
    /// The question as JSON, such as {"command": "ls"} or {"prompt": "a todo app"}.
    #[arg(long, default_value = "request.json")]
    request: PathBuf,
}

impl Run {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let question = files::read(&self.request, request::MAX_BYTES)?;
        let plugin = self.source.load().await?;
        let answer = answer::of(&plugin, &question).await;
        say(format_args!("{:#}", answer.with_context(|| self.request.display().to_string())?));
        Ok(ExitCode::SUCCESS)
    }
}
