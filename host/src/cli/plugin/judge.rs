//! Asks a plugin the questions of case files, and says where its answers differ.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::files;
use crate::cli::say;
use crate::plugins::Plugins;
use crate::plugins::cases::{self, Case, Cases, Judged, Outcome};

/// One plugin, under whichever settings its cases have.
pub(in crate::cli) struct Judge(cases::Judge);

impl Judge {
    pub(in crate::cli) fn new(
        host: Plugins,
        name: String,
        bytes: Vec<u8>,
        settings: &str,
    ) -> anyhow::Result<Self> {
        let settings = serde_json::from_str(settings).context("settings are one JSON object")?;
        Ok(Self(cases::Judge::new(host, name, bytes, settings)))
    }

    /// Says what fails, then the totals.
    pub(in crate::cli) async fn run(&mut self, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
        let mut outcome = Outcome::default();
        for file in files {
            for case in read(file)?.case {
                let judged = self.0.judge(&case).await?;
                say_difference(&case, &judged);
                outcome.count(case.decision, judged.allowed, judged.difference.is_none());
            }
        }
        say(outcome);
        Ok(if outcome.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn read(file: &Path) -> anyhow::Result<Cases> {
    let text = files::read_text(file)?;
    Cases::parse(&text).with_context(|| file.display().to_string())
}

fn say_difference(case: &Case, judged: &Judged) {
    if let Some(difference) = &judged.difference {
        say(format_args!("FAIL  {}", case.title()));
        say(format_args!("      expected  {}", difference.expected));
        say(format_args!("      got       {}", difference.got));
    }
}
