//! Gate: whether a command may run. Every policy of the chain is asked; deny
//! wins; a policy that cannot answer denies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::ids::{Kind, ProjectId, ProjectName, RequestId, UserId};

/// A longer command is refused unread: no policy needs to be able to read it,
/// and no person writes it. Words and names of variables count as well.
pub const MAX_COMMAND_BYTES: usize = 64 * 1024;

/// Who decided where no policy did.
const HOST: &str = "lockhouse";

/// A command that somebody wants to run.
#[derive(Debug, Clone)]
pub struct Request {
    /// As shell text; where `argv` is given, the same words quoted.
    pub command: String,
    pub argv: Option<Vec<String>>,
    /// Relative to the workspace.
    pub cwd: String,
    pub env_names: Vec<String>,
    pub channel: Channel,
    pub caller: UserId,
    pub caller_role: Role,
    pub project: ProjectId,
    pub project_name: ProjectName,
    pub kind: Kind,
    pub network: NetworkMode,
    pub request_id: RequestId,
}

/// By which way a command came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Exec,
    Process,
    Agent,
}

pub use crate::auth::Role;

/// What a runtime may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    None,
    Registries,
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    Safe,
    Moderate,
    Dangerous,
    Blocked,
}

/// One policy's opinion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub allow: bool,
    pub risk: Risk,
    pub rule: String,
    pub reason: String,
    pub sanitised: Option<String>,
    pub advice: Option<String>,
}

/// A policy gave no verdict; the text says which policy, and what stopped it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// What gives verdicts; a plugin, seen from this side.
#[async_trait]
pub trait CommandPolicy: Send + Sync + 'static {
    /// Such as `layered@0.1.0`.
    fn name(&self) -> &str;

    async fn evaluate(&self, request: &Request) -> Result<Verdict, Fault>;

    /// Its rules in words.
    async fn explain(&self) -> Result<String, Fault>;
}

/// The answer of the whole chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub allow: bool,
    pub risk: Risk,
    /// The policy that decided.
    pub policy: String,
    pub rule: String,
    pub reason: String,
    pub advice: Option<String>,
    /// The command with its quoting made plain, where it may run and every
    /// policy gave the same one.
    pub sanitised: Option<String>,
    pub took: Duration,
}

/// The policies, in the order in which they are asked. Cloning is cheap.
#[derive(Clone)]
pub struct Policies {
    chain: Arc<[Arc<dyn CommandPolicy>]>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.chain.iter().map(|policy| policy.name())).finish()
    }
}

impl Policies {
    pub fn new(chain: impl IntoIterator<Item = Arc<dyn CommandPolicy>>) -> Self {
        Self { chain: chain.into_iter().collect() }
    }

    /// Whether nothing may run, since nobody can allow it.
    pub fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }

    /// The policies' names, in the order in which they are asked.
    pub fn names(&self) -> Vec<&str> {
        self.chain.iter().map(|policy| policy.name()).collect()
    }

    /// Asks every policy, in order. The first to deny decides; a policy without
    /// a verdict denies; where all allow, the one that sees most risk decides.
    pub async fn decide(&self, request: &Request) -> Decision {
        let began = Instant::now();
        let mut decision = match oversize(request) {
            Some(size) => too_long(size),
            None => self.ask(request).await,
        };
        decision.took = began.elapsed();
        count(&decision);
        decision
    }

    /// The rules of every policy in words, as an agent can be shown them.
    pub async fn explain(&self) -> Result<String, Fault> {
        let mut rules = String::new();
        for policy in self.chain.iter() {
            rules.push_str(&format!(
                "# {}\n\n{}\n\n",
                policy.name(),
                policy.explain().await?.trim()
            ));
        }
        Ok(rules)
    }

    async fn ask(&self, request: &Request) -> Decision {
        let mut verdicts = Vec::with_capacity(self.chain.len());
        for policy in self.chain.iter() {
            let verdict = policy.evaluate(request).await.unwrap_or_else(|fault| {
                tracing::error!(policy = policy.name(), %fault, "a policy gave no verdict");
                unavailable(fault.to_string())
            });
            verdicts.push((policy.name(), verdict));
        }
        combine(verdicts)
    }
}

/// The size of a command that is too long.
fn oversize(request: &Request) -> Option<usize> {
    let words = request.argv.iter().flatten().chain(&request.env_names);
    let around = words.map(|word| word.len() + 1).sum::<usize>() + request.cwd.len();
    // The words are the command once more, and the rest is small beside it.
    let fits = request.command.len() <= MAX_COMMAND_BYTES && around <= 2 * MAX_COMMAND_BYTES;
    (!fits).then_some(request.command.len().max(around))
}

fn too_long(size: usize) -> Decision {
    let reason = format!(
        "The command is {size} bytes long, the limit is {MAX_COMMAND_BYTES}: put it into a file and run that."
    );
    denied("command-too-long", reason)
}

fn unavailable(why: String) -> Verdict {
    Verdict {
        allow: false,
        risk: Risk::Blocked,
        rule: "policy-unavailable".to_owned(),
        reason: format!("The command was not judged, so it may not run: {why}."),
        sanitised: None,
        advice: Some("Try again; if it stays so, ask the operator.".to_owned()),
    }
}

fn denied(rule: &str, reason: String) -> Decision {
    Decision {
        allow: false,
        risk: Risk::Blocked,
        policy: HOST.to_owned(),
        rule: rule.to_owned(),
        reason,
        advice: None,
        sanitised: None,
        took: Duration::ZERO,
    }
}

fn combine(verdicts: Vec<(&str, Verdict)>) -> Decision {
    let allow = verdicts.iter().all(|(_, verdict)| verdict.allow);
    let agreed = if allow { agreed(&verdicts) } else { None };
    // Of equal risks the first policy's counts.
    let decisive = verdicts
        .into_iter()
        .filter(|(_, verdict)| verdict.allow == allow)
        .reduce(|first, next| if allow && next.1.risk > first.1.risk { next } else { first });
    let Some((policy, verdict)) = decisive else {
        let reason = "No policy is loaded, so no command may run: the operator must load one.";
        return denied("no-policy", reason.to_owned());
    };
    Decision {
        allow,
        risk: verdict.risk,
        policy: policy.to_owned(),
        rule: verdict.rule,
        reason: verdict.reason,
        advice: verdict.advice,
        sanitised: agreed,
        took: Duration::ZERO,
    }
}

fn agreed(verdicts: &[(&str, Verdict)]) -> Option<String> {
    let (_, first) = verdicts.first()?;
    let same = verdicts.iter().all(|(_, verdict)| verdict.sanitised == first.sanitised);
    if same { first.sanitised.clone() } else { None }
}

fn count(decision: &Decision) {
    let verdict = if decision.allow { "allow" } else { "deny" };
    let policy = decision.policy.clone();
    metrics::counter!("policy_decisions_total", "policy" => policy, "decision" => verdict, "risk" => decision.risk.as_str())
        .increment(1);
    metrics::histogram!("policy_decision_seconds").record(decision.took);
}

impl Risk {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Moderate => "moderate",
            Self::Dangerous => "dangerous",
            Self::Blocked => "blocked",
        }
    }
}

#[cfg(test)]
mod tests;
