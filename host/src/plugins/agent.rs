//! A loaded planner with its writer, as the room of agents sees it.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use wasmtime::Store;

use super::Host;
use super::bindings::agent::exports::lockhouse::plugin::lifecycle;
use super::bindings::agent::lockhouse::agent::types as wit;
use super::bindings::agent::{Agent as World, AgentPre};
use super::bindings::policy::lockhouse::types::{common, errors};
use super::config::Limits;
use super::convert;
use super::fault::{Digest, Fault, FaultKind};
use super::instance::{Call, Spent, State, fault};
use super::loaded::{Loaded, Meters};
use crate::agents::{
    Agent, AgentError, Brief, Check, Edit, Plan, PlannedFile, ProgressSender, WriteContext,
};

/// One question to an agent: borrows the instance and its store for as long as
/// the answer takes.
pub(super) type Ask<R> = Box<
    dyn for<'a> FnOnce(&'a World, &'a mut Store<State>) -> BoxFuture<'a, wasmtime::Result<R>>
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

    async fn ask<R: Send + 'static>(
        &self,
        progress: &ProgressSender,
        ask: Ask<Result<R, errors::Error>>,
        size: impl FnOnce(&R) -> usize,
    ) -> Result<R, AgentError> {
        let limits = self.host.config.agents.limits();
        let call = async {
            let step = self.host.step(&self.loaded, limits, Some(progress.clone()), ask);
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
        let held = self.host.quarantines.hold(&self.loaded, call).await;
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

    async fn plan(&self, brief: &Brief, progress: &ProgressSender) -> Result<Plan, AgentError> {
        let brief = brief_to_wit(brief);
        let ask: Ask<_> = Box::new(move |agent, store| {
            Box::pin(async move { agent.lockhouse_agent_planner().call_plan(store, &brief).await })
        });
        self.ask(progress, ask, plan_size).await.map(plan_from_wit)
    }

    async fn write(
        &self,
        plan: &Plan,
        step: u32,
        context: &WriteContext,
        progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError> {
        let (plan, context) = (plan_to_wit(plan), context_to_wit(context));
        let ask: Ask<_> = Box::new(move |agent, store| {
            Box::pin(async move {
                let writer = agent.lockhouse_agent_writer();
                writer.call_write(store, &plan, step, &context).await
            })
        });
        let edits = self.ask(progress, ask, edits_size).await?;
        Ok(edits.into_iter().map(edit_from_wit).collect())
    }
}

impl Host {
    /// One call of an agent: its turns on the agents' threads, a fresh store,
    /// an answer or a fault.
    pub(super) async fn step<R: Send + 'static>(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
        progress: Option<ProgressSender>,
        ask: Ask<R>,
    ) -> Result<R, Fault> {
        let on_thread = Arc::clone(loaded);
        let call = loaded.call(limits, progress);
        let spent = Spent::default();
        let work = {
            let spent = spent.clone();
            async move { run(on_thread.agent()?, &call, &on_thread.meters, spent, ask).await }
        };
        let answer = self.agents.run(limits.wall, spent, work).await;
        answer.map_err(|kind| loaded.fault(kind))
    }

    pub(super) async fn describe_agent(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<lifecycle::Description, Fault> {
        let ask: Ask<_> = Box::new(|agent, store| {
            Box::pin(async move { agent.lockhouse_plugin_lifecycle().call_describe(store).await })
        });
        self.step(loaded, limits, None, ask).await
    }

    pub(super) async fn agent_problems(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<Vec<String>, Fault> {
        let settings = loaded.settings.to_string();
        let ask: Ask<_> = Box::new(move |agent, store| {
            Box::pin(async move {
                let lifecycle = agent.lockhouse_plugin_lifecycle();
                lifecycle.call_validate_settings(store, &settings).await
            })
        });
        let problems = self.step(loaded, limits, None, ask).await?.err().unwrap_or_default();
        Ok(problems.into_iter().map(|p| convert::problem(&p.path, &p.message)).collect())
    }
}

async fn run<R>(
    ready: &AgentPre<State>,
    call: &Call,
    meters: &Meters,
    spent: Spent,
    ask: Ask<R>,
) -> Result<R, FaultKind> {
    let mut store = call.store_in_turns(ready.engine(), spent);
    let answer = match meters.instantiate.time_async(ready.instantiate_async(&mut store)).await {
        Ok(agent) => meters.call.time_async(ask(&agent, &mut store)).await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| fault(&error, &store))
}

fn project(brief: &Brief) -> common::ProjectRef {
    common::ProjectRef {
        id: brief.project.to_string(),
        name: brief.project_name.to_string(),
        kind: convert::kind_to_wit(brief.kind),
    }
}

fn brief_to_wit(brief: &Brief) -> wit::Brief {
    wit::Brief {
        prompt: brief.prompt.clone(),
        project: project(brief),
        kind_fixed: brief.kind_fixed,
        caller: convert::caller(&brief.caller, brief.caller_role),
        id: brief.request_id.to_string(),
    }
}

fn context_to_wit(context: &WriteContext) -> wit::Context {
    let existing = context.existing.iter();
    let existing = existing
        .map(|f| wit::ExistingFile { path: f.path.clone(), content: f.content.clone() })
        .collect();
    wit::Context {
        project: project(&context.brief),
        prompt: context.brief.prompt.clone(),
        existing,
        id: context.brief.request_id.to_string(),
    }
}

fn plan_to_wit(plan: &Plan) -> wit::Plan {
    let files = plan.files.iter();
    let files = files
        .map(|f| wit::PlannedFile { path: f.path.clone(), purpose: f.purpose.clone() })
        .collect();
    let check = |check: &Check| match check {
        Check::Command(command) => wit::Check::Command(command.clone()),
        Check::Http { path, status } => {
            wit::Check::Http(wit::HttpCheck { path: path.clone(), status: *status })
        }
    };
    wit::Plan {
        kind: convert::kind_to_wit(plan.kind),
        summary: plan.summary.clone(),
        files,
        install: plan.install.clone(),
        start: plan.start.clone(),
        port: plan.port,
        checks: plan.checks.iter().map(check).collect(),
        notes: plan.notes.clone(),
    }
}

fn plan_from_wit(plan: wit::Plan) -> Plan {
    let file = |f: wit::PlannedFile| PlannedFile { path: f.path, purpose: f.purpose };
    let check = |check| match check {
        wit::Check::Command(command) => Check::Command(command),
        wit::Check::Http(http) => Check::Http { path: http.path, status: http.status },
    };
    Plan {
        kind: convert::kind_from_wit(plan.kind),
        summary: plan.summary,
        files: plan.files.into_iter().map(file).collect(),
        install: plan.install,
        start: plan.start,
        port: plan.port,
        checks: plan.checks.into_iter().map(check).collect(),
        notes: plan.notes,
    }
}

fn plan_size(plan: &wit::Plan) -> usize {
    let check = |check: &wit::Check| match check {
        wit::Check::Command(command) => command.len(),
        wit::Check::Http(http) => http.path.len(),
    };
    plan.summary.len()
        + plan.notes.len()
        + plan.start.as_ref().map_or(0, String::len)
        + plan.files.iter().map(|f| f.path.len() + f.purpose.len()).sum::<usize>()
        + plan.install.iter().map(String::len).sum::<usize>()
        + plan.checks.iter().map(check).sum::<usize>()
}

#[expect(clippy::ptr_arg, reason = "it measures what an agent answers, which is a Vec")]
fn edits_size(edits: &Vec<wit::Edit>) -> usize {
    let edit = |edit: &wit::Edit| match edit {
        wit::Edit::Write(file) => file.path.len() + file.content.len(),
        wit::Edit::Delete(path) => path.len(),
    };
    edits.iter().map(edit).sum()
}

fn edit_from_wit(edit: wit::Edit) -> Edit {
    match edit {
        wit::Edit::Write(file) => {
            Edit::Write { path: file.path, content: file.content, executable: file.executable }
        }
        wit::Edit::Delete(path) => Edit::Delete { path },
    }
}
