//! Room exec: commands that were run, found again: in the database, and, as long as the
//! supervisor remembers them, in the runtime.

use std::time::Duration;

use jiff::Timestamp;
use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::{ExecStream, Link};
use lockhouse_supervisor::protocol::{ExecId, ExecState};
use tokio::sync::broadcast::error::RecvError;

use super::changes::Changes;
use super::output::Output;
use super::running::Running;
use super::{Error, Exec, ExecStdin, Exit, ExitReason, Signal, link_error};
use crate::gate::Permit;
use crate::ids::{CommandId, ProjectId, UserId};
use crate::projects::Project;
use crate::runtimes;
use crate::runtimes::activity::Cause;

/// What was begun so recently may not have reached the runtime yet.
const LAUNCHING: Duration = Duration::from_secs(5);

/// The most that one page of the history holds.
pub const MAX_PAGE: u32 = 500;

/// One command of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: CommandId,
    pub caller: UserId,
    /// `exec`, `process` or `agent`.
    pub channel: String,
    pub command: String,
    /// Relative to the workspace, or absolute outside of it.
    pub cwd: String,
    pub session: Option<String>,
    pub risk: String,
    pub started_at: Timestamp,
    pub state: State,
    /// Files that changed while it ran, where that is known.
    pub changes: Option<Changes>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// By this policy and rule.
    Refused {
        policy: String,
        rule: String,
    },
    /// Where it is known where its output stands: of what is kept, the numbers of the
    /// first byte and of the one after the last.
    Running {
        output: Option<(u64, u64)>,
    },
    Ended(Ended),
    /// Its runtime ended first, or forgot it.
    Lost,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub exit: Exit,
    pub output: Option<(u64, u64)>,
}

/// What is looked for in the history.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What the command's text contains; capitals do not matter.
    pub text: Option<String>,
    /// Those before this one.
    pub before: Option<CommandId>,
    pub limit: u32,
}

impl Exec {
    /// Commands of a project, the newest first.
    pub async fn history(
        &self,
        project: &Project,
        search: &Search,
    ) -> Result<(Vec<Entry>, Option<CommandId>), Error> {
        let limit = search.limit.clamp(1, MAX_PAGE);
        let mut entries = self.store.search(&project.id, search, limit).await?;
        let full = entries.len() == limit as usize;
        let next = entries.last().filter(|_| full).map(|entry| entry.id.clone());
        if entries.iter().any(Entry::is_open) {
            let (known, now) = (self.known(project).await, self.clock.now());
            entries.iter_mut().for_each(|entry| entry.settle(&known, now));
        }
        Ok((entries, next))
    }

    /// One command, as it is now.
    pub async fn find(&self, project: &Project, id: &CommandId) -> Result<Entry, Error> {
        let found = self.store.find(&project.id, id).await?;
        let mut entry = found.ok_or_else(|| Error::NotFound(id.to_string()))?;
        let known = self.known(project).await;
        let was_open = entry.is_open();
        entry.settle(&known, self.clock.now());
        if let (true, State::Ended(Ended { exit, .. })) = (was_open, &entry.state) {
            self.store.finish(id, exit, None).await?;
        }
        Ok(entry)
    }

    /// What the runtime remembers; nothing where there is none.
    async fn known(&self, project: &Project) -> Vec<ExecState> {
        let list = |link: Link| async move { link.execs().await };
        match self.runtimes.ask(&project.id, list).await {
            Ok(known) => known.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// Follows a command from a byte of its output on; `None` where its output is kept no
    /// more. Leaving does not end it.
    pub async fn follow(
        &self,
        project: &Project,
        entry: &Entry,
        since: u64,
    ) -> Result<Option<Running>, Error> {
        if matches!(entry.state, State::Refused { .. } | State::Lost) {
            return Ok(None);
        }
        let stream = match self.watch(&project.id, &entry.id, since).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(LinkError::NotFound(_)))
            | Err(runtimes::Error::NotRunning(_) | runtimes::Error::NotFound) => return Ok(None),
            Ok(Err(error)) => return Err(link_error(error)),
            Err(error) => return Err(error.into()),
        };
        let used = self.runtimes.begin_use(&project.id, Cause::Exec);
        let named = (entry.id.clone(), entry.command.clone());
        let running = Running::begin(self.clone(), project.clone(), named, stream, used);
        Ok(Some(running.watched(since)))
    }

    /// Its output from a byte on, for somebody whose going ends nothing.
    pub(super) async fn watch(
        &self,
        project: &ProjectId,
        id: &CommandId,
        since: u64,
    ) -> Result<Result<ExecStream, LinkError>, runtimes::Error> {
        let id = &ExecId(id.to_string());
        let watch = |link: Link| async move { link.watch_exec(id.clone(), since).await };
        self.runtimes.ask(project, watch).await
    }

    /// What a command printed, from its beginning to its end, as far as it is kept.
    pub async fn collect(
        &self,
        project: &Project,
        entry: &Entry,
        keep_bytes: usize,
    ) -> Result<Option<Output>, Error> {
        let Some(running) = self.follow(project, entry, 0).await? else { return Ok(None) };
        Ok(Some(running.collect(keep_bytes).await?.1))
    }

    /// Sends a signal to all processes of a command that runs.
    pub async fn signal(
        &self,
        _permit: &Permit,
        project: &Project,
        entry: &Entry,
        signal: Signal,
    ) -> Result<(), Error> {
        let link = self.link_to(project, entry).await?;
        // Whoever sends a signal and goes away ends nothing by that.
        let attached = link.watch_exec(ExecId(entry.id.to_string()), u64::MAX).await;
        let mut stream = attached.map_err(gone)?;
        if stream.state().exit.is_some() {
            return Err(Error::Ended);
        }
        stream.signal(signal.number()).await.map_err(gone)?;
        stream.leave().await.map_err(gone)
    }

    /// The way to a command's standard input.
    pub async fn stdin(
        &self,
        _permit: &Permit,
        project: &Project,
        entry: &Entry,
    ) -> Result<ExecStdin, Error> {
        let link = self.link_to(project, entry).await?;
        link.exec_stdin(ExecId(entry.id.to_string())).await.map_err(|error| match error {
            LinkError::Refused(_) => Error::NoInput,
            error => gone(error),
        })
    }

    /// Ends a command and all that it started; one that has ended is no error.
    pub async fn end(
        &self,
        _permit: &Permit,
        project: &Project,
        entry: &Entry,
    ) -> Result<Entry, Error> {
        if matches!(entry.state, State::Running { .. }) {
            let id = &ExecId(entry.id.to_string());
            let end = |link: Link| async move { link.end_exec(id.clone()).await };
            match self.runtimes.ask(&project.id, end).await? {
                Ok(_) | Err(LinkError::NotFound(_)) => {}
                Err(error) => return Err(link_error(error)),
            }
        }
        self.find(project, &entry.id).await
    }

    async fn link_to(&self, project: &Project, entry: &Entry) -> Result<Link, Error> {
        if !matches!(entry.state, State::Running { .. }) {
            return Err(Error::Ended);
        }
        Ok(self.runtimes.link(&project.id).await?)
    }

    /// Writes down how commands ended that nobody followed, until the server ends.
    pub async fn keep_ends(self) {
        let mut ends = self.runtimes.exec_ends();
        loop {
            let ended = tokio::select! {
                () = self.tasks.stopping() => return,
                ended = ends.recv() => ended,
            };
            match ended {
                Ok((project, state)) => self.keep_end(&project, &state).await,
                // Whoever asks for those is told by the runtime.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn keep_end(&self, project: &ProjectId, state: &ExecState) {
        let (Some(exit), Ok(id)) = (&state.exit, state.id.0.parse::<CommandId>()) else { return };
        let open = self.store.find(project, &id).await;
        let kept = match open {
            Ok(Some(entry)) if entry.is_open() => self.store.finish(&id, exit, None).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::warn!(command = %id, %error, "an exit code was not recorded");
        }
    }
}

impl Entry {
    /// Whether the database does not say how it ended.
    fn is_open(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Joins what the runtime remembers.
    fn settle(&mut self, known: &[ExecState], now: Timestamp) {
        let launching = now.duration_since(self.started_at).unsigned_abs() < LAUNCHING;
        let live = known.iter().find(|state| state.id.0 == self.id.as_str());
        let output = live.map(|state| (state.start_seq, state.end_seq));
        let exit = live.and_then(|state| state.exit);
        match (&mut self.state, live) {
            (State::Ended(ended), _) => ended.output = output,
            (State::Running { .. }, None) if launching => {}
            (State::Running { .. }, None) => self.state = State::Lost,
            (State::Running { .. }, Some(_)) => {
                self.state = exit
                    .map_or(State::Running { output }, |exit| State::Ended(Ended { exit, output }));
            }
            (State::Refused { .. } | State::Lost, _) => {}
        }
    }
}

/// As the database has it: an exit code, a signal or neither, and how long it took.
pub(super) fn exit(
    (code, signal): (Option<i64>, Option<i64>),
    reason: Option<&str>,
    duration_ms: i64,
) -> Exit {
    let small = |number: Option<i64>| number.and_then(|number| i32::try_from(number).ok());
    let (code, signal) = (small(code), small(signal));
    let reason = match reason {
        Some("timeout") => ExitReason::Timeout,
        Some("cancelled") => ExitReason::Cancelled,
        Some("signalled") => ExitReason::Signalled,
        Some(_) => ExitReason::Exited,
        // From before this was written down.
        None if code.is_some() => ExitReason::Exited,
        None => ExitReason::Signalled,
    };
    Exit { code, signal, reason, duration_ms: duration_ms.unsigned_abs() }
}

pub(super) fn reason(exit: &Exit) -> &'static str {
    match exit.reason {
        ExitReason::Exited => "exited",
        ExitReason::Signalled => "signalled",
        ExitReason::Timeout => "timeout",
        ExitReason::Cancelled => "cancelled",
    }
}

/// A command that was there a moment ago and is not has ended meanwhile.
fn gone(error: LinkError) -> Error {
    match error {
        LinkError::NotFound(_) => Error::Ended,
        error => link_error(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: State) -> Entry {
        Entry {
            id: "c".parse().unwrap(),
            caller: "ada".parse().unwrap(),
            channel: "exec".to_owned(),
            command: "true".to_owned(),
            cwd: String::new(),
            session: None,
            risk: "safe".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            state,
            changes: None,
        }
    }

    fn live(exit: Option<Exit>) -> ExecState {
        let id = ExecId("c".to_owned());
        ExecState { id, running_ms: 1, start_seq: 2, end_seq: 3, detach: false, exit }
    }

    fn settled(state: State, known: &[ExecState]) -> State {
        let mut entry = entry(state);
        entry.settle(known, Timestamp::UNIX_EPOCH + 2 * LAUNCHING);
        entry.state
    }

    #[test]
    fn a_command_whose_end_is_not_written_down_is_what_the_runtime_says() {
        let open = || State::Running { output: None };
        let (done, output) = (exit((Some(0), None), None, 7), Some((2, 3)));
        assert_eq!(settled(open(), &[live(None)]), State::Running { output });
        let ended = Ended { exit: done, output };
        assert_eq!(settled(open(), &[live(Some(done))]), State::Ended(ended));
        assert_eq!(settled(open(), &[]), State::Lost);
    }

    #[test]
    fn a_command_that_was_asked_for_a_moment_ago_is_not_lost() {
        let mut entry = entry(State::Running { output: None });
        entry.settle(&[], Timestamp::UNIX_EPOCH + LAUNCHING / 2);
        assert_eq!(entry.state, State::Running { output: None });
    }

    #[test]
    fn what_is_written_down_stays_whatever_the_runtime_remembers() {
        let done = exit((None, Some(9)), Some("timeout"), 7);
        let ended = |output| State::Ended(Ended { exit: done, output });
        assert_eq!(settled(ended(None), &[]), ended(None));
        assert_eq!(settled(ended(None), &[live(None)]), ended(Some((2, 3))));
    }

    #[test]
    fn how_a_command_ended_reads_back() {
        let both = ["exited", "signalled", "timeout", "cancelled"]
            .map(|text| reason(&exit((None, Some(15)), Some(text), 1)));
        assert_eq!(both, ["exited", "signalled", "timeout", "cancelled"]);
    }
}
