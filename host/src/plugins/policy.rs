//! A loaded policy, as the chain of policies sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;
use wasmtime::Store;

use super::Host;
use super::bindings::policy::exports::lockhouse::plugin::lifecycle;
use super::bindings::policy::exports::lockhouse::policy::command_policy as wit;
use super::bindings::policy::lockhouse::types::common;
use super::bindings::policy::{Policy, PolicyPre};
use super::config::Limits;
use super::convert;
use super::fault::{Digest, Fault, FaultKind};
use super::instance::{Call, State, fault};
use super::loaded::{Loaded, Meters};
use super::quick::QUICK;
use super::reach::Behalf;
use super::threads;
use crate::auth::{Caller, User};
use crate::policy::{self, Channel, CommandPolicy, NetworkMode, Request, Risk, Verdict};

/// A place among the calls of one plugin.
type Turn = OwnedSemaphorePermit;

/// A policy with its settings. Cloning is cheap.
#[derive(Clone)]
pub struct PolicyPlugin {
    pub(super) loaded: Arc<Loaded>,
    pub(super) host: Arc<Host>,
}

impl PolicyPlugin {
    pub fn id(&self) -> &str {
        &self.loaded.identity.id
    }

    pub fn version(&self) -> &str {
        self.loaded.identity.version.as_deref().unwrap_or_default()
    }

    pub fn summary(&self) -> &str {
        &self.loaded.summary
    }

    pub fn digest(&self) -> Digest {
        self.loaded.identity.digest
    }

    fn limits(&self) -> Limits {
        self.loaded.limits(self.host.config.decisions.limits())
    }

    async fn call<R: Send + 'static>(
        &self,
        (turn, behalf): (Turn, Option<Behalf>),
        ask: impl Fn(&Policy, &mut Store<State>) -> wasmtime::Result<R> + Send + 'static,
    ) -> Result<R, Fault> {
        self.host.decide(&self.loaded, self.limits(), (Some(turn), behalf), ask).await
    }

    /// A plugin's calls take at most half of the threads, so that others are
    /// judged however many wait for one that is slow.
    async fn turn(&self) -> Result<Turn, Fault> {
        let turn = threads::free(&self.loaded.code.turns, self.limits().wall).await;
        turn.map_err(|kind| self.loaded.fault(kind))
    }

    /// Answers that are too long are no answers.
    fn check_output(&self, size: usize) -> Result<(), Fault> {
        let limit = self.limits().output_bytes;
        if size <= limit {
            return Ok(());
        }
        Err(self.loaded.fault(FaultKind::Output { size, limit }))
    }

    async fn judge(&self, request: &Request) -> Result<Verdict, Fault> {
        let turn = self.turn().await?;
        let call = self.ask_verdict(request, turn);
        let held = self.host.quarantines.hold(&self.loaded, Some(&request.caller), call);
        held.instrument(self.loaded.span("evaluate")).await
    }

    async fn rules(&self) -> Result<String, Fault> {
        let turn = self.turn().await?;
        let held = self.host.quarantines.hold(&self.loaded, None, self.ask_rules(turn));
        held.instrument(self.loaded.span("explain")).await
    }

    async fn ask_verdict(&self, request: &Request, turn: Turn) -> Result<Verdict, Fault> {
        let behalf = behalf(request);
        let request = request_to_wit(request);
        let ask = move |policy: &Policy, store: &mut Store<State>| {
            policy.lockhouse_policy_command_policy().call_evaluate(store, &request)
        };
        let answer = self.call((turn, Some(behalf)), ask).await?;
        let verdict = answer
            .map_err(|error| self.loaded.fault(FaultKind::Declined(convert::reason(error))))?;
        self.check_output(verdict_size(&verdict))?;
        Ok(verdict_from_wit(verdict))
    }

    async fn ask_rules(&self, turn: Turn) -> Result<String, Fault> {
        let ask = |policy: &Policy, store: &mut Store<State>| {
            policy.lockhouse_policy_command_policy().call_explain(store)
        };
        let rules = self.call((turn, None), ask).await?;
        self.check_output(rules.len())?;
        Ok(rules)
    }
}

#[async_trait]
impl CommandPolicy for PolicyPlugin {
    fn name(&self) -> &str {
        &self.loaded.name
    }

    async fn evaluate(&self, request: &Request) -> Result<Verdict, policy::Fault> {
        self.judge(request).await.map_err(|fault| policy::Fault(fault.to_string()))
    }

    async fn explain(&self) -> Result<String, policy::Fault> {
        self.rules().await.map_err(|fault| policy::Fault(fault.to_string()))
    }
}

impl Host {
    /// One call of a policy: a fresh store, an answer or a fault; here or on a thread.
    pub(super) async fn decide<R: Send + 'static>(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
        (turn, behalf): (Option<Turn>, Option<Behalf>),
        ask: impl Fn(&Policy, &mut Store<State>) -> wasmtime::Result<R> + Send + 'static,
    ) -> Result<R, Fault> {
        if let Some(answer) = self.decide_here(loaded, limits, &ask) {
            return answer.map_err(|kind| loaded.fault(kind));
        }
        let on_thread = Arc::clone(loaded);
        let call = loaded.call(self, limits, behalf, None);
        let work = move || {
            let ready = match on_thread.policy() {
                Ok(ready) => ready,
                Err(kind) => return (Err(kind), (None, turn)),
            };
            let (answer, store) = run(ready, call, &on_thread.meters, &ask);
            // The turn is given back when the thread is, whether or not
            // somebody still waits; wiping the store keeps nobody waiting.
            (answer, (Some(store), turn))
        };
        let answer = self.decisions.run(limits.wall, work).await;
        answer.map_err(|kind| loaded.fault(kind))
    }

    /// The call on this very thread, where that is likely to be quick; `None` where it is to be
    /// made elsewhere.
    fn decide_here<R>(
        &self,
        loaded: &Loaded,
        limits: Limits,
        ask: &impl Fn(&Policy, &mut Store<State>) -> wasmtime::Result<R>,
    ) -> Option<Result<R, FaultKind>> {
        let pace = &loaded.code.pace;
        let ready = loaded.policy().ok().filter(|_| pace.is_quick())?;
        let _place = self.decisions.place()?;
        let limits = Limits { budget: limits.budget.min(QUICK), ..limits };
        // Nobody's: it can reach nothing on anybody's behalf.
        let call = loaded.call(self, limits, None, None);
        let made = AssertUnwindSafe(|| run(ready, call, &loaded.meters, ask).0);
        match catch_unwind(made) {
            Ok(Err(FaultKind::Budget { .. } | FaultKind::Blocked { .. })) => {
                pace.was_slow();
                None
            }
            Ok(answer) => Some(answer),
            Err(_) => Some(Err(FaultKind::Host("a call of it panicked in the host".to_owned()))),
        }
    }

    pub(super) async fn describe_policy(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<lifecycle::Description, Fault> {
        let ask = |policy: &Policy, store: &mut Store<State>| {
            policy.lockhouse_plugin_lifecycle().call_describe(store)
        };
        self.decide(loaded, limits, (None, None), ask).await
    }

    pub(super) async fn policy_problems(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<Vec<String>, Fault> {
        let settings = loaded.settings.to_string();
        let ask = move |policy: &Policy, store: &mut Store<State>| {
            policy.lockhouse_plugin_lifecycle().call_validate_settings(store, &settings)
        };
        let problems =
            self.decide(loaded, limits, (None, None), ask).await?.err().unwrap_or_default();
        Ok(problems.into_iter().map(|p| convert::problem(&p.path, &p.message)).collect())
    }
}

fn run<R>(
    ready: &PolicyPre<State>,
    call: Call,
    meters: &Meters,
    ask: &impl Fn(&Policy, &mut Store<State>) -> wasmtime::Result<R>,
) -> (Result<R, FaultKind>, Store<State>) {
    let runtime = call.reach.runtime.clone();
    // Where an import waits, it waits on the server's time.
    let _entered = runtime.enter();
    let mut store = call.store_here(ready.engine());
    let instance = meters.instantiate.time(|| ready.instantiate(&mut store));
    let answer = instance.and_then(|policy| meters.call.time(|| ask(&policy, &mut store)));
    meters.memory.record(store.data().memory_bytes as f64);
    let answer = answer.map_err(|error| fault(&error, &store));
    (answer, store)
}

fn behalf(request: &Request) -> Behalf {
    let user = User { id: request.caller.clone(), role: request.caller_role };
    let caller = Caller::new(user, request.request_id.clone());
    Behalf { caller, project: request.project.clone(), tally: None }
}

fn request_to_wit(request: &Request) -> wit::Request {
    wit::Request {
        command: request.command.clone(),
        argv: request.argv.clone(),
        cwd: request.cwd.clone(),
        env_names: request.env_names.clone(),
        channel: match request.channel {
            Channel::Exec => wit::Channel::Exec,
            Channel::Process => wit::Channel::Process,
            Channel::Agent => wit::Channel::Agent,
        },
        caller: convert::caller(&request.caller, request.caller_role),
        project: common::ProjectRef {
            id: request.project.to_string(),
            name: request.project_name.to_string(),
            kind: convert::kind_to_wit(request.kind),
        },
        network: match request.network {
            NetworkMode::None => wit::NetworkMode::None,
            NetworkMode::Registries => wit::NetworkMode::Registries,
            NetworkMode::Open => wit::NetworkMode::Open,
        },
        id: request.request_id.to_string(),
    }
}

fn verdict_size(verdict: &wit::Verdict) -> usize {
    let optional = [&verdict.sanitised, &verdict.advice];
    let optional = optional.into_iter().flatten().map(String::len).sum::<usize>();
    verdict.rule.len() + verdict.reason.len() + optional
}

fn verdict_from_wit(verdict: wit::Verdict) -> Verdict {
    Verdict {
        allow: matches!(verdict.decision, wit::Decision::Allow),
        risk: match verdict.risk {
            wit::Risk::Safe => Risk::Safe,
            wit::Risk::Moderate => Risk::Moderate,
            wit::Risk::Dangerous => Risk::Dangerous,
            wit::Risk::Blocked => Risk::Blocked,
        },
        rule: verdict.rule,
        reason: verdict.reason,
        sanitised: verdict.sanitised,
        advice: verdict.advice,
    }
}
