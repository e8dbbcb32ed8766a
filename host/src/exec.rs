//! Room: one short-lived command in a project's runtime. Each is judged by the
//! policies first; a refused one never starts.
//!
//! ```text
//!   asked ──► refused
//!     └─────► running ──► ended: exited, signalled, timeout, cancelled
//!                └──────► lost: its runtime ended first
//! ```
//!
//! A command runs in the supervisor, not here. So whoever knows its id can follow it
//! ([`running`]), from whichever server and after any restart, as long as the
//! supervisor remembers it; how it ended is in the database ([`history`]) for as long as
//! the operator wants it kept ([`retain`]).

mod changes;
mod history;
mod output;
mod retain;
mod running;
mod signal;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::{ExecStream, Link};
use lockhouse_supervisor::protocol::{self, ExecId};
use serde::Deserialize;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

pub use changes::{Changes, MAX_CHANGES, Track};
pub use history::{Ended, Entry, MAX_PAGE, Search, State};
pub use lockhouse_supervisor::client::ExecStdin;
pub use lockhouse_supervisor::protocol::{Command, Exit, ExitReason, OutputStream, SessionState};
pub use output::{Kept, Output};
pub use running::{Ending, Event, Running};
pub use signal::Signal;

use crate::auth::Caller;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::files::Files;
use crate::gate::Permit;
use crate::ids::{CommandId, ProjectId};
use crate::policy::{Channel, Decision, Policies, Request};
use crate::projects::Project;
use crate::runtimes::activity::Cause;
use crate::runtimes::{self, Runtime, Runtimes};
use crate::tasks::Tasks;
use crate::traces::SPANS;
use changes::Tracking;
use store::{Asked, Store};

/// The longest input that a request may give to a command at its start.
pub const MAX_STDIN_BYTES: usize = 1024 * 1024;

/// How a command ended that could not begin, as a shell would say it.
const NOT_STARTED: Exit =
    Exit { code: Some(127), signal: None, reason: ExitReason::Exited, duration_ms: 0 };

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many days a project's history of commands is kept.
    pub keep_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { keep_days: 90 }
    }
}

impl Config {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if self.keep_days == 0 {
            return Err("exec.keep_days: keep commands for at least one day".to_owned());
        }
        Ok(())
    }
}

/// A command that somebody wants to run.
#[derive(Debug, Clone)]
pub struct NewExec {
    pub command: Command,
    /// Shorter than the runtime's own, if at all.
    pub timeout: Option<Duration>,
    /// Relative to the workspace; without it, where the session is.
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub stdin: Option<Bytes>,
    /// Whether more input may come later.
    pub stdin_open: bool,
    pub channel: Channel,
    /// Whether it goes on when nobody listens.
    pub detach: bool,
    /// The shell session that it goes on from and leaves its mark on.
    pub session: Option<String>,
    pub track: Track,
}

impl NewExec {
    /// In the workspace, with nothing given to it.
    pub fn new(command: Command, channel: Channel) -> Self {
        Self {
            command,
            timeout: None,
            cwd: None,
            env: BTreeMap::new(),
            stdin: None,
            stdin_open: false,
            channel,
            detach: false,
            session: None,
            track: Track::No,
        }
    }
}

/// A command, what was decided on it, and where it would run.
#[derive(Debug)]
pub struct Judged {
    new: NewExec,
    decision: Decision,
    runtime: Runtime,
    session: Option<SessionState>,
    tracking: Option<Tracking>,
    /// In which it is traced.
    span: Span,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", .0.reason)]
    Denied(Box<Decision>),
    /// The request itself is wrong; the text says how.
    #[error("{0}")]
    Invalid(String),
    /// There is no such program, or it may not be run.
    #[error("{0}")]
    NotStarted(String),
    #[error("there is no command “{0}” in this project")]
    NotFound(String),
    #[error("the command has ended")]
    Ended,
    #[error(
        "the command takes no input, not any more, or from somebody else now; start it with \
         `stdin_open`"
    )]
    NoInput,
    #[error("a command runs in the session “{0}”; wait for its end, or use another session")]
    SessionBusy(String),
    #[error("the runtime ended before the command's end was told")]
    Lost,
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What the room is built from.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub tasks: Tasks,
    pub files: Files,
    pub runtimes: Runtimes,
    pub policies: Policies,
}

/// Runs commands. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Exec {
    store: Store,
    clock: Clock,
    tasks: Tasks,
    files: Files,
    runtimes: Runtimes,
    policies: Policies,
}

impl Exec {
    pub fn new(parts: Parts) -> Self {
        let Parts { db, clock, tasks, files, runtimes, policies } = parts;
        Self { store: Store::new(db), clock, tasks, files, runtimes, policies }
    }

    /// Judges the command and, if it may run, starts it.
    pub async fn start(
        &self,
        permit: &Permit,
        project: &Project,
        new: NewExec,
    ) -> Result<Running, Error> {
        let judged = self.judge(permit.caller(), project, new).await?;
        self.start_judged(permit, project, judged).await
    }

    /// Finds out what can be known of a command before there is leave to start it.
    pub async fn judge(
        &self,
        caller: &Caller,
        project: &Project,
        new: NewExec,
    ) -> Result<Judged, Error> {
        let span = tracing::info_span!(
            target: SPANS,
            "exec",
            lockhouse.project = %project.id,
            lockhouse.command_id = Empty,
            lockhouse.allowed = Empty,
            process.exit.code = Empty,
        );
        let judged = self.look_at(caller, project, new).instrument(span.clone()).await?;
        span.record("lockhouse.allowed", judged.decision.allow);
        Ok(Judged { span, ..judged })
    }

    /// Starts the command, if its judges let it.
    pub async fn start_judged(
        &self,
        permit: &Permit,
        project: &Project,
        judged: Judged,
    ) -> Result<Running, Error> {
        let span = judged.span.clone();
        let started = self.begin(permit, project, judged).instrument(span.clone()).await?;
        span.record("lockhouse.command_id", started.id.as_str());
        Ok(started.in_span(span))
    }

    async fn look_at(
        &self,
        caller: &Caller,
        project: &Project,
        new: NewExec,
    ) -> Result<Judged, Error> {
        check_cwd(new.cwd.as_deref())?;
        let runtime = self.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
        let session = self.session(project, new.session.as_deref()).await?;
        let (decision, tracking) = tokio::join!(
            self.decide(caller, project, (&runtime, session.as_ref()), &new),
            Tracking::begin(&self.files, &self.tasks, project, new.track),
        );
        let span = Span::none();
        Ok(Judged { decision: decision?, runtime, session, tracking, new, span })
    }

    async fn begin(
        &self,
        permit: &Permit,
        project: &Project,
        judged: Judged,
    ) -> Result<Running, Error> {
        let Judged { decision, runtime, session, tracking, new, .. } = judged;
        decision.dissent().into_iter().for_each(|dissent| permit.note(dissent));
        let (id, shown) = (CommandId::generate(), shown(&new.command));
        let asked = Asked {
            id: &id,
            project,
            permit,
            new: &new,
            cwd: cwd(&new, session.as_ref()),
            shown: &shown,
            decision: &decision,
            now_us: self.clock.now_us(),
        };
        self.store.insert(asked).await?;
        if !decision.allow {
            count("refused");
            return Err(Error::Denied(Box::new(decision)));
        }
        let most = Duration::from_secs(runtime.settings.command_timeout);
        let (track, session) = (new.track, new.session.clone());
        let stream = match self.launch(&project.id, &id, most, new).await {
            Err(error @ (Error::NotStarted(_) | Error::Invalid(_))) => {
                count("not-started");
                self.store.finish(&id, &NOT_STARTED, None).await?;
                return Err(error);
            }
            launched => launched?,
        };
        let used = self.runtimes.begin_use(&project.id, Cause::Exec);
        let running = Running::begin(self.clone(), project.clone(), (id, shown), stream, used);
        Ok(running.in_session(session).tracked(track, tracking))
    }

    /// Where a session's next command will begin.
    async fn session(
        &self,
        project: &Project,
        name: Option<&str>,
    ) -> Result<Option<SessionState>, Error> {
        let Some(name) = name else { return Ok(None) };
        let find = |link: Link| async move { link.session(name).await };
        let state = self.runtimes.ask(&project.id, find).await?.map_err(link_error)?;
        if state.busy { Err(Error::SessionBusy(name.to_owned())) } else { Ok(Some(state)) }
    }

    async fn decide(
        &self,
        caller: &Caller,
        project: &Project,
        (runtime, session): (&Runtime, Option<&SessionState>),
        new: &NewExec,
    ) -> Result<Decision, Error> {
        let argv = match &new.command {
            Command::Argv(argv) if argv.is_empty() => {
                return Err(Error::Invalid("argv is empty; name a program".to_owned()));
            }
            Command::Argv(argv) => Some(argv.clone()),
            Command::Shell(text) if text.trim().is_empty() => {
                return Err(Error::Invalid("the command is empty".to_owned()));
            }
            Command::Shell(_) => None,
        };
        let left = session.map(|session| session.variables.clone()).unwrap_or_default();
        let request = Request {
            command: shown(&new.command),
            argv,
            cwd: cwd(new, session).to_owned(),
            env_names: new.env.keys().cloned().chain(left).collect(),
            channel: new.channel,
            caller: caller.user.id.clone(),
            caller_role: caller.user.role,
            project: project.id.clone(),
            project_name: project.name.clone(),
            kind: project.kind,
            network: runtime.settings.network,
            request_id: caller.request_id.clone(),
        };
        Ok(self.policies.decide(&request).await)
    }

    async fn launch(
        &self,
        project: &ProjectId,
        id: &CommandId,
        most: Duration,
        new: NewExec,
    ) -> Result<ExecStream, Error> {
        let link = self.runtimes.link(project).await?;
        let timeout = new.timeout.map_or(most, |asked| asked.min(most));
        let exec = protocol::Exec {
            cwd: new.cwd,
            env: new.env,
            stdin: new.stdin.is_some() || new.stdin_open,
            timeout_ms: Some(timeout.as_millis().try_into().unwrap_or(u64::MAX)),
            detach: new.detach,
            session: new.session,
            ..protocol::Exec::new(id.as_str(), new.command)
        };
        if new.stdin.as_ref().is_some_and(|stdin| stdin.len() > MAX_STDIN_BYTES) {
            let too_much = format!("stdin is over {MAX_STDIN_BYTES} bytes; use a file");
            return Err(Error::Invalid(too_much));
        }
        let mut stream = match link.exec(exec).await {
            // Never sent twice: it may have begun all the same.
            Err(LinkError::Closed) => self.attach(project, id, 0).await?,
            begun => begun.map_err(link_error)?,
        };
        if let Some(stdin) = new.stdin {
            feed(&mut stream, stdin, new.stdin_open).await;
        }
        Ok(stream)
    }

    /// Takes up a command whose link broke.
    async fn attach(
        &self,
        project: &ProjectId,
        id: &CommandId,
        since: u64,
    ) -> Result<ExecStream, Error> {
        let id = &ExecId(id.to_string());
        let attach = |link: Link| async move { link.attach_exec(id.clone(), since).await };
        self.runtimes.ask(project, attach).await?.map_err(lost)
    }
}

/// What keeps one from a command that was there.
fn lost(error: LinkError) -> Error {
    match error {
        LinkError::NotFound(_) => Error::Lost,
        error => link_error(error),
    }
}

/// How a command ended, in one of a few words.
fn count(outcome: &'static str) {
    metrics::counter!("execs_total", "outcome" => outcome).increment(1);
}

/// Relative to the workspace, or absolute where a session has left it.
fn cwd<'a>(new: &'a NewExec, session: Option<&'a SessionState>) -> &'a str {
    let session = session.map_or("", |session| session.cwd.as_str());
    new.cwd.as_deref().unwrap_or(session)
}

/// A program may end without reading its input; that is its own affair.
async fn feed(stream: &mut ExecStream, stdin: Bytes, more: bool) {
    if !stdin.is_empty() && stream.write(stdin).await.is_err() {
        return;
    }
    let _ = if more { stream.leave_stdin().await } else { stream.close_stdin().await };
}

fn check_cwd(cwd: Option<&str>) -> Result<(), Error> {
    let inside = cwd.is_none_or(|cwd| {
        use std::path::{Component, Path};
        Path::new(cwd)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    });
    if inside {
        Ok(())
    } else {
        Err(Error::Invalid("cwd: name a directory relative to the workspace, without “..”".into()))
    }
}

fn link_error(error: LinkError) -> Error {
    match error {
        LinkError::NotStarted(text) => Error::NotStarted(text),
        LinkError::Refused(text) => Error::Invalid(text),
        other => Error::Link(other),
    }
}

/// The command as text.
fn shown(command: &Command) -> String {
    match command {
        Command::Shell(text) => text.clone(),
        Command::Argv(words) => shell_text(words),
    }
}

/// Words as one text, quoted as a shell would need them.
pub fn shell_text(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_so_that_a_shell_reads_them_back() {
        let argv = ["echo", "a b", "it's", ""].map(str::to_owned).to_vec();
        assert_eq!(shown(&Command::Argv(argv)), r"echo 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_working_directory_above_the_workspace_is_refused() {
        assert!(check_cwd(Some("../x")).is_err());
        assert!(check_cwd(Some("/etc")).is_err());
        assert!(check_cwd(Some("src/app")).is_ok());
    }
}
