//! Room: terminals, for trusted people: raw, interactive, unfiltered.
//!
//! A session lives in the supervisor with its scrollback, so it outlasts every
//! connection and the host itself. All who attach to one name share it.

mod ending;
mod seats;
mod store;
mod tickets;

use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::protocol::{
    AttachTerminal, MAX_NAME_BYTES, MAX_TERMINAL_SIDE, OpenTerminal,
};

use lockhouse_supervisor::client::{self, Link};

pub use lockhouse_supervisor::client::{TerminalEvent, TerminalOutput};
pub use lockhouse_supervisor::protocol::TerminalState;

pub use ending::{Ending, exit_code};
pub use seats::Seat;
pub use tickets::{Admission, TICKET_LIFETIME};

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::gate::Permit;
use crate::ids::{ProjectId, UserId};
use crate::projects::Project;
use crate::runtimes::activity::Cause;
use crate::runtimes::{self, Runtimes};
use crate::secret::NoRandomness;
use seats::Seats;
use store::Store;

/// The session that a project's terminal is, unless another is named.
pub const SHARED_SESSION: &str = "main";

/// The longest that a client and a server may be silent; some who stand between them
/// cut off after half a minute.
const MOST_HEARTBEAT: u64 = 25;

/// Most clients of one project: the link has room for other streams besides.
const MOST_CLIENTS: usize = 400;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Sessions of one project.
    pub max_per_project: usize,
    /// Clients that look at one project's terminals at once, on one server.
    pub max_clients_per_project: usize,
    /// Clients of one user, on one server.
    pub max_clients_per_user: usize,
    /// Seconds after which a client is asked whether it is there. One that answers
    /// nothing three times in a row is sent away.
    pub heartbeat: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_per_project: 4,
            max_clients_per_project: 256,
            max_clients_per_user: 1024,
            heartbeat: 20,
        }
    }
}

impl Config {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MOST_HEARTBEAT).contains(&self.heartbeat) {
            return Err(format!(
                "terminals.heartbeat: use 1 to {MOST_HEARTBEAT} seconds; what is silent for \
                 longer may be cut off by who stands between"
            ));
        }
        if self.max_clients_per_project > MOST_CLIENTS {
            return Err(format!("terminals.max_clients_per_project: use at most {MOST_CLIENTS}"));
        }
        Ok(())
    }
}

/// What looks at a session.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// None: a new session has the usual one, and an open one keeps its own.
    pub size: Option<Size>,
    /// None: all that is kept of the output, and then the screen.
    pub since: Option<u64>,
    /// The output that `since` counts in.
    pub output: Option<String>,
    /// Sends the other clients away.
    pub alone: bool,
    /// Who types, where keys are numbered: what comes again is not typed twice.
    pub typist: Option<String>,
}

/// A client's place before a session.
#[derive(Debug)]
pub struct Attached {
    pub input: TerminalInput,
    pub output: TerminalOutput,
    /// Its place among the clients, to be kept as long as it is one.
    pub seat: Seat,
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
    /// Whose, and how many.
    #[error("{0} may have {1} clients at terminals at once; disconnect one first")]
    TooManyClients(&'static str, usize),
    #[error("too many tickets wait to be used; use one, or wait a minute")]
    TooManyTickets,
    #[error("{0}")]
    Invalid(String),
    #[error("there is no such terminal")]
    NotFound,
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
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
    clock: Clock,
    store: Store,
    seats: Seats,
}

impl Terminals {
    pub fn new(db: Db, clock: Clock, runtimes: Runtimes, config: Config) -> Self {
        Self { runtimes, config, clock, store: Store::new(db), seats: Seats::default() }
    }

    /// How often a client is asked whether it is there.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.config.heartbeat)
    }

    /// Opens the session, or finds it open, and attaches to it.
    pub async fn attach(
        &self,
        permit: &Permit,
        project: &Project,
        session: &str,
        look: Look,
    ) -> Result<Attached, Error> {
        check_name(session)?;
        look.size.map_or(Ok(()), check_size)?;
        let seat = self.seats.take(&project.id, &permit.caller().user.id, &self.config)?;
        let link = self.runtimes.link(&project.id).await?;
        let open = link.terminals().await?;
        let alive = open.iter().filter(|state| state.exit.is_none());
        if !open.iter().any(|state| state.session == session)
            && alive.count() >= self.config.max_per_project
        {
            return Err(Error::TooMany(self.config.max_per_project));
        }
        let mut wanted = OpenTerminal { session: session.to_owned(), ..OpenTerminal::default() };
        if let Some(Size { cols, rows }) = look.size {
            (wanted.cols, wanted.rows) = (cols, rows);
        }
        link.open_terminal(wanted).await?;
        let attach = AttachTerminal {
            output: look.output,
            size: look.size.map(|size| (size.cols, size.rows)),
            alone: look.alone,
            snapshot: true,
            typist: look.typist,
            ..AttachTerminal::new(session, look.since)
        };
        let (input, output) = self.attached(project, link.attach_terminal(attach).await?);
        Ok(Attached { input, output, seat })
    }

    /// Attaches again after the link to the runtime broke, where the session is the
    /// same as before.
    pub async fn resume(
        &self,
        project: &Project,
        session: &str,
        look: Look,
    ) -> Result<(TerminalInput, TerminalOutput), Error> {
        let link = self.runtimes.link(&project.id).await?;
        let open = link.terminals().await?;
        let same = |state: &TerminalState| {
            state.session == session && look.output.as_ref().is_none_or(|old| *old == state.output)
        };
        if !open.iter().any(same) {
            return Err(Error::NotFound);
        }
        let attach = AttachTerminal {
            output: look.output,
            snapshot: true,
            typist: look.typist,
            ..AttachTerminal::new(session, look.since)
        };
        Ok(self.attached(project, link.attach_terminal(attach).await?))
    }

    fn attached(
        &self,
        project: &Project,
        (to, output): (client::TerminalInput, TerminalOutput),
    ) -> (TerminalInput, TerminalOutput) {
        let (runtimes, project) = (self.runtimes.clone(), project.id.clone());
        (TerminalInput { to, runtimes, project }, output)
    }

    /// Gives a session another size, whatever sizes its clients have.
    pub async fn resize(
        &self,
        _permit: &Permit,
        project: &Project,
        session: &str,
        size: Size,
    ) -> Result<TerminalState, Error> {
        check_name(session)?;
        check_size(size)?;
        let size = (size.cols, size.rows);
        let resize = |link: Link| async move { link.resize_terminal(session, size).await };
        Ok(self.runtimes.ask(&project.id, resize).await??)
    }

    pub async fn list(&self, project: &Project) -> Result<Vec<TerminalState>, Error> {
        let list = |link: Link| async move { link.terminals().await };
        Ok(self.runtimes.ask(&project.id, list).await??)
    }

    pub async fn close(
        &self,
        _permit: &Permit,
        project: &Project,
        session: &str,
    ) -> Result<(), Error> {
        check_name(session)?;
        let close = |link: Link| async move { link.close_terminal(session).await };
        match self.runtimes.ask(&project.id, close).await? {
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

    /// Keys with the number of the first, from who attached with a typist.
    pub async fn write_numbered(&mut self, seq: u64, bytes: Bytes) -> Result<(), LinkError> {
        self.runtimes.touch(&self.project, Cause::Terminal);
        self.to.write_numbered(seq, bytes).await
    }

    pub async fn resize(&mut self, cols: u16, rows: u16) -> Result<(), LinkError> {
        self.to.resize(cols, rows).await
    }

    /// Says that all output before `seq` was taken, so that more may come.
    pub async fn ack(&mut self, seq: u64) -> Result<(), LinkError> {
        self.to.ack(seq).await
    }

    /// Keystrokes that the program has not made room for yet.
    pub fn waiting_bytes(&self) -> usize {
        self.to.waiting_bytes()
    }

    /// Whether anything was handed over that has not gone out, because nobody waited
    /// until it had.
    pub fn is_waiting(&self) -> bool {
        self.to.is_waiting()
    }

    /// Sends what waits.
    pub async fn flush(&mut self) -> Result<(), LinkError> {
        self.to.flush().await
    }
}

/// Who types: one client of one user, over all of its connections.
pub fn typist(user: &UserId, client: &str) -> Result<String, Error> {
    check_plain("client", client)?;
    Ok(format!("{user}/{client}"))
}

/// A size that a terminal can have.
pub fn check_size(size: Size) -> Result<(), Error> {
    let sides = 1..=MAX_TERMINAL_SIDE;
    if sides.contains(&size.cols) && sides.contains(&size.rows) {
        return Ok(());
    }
    Err(Error::Invalid(format!("cols and rows: use 1 to {MAX_TERMINAL_SIDE}")))
}

fn check_name(session: &str) -> Result<(), Error> {
    check_plain("session", session)
}

fn check_plain(what: &str, name: &str) -> Result<(), Error> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits {
        Ok(())
    } else {
        Err(Error::Invalid(format!(
            "{what}: use 1 to {MAX_NAME_BYTES} letters, digits, “-” or “_”"
        )))
    }
}
