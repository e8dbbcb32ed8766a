//! Asks a plugin the questions of cases, and tells where its answers differ.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::cases::{Case, Cases, Decision, Outcome};
use super::recording::Recording;
use super::{answer, manifest, show};
use crate::agents::AgentError;
use crate::cli::say;
use crate::plugins::{
    AgentPlugin, Granted, LoadOptions, Plugin, Plugins, PolicyPlugin, ReportPlugin, request,
};
use crate::policy::CommandPolicy as _;
use crate::reports::ReportError;

/// One plugin, under whichever settings its cases have.
pub(in crate::cli) struct Judge {
    host: Plugins,
    name: String,
    bytes: Vec<u8>,
    /// What a case's own settings are laid over.
    settings: Map<String, Value>,
    /// All that the plugin asks for: its author tries it out.
    granted: Granted,
    recording: Recording,
    loaded: HashMap<String, Plugin>,
}

/// What was expected of a plugin and what it answered, where they differ.
struct Difference {
    expected: String,
    got: String,
}

/// What came of a case.
struct Tried {
    /// Of a policy that decided.
    allowed: Option<bool>,
    difference: Option<Difference>,
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
        let (recording, loaded) = (Recording::default(), HashMap::new());
        Ok(Self { host, name, bytes, settings, granted, recording, loaded })
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
            for case in Cases::read(file)?.case {
                if let Some(difference) = self.try_case(&case, &mut outcome).await? {
                    say(format_args!("FAIL  {}", case.title()));
                    say(format_args!("      expected  {}", difference.expected));
                    say(format_args!("      got       {}", difference.got));
                }
            }
            if let Some(path) = self.recording.close(file)? {
                say(format_args!("{} is written", path.display()));
            }
        }
        say(outcome);
        Ok(if outcome.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn try_case(
        &mut self,
        case: &Case,
        outcome: &mut Outcome,
    ) -> anyhow::Result<Option<Difference>> {
        let plugin = self.plugin(case).await?;
        self.recording.begin(&case.title(), case.host.clone());
        let tried = match plugin {
            Plugin::Policy(policy) => try_policy(&policy, case).await,
            Plugin::Agent(agent) => try_agent(&agent, case).await,
            Plugin::Report(report) => try_report(&report, case).await,
        };
        let called = self.recording.end(&case.title());
        let Tried { allowed, difference } = tried.with_context(|| case.title())?;
        // What went wrong between plugin and host explains the rest.
        let difference = match called {
            Some(got) => Some(Difference { expected: case.expected_calls(), got }),
            None => difference,
        };
        outcome.count(case.decision, allowed, difference.is_none());
        Ok(difference)
    }

    /// Loading again shares the code; only the settings differ.
    async fn plugin(&mut self, case: &Case) -> anyhow::Result<Plugin> {
        let mut settings = self.settings.clone();
        settings.extend(case.settings());
        let settings = Value::Object(settings).to_string();
        if let Some(plugin) = self.loaded.get(&settings) {
            return Ok(plugin.clone());
        }
        let options = LoadOptions { settings: &settings, granted: self.granted.clone() };
        let plugin = self.host.load(&self.name, &self.bytes, options).await?;
        self.loaded.insert(settings, plugin.clone());
        Ok(plugin)
    }
}

async fn try_policy(policy: &PolicyPlugin, case: &Case) -> anyhow::Result<Tried> {
    let request = request::command(&case.request())?;
    let (allowed, holds, got) = match policy.evaluate(&request).await {
        Ok(verdict) => {
            let holds = case.decision.is_none_or(|d| (d == Decision::Allow) == verdict.allow)
                && case.risk.as_deref().is_none_or(|risk| risk == verdict.risk.as_str())
                && case.rule.as_deref().is_none_or(|rule| rule == verdict.rule);
            (Some(verdict.allow), holds, show::verdict_line(&verdict))
        }
        Err(fault) => (None, false, format!("no verdict: {fault}")),
    };
    let difference = (!holds).then(|| Difference { expected: case.expected_verdict(), got });
    Ok(Tried { allowed, difference })
}

async fn try_agent(agent: &AgentPlugin, case: &Case) -> anyhow::Result<Tried> {
    let question = request::question(&case.request())?;
    let (holds, got) = match answer::of_agent(agent, question).await {
        Ok(answer) => (case.wants_answer() && case.fits(&answer), answer.to_json().to_string()),
        Err(AgentError::Invalid(why)) => (case.refused, format!("refused: {why}")),
        Err(AgentError::Fault(why)) => {
            let expected = case.fault.as_ref().is_some_and(|text| why.contains(text));
            (expected, format!("no answer: {why}"))
        }
    };
    let difference = (!holds).then(|| Difference { expected: case.expected_answer(), got });
    Ok(Tried { allowed: None, difference })
}

async fn try_report(report: &ReportPlugin, case: &Case) -> anyhow::Result<Tried> {
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
    Ok(Tried { allowed: None, difference })
}
