//! Doors to commands: as a stream of events, or as one JSON answer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Path};
use super::problem::{Problem, ProblemView};
use super::sse;
use super::text::{Piece, Utf8Reader};
use crate::app::App;
use crate::auth::Caller;
use crate::exec::{
    Command, Error, Event, Exit, ExitReason, NewExec, Output, OutputStream, Running,
};
use crate::gate::{Action, Permit};
use crate::policy::{Channel, Decision, Risk};

/// What a JSON answer keeps of each output.
const MAX_JSON_OUTPUT_BYTES: usize = 1024 * 1024;

/// The exit code that a command has when its time is up.
const TIMEOUT_CODE: i32 = 124;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecRequest {
    /// Text for the runtime's shell. Give this or `argv`.
    pub command: Option<String>,
    /// A program and its arguments; no shell reads them.
    pub argv: Option<Vec<String>>,
    /// Seconds; at most the runtime's `command_timeout`.
    pub timeout: Option<u64>,
    /// Relative to the workspace.
    pub cwd: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub stdin: Option<String>,
    /// Whether it goes on when the stream is closed.
    #[serde(default)]
    pub detach: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExecAnswer {
    pub stdout: String,
    pub stderr: String,
    pub exit_code: i32,
    pub success: bool,
    pub duration_ms: u64,
    /// Whether some output was left out.
    pub truncated: bool,
    /// `timeout`, where the command's time was up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// One event of the stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ExecEventView {
    Status { data: String },
    Stdout(OutputView),
    Stderr(OutputView),
    Exit(ExitView),
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutputView {
    pub data: String,
    /// `base64`, where the bytes are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExitView {
    /// The exit code; 128 and the signal's number where a signal ended it.
    pub data: i32,
    pub success: bool,
    pub duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Runs a command: as server-sent events, or, where the client accepts JSON
/// alone, as one answer at its end.
#[utoipa::path(post, path = "/containers/{project}/exec", tag = "exec", params(("project" = String, Path)),
    request_body = ExecRequest,
    responses((status = 200, description = "Events, or the whole answer", content((ExecAnswer = "application/json"), (ExecEventView = "text/event-stream"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn run_command(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    headers: HeaderMap,
    Json(body): Json<ExecRequest>,
) -> Result<Response, Problem> {
    let new = new_exec(body)?;
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("exec.start", project.target())).await?;
    if sse::wants_json(&headers) {
        let output = app.exec.run(&permit, &project, new, MAX_JSON_OUTPUT_BYTES).await;
        return Ok(axum::Json(answer(permit.seal(output)?)).into_response());
    }
    match app.exec.start(&permit, &project, new).await {
        Ok(running) => Ok(sse::stream(events(running, permit)).into_response()),
        Err(error) => Ok(permit.seal::<Response, _>(Err(error))?),
    }
}

fn new_exec(body: ExecRequest) -> Result<NewExec, Problem> {
    let command = match (body.command, body.argv) {
        (Some(text), None) => Command::Shell(text),
        (None, Some(argv)) => Command::Argv(argv),
        _ => {
            return Err(Problem::bad_request("invalid_body", "give `command` or `argv`, not both"));
        }
    };
    Ok(NewExec {
        command,
        timeout: body.timeout.map(|seconds| Duration::from_secs(seconds.max(1))),
        cwd: body.cwd,
        env: body.env,
        stdin: body.stdin.map(Into::into),
        channel: Channel::Exec,
        detach: body.detach,
    })
}

fn answer(output: Output) -> ExecAnswer {
    let exit = output.exit.as_ref().map(exit_view);
    ExecAnswer {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        exit_code: exit.as_ref().map_or(-1, |exit| exit.data),
        success: exit.as_ref().is_some_and(|exit| exit.success),
        duration_ms: exit.as_ref().map_or(0, |exit| exit.duration_ms),
        truncated: output.truncated,
        reason: exit.and_then(|exit| exit.reason),
    }
}

fn exit_view(exit: &Exit) -> ExitView {
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
    }
}

/// The stream holds the command and the permit: a client that goes away ends
/// both, and the record says "interrupted".
fn events(running: Running, permit: Permit) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        let (mut running, mut permit) = (running, Some(permit));
        let (mut stdout, mut stderr) = (Utf8Reader::default(), Utf8Reader::default());
        let begin = ExecEventView::Status { data: format!("Executing: {}", running.command) };
        yield Ok(sse::event(&begin));
        while let Some(event) = running.next().await {
            match event {
                Ok(Event::Output { stream: OutputStream::Stdout, bytes }) => {
                    for piece in stdout.read(&bytes) {
                        yield Ok(sse::event(&ExecEventView::Stdout(output_view(piece))));
                    }
                }
                Ok(Event::Output { stream: OutputStream::Stderr, bytes }) => {
                    for piece in stderr.read(&bytes) {
                        yield Ok(sse::event(&ExecEventView::Stderr(output_view(piece))));
                    }
                }
                Ok(Event::Skipped { bytes }) => {
                    let data = format!("{bytes} bytes of output were not kept");
                    yield Ok(sse::event(&ExecEventView::Status { data }));
                }
                Ok(Event::Exit(exit)) => {
                    for piece in stdout.finish() {
                        yield Ok(sse::event(&ExecEventView::Stdout(output_view(piece))));
                    }
                    for piece in stderr.finish() {
                        yield Ok(sse::event(&ExecEventView::Stderr(output_view(piece))));
                    }
                    seal(permit.take(), Ok(()));
                    yield Ok(sse::event(&ExecEventView::Exit(exit_view(&exit))));
                }
                Err(error) => {
                    let data = error.to_string();
                    seal(permit.take(), Err(error));
                    yield Ok(sse::event(&ExecEventView::Status { data }));
                }
            }
        }
    }
}

fn seal(permit: Option<Permit>, result: Result<(), Error>) {
    if let Some(permit) = permit {
        // What went wrong is told to the client by the caller.
        let _ = permit.seal(result);
    }
}

fn output_view(piece: Piece) -> OutputView {
    match piece {
        Piece::Text(data) => OutputView { data, encoding: None },
        Piece::Bytes(bytes) => {
            OutputView { data: STANDARD.encode(bytes), encoding: Some("base64") }
        }
    }
}

/// A command that a policy refused.
pub(super) fn denied(decision: &Decision) -> Problem {
    let risk = match decision.risk {
        Risk::Safe => "safe",
        Risk::Moderate => "moderate",
        Risk::Dangerous => "dangerous",
        Risk::Blocked => "blocked",
    };
    let detail = match &decision.advice {
        Some(advice) => format!("{} {advice}", decision.reason),
        None => decision.reason.clone(),
    };
    Problem::new(StatusCode::FORBIDDEN, "command_denied", detail)
        .with("risk", risk)
        .with("policy", decision.policy.as_str())
        .with("rule", decision.rule.as_str())
        .with("reason", decision.reason.as_str())
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Denied(decision) => denied(&decision),
            Error::Invalid(_) => Self::bad_request("invalid_command", text),
            Error::NotStarted(_) => Self::bad_request("not_started", text),
            Error::Runtime(error) => error.into(),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
            Error::Db(error) => error.into(),
        }
    }
}
