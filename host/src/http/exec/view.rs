//! What clients read of commands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::events::Change;
use crate::exec::{Changes, Ending, Entry, Exit, ExitReason, Output, SessionState, State};
use crate::http::text::Piece;
use crate::ids::CommandId;

/// The exit code that a command has when its time is up.
const TIMEOUT_CODE: i32 = 124;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ExecAnswer {
    /// By which the command is found again, at `…/exec/{id}`.
    pub id: String,
    /// Of a longer output the beginning and the end, with a line between them that says
    /// how much is left out.
    pub stdout: String,
    pub stderr: String,
    pub exit_code: i32,
    pub success: bool,
    pub duration_ms: u64,
    /// Whether some output was left out.
    pub truncated: bool,
    /// How many bytes, of both outputs together.
    pub left_out_bytes: u64,
    /// `timeout`, where the command's time was up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(flatten)]
    pub ending: EndingView,
}

/// One event of the stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(in crate::http) enum ExecEventView {
    Status {
        data: String,
        /// The command's, with the first event.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    Stdout(OutputView),
    Stderr(OutputView),
    Exit(ExitView),
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct OutputView {
    pub data: String,
    /// `base64`, where the bytes are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ExitView {
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub data: i32,
    pub success: bool,
    pub duration_ms: u64,
    /// `timeout`, `cancelled`, `signal`, or `lost` where its runtime ended first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(flatten)]
    pub ending: EndingView,
}

/// What is known at a command's end beside its exit code.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::http) struct EndingView {
    /// Files that changed while it ran, whoever changed them; left away where that is not
    /// known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_files: Option<Vec<ChangedFile>>,
    /// `false` where there may be more than is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_files_complete: Option<bool>,
    /// The shell session as the command left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ChangedFile {
    pub path: String,
    /// `created`, `changed` or `deleted`.
    pub change: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShellSessionView)]
pub(in crate::http) struct SessionView {
    pub name: String,
    /// Where the next command begins: relative to the workspace, or absolute outside of it.
    pub cwd: String,
    /// Whether all was kept that the command left. Not where it replaced its shell, was
    /// killed, or left more than 32 KiB of variables: then the session is as it was before.
    pub kept: bool,
}

/// A command of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ExecView {
    pub id: String,
    pub command: String,
    /// Relative to the workspace, or absolute outside of it.
    pub cwd: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    pub caller: String,
    /// `exec` or `agent`.
    pub channel: String,
    pub risk: String,
    /// `running`, `exited`, `refused`, or `lost` where its runtime ended first.
    pub status: &'static str,
    pub started_at: String,
    /// As in the stream's last event.
    pub exit_code: Option<i32>,
    pub success: Option<bool>,
    pub duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What is kept of its output, by the numbers of its bytes; following may begin at any.
    pub output: Option<OutputRange>,
    #[serde(flatten)]
    pub ending: EndingView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct OutputRange {
    pub start: u64,
    /// Not included.
    pub end: u64,
}

pub(super) fn answer(id: &CommandId, output: &Output) -> ExecAnswer {
    let exit = output.exit.as_ref().map(exit_view);
    let left_out_bytes = output.left_out();
    ExecAnswer {
        id: id.to_string(),
        stdout: output.stdout.text(),
        stderr: output.stderr.text(),
        exit_code: exit.as_ref().map_or(-1, |exit| exit.data),
        success: exit.as_ref().is_some_and(|exit| exit.success),
        duration_ms: exit.as_ref().map_or(0, |exit| exit.duration_ms),
        truncated: left_out_bytes > 0,
        left_out_bytes,
        reason: exit.and_then(|exit| exit.reason),
        ending: (&output.ending).into(),
    }
}

pub(super) fn exit_view(exit: &Exit) -> ExitView {
    let timeout = exit.reason == ExitReason::Timeout;
    let code = exit.code.unwrap_or_else(|| 128 + exit.signal.unwrap_or(0));
    ExitView {
        data: if timeout { TIMEOUT_CODE } else { code },
        success: exit.success(),
        duration_ms: exit.duration_ms,
        reason: match exit.reason {
            ExitReason::Timeout => Some("timeout"),
            ExitReason::Cancelled => Some("cancelled"),
            ExitReason::Signalled => Some("signal"),
            ExitReason::Exited => None,
        },
        ending: EndingView::default(),
    }
}

pub(super) fn output_view(piece: Piece) -> OutputView {
    match piece {
        Piece::Text(data) => OutputView { data, encoding: None },
        Piece::Bytes(bytes) => {
            OutputView { data: STANDARD.encode(bytes), encoding: Some("base64") }
        }
    }
}

pub(super) fn view(entry: &Entry) -> ExecView {
    let (status, exit, output) = match &entry.state {
        State::Refused { .. } => ("refused", None, None),
        State::Running { output } => ("running", None, *output),
        State::Ended(ended) => ("exited", Some(exit_view(&ended.exit)), ended.output),
        State::Lost => ("lost", None, None),
    };
    let (policy, rule) = match &entry.state {
        State::Refused { policy, rule } => (Some(policy.clone()), Some(rule.clone())),
        _ => (None, None),
    };
    let (changed_files, changed_files_complete) = changed(entry.changes.as_ref());
    ExecView {
        id: entry.id.to_string(),
        command: entry.command.clone(),
        cwd: entry.cwd.clone(),
        session: entry.session.clone(),
        caller: entry.caller.to_string(),
        channel: entry.channel.clone(),
        risk: entry.risk.clone(),
        status,
        started_at: entry.started_at.to_string(),
        exit_code: exit.as_ref().map(|exit| exit.data),
        success: exit.as_ref().map(|exit| exit.success),
        duration_ms: exit.as_ref().map(|exit| exit.duration_ms),
        reason: exit.and_then(|exit| exit.reason),
        policy,
        rule,
        output: output.map(|(start, end)| OutputRange { start, end }),
        ending: EndingView { changed_files, changed_files_complete, session: None },
    }
}

fn changed(changes: Option<&Changes>) -> (Option<Vec<ChangedFile>>, Option<bool>) {
    let file = |(path, change): &(String, Change)| ChangedFile {
        path: path.clone(),
        change: match change {
            Change::Created => "created",
            Change::Changed => "changed",
            Change::Deleted => "deleted",
        },
    };
    let files = changes.map(|changes| changes.files.iter().map(file).collect());
    (files, changes.map(|changes| changes.complete))
}

impl From<&Ending> for EndingView {
    fn from(ending: &Ending) -> Self {
        let (changed_files, complete) = changed(ending.changes.as_ref());
        // Wanted, and not to be had.
        let complete = complete.or(ending.tracked.then_some(false));
        let session = ending.session.as_ref().map(|session: &SessionState| SessionView {
            name: session.name.clone(),
            cwd: session.cwd.clone(),
            kept: session.kept.unwrap_or(false),
        });
        Self { changed_files, changed_files_complete: complete, session }
    }
}
