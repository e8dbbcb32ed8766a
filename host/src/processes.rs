//! Room: the one long-running process of a project, such as its dev server.
//!
//! What should run is in the database; the supervisor runs it and keeps its
//! log. A runtime that comes up gets its process back.

mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::{Link, LogStream};
use lockhouse_supervisor::protocol::{ProcessState, StartProcess};

pub use lockhouse_supervisor::client::LogEvent;
pub use lockhouse_supervisor::protocol::{Command, ProcessStatus, Restart};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{Events, What};
use crate::gate::Permit;
use crate::ids::{ProjectId, RequestId};
use crate::policy::{Channel, Decision, Policies, Request};
use crate::projects::{Project, Projects};
use crate::runtimes::activity::Cause;
use crate::runtimes::{self, Runtimes};
use store::Store;

/// How long a process gets to end by itself.
const STOP_GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProcess {
    pub command: String,
    /// Port that it will listen on; handed to it as `PORT`.
    pub port: Option<u16>,
    pub restart: Restart,
}

/// What should run, and what does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub command: String,
    pub port: Option<u16>,
    pub restart: Restart,
    /// `None` while the runtime does not run it.
    pub state: Option<ProcessState>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", .0.reason)]
    Denied(Box<Decision>),
    #[error("another process runs; stop it first: {}", .0.command)]
    AlreadyRunning(Box<NewProcess>),
    #[error("the project has no process; start one with `POST …/process`")]
    NotFound,
    #[error("{0}")]
    NotStarted(String),
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// The processes of all projects. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Processes {
    store: Store,
    clock: Clock,
    events: Events,
    projects: Projects,
    runtimes: Runtimes,
    policies: Policies,
}

impl Processes {
    pub fn new(
        db: Db,
        clock: Clock,
        events: Events,
        projects: Projects,
        runtimes: Runtimes,
        policies: Policies,
    ) -> Self {
        Self { store: Store::new(db), clock, events, projects, runtimes, policies }
    }

    /// Starts it; the same once more is no error.
    pub async fn start(
        &self,
        permit: &Permit,
        project: &Project,
        new: NewProcess,
    ) -> Result<Process, Error> {
        if new.command.trim().is_empty() {
            return Err(Error::Invalid("the command is empty".to_owned()));
        }
        let decision = self.judge(permit, project, &new).await?;
        if !decision.allow {
            return Err(Error::Denied(Box::new(decision)));
        }
        let state = self.start_in_runtime(&project.id, &new).await?;
        self.runtimes.touch(&project.id, Cause::Process);
        self.store.put(&project.id, &new, self.clock.now_us()).await?;
        let NewProcess { command, port, restart } = new;
        Ok(Process { command, port, restart, state: Some(state) })
    }

    async fn start_in_runtime(
        &self,
        project: &ProjectId,
        new: &NewProcess,
    ) -> Result<ProcessState, Error> {
        let env = new.port.map(|port| ("PORT".to_owned(), port.to_string()));
        let start = StartProcess {
            command: Command::Shell(new.command.clone()),
            cwd: None,
            env: env.into_iter().collect::<BTreeMap<_, _>>(),
            restart: new.restart,
        };
        // One that runs already as it should is no second one.
        let start = &start;
        let begin = |link: Link| async move { link.start_process(start.clone()).await };
        self.runtimes.ask(project, begin).await?.map_err(|error| match error {
            LinkError::AlreadyRunning(other) => Error::AlreadyRunning(Box::new(described(&other))),
            LinkError::NotStarted(text) => Error::NotStarted(text),
            LinkError::Refused(text) => Error::Invalid(text),
            other => Error::Link(other),
        })
    }

    /// What should run, and what does.
    pub async fn find(&self, project: &Project) -> Result<Process, Error> {
        let NewProcess { command, port, restart } =
            self.store.find(&project.id).await?.ok_or(Error::NotFound)?;
        let state = match self.in_runtime(&project.id).await {
            Ok(found) => found.map_err(Error::Link)?,
            Err(runtimes::Error::NotRunning(_) | runtimes::Error::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Process { command, port, restart, state })
    }

    /// The port on which the project's process was told to listen.
    pub async fn port(&self, project: &ProjectId) -> Result<Option<u16>, Error> {
        Ok(self.store.find(project).await?.and_then(|process| process.port))
    }

    /// Ends it: first asked, then, after a grace, made to. Ending what does not
    /// run is no error.
    pub async fn stop(&self, _permit: &Permit, project: &Project) -> Result<(), Error> {
        self.store.delete(&project.id).await?;
        let stop = |link: Link| async move { link.stop_process(STOP_GRACE).await };
        match self.runtimes.ask(&project.id, stop).await {
            Ok(stopped) => stopped.map(|_| ()).map_err(Error::Link),
            Err(runtimes::Error::NotRunning(_) | runtimes::Error::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Its log from sequence number `since` on.
    pub async fn logs(
        &self,
        project: &Project,
        since: Option<u64>,
        follow: bool,
    ) -> Result<LogStream, Error> {
        let read = |link: Link| async move { link.process_logs(since, follow).await };
        self.runtimes.ask(&project.id, read).await?.map_err(|error| match error {
            LinkError::NotFound(_) => Error::NotFound,
            other => Error::Link(other),
        })
    }

    /// Gives every runtime that comes up the process it should have, until the
    /// server ends.
    pub async fn follow_runtimes(self) {
        let mut events = self.events.subscribe(None);
        while let Some(event) = events.next().await {
            let up = matches!(event.what, What::Runtime { status: "running", .. });
            let Some(about) = event.about.filter(|_| up) else { continue };
            let found = self.projects.find_named(&about).await;
            let restored = match found {
                Ok(Some(project)) => self.restore(&project.id).await,
                Ok(None) => continue,
                Err(error) => Err(Error::Db(error)),
            };
            if let Err(error) = restored {
                tracing::warn!(project = %about.project, %error, "a process was not restarted");
            }
        }
    }

    async fn restore(&self, project: &ProjectId) -> Result<(), Error> {
        let Some(wanted) = self.store.find(project).await? else { return Ok(()) };
        if self.in_runtime(project).await?.map_err(Error::Link)?.is_none() {
            self.start_in_runtime(project, &wanted).await?;
        }
        Ok(())
    }

    async fn in_runtime(
        &self,
        project: &ProjectId,
    ) -> Result<Result<Option<ProcessState>, LinkError>, runtimes::Error> {
        let find = |link: Link| async move { link.process().await };
        self.runtimes.ask(project, find).await
    }

    async fn judge(
        &self,
        permit: &Permit,
        project: &Project,
        new: &NewProcess,
    ) -> Result<Decision, Error> {
        let runtime = self.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
        let caller = permit.caller();
        let request = Request {
            command: new.command.clone(),
            argv: None,
            cwd: String::new(),
            env_names: new.port.map(|_| "PORT".to_owned()).into_iter().collect(),
            channel: Channel::Process,
            caller: caller.user.id.clone(),
            caller_role: caller.user.role,
            project: project.id.clone(),
            project_name: project.name.clone(),
            kind: project.kind,
            network: runtime.settings.network,
            request_id: RequestId::clone(&caller.request_id),
        };
        let decision = self.policies.decide(&request).await;
        decision.dissent().into_iter().for_each(|dissent| permit.note(dissent));
        Ok(decision)
    }
}

fn described(state: &ProcessState) -> NewProcess {
    let port = state.start.env.get("PORT").and_then(|port| port.parse().ok());
    NewProcess {
        command: match &state.start.command {
            Command::Shell(text) => text.clone(),
            Command::Argv(words) => words.join(" "),
        },
        port,
        restart: state.start.restart,
    }
}
