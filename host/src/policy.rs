//! Gate: whether a command may run. Every policy of the chain is asked; deny
//! wins; a policy that cannot answer denies, unless its binding says otherwise.
//!
//! ```text
//! request ─▶ chain as it is now ─▶ each policy's opinion ─▶ decision ─▶ record
//!                 ▲                      │
//!              replace                   └ in shadow: recorded, not applied
//! ```
//!
//! A decision is taken by the chain as it was when the command came, whole; a
//! chain that replaces it decides on the next one.

mod record;
mod store;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;

use crate::ids::{Kind, ProjectId, ProjectName, RequestId, UserId};

/// A longer command is refused unread: no policy needs to be able to read it,
/// and no person writes it. Words and names of variables count as well.
pub const MAX_COMMAND_BYTES: usize = 64 * 1024;

/// The `[policy]` part of the configuration.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the policy `layered` is told where nobody has bound it otherwise;
    /// it says itself what it does not understand.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// How many judgements are kept, for trying other policies on them.
    pub keep_judgements: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { settings: serde_json::Map::new(), keep_judgements: 100_000 }
    }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Exec,
    Process,
    Agent,
}

pub use crate::auth::Role;
pub use record::{Judgement, MAX_PAGE, Recorder};

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

/// One policy's place in the chain.
#[derive(Clone)]
pub struct Binding {
    pub policy: Arc<dyn CommandPolicy>,
    /// The one project whose commands it judges; everybody's where there is none.
    pub project: Option<ProjectId>,
    pub mode: Mode,
    pub on_error: OnError,
}

/// What a policy's verdict is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Enforce,
    /// It is recorded and changes nothing.
    Shadow,
}

/// What a policy that gives no verdict counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    Deny,
    Allow,
}

impl Binding {
    /// Judges everybody's commands, and its faults deny.
    pub fn enforced(policy: Arc<dyn CommandPolicy>) -> Self {
        Self { policy, project: None, mode: Mode::Enforce, on_error: OnError::Deny }
    }
}

/// What one policy of the chain said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    pub policy: String,
    pub mode: Mode,
    pub verdict: Verdict,
    /// Why the policy gave no verdict of its own; the verdict is then what its
    /// binding says for this case.
    pub fault: Option<String>,
    pub took: Duration,
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
    /// Each policy's own, in the order of the chain.
    pub opinions: Vec<Opinion>,
}

impl Decision {
    /// What policies in shadow would have decided otherwise, in words.
    pub fn dissent(&self) -> Vec<String> {
        let other = |opinion: &&Opinion| {
            opinion.mode == Mode::Shadow && opinion.verdict.allow != self.allow
        };
        let words = |opinion: &Opinion| {
            let would = if opinion.verdict.allow { "allow" } else { "deny" };
            format!("{} in shadow would {would}: {}", opinion.policy, opinion.verdict.rule)
        };
        self.opinions.iter().filter(other).map(words).collect()
    }
}

/// The policies, in the order in which they are asked. Cloning is cheap, and
/// all clones see a chain that is replaced.
#[derive(Clone)]
pub struct Policies {
    chain: Arc<RwLock<Arc<[Binding]>>>,
    recorder: Option<Recorder>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Policies {
    pub fn new(chain: impl IntoIterator<Item = Binding>) -> Self {
        let chain: Arc<[Binding]> = chain.into_iter().collect();
        Self { chain: Arc::new(RwLock::new(chain)), recorder: None }
    }

    /// Keeps what is judged from now on.
    #[must_use]
    pub fn recorded(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Judges by another chain from the next command on. Commands that are
    /// being judged are judged by the one they came to.
    pub fn replace(&self, chain: impl IntoIterator<Item = Binding>) {
        let chain = chain.into_iter().collect();
        *self.chain.write().unwrap_or_else(PoisonError::into_inner) = chain;
    }

    /// The chain with `policy` in place of the one of its id, or as one more;
    /// for trying it out: nothing is kept, and the chain that judges stays.
    #[must_use]
    pub fn with_candidate(&self, policy: Arc<dyn CommandPolicy>) -> Self {
        let id = id(policy.name()).to_owned();
        let mut chain = self.chain().to_vec();
        let same = chain.iter_mut().filter(|binding| id == self::id(binding.policy.name()));
        if same.map(|binding| binding.policy = Arc::clone(&policy)).count() == 0 {
            chain.push(Binding::enforced(policy));
        }
        Self::new(chain)
    }

    fn chain(&self) -> Arc<[Binding]> {
        Arc::clone(&self.chain.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether nothing may run, since nobody can allow it.
    pub fn is_empty(&self) -> bool {
        !self.chain().iter().any(|b| b.mode == Mode::Enforce && b.project.is_none())
    }

    /// The policies' names, in the order in which they are asked.
    pub fn names(&self) -> Vec<String> {
        self.chain().iter().map(|binding| binding.policy.name().to_owned()).collect()
    }

    /// Asks every policy that judges this project. The first to deny decides;
    /// where all allow, the one that sees most risk decides.
    pub async fn decide(&self, request: &Request) -> Decision {
        let decision = self.consider(request).await;
        count(&decision);
        if let Some(recorder) = &self.recorder {
            recorder.keep(request, &decision);
        }
        decision
    }

    /// The same, for a command that will not run: it is neither counted nor kept.
    pub async fn consider(&self, request: &Request) -> Decision {
        let began = Instant::now();
        let mut decision = match oversize(request) {
            Some(size) => too_long(size),
            None => combine(ask(&self.chain(), request).await),
        };
        decision.took = began.elapsed();
        decision
    }

    /// The rules in words, as an agent can be shown them: those for everybody
    /// and those of one project.
    pub async fn explain(&self, project: Option<&ProjectId>) -> Result<String, Fault> {
        let mut rules = String::new();
        for binding in self.chain().iter().filter(|b| b.mode == Mode::Enforce && b.judges(project))
        {
            let (name, text) = (binding.policy.name(), binding.policy.explain().await?);
            rules.push_str(&format!("# {name}\n\n{}\n\n", text.trim()));
        }
        Ok(rules)
    }
}

impl Binding {
    fn judges(&self, project: Option<&ProjectId>) -> bool {
        self.project.is_none() || self.project.as_ref() == project
    }

    async fn opinion(&self, request: &Request) -> Opinion {
        let began = Instant::now();
        let verdict = self.policy.evaluate(request).await;
        let (verdict, fault) = match verdict {
            Ok(verdict) => (verdict, None),
            Err(fault) => {
                tracing::error!(policy = self.policy.name(), %fault, "a policy gave no verdict");
                (unavailable(&fault, self.on_error), Some(fault.to_string()))
            }
        };
        let policy = self.policy.name().to_owned();
        Opinion { policy, mode: self.mode, verdict, fault, took: began.elapsed() }
    }
}

/// A policy's name without its version.
fn id(name: &str) -> &str {
    name.split_once('@').map_or(name, |(id, _)| id)
}

/// All at once: a policy that takes its time costs the caller that time only once.
async fn ask(chain: &[Binding], request: &Request) -> Vec<Opinion> {
    let judges = chain.iter().filter(|binding| binding.judges(Some(&request.project)));
    join_all(judges.map(|binding| binding.opinion(request))).await
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

fn unavailable(why: &Fault, on_error: OnError) -> Verdict {
    let allow = on_error == OnError::Allow;
    let (risk, reason) = if allow {
        (Risk::Dangerous, format!("The command was not judged and may run all the same: {why}."))
    } else {
        (Risk::Blocked, format!("The command was not judged, so it may not run: {why}."))
    };
    let advice = "Try again; if it stays so, ask the operator.".to_owned();
    Verdict {
        allow,
        risk,
        rule: "policy-unavailable".to_owned(),
        reason,
        sanitised: None,
        advice: (!allow).then_some(advice),
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
        opinions: Vec::new(),
    }
}

fn combine(opinions: Vec<Opinion>) -> Decision {
    let enforced: Vec<&Opinion> =
        opinions.iter().filter(|opinion| opinion.mode == Mode::Enforce).collect();
    let allow = enforced.iter().all(|opinion| opinion.verdict.allow);
    // Of equal risks the first policy's counts.
    let decisive =
        enforced.iter().filter(|opinion| opinion.verdict.allow == allow).copied().reduce(
            |first, next| {
                if allow && next.verdict.risk > first.verdict.risk { next } else { first }
            },
        );
    let Some(Opinion { policy, verdict, .. }) = decisive else {
        let reason = "No policy is loaded, so no command may run: the operator must load one.";
        return Decision { opinions, ..denied("no-policy", reason.to_owned()) };
    };
    let decision = Decision {
        allow,
        risk: verdict.risk,
        policy: policy.clone(),
        rule: verdict.rule.clone(),
        reason: verdict.reason.clone(),
        advice: verdict.advice.clone(),
        sanitised: if allow { agreed(&enforced) } else { None },
        took: Duration::ZERO,
        opinions: Vec::new(),
    };
    Decision { opinions, ..decision }
}

fn agreed(opinions: &[&Opinion]) -> Option<String> {
    let (first, rest) = opinions.split_first()?;
    let same = rest.iter().all(|other| other.verdict.sanitised == first.verdict.sanitised);
    if same { first.verdict.sanitised.clone() } else { None }
}

fn count(decision: &Decision) {
    let verdict = if decision.allow { "allow" } else { "deny" };
    let policy = decision.policy.clone();
    metrics::counter!("policy_decisions_total", "policy" => policy, "decision" => verdict, "risk" => decision.risk.as_str())
        .increment(1);
    metrics::histogram!("policy_decision_seconds").record(decision.took);
    for opinion in decision.opinions.iter().filter(|opinion| opinion.mode == Mode::Shadow) {
        let policy = opinion.policy.clone();
        let verdict = if opinion.verdict.allow { "allow" } else { "deny" };
        let agrees = if opinion.verdict.allow == decision.allow { "yes" } else { "no" };
        metrics::counter!("policy_shadow_verdicts_total", "policy" => policy, "decision" => verdict, "agrees" => agrees)
            .increment(1);
    }
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }
}

impl OnError {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
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
