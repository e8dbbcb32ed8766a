//! Doors to the one process of a project.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use jiff::Timestamp;
use lockhouse_supervisor::client::LogStream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::exec::denied;
use super::extract::{Json, Path, Query};
use super::problem::{Problem, ProblemView};
use super::sse;
use super::text::{Piece, Utf8Reader};
use crate::app::App;
use crate::auth::Caller;
use crate::exec::OutputStream;
use crate::gate::Action;
use crate::processes::{Error, LogEvent, NewProcess, Process, ProcessStatus, Restart};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "command": "python3 -m http.server 8000", "port": 8000, "restart": "on-failure" }))]
pub(super) struct StartProcess {
    pub command: String,
    /// Port that it will listen on; it finds it in `PORT`.
    pub port: Option<u16>,
    /// `never`, `on-failure` or `always`.
    #[serde(default = "never")]
    #[schema(value_type = String)]
    pub restart: Restart,
}

fn never() -> Restart {
    Restart::Never
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProcessView {
    /// `running` `restarting` `stopping` `exited` `stopped`
    pub status: &'static str,
    pub command: String,
    pub port: Option<u16>,
    #[schema(value_type = String)]
    pub restart: Restart,
    pub pid: Option<u32>,
    pub restarts: u32,
    /// Of its latest start.
    pub started_at: Option<String>,
    pub exit_code: Option<i32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stopped {
    pub success: bool,
    pub status: &'static str,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Whether to go on with what comes.
    #[serde(default)]
    pub follow: bool,
    /// Sequence number of the first byte wanted.
    pub since: Option<u64>,
}

/// One part of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogView {
    /// `stdout`, `stderr` or `skipped`.
    pub r#type: &'static str,
    pub data: String,
    /// Sequence number after the last byte: `since` of the next request.
    pub next: u64,
}

/// Starts the process; the same once more is no error.
#[utoipa::path(post, path = "/containers/{project}/process", tag = "processes", params(("project" = String, Path)),
    request_body = StartProcess,
    responses((status = 200, body = ProcessView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn start_process(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<StartProcess>,
) -> Result<axum::Json<ProcessView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("process.start", project.target())).await?;
    let new = NewProcess { command: body.command, port: body.port, restart: body.restart };
    let started = app.processes.start(&permit, &project, new).await;
    Ok(axum::Json(view(permit.seal(started)?, app.clock.now())))
}

/// How the project's process is.
#[utoipa::path(get, path = "/containers/{project}/process", tag = "processes", params(("project" = String, Path)),
    responses((status = 200, body = ProcessView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_process(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<ProcessView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    Ok(axum::Json(view(app.processes.find(&project).await?, app.clock.now())))
}

/// Ends the process: asked first, made to after a grace.
#[utoipa::path(delete, path = "/containers/{project}/process", tag = "processes", params(("project" = String, Path)),
    responses((status = 200, body = Stopped), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn stop_process(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<Stopped>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("process.stop", project.target())).await?;
    let stopped = app.processes.stop(&permit, &project).await;
    permit.seal(stopped)?;
    Ok(axum::Json(Stopped { success: true, status: "stopped" }))
}

/// The process's log: as text, or as server-sent events where `follow` is set
/// or the client accepts them.
#[utoipa::path(get, path = "/containers/{project}/process/logs", tag = "processes", params(("project" = String, Path), LogQuery),
    responses((status = 200, description = "The log", content((String = "text/plain"), (LogView = "text/event-stream"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn process_logs(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let since = sse::last_event_id(&headers).or(query.since);
    let mut log = app.processes.logs(&project, since, query.follow).await?;
    if query.follow {
        return Ok(sse::stream(events(log)).into_response());
    }
    let mut text = Vec::new();
    while let Some(event) = log.next().await {
        if let LogEvent::Output { bytes, .. } = event.map_err(Error::Link)? {
            text.extend_from_slice(&bytes);
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok((StatusCode::OK, text).into_response())
}

fn events(log: LogStream) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        let mut log = log;
        let (mut stdout, mut stderr) = (Utf8Reader::default(), Utf8Reader::default());
        while let Some(Ok(event)) = log.next().await {
            for view in log_views(event, &mut stdout, &mut stderr) {
                yield Ok(sse::event(&view).id(view.next.to_string()));
            }
        }
    }
}

fn log_views(event: LogEvent, stdout: &mut Utf8Reader, stderr: &mut Utf8Reader) -> Vec<LogView> {
    match event {
        LogEvent::Output { stream, seq, bytes } => {
            let (r#type, reader) = match stream {
                OutputStream::Stdout => ("stdout", stdout),
                OutputStream::Stderr => ("stderr", stderr),
            };
            let next = seq + bytes.len() as u64;
            let text = |piece| match piece {
                Piece::Text(text) => text,
                Piece::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            };
            let view = |piece| LogView { r#type, data: text(piece), next };
            reader.read(&bytes).into_iter().map(view).collect()
        }
        LogEvent::Skipped { from, to } => {
            let data = format!("{} bytes are no longer kept", to.saturating_sub(from));
            vec![LogView { r#type: "skipped", data, next: to }]
        }
    }
}

fn started_at(now: Timestamp, running_ms: u64) -> String {
    let started = now - Duration::from_millis(running_ms);
    // Whole seconds, so that the same start is told the same way each time.
    Timestamp::from_second(started.as_second()).unwrap_or(started).to_string()
}

fn view(process: Process, now: Timestamp) -> ProcessView {
    let state = process.state.as_ref();
    ProcessView {
        status: state.map_or("stopped", |state| match state.status {
            ProcessStatus::Running => "running",
            ProcessStatus::Waiting => "restarting",
            ProcessStatus::Stopping => "stopping",
            ProcessStatus::Ended => "exited",
        }),
        pid: state.and_then(|state| state.pid),
        restarts: state.map_or(0, |state| state.restarts),
        started_at: state.map(|state| started_at(now, state.running_ms)),
        exit_code: state.and_then(|state| state.exit).and_then(|exit| exit.code),
        command: process.command,
        port: process.port,
        restart: process.restart,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Denied(decision) => denied(&decision),
            Error::AlreadyRunning(running) => Self::conflict("process_running", text)
                .with("command", running.command.as_str())
                .with("port", running.port),
            Error::NotFound => Self::not_found(text),
            Error::NotStarted(_) => Self::bad_request("not_started", text),
            Error::Invalid(_) => Self::bad_request("invalid_command", text),
            Error::Runtime(error) => error.into(),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
            Error::Db(error) => error.into(),
        }
    }
}
