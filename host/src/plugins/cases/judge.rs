//! Asks a plugin the questions of its cases, and tells where it answers otherwise.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Case, Decision, of_agent};
use crate::agents::AgentError;
use crate::plugins::fault;
use crate::plugins::request::{self, Invalid};
use crate::plugins::{AgentPlugin, Granted, LoadOptions, Plugin, Plugins, PolicyPlugin};
use crate::policy::{CommandPolicy as _, Verdict};

/// One plugin, under whichever settings its cases have.
pub struct Judge {
    host: Plugins,
    name: String,
    bytes: Vec<u8>,
    /// What a case's own settings are laid over.
    settings: Map<String, Value>,
    granted: Granted,
    loaded: HashMap<String, Plugin>,
}

/// How a plugin answered one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// A policy's decision; `None` where it gave none, or is an agent.
    pub allowed: Option<bool>,
    /// `None` where the answer is what the case expects.
    pub difference: Option<Difference>,
}

/// What was expected of a plugin and what it answered, where they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub expected: String,
    pub got: String,
}

/// Why a case could not be put to the plugin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Load(#[from] fault::Error),
    #[error("{title}: {why}")]
    Request { title: String, why: Invalid },
}

impl Judge {
    pub fn new(host: Plugins, name: String, bytes: Vec<u8>, settings: Map<String, Value>) -> Self {
        let (granted, loaded) = (Granted::default(), HashMap::new());
        Self { host, name, bytes, settings, granted, loaded }
    }

    /// The same, with what the plugin may reach.
    pub fn granted(self, granted: Granted) -> Self {
        Self { granted, ..self }
    }

    pub async fn judge(&mut self, case: &Case) -> Result<Judged, Error> {
        let plugin = self.plugin(case).await?;
        judge(&plugin, case).await
    }

    /// Loading again shares the code; only the settings differ.
    pub async fn plugin(&mut self, case: &Case) -> Result<Plugin, fault::Error> {
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

/// Puts a case to a plugin. What a report is asked comes from the database, so
/// its cases are for `plugin test` alone, which has rows of its own.
pub async fn judge(plugin: &Plugin, case: &Case) -> Result<Judged, Error> {
    let judged = match plugin {
        Plugin::Policy(policy) => judge_policy(policy, case).await,
        Plugin::Agent(agent) => judge_agent(agent, case).await,
        Plugin::Report(_) => Ok(Judged { allowed: None, difference: None }),
    };
    judged.map_err(|why| Error::Request { title: case.title(), why })
}

async fn judge_policy(policy: &PolicyPlugin, case: &Case) -> Result<Judged, Invalid> {
    let request = request::command(&case.request())?;
    let (allowed, holds, got) = match policy.evaluate(&request).await {
        Ok(verdict) => {
            let holds = case.decision.is_none_or(|d| (d == Decision::Allow) == verdict.allow)
                && case.risk.as_deref().is_none_or(|risk| risk == verdict.risk.as_str())
                && case.rule.as_deref().is_none_or(|rule| rule == verdict.rule);
            (Some(verdict.allow), holds, verdict_line(&verdict))
        }
        Err(fault) => (None, false, format!("no verdict: {fault}")),
    };
    let difference = (!holds).then(|| Difference { expected: case.expected_verdict(), got });
    Ok(Judged { allowed, difference })
}

async fn judge_agent(agent: &AgentPlugin, case: &Case) -> Result<Judged, Invalid> {
    let question = request::question(&case.request())?;
    let (holds, got) = match of_agent(agent, question).await {
        Ok(answer) => (case.wants_answer() && case.fits(&answer), answer.to_json().to_string()),
        Err(AgentError::Invalid(why)) => (case.refused, format!("refused: {why}")),
        Err(AgentError::Fault(why)) => {
            let expected = case.fault.as_ref().is_some_and(|text| why.contains(text));
            (expected, format!("no answer: {why}"))
        }
    };
    let difference = (!holds).then(|| Difference { expected: case.expected_answer(), got });
    Ok(Judged { allowed: None, difference })
}

/// A verdict in one line.
pub fn verdict_line(verdict: &Verdict) -> String {
    let Verdict { allow, risk, rule, reason, .. } = verdict;
    let decision = if *allow { "allow" } else { "deny" };
    format!("{decision}, risk {}, rule {rule}: {reason}", risk.as_str())
}
