//! Room previews: which port a preview shows, and whether there is something to see.

use std::time::Duration;

use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::{Link, Tunnel};

use super::{Error, Previews};
use crate::ids::ProjectId;
use crate::processes::{self, LogEvent, ProcessStatus};
use crate::projects::Project;
use crate::runtimes::{self, state};

/// How long a process that does not listen yet is said to be starting.
const STARTING: Duration = Duration::from_secs(60);

/// How much of a log's end is shown where nothing answers.
const LOG_TAIL_BYTES: u64 = 8 * 1024;
const LOG_TAIL_LINES: usize = 20;

/// Whether there is something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Somebody listens.
    Running,
    /// Nobody does, but the runtime or its process started a moment ago.
    Starting,
    /// Nobody does.
    NotListening,
    /// There is no runtime that runs.
    Stopped,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::NotListening => "not_listening",
            Self::Stopped => "stopped",
        }
    }
}

impl Previews {
    /// The port that a preview shows: the one asked for, the process's, or the
    /// first exposed one on which somebody listens.
    pub async fn port(&self, project: &ProjectId, asked: Option<u16>) -> Result<u16, Error> {
        if let Some(port) = asked {
            return Ok(port);
        }
        if let Some(port) = self.processes.port(project).await? {
            return Ok(port);
        }
        let listening = self.listening_now(project).await?.map_err(Error::Link)?;
        let runtime = self.runtimes.find(project).await?.ok_or(runtimes::Error::NotFound)?;
        let exposed = runtime.settings.exposed_ports;
        exposed.into_iter().find(|port| listening.contains(port)).ok_or(Error::NotListening(None))
    }

    /// A connection to the port.
    pub(super) async fn dial(&self, project: &ProjectId, port: u16) -> Result<Tunnel, Error> {
        let dial = |link: Link| async move { link.dial(port).await };
        self.runtimes.ask(project, dial).await?.map_err(|error| match error {
            LinkError::NotFound(_) | LinkError::Refused(_) | LinkError::NotStarted(_) => {
                Error::NotListening(Some(port))
            }
            other => Error::Link(other),
        })
    }

    /// The ports on which somebody in the runtime listens; none where it does not run.
    pub async fn listening(&self, project: &ProjectId) -> Result<Vec<u16>, Error> {
        match self.listening_now(project).await {
            Ok(found) => found.map_err(Error::Link),
            Err(runtimes::Error::NotRunning(_) | runtimes::Error::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    async fn listening_now(
        &self,
        project: &ProjectId,
    ) -> Result<Result<Vec<u16>, LinkError>, runtimes::Error> {
        let list = |link: Link| async move { link.ports().await };
        self.runtimes.ask(project, list).await
    }

    /// The port that a preview would show, if it can be told, and whether there is
    /// something to look at.
    pub async fn status(
        &self,
        project: &Project,
        asked: Option<u16>,
    ) -> Result<(Option<u16>, Status), Error> {
        let runtime = self.runtimes.find(&project.id).await?;
        let status = runtime.map_or(state::Status::Absent, |runtime| runtime.status);
        match status {
            state::Status::Running => {}
            state::Status::Creating | state::Status::Restarting => {
                return Ok((asked, Status::Starting));
            }
            _ => return Ok((asked, Status::Stopped)),
        }
        let listening = self.listening(&project.id).await?;
        let port = match self.port(&project.id, asked).await {
            Ok(port) => Some(port),
            Err(Error::NotListening(_)) => None,
            Err(error) => return Err(error),
        };
        if port.is_some_and(|port| listening.contains(&port)) {
            return Ok((port, Status::Running));
        }
        let starting = self.is_starting(project, port).await?;
        Ok((port, if starting { Status::Starting } else { Status::NotListening }))
    }

    /// Whether the process that would listen there began a moment ago.
    async fn is_starting(&self, project: &Project, port: Option<u16>) -> Result<bool, Error> {
        let process = match self.processes.find(project).await {
            Ok(process) => process,
            Err(processes::Error::NotFound) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let Some(state) = process.state else { return Ok(true) };
        let concerned = process.port.is_none() || port.is_none() || process.port == port;
        let young = u128::from(state.running_ms) < STARTING.as_millis();
        Ok(concerned
            && match state.status {
                ProcessStatus::Running => young,
                ProcessStatus::Waiting => true,
                ProcessStatus::Stopping | ProcessStatus::Ended => false,
            })
    }

    /// The last lines of the process's log; empty where there is none.
    pub async fn log_tail(&self, project: &Project) -> Result<String, Error> {
        let process = self.processes.find(project).await?;
        let Some(state) = process.state else { return Ok(String::new()) };
        let since = state.log_end_seq.saturating_sub(LOG_TAIL_BYTES);
        let mut log = self.processes.logs(project, Some(since), false).await?;
        let mut bytes = Vec::new();
        while let Some(event) = log.next().await {
            if let LogEvent::Output { bytes: more, .. } = event.map_err(Error::Link)? {
                bytes.extend_from_slice(&more);
            }
            // It may have grown since.
            if bytes.len() as u64 > 2 * LOG_TAIL_BYTES {
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        Ok(lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n"))
    }
}
