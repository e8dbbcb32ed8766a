//! Room exec: a command that runs, followed: by whoever started it, or by somebody who
//! came later.

use std::time::Duration;

use bytes::Bytes;
use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::{ExecEvent, ExecStream};
use lockhouse_supervisor::protocol::SessionState;
use tracing::Span;

use super::changes::{Changes, Track, Tracking};
use super::output::Output;
use super::{Error, Exec, Exit, ExitReason, OutputStream, count, lost};
use crate::ids::CommandId;
use crate::projects::Project;
use crate::runtimes::activity::Use;

/// A command that runs. Dropping it ends the command, unless it is detached or was
/// joined later.
#[derive(Debug)]
pub struct Running {
    pub id: CommandId,
    /// As it is shown: the text, or the words quoted.
    pub command: String,
    stream: ExecStream,
    seen: u64,
    room: Exec,
    project: Project,
    /// Whether it is only looked at.
    watching: bool,
    session: Option<String>,
    track: Track,
    tracking: Option<Tracking>,
    ending: Ending,
    /// The runtime is in use until the command ends, or nobody follows it.
    _use: Use,
    _counted: Counted,
    /// In which its start stands, and its end.
    span: Span,
}

/// One of the commands that are followed, until this is dropped.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn begin() -> Self {
        metrics::gauge!("execs_running").increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("execs_running").decrement(1.0);
    }
}

/// What is known at its end beside the exit code.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// Files that changed; `None` if that is not known, or nobody wants to.
    pub changes: Option<Changes>,
    /// Whether somebody wanted to.
    pub tracked: bool,
    /// Its shell session as it left it.
    pub session: Option<SessionState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Output {
        stream: OutputStream,
        bytes: Bytes,
    },
    /// So many bytes are no longer kept.
    Skipped {
        bytes: u64,
    },
    /// The last one.
    Exit(Exit),
}

impl Running {
    pub(super) fn begin(
        room: Exec,
        project: Project,
        (id, command): (CommandId, String),
        stream: ExecStream,
        used: Use,
    ) -> Self {
        Self {
            id,
            command,
            stream,
            seen: 0,
            room,
            project,
            watching: false,
            session: None,
            track: Track::No,
            tracking: None,
            ending: Ending::default(),
            _use: used,
            _counted: Counted::begin(),
            span: Span::none(),
        }
    }

    /// Looked at by somebody who has seen so much of it.
    pub(super) fn watched(self, seen: u64) -> Self {
        Self { seen, watching: true, ..self }
    }

    pub(super) fn in_span(self, span: Span) -> Self {
        Self { span, ..self }
    }

    pub(super) fn in_session(self, session: Option<String>) -> Self {
        Self { session, ..self }
    }

    pub(super) fn tracked(self, track: Track, tracking: Option<Tracking>) -> Self {
        Self { track, tracking, ..self }
    }

    /// What is known of the files that it changed.
    pub fn with_changes(mut self, changes: Option<Changes>) -> Self {
        self.ending.changes = changes;
        self
    }

    /// Number of the next byte of output, over both outputs.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// What is known beside the exit code, after the exit.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

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

    /// Waits for its end; answers with what it printed, at most `keep_bytes` of each
    /// output.
    pub async fn collect(mut self, keep_bytes: usize) -> Result<(CommandId, Output), Error> {
        let mut output = Output::default();
        while let Some(event) = self.next().await {
            output.add(event?, keep_bytes);
        }
        output.ending = self.ending;
        Ok((self.id, output))
    }

    async fn attach_again(&mut self) -> Result<(), Error> {
        let (room, project) = (&self.room, &self.project.id);
        self.stream = match self.watching {
            true => room.watch(project, &self.id, self.seen).await?.map_err(lost)?,
            false => room.attach(project, &self.id, self.seen).await?,
        };
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
                if !self.watching {
                    self.end(&exit).await;
                }
                Event::Exit(exit)
            }
        }
    }

    /// Whoever started it writes down how it ended.
    async fn end(&mut self, exit: &Exit) {
        self.span.record("process.exit.code", exit.code);
        self.ending.tracked = self.track != Track::No;
        if let Some(tracking) = self.tracking.take() {
            self.ending.changes = Some(tracking.end().await);
        }
        if let Some(session) = &self.session {
            self.ending.session = self.left_session(session).await;
        }
        let finished = self.room.store.finish(&self.id, exit, self.ending.changes.as_ref()).await;
        if let Err(error) = finished {
            tracing::warn!(command = %self.id, %error, "an exit code was not recorded");
        }
        count(match exit.reason {
            _ if exit.success() => "success",
            ExitReason::Timeout => "timeout",
            ExitReason::Cancelled => "ended",
            ExitReason::Exited | ExitReason::Signalled => "failure",
        });
        metrics::histogram!("exec_seconds")
            .record(Duration::from_millis(exit.duration_ms).as_secs_f64());
    }

    async fn left_session(&self, name: &str) -> Option<SessionState> {
        let link = self.room.runtimes.link(&self.project.id).await.ok()?;
        link.session(name).await.ok()
    }
}
