//! Room: one short-lived command in a project's runtime. Each is judged by the
//! policies first; a refused one never starts.

mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::{ExecEvent, ExecStream};
use lockhouse_supervisor::protocol;

pub use lockhouse_supervisor::protocol::{Command, Exit, ExitReason, OutputStream};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::gate::Permit;
use crate::ids::CommandId;
use crate::policy::{Channel, Decision, Policies, Request};
use crate::projects::Project;
use crate::runtimes::activity::{Cause, Use};
use crate::runtimes::{self, Runtime, Runtimes};
use store::{Asked, Store};

/// The longest input that a request may give to a command.
pub const MAX_STDIN_BYTES: usize = 1024 * 1024;

/// A command that somebody wants to run.
#[derive(Debug, Clone)]
pub struct NewExec {
    pub command: Command,
    /// Shorter than the runtime's own, if at all.
    pub timeout: Option<Duration>,
    /// Relative to the workspace.
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub stdin: Option<Bytes>,
    pub channel: Channel,
    /// Whether it goes on when nobody listens.
    pub detach: bool,
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
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Runs commands. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Exec {
    store: Store,
    clock: Clock,
    runtimes: Runtimes,
    policies: Policies,
}

/// A command that runs. Dropping it ends the command, unless it is detached.
#[derive(Debug)]
pub struct Running {
    pub id: CommandId,
    /// As it is shown: the text, or the words quoted.
    pub command: String,
    stream: ExecStream,
    seen: u64,
    room: Exec,
    project: Project,
    /// The runtime is in use until the command ends, or nobody follows it.
    _use: Use,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Output {
        stream: OutputStream,
        bytes: Bytes,
    },
    /// So many bytes were dropped while the host was away.
    Skipped {
        bytes: u64,
    },
    /// The last one.
    Exit(Exit),
}

/// All that a command printed, kept up to a bound.
#[derive(Debug, Clone, Default)]
pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub truncated: bool,
    pub exit: Option<Exit>,
}

impl Exec {
    pub fn new(db: Db, clock: Clock, runtimes: Runtimes, policies: Policies) -> Self {
        Self { store: Store::new(db), clock, runtimes, policies }
    }

    /// Judges the command and, if it may run, starts it.
    pub async fn start(
        &self,
        permit: &Permit,
        project: &Project,
        new: NewExec,
    ) -> Result<Running, Error> {
        check_cwd(new.cwd.as_deref())?;
        let runtime = self.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
        let decision = self.judge(permit, project, &runtime, &new).await?;
        let id = CommandId::generate();
        let shown = shown(&new.command);
        let now_us = self.clock.now_us();
        let asked = Asked {
            id: &id,
            project,
            permit,
            new: &new,
            shown: &shown,
            decision: &decision,
            now_us,
        };
        self.store.insert(asked).await?;
        if !decision.allow {
            return Err(Error::Denied(Box::new(decision)));
        }
        let link = self.runtimes.link(&project.id).await?;
        let most = Duration::from_secs(runtime.settings.command_timeout);
        let timeout = new.timeout.map_or(most, |asked| asked.min(most));
        let stdin = new.stdin.clone();
        let exec = protocol::Exec {
            cwd: new.cwd,
            env: new.env,
            stdin: stdin.is_some(),
            timeout_ms: Some(timeout.as_millis().try_into().unwrap_or(u64::MAX)),
            detach: new.detach,
            ..protocol::Exec::new(id.as_str(), new.command)
        };
        let mut stream = link.exec(exec).await.map_err(link_error)?;
        if let Some(stdin) = stdin {
            feed(&mut stream, stdin).await?;
        }
        let (room, project) = (self.clone(), project.clone());
        let used = self.runtimes.begin_use(&project.id, Cause::Exec);
        Ok(Running { id, command: shown, stream, seen: 0, room, project, _use: used })
    }

    /// Runs a command to its end and answers with what it printed, at most
    /// `keep_bytes` of each output.
    pub async fn run(
        &self,
        permit: &Permit,
        project: &Project,
        new: NewExec,
        keep_bytes: usize,
    ) -> Result<Output, Error> {
        let mut running = self.start(permit, project, new).await?;
        let mut output = Output::default();
        while let Some(event) = running.next().await {
            output.add(event?, keep_bytes);
        }
        Ok(output)
    }

    async fn judge(
        &self,
        permit: &Permit,
        project: &Project,
        runtime: &Runtime,
        new: &NewExec,
    ) -> Result<Decision, Error> {
        let caller = permit.caller();
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
        let request = Request {
            command: shown(&new.command),
            argv,
            cwd: new.cwd.clone().unwrap_or_default(),
            env_names: new.env.keys().cloned().collect(),
            channel: new.channel,
            caller: caller.user.id.clone(),
            caller_role: caller.user.role,
            project: project.id.clone(),
            project_name: project.name.clone(),
            kind: project.kind,
            network: runtime.settings.network,
            request_id: caller.request_id.clone(),
        };
        let decision = self.policies.decide(&request).await;
        decision.dissent().into_iter().for_each(|dissent| permit.note(dissent));
        Ok(decision)
    }
}

impl Running {
    /// The next event; `None` after the exit. A link that breaks meanwhile is
    /// taken up again where it broke.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        loop {
            match self.stream.next().await? {
                Ok(event) => return Some(Ok(self.note(event).await)),
                Err(LinkError::Closed) => {
                    if let Err(error) = self.attach_again().await {
                        return Some(Err(error));
                    }
                }
                Err(error) => return Some(Err(Error::Link(error))),
            }
        }
    }

    async fn attach_again(&mut self) -> Result<(), Error> {
        let link = self.room.runtimes.link(&self.project.id).await?;
        let id = protocol::ExecId(self.id.to_string());
        self.stream = link.attach_exec(id, self.seen).await.map_err(link_error)?;
        Ok(())
    }

    async fn note(&mut self, event: ExecEvent) -> Event {
        match event {
            ExecEvent::Output { stream, seq, bytes } => {
                self.seen = seq + bytes.len() as u64;
                Event::Output { stream, bytes }
            }
            ExecEvent::Skipped { from, to } => {
                self.seen = to;
                Event::Skipped { bytes: to.saturating_sub(from) }
            }
            ExecEvent::Exit(exit) => {
                if let Err(error) = self.room.store.finish(&self.id, &exit).await {
                    tracing::warn!(command = %self.id, %error, "an exit code was not recorded");
                }
                metrics::histogram!("exec_seconds")
                    .record(Duration::from_millis(exit.duration_ms).as_secs_f64());
                Event::Exit(exit)
            }
        }
    }
}

impl Output {
    fn add(&mut self, event: Event, keep_bytes: usize) {
        match event {
            Event::Output { stream, bytes } => {
                let kept = match stream {
                    OutputStream::Stdout => &mut self.stdout,
                    OutputStream::Stderr => &mut self.stderr,
                };
                let room = keep_bytes.saturating_sub(kept.len()).min(bytes.len());
                kept.extend_from_slice(&bytes[..room]);
                self.truncated |= room < bytes.len();
            }
            Event::Skipped { .. } => self.truncated = true,
            Event::Exit(exit) => self.exit = Some(exit),
        }
    }
}

/// A program may end without reading its input; that is its own affair.
async fn feed(stream: &mut ExecStream, stdin: Bytes) -> Result<(), Error> {
    if stdin.len() > MAX_STDIN_BYTES {
        return Err(Error::Invalid(format!("stdin is over {MAX_STDIN_BYTES} bytes; use a file")));
    }
    if !stdin.is_empty() && stream.write(stdin).await.is_err() {
        return Ok(());
    }
    let _ = stream.close_stdin().await;
    Ok(())
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
