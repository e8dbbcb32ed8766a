//! A loaded planner, writer or fixer, as the room of agents sees it.

mod words;

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tracing::Instrument as _;
use wasmtime::Store;
use wasmtime::component::Instance;

use super::Host;
use super::bindings::described::DescribedIndices;
use super::bindings::described::exports::lockhouse::plugin::lifecycle;
use super::bindings::policy::lockhouse::types::errors;
use super::compile;
use super::config::Limits;
use super::convert;
use super::fault::{Digest, Fault, FaultKind};
use super::inspect::Role;
use super::instance::{Call, Spent, State, fault};
use super::loaded::{Loaded, Meters};
use super::reach::Behalf;
use crate::agents::{
    self, Agent, AgentError, Brief, Edit, Failure, Plan, ProgressSender, WriteContext,
};
use crate::auth::{Caller, User};
use words::{
    brief_to_wit, context_to_wit, edit_from_wit, edits_size, failure_to_wit, plan_from_wit,
    plan_size, plan_to_wit,
};

/// One question to an agent: borrows the instance and its store for as long as
/// the answer takes.
pub(super) type Ask<R> = Box<
    dyn for<'a> FnOnce(&'a Instance, &'a mut Store<State>) -> BoxFuture<'a, wasmtime::Result<R>>
        + Send,
>;

/// An agent with its settings. Cloning is cheap.
#[derive(Clone)]
pub struct AgentPlugin {
    pub(super) loaded: Arc<Loaded>,
    pub(super) host: Arc<Host>,
}

impl AgentPlugin {
    pub fn id(&self) -> &str {
        &self.loaded.identity.id
    }

    pub fn version(&self) -> &str {
        self.loaded.identity.version.as_deref().unwrap_or_default()
    }

    pub fn digest(&self) -> Digest {
        self.loaded.identity.digest
    }

    /// Where the component answers in a role.
    fn role<R>(
        &self,
        role: Role,
        of: impl FnOnce(&compile::Agent) -> Option<R>,
    ) -> Result<R, AgentError> {
        let found = self.loaded.agent().map(of).and_then(|found| {
            let missing = format!("it is no {}", role.as_str());
            found.ok_or(FaultKind::Host(missing))
        });
        found.map_err(|kind| AgentError::Fault(self.loaded.fault(kind).to_string()))
    }

    async fn ask<R: Send + 'static>(
        &self,
        (asked, brief): (&'static str, &Brief),
        progress: &ProgressSender,
        ask: Ask<Result<R, errors::Error>>,
        size: impl FnOnce(&R) -> usize,
    ) -> Result<R, AgentError> {
        let limits = self.loaded.limits(self.host.config.agents.limits());
        let call = async {
            let step = self.host.step(
                &self.loaded,
                (limits, Some(behalf(brief))),
                Some(progress.clone()),
                ask,
            );
            let answer = match step.await? {
                Ok(answer) => answer,
                Err(error) => return Ok(Err(self.declined(error))),
            };
            match (size(&answer), limits.output_bytes) {
                (size, limit) if size > limit => {
                    Err(self.loaded.fault(FaultKind::Output { size, limit }))
                }
                _ => Ok(Ok(answer)),
            }
        };
        let held = self.host.quarantines.hold(&self.loaded, Some(&brief.caller), call);
        let held = held.instrument(self.loaded.span(asked)).await;
        held.map_err(|fault| AgentError::Fault(fault.to_string()))?
    }

    /// What is wrong with the prompt is for the user; the rest is a fault.
    fn declined(&self, error: errors::Error) -> AgentError {
        match error {
            errors::Error::Invalid(_)
            | errors::Error::Denied(_)
            | errors::Error::NotFound(_)
            | errors::Error::TooLarge(_) => AgentError::Invalid(convert::reason(error)),
            _ => {
                let fault = self.loaded.fault(FaultKind::Declined(convert::reason(error)));
                AgentError::Fault(fault.to_string())
            }
        }
    }
}

#[async_trait]
impl Agent for AgentPlugin {
    fn name(&self) -> &str {
        &self.loaded.name
    }

    fn summary(&self) -> &str {
        &self.loaded.summary
    }

    fn plays(&self, role: agents::Role) -> bool {
        self.loaded.code.roles.contains(&match role {
            agents::Role::Planner => Role::Planner,
            agents::Role::Writer => Role::Writer,
            agents::Role::Fixer => Role::Fixer,
        })
    }

    async fn plan(&self, brief: &Brief, progress: &ProgressSender) -> Result<Plan, AgentError> {
        let planner = self.role(Role::Planner, |agent| agent.planner.clone())?;
        let asked = brief_to_wit(brief);
        let ask: Ask<_> = Box::new(move |instance, store| {
            Box::pin(async move {
                let agent = planner.load(&mut *store, instance)?;
                agent.lockhouse_agent_planner().call_plan(store, &asked).await
            })
        });
        self.ask(("plan", brief), progress, ask, plan_size).await.map(plan_from_wit)
    }

    async fn write(
        &self,
        plan: &Plan,
        step: u32,
        context: &WriteContext,
        progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError> {
        let writer = self.role(Role::Writer, |agent| agent.writer.clone())?;
        let (plan, asked) = (plan_to_wit(plan), context_to_wit(context));
        let ask: Ask<_> = Box::new(move |instance, store| {
            Box::pin(async move {
                let agent = writer.load(&mut *store, instance)?;
                agent.lockhouse_agent_writer().call_write(store, &plan, step, &asked).await
            })
        });
        let edits = self.ask(("write", &context.brief), progress, ask, edits_size).await?;
        Ok(edits.into_iter().map(edit_from_wit).collect())
    }

    async fn fix(
        &self,
        failure: &Failure,
        context: &WriteContext,
        progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError> {
        let fixer = self.role(Role::Fixer, |agent| agent.fixer.clone())?;
        let (failure, asked) = (failure_to_wit(failure), context_to_wit(context));
        let ask: Ask<_> = Box::new(move |instance, store| {
            Box::pin(async move {
                let agent = fixer.load(&mut *store, instance)?;
                agent.lockhouse_agent_fixer().call_fix(store, &failure, &asked).await
            })
        });
        let edits = self.ask(("fix", &context.brief), progress, ask, edits_size).await?;
        Ok(edits.into_iter().map(edit_from_wit).collect())
    }
}

impl Host {
    /// One call of an agent: its turns on the agents' threads, a fresh store,
    /// an answer or a fault.
    pub(super) async fn step<R: Send + 'static>(
        &self,
        loaded: &Arc<Loaded>,
        (limits, behalf): (Limits, Option<Behalf>),
        progress: Option<ProgressSender>,
        ask: Ask<R>,
    ) -> Result<R, Fault> {
        let on_thread = Arc::clone(loaded);
        let call = loaded.call(self, limits, behalf, progress);
        let spent = Spent::default();
        let work = {
            let spent = spent.clone();
            async move { run(on_thread.agent()?, call, &on_thread.meters, spent, ask).await }
        };
        let answer = self.agents.run(limits.wall, spent, work).await;
        answer.map_err(|kind| loaded.fault(kind))
    }

    pub(super) async fn describe_agent(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<lifecycle::Description, Fault> {
        let described = loaded.described()?;
        let ask: Ask<_> = Box::new(move |instance, store| {
            Box::pin(async move {
                let plugin = described.load(&mut *store, instance)?;
                plugin.lockhouse_plugin_lifecycle().call_describe(store).await
            })
        });
        self.step(loaded, (limits, None), None, ask).await
    }

    pub(super) async fn agent_problems(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<Vec<String>, Fault> {
        let (described, settings) = (loaded.described()?, loaded.settings.to_string());
        let ask: Ask<_> = Box::new(move |instance, store| {
            Box::pin(async move {
                let plugin = described.load(&mut *store, instance)?;
                let lifecycle = plugin.lockhouse_plugin_lifecycle();
                lifecycle.call_validate_settings(store, &settings).await
            })
        });
        let problems =
            self.step(loaded, (limits, None), None, ask).await?.err().unwrap_or_default();
        Ok(problems.into_iter().map(|p| convert::problem(&p.path, &p.message)).collect())
    }
}

impl Loaded {
    fn described(&self) -> Result<DescribedIndices, Fault> {
        let described = self.agent().map(|agent| agent.described.clone());
        described.map_err(|kind| self.fault(kind))
    }
}

fn behalf(brief: &Brief) -> Behalf {
    let user = User { id: brief.caller.clone(), role: brief.caller_role };
    let caller = Caller::new(user, brief.request_id.clone());
    Behalf { caller, project: brief.project.clone(), tally: Some(brief.tally.clone()) }
}

async fn run<R>(
    agent: &compile::Agent,
    call: Call,
    meters: &Meters,
    spent: Spent,
    ask: Ask<R>,
) -> Result<R, FaultKind> {
    let ready = &agent.instance;
    let mut store = call.store_in_turns(ready.engine(), spent);
    let answer = match meters.instantiate.time_async(ready.instantiate_async(&mut store)).await {
        Ok(instance) => meters.call.time_async(ask(&instance, &mut store)).await,
        Err(error) => Err(error),
    };
    meters.memory.record(store.data().memory_bytes as f64);
    answer.map_err(|error| fault(&error, &store))
}
