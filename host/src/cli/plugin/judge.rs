//! Asks a plugin the questions of case files, and says where its answers differ.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::recording::Recording;
use super::{answer, files, manifest};
use crate::cli::say;
use crate::plugins::cases::{self, Case, Cases, Difference, Judged, Outcome};
use crate::plugins::{Plugin, Plugins, ReportPlugin, request};
use crate::reports::ReportError;

/// One plugin, under whichever settings its cases have, with all that it asks for:
/// its author tries it out.
pub(in crate::cli) struct Judge {
    cases: cases::Judge,
    recording: Recording,
}

impl Judge {
    pub(in crate::cli) fn new(
        host: Plugins,
        name: String,
        bytes: Vec<u8>,
        settings: &str,
    ) -> anyhow::Result<Self> {
        let settings = serde_json::from_str(settings).context("settings are one JSON object")?;
        let granted = manifest::granted(&bytes)?;
        let cases = cases::Judge::new(host, name, bytes, settings).granted(granted);
        Ok(Self { cases, recording: Recording::default() })
    }

    /// The same, with what plugins ask of their host written down or answered.
    pub(super) fn recorded(self, recording: Recording) -> Self {
        Self { recording, ..self }
    }

    /// Says what fails, then the totals.
    pub(in crate::cli) async fn run(mut self, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
        let mut outcome = Outcome::default();
        for file in files {
            self.recording.open(file)?;
            for case in read(file)?.case {
                let judged = self.judge(&case).await?;
                say_difference(&case, &judged);
                outcome.count(case.decision, judged.allowed, judged.difference.is_none());
            }
            if let Some(path) = self.recording.close(file)? {
                say(format_args!("{} is written", path.display()));
            }
        }
        say(outcome);
        Ok(if outcome.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn judge(&mut self, case: &Case) -> anyhow::Result<Judged> {
        let plugin = self.cases.plugin(case).await?;
        self.recording.begin(&case.title(), case.host.clone());
        let judged = match &plugin {
            Plugin::Report(report) => judge_report(report, case).await,
            plugin => cases::judge(plugin, case).await.map_err(anyhow::Error::from),
        };
        let called = self.recording.end(&case.title());
        let judged = judged.with_context(|| case.title())?;
        // What went wrong between plugin and host explains the rest.
        Ok(match called {
            Some(got) => {
                let difference = Difference { expected: case.expected_calls(), got };
                Judged { difference: Some(difference), ..judged }
            }
            None => judged,
        })
    }
}

async fn judge_report(report: &ReportPlugin, case: &Case) -> anyhow::Result<Judged> {
    let question = request::report(&case.request())?;
    let (holds, got) = match answer::of_report(report, question).await {
        Ok(reported) => {
            let asks = case.fits_questions(&reported.questions());
            let answer = reported.into_json();
            let fits = case.wants_answer() && asks && case.fits_texts(&answer);
            (fits, answer.to_string())
        }
        Err(ReportError::Invalid(why)) => (case.refused, format!("refused: {why}")),
        Err(ReportError::Fault(why)) => {
            let expected = case.fault.as_ref().is_some_and(|text| why.contains(text));
            (expected, format!("no answer: {why}"))
        }
    };
    let difference = (!holds).then(|| Difference { expected: case.expected_answer(), got });
    Ok(Judged { allowed: None, difference })
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
