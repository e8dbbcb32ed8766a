//! Room: terminals, for trusted people: raw, interactive, unfiltered.
//!
//! A session lives in the supervisor with its scrollback, so it outlasts every
//! connection and the host itself. All who attach to one name share it.

use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::protocol::{MAX_NAME_BYTES, OpenTerminal};

use lockhouse_supervisor::client;

pub use lockhouse_supervisor::client::{TerminalEvent, TerminalOutput};
pub use lockhouse_supervisor::protocol::TerminalState;

use bytes::Bytes;
use serde::Deserialize;

use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::projects::Project;
use crate::runtimes::activity::Cause;
use crate::runtimes::{self, Runtimes};

/// The session that a project's terminal is, unless another is named.
pub const SHARED_SESSION: &str = "main";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub max_per_project: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_per_project: 4 }
    }
}

/// Size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub cols: u16,
    pub rows: u16,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the project has {0} terminals already; close one first")]
    TooMany(usize),
    #[error("{0}")]
    Invalid(String),
    #[error("there is no such terminal")]
    NotFound,
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NotFound(_) => Self::NotFound,
            LinkError::Refused(text) | LinkError::NotStarted(text) => Self::Invalid(text),
            other => Self::Link(other),
        }
    }
}

/// The terminals of all projects. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Terminals {
    runtimes: Runtimes,
    config: Config,
}

impl Terminals {
    pub fn new(runtimes: Runtimes, config: Config) -> Self {
        Self { runtimes, config }
    }

    /// Opens the session, or finds it open, and attaches to it from sequence
    /// number `since` on, or from the oldest output that is kept.
    pub async fn attach(
        &self,
        _permit: &Permit,
        project: &Project,
        session: &str,
        size: Size,
        since: Option<u64>,
    ) -> Result<(TerminalInput, TerminalOutput), Error> {
        check_name(session)?;
        let link = self.runtimes.link(&project.id).await?;
        let open = link.terminals().await?;
        let alive = open.iter().filter(|state| state.exit.is_none());
        if !open.iter().any(|state| state.session == session)
            && alive.count() >= self.config.max_per_project
        {
            return Err(Error::TooMany(self.config.max_per_project));
        }
        let Size { cols, rows } = size;
        let wanted =
            OpenTerminal { session: session.to_owned(), cols, rows, ..OpenTerminal::default() };
        link.open_terminal(wanted).await?;
        self.attached(project, link.attach_terminal(session, since).await?)
    }

    /// Attaches again after the link to the runtime broke.
    pub async fn resume(
        &self,
        project: &Project,
        session: &str,
        since: u64,
    ) -> Result<(TerminalInput, TerminalOutput), Error> {
        let link = self.runtimes.link(&project.id).await?;
        self.attached(project, link.attach_terminal(session, Some(since)).await?)
    }

    fn attached(
        &self,
        project: &Project,
        (to, output): (client::TerminalInput, TerminalOutput),
    ) -> Result<(TerminalInput, TerminalOutput), Error> {
        let (runtimes, project) = (self.runtimes.clone(), project.id.clone());
        Ok((TerminalInput { to, runtimes, project }, output))
    }

    pub async fn list(&self, project: &Project) -> Result<Vec<TerminalState>, Error> {
        let link = self.runtimes.link(&project.id).await?;
        Ok(link.terminals().await?)
    }

    pub async fn close(
        &self,
        _permit: &Permit,
        project: &Project,
        session: &str,
    ) -> Result<(), Error> {
        check_name(session)?;
        let link = self.runtimes.link(&project.id).await?;
        match link.close_terminal(session).await {
            Ok(()) | Err(LinkError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The way of one client's keystrokes. Each counts as a use of the runtime.
#[derive(Debug)]
pub struct TerminalInput {
    to: client::TerminalInput,
    runtimes: Runtimes,
    project: ProjectId,
}

impl TerminalInput {
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), LinkError> {
        self.runtimes.touch(&self.project, Cause::Terminal);
        self.to.write(bytes).await
    }

    pub async fn resize(&mut self, cols: u16, rows: u16) -> Result<(), LinkError> {
        self.to.resize(cols, rows).await
    }

    /// Says that all output before `seq` was taken, so that more may come.
    pub async fn ack(&mut self, seq: u64) -> Result<(), LinkError> {
        self.to.ack(seq).await
    }
}

fn check_name(session: &str) -> Result<(), Error> {
    let fits = (1..=MAX_NAME_BYTES).contains(&session.len())
        && session.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits {
        Ok(())
    } else {
        Err(Error::Invalid(format!(
            "session: use 1 to {MAX_NAME_BYTES} letters, digits, “-” or “_”"
        )))
    }
}
