//! Room: agents plan and write projects; a run is one execution of one.
//!
//! A run goes on in a task of its own, whether or not somebody watches. All
//! that it tells is kept first, so that who comes late or comes back reads the
//! same as who was there. The caller's permit stays open until the run ends
//! and stands behind everything that it does.

mod agent;
mod checks;
mod commands;
mod elsewhere;
mod executor;
mod fixing;
mod line;
mod model;
mod output;
mod plan;
mod roster;
mod run;
mod spend;
mod store;
mod transcript;
mod watch;
mod writing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::auth::{self, Caller, User};
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{Events, What};
use crate::exec::Exec;
use crate::files::Files;
use crate::gate::{Action, Denied, Gate, Permit, Target};
use crate::ids::{ProjectId, RequestId, RunId, UserId};
use crate::jobs::{self, Jobs, NewJob};
use crate::leases::{Lease, Leases};
use crate::processes::Processes;
use crate::projects::{self, Project, Projects};
use crate::runtimes::{self, Runtimes};
use crate::tasks::Tasks;
use executor::Execution;
use line::{Full, Line, Ticket};
use store::{Store, Wanted};
use transcript::Recorder;

pub use agent::{
    Agent, AgentError, Brief, Check, Edit, ExistingFile, Failure, Plan, PlannedFile, Progress,
    ProgressSender, Role, Stage, WriteContext,
};
pub use model::{
    Config as ModelsConfig, Entry as ModelEntry, Invalid as InvalidModel, InvalidSchema, Message,
    Model, ModelCall, ModelError, Models, ProviderName, Question, Reply, Schema, Share, Speaker,
    Stop, Tally,
};
pub use roster::Roster;
pub use run::{Event, NewRun, Recorded, Run, State};
pub use transcript::StoredCall;
pub use watch::Watch;

/// Runs answered at once when a list names no limit.
pub const DEFAULT_PAGE: u32 = 100;

/// The most that one page of a list holds.
pub const MAX_PAGE: u32 = 1_000;

/// The longest prompt.
pub const MAX_PROMPT_BYTES: usize = 16 * 1024;

/// How long a cancellation waits until the run has ended.
const CANCEL_PATIENCE: Duration = Duration::from_secs(15);

/// Who acts where the server cleans up by itself.
const HOST: &str = "lockhouse";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long an agent may take for a plan, in seconds.
    pub plan_timeout: u64,
    /// How long an agent may take for one step of its plan, in seconds.
    pub write_timeout: u64,
    /// How long a started project may take until its port listens, in seconds.
    pub start_timeout: u64,
    /// How often a run asks its agent to repair what it wrote.
    pub max_fixes: u32,
    /// Tokens that a run may use of models, questions and answers together.
    pub max_model_tokens: u64,
    /// Runs that go on at once on this server; others wait for their turn.
    pub max_runs: usize,
    /// Runs that may wait.
    pub max_waiting_runs: usize,
    /// The agent that is asked where a run names none; without it, the first
    /// one that is loaded.
    pub default: Option<String>,
}

/// What a run may use of models, where nobody says otherwise.
pub const MAX_MODEL_TOKENS: u64 = 2_000_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            plan_timeout: 150,
            write_timeout: 150,
            start_timeout: 60,
            max_fixes: 3,
            max_model_tokens: MAX_MODEL_TOKENS,
            max_runs: 8,
            max_waiting_runs: 100,
            default: None,
        }
    }
}

impl Config {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if self.max_runs == 0 {
            return Err("agents.max_runs: let at least one run go on".to_owned());
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no run “{0}”; `GET /api/v1/runs` lists yours")]
    NotFound(String),
    #[error("there is no agent “{asked}”; loaded are: {loaded}")]
    NoAgent { asked: String, loaded: String },
    #[error("the agent “{agent}” is no {missing}, and a run needs one; loaded are: {loaded}")]
    MissingRole { agent: String, missing: &'static str, loaded: String },
    #[error("the run {0} is under way in this project; wait for it, or cancel it")]
    Active(RunId),
    #[error("{0} runs wait for their turn already; try again later")]
    LineFull(usize),
    /// What is wrong with the prompt.
    #[error("{0}")]
    Prompt(String),
    #[error(transparent)]
    Job(#[from] jobs::Error),
    #[error(transparent)]
    Project(#[from] projects::Error),
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What the room is built from.
#[derive(Clone)]
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub events: Events,
    pub tasks: Tasks,
    pub projects: Projects,
    pub runtimes: Runtimes,
    pub exec: Exec,
    pub processes: Processes,
    pub files: Files,
    pub jobs: Jobs,
    pub leases: Leases,
    pub agents: Roster,
    pub config: Config,
}

/// The agents and their runs. Cloning is cheap.
#[derive(Clone)]
pub struct Agents {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    store: Store,
    line: Line,
    live: Mutex<HashMap<RunId, Live>>,
}

/// A run that is under way.
struct Live {
    project: ProjectId,
    cancel: CancellationToken,
    /// Its number in the line.
    number: u64,
    /// Number of its newest event; closed once it has ended.
    head: tokio::sync::watch::Receiver<u64>,
}

/// A run's place among those under way, given back when it is dropped.
struct Place {
    inner: Arc<Inner>,
    run: RunId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

impl Agents {
    pub fn new(parts: Parts) -> Self {
        let store = Store::new(parts.db.clone());
        let line = Line::new(parts.config.max_runs, parts.config.max_waiting_runs);
        Self { inner: Arc::new(Inner { parts, store, line, live: Mutex::default() }) }
    }

    /// The agents that are loaded.
    pub fn loaded(&self) -> Arc<[Arc<dyn Agent>]> {
        self.inner.parts.agents.all()
    }

    /// Name of the agent that is asked where a run names none.
    pub fn default_agent(&self) -> Option<String> {
        let Parts { agents, config, .. } = &self.inner.parts;
        let chosen = agents.choose(config.default.as_deref()).ok();
        chosen.map(|agent| agent.name().to_owned())
    }

    /// Begins a run and answers at once; the run goes on by itself.
    pub async fn generate(
        &self,
        permit: Permit,
        project: Project,
        new: NewRun,
    ) -> Result<Run, Error> {
        match self.begin(&permit, &project, &new).await {
            Ok(begun) => {
                let run = begun.run.clone();
                let inner = &self.inner;
                let execution = Execution::new(inner, permit, project, new, begun);
                inner.parts.tasks.run("run", execution.complete());
                Ok(run)
            }
            Err(error) => permit.seal(Err(error)),
        }
    }

    async fn begin(
        &self,
        permit: &Permit,
        project: &Project,
        new: &NewRun,
    ) -> Result<Begun, Error> {
        let Inner { parts, store, .. } = &*self.inner;
        check_prompt(&new.prompt)?;
        let asked = new.agent.as_deref().filter(|asked| !asked.is_empty());
        let agent = parts.agents.choose(asked.or(parts.config.default.as_deref()))?;
        let id = RunId::generate();
        let (head, newest) = tokio::sync::watch::channel(0);
        let share = self.share(&permit.caller().user.id).await?;
        let ticket = self.inner.line.join()?;
        let (place, cancel) = self.take_place(&id, &project.id, (ticket.number(), newest))?;
        let kind_fixed = new.kind_fixed && !store.kind_is_open(&project.id).await?
            || parts.runtimes.find(&project.id).await?.is_some();
        let lease = self.turn(&project.id).await?;
        let job = NewJob { id: None, project_name: project.name.clone() };
        let job = parts.jobs.create(permit, job).await?;
        let now = parts.clock.now();
        let run = Run {
            id: id.clone(),
            project: project.id.clone(),
            project_name: project.name.clone(),
            owner: project.owner.clone(),
            job: job.id.clone(),
            agent: agent.name().to_owned(),
            prompt: new.prompt.clone(),
            state: State::Planning,
            error: None,
            created_at: now,
            updated_at: now,
        };
        store.insert(&run, !kind_fixed).await?;
        let recorder = Recorder::new(store.clone(), parts.clock.clone(), id, head);
        Ok(Begun { run, job, agent, kind_fixed, share, recorder, cancel, place, ticket, lease })
    }

    /// What is left today of what somebody may use of models, where that is bounded.
    async fn share(&self, user: &UserId) -> Result<Option<Share>, Error> {
        let Inner { parts, store, .. } = &*self.inner;
        let Some(most) = parts.projects.quota(user).await?.model_tokens else { return Ok(None) };
        Ok(Some(Share::new(most, store.spent_today(user, parts.clock.now_us()).await?)))
    }

    /// One run a project: takes the project's place, or says who has it.
    fn take_place(
        &self,
        run: &RunId,
        project: &ProjectId,
        (number, head): (u64, tokio::sync::watch::Receiver<u64>),
    ) -> Result<(Place, CancellationToken), Error> {
        let cancel = CancellationToken::new();
        let mut live = self.inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((active, _)) = live.iter().find(|(_, live)| live.project == *project) {
            return Err(Error::Active(active.clone()));
        }
        let entry = Live { project: project.clone(), cancel: cancel.clone(), number, head };
        live.insert(run.clone(), entry);
        Ok((Place { inner: Arc::clone(&self.inner), run: run.clone() }, cancel))
    }

    /// The caller's run; an administrator finds anyone's.
    pub async fn find(&self, caller: &Caller, id: &str) -> Result<Run, Error> {
        let missing = || Error::NotFound(id.chars().take(80).collect());
        let id = id.parse::<RunId>().map_err(|_| missing())?;
        let run = self.inner.store.find(&id).await?;
        run.filter(|run| caller.is_admin() || run.owner == caller.user.id).ok_or_else(missing)
    }

    /// A page of the caller's runs, newest first; an administrator's holds
    /// everybody's. `before` is the last one of the page before.
    pub async fn list(
        &self,
        caller: &Caller,
        project: Option<&ProjectId>,
        before: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        let owner = (!caller.is_admin()).then_some(&caller.user.id);
        let limit = limit.clamp(1, MAX_PAGE);
        Ok(self.inner.store.list(Wanted { owner, project, before, limit }).await?)
    }

    /// How many runs are before this one; none where it does not wait, or not here.
    pub fn ahead_of(&self, run: &RunId) -> Option<usize> {
        let live = self.inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        let number = live.get(run)?.number;
        self.inner.line.ahead_of(number)
    }

    /// What happened in a run after its event `since`, and what happens, until
    /// it ends.
    pub fn watch(&self, run: &Run, since: u64) -> Watch {
        let live = self.inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        let head = live.get(&run.id).map(|live| live.head.clone());
        let elsewhere = head.is_none() && !run.state.is_final();
        Watch::new(self.inner.store.clone(), run.id.clone(), since, (head, elsewhere))
    }

    /// What is kept of a run's events after `since`, without waiting for more.
    pub fn transcript(&self, run: &Run, since: u64) -> Watch {
        Watch::new(self.inner.store.clone(), run.id.clone(), since, (None, false))
    }

    /// Ends a run and waits until it has; one that has ended stays as it is.
    pub async fn cancel(&self, _permit: &Permit, run: &Run) -> Result<Run, Error> {
        let ends = async {
            match self.ask_to_end(&run.id) {
                Some(mut head) => while head.changed().await.is_ok() {},
                None if run.state.is_final() => {}
                None => self.cancel_elsewhere(&run.id).await?,
            }
            Ok::<_, Error>(())
        };
        match tokio::time::timeout(CANCEL_PATIENCE, ends).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!(run = %run.id, "a cancelled run has not ended yet"),
        }
        let found = self.inner.store.find(&run.id).await?;
        found.ok_or_else(|| Error::NotFound(run.id.to_string()))
    }

    fn ask_to_end(&self, run: &RunId) -> Option<tokio::sync::watch::Receiver<u64>> {
        let live = self.inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        let live = live.get(run)?;
        live.cancel.cancel();
        Some(live.head.clone())
    }

    /// Whether no run is under way here.
    fn is_idle(&self) -> bool {
        self.inner.live.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Ends what a server that was killed left unfinished.
    pub async fn recover(&self, gate: &Gate) -> Result<(), Error> {
        for run in self.inner.store.unfinished().await? {
            // Another server carries it out, or this one.
            let Some((run, _lease)) = self.abandoned(&run).await? else { continue };
            let target =
                Target::Owned { owner: run.owner.clone(), name: format!("run/{}", run.id) };
            let permit = gate.admit(&host()?, Action::write("run.recover", target)).await?;
            let recovered = self.fail_interrupted(&permit, &run).await;
            permit.seal(recovered)?;
        }
        Ok(())
    }

    async fn fail_interrupted(&self, permit: &Permit, run: &Run) -> Result<(), Error> {
        let Inner { parts, store, .. } = &*self.inner;
        let error =
            format!("the server was restarted during {}; generate again", run.state.as_str());
        tracing::info!(run = %run.id, state = run.state.as_str(), "a run was interrupted");
        match parts.jobs.find(permit.caller(), &run.job).await {
            Ok(job) => fail_job(&parts.jobs, permit, &job, &error).await?,
            Err(jobs::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let (head, _) = tokio::sync::watch::channel(store.last_seq(&run.id).await?);
        let mut recorder = Recorder::new(store.clone(), parts.clock.clone(), run.id.clone(), head);
        recorder.record([Event::Failed { error: error.clone() }]).await?;
        store.update(&run.id, State::Failed, Some(&error), parts.clock.now_us()).await?;
        let news = What::Run { run: run.id.clone(), state: State::Failed.as_str() };
        parts.events.publish(run.about(), news);
        Ok(())
    }
}

/// All that a run starts with.
struct Begun {
    run: Run,
    job: jobs::Job,
    agent: Arc<dyn Agent>,
    kind_fixed: bool,
    share: Option<Share>,
    recorder: Recorder,
    cancel: CancellationToken,
    place: Place,
    ticket: Ticket,
    /// Says to other servers that this one carries it out.
    lease: Lease,
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        Self::LineFull(full.most_waiting)
    }
}

fn lease_name(project: &ProjectId) -> String {
    format!("run/{project}")
}

/// Says that nothing came of a job, unless it was complete already.
async fn fail_job(
    jobs: &Jobs,
    permit: &Permit,
    job: &jobs::Job,
    error: &str,
) -> Result<(), jobs::Error> {
    match jobs.fail(permit, job, error).await {
        Ok(_) | Err(jobs::Error::Status { .. } | jobs::Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The server itself, as one who acts.
fn host() -> Result<Caller, Error> {
    let id: UserId = HOST.parse().map_err(|_| Error::NotFound(HOST.to_owned()))?;
    Ok(Caller::new(User { id, role: auth::Role::Admin }, RequestId::generate()))
}

/// Refuses a prompt that no agent could be asked.
pub fn check_prompt(prompt: &str) -> Result<(), Error> {
    let wrong = if prompt.trim().is_empty() {
        "say what to build".to_owned()
    } else if prompt.len() > MAX_PROMPT_BYTES {
        format!("write a prompt of at most {MAX_PROMPT_BYTES} bytes")
    } else if prompt.contains('\0') {
        "write a prompt without NUL".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Prompt(wrong))
}
