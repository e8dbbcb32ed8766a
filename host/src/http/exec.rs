//! Doors to commands: as a stream of events, or as one JSON answer. What is asked about
//! one that was begun before is in `attach`.

pub(super) mod attach;
mod place;
mod stream;
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Json, Path};
use super::once::FirstAnswer;
use super::problem::{Problem, ProblemView};
use super::sse;
use crate::app::App;
use crate::auth::Caller;
use crate::exec::{Command, Error, NewExec, Running, Track};
use crate::gate::{Action, Permit};
use crate::ids::CommandId;
use crate::policy::{Channel, Decision, Risk};
use crate::projects::Project;
use place::Place;
use view::{ExecAnswer, ExecEventView, ExecView, answer, view};

/// What a JSON answer keeps of each output: half of it the beginning, half the end.
const MAX_JSON_OUTPUT_BYTES: usize = 1024 * 1024;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "command": "python3 -m pytest -q", "timeout": 60 }))]
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
    /// Whether more input may follow, at `…/exec/{id}/stdin`.
    #[serde(default)]
    pub stdin_open: bool,
    /// Whether it goes on when the stream is closed. A client that accepts JSON alone is
    /// then answered at once.
    #[serde(default)]
    pub detach: bool,
    /// A shell session of this name: the command begins in the directory, and with the
    /// exported variables, in which the one before it ended.
    pub session: Option<String>,
    /// Whether it is told which files changed meanwhile. Without it: if they can be
    /// watched at once.
    pub changed_files: Option<bool>,
}

/// Runs a command: as server-sent events, or, where the client accepts JSON
/// alone, as one answer at its end.
#[utoipa::path(post, path = "/containers/{project}/exec", tag = "exec", params(("project" = String, Path)),
    request_body = ExecRequest,
    responses((status = 200, description = "Events, or the whole answer", content((ExecAnswer = "application/json"), (ExecEventView = "text/event-stream"))),
        (status = 202, description = "It was detached", body = ExecView),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn run_command(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    first: Option<Extension<FirstAnswer>>,
    headers: HeaderMap,
    Json(body): Json<ExecRequest>,
) -> Result<Response, Problem> {
    let new = new_exec(body)?;
    let (detach, json) = (new.detach, sse::wants_json(&headers));
    let project = app.projects.find(&caller, &project).await?;
    if let Some(Extension(first)) = first {
        return attach::again(app, project, &first.location).await;
    }
    let (permit, running) = begin(&app, &caller, &project, new).await?;
    if json && !detach {
        let (id, output) = permit.seal(running.collect(MAX_JSON_OUTPUT_BYTES).await)?;
        return Ok((location(&project, &id), axum::Json(answer(&id, &output))).into_response());
    }
    if !detach {
        return Ok(following(app, &project, running, Some(permit)));
    }
    // Nobody need be there when it ends.
    permit.seal(Ok::<_, Error>(()))?;
    if json {
        detached(&app, &project, &running).await
    } else {
        Ok(following(app, &project, running, None))
    }
}

/// A command is judged while the record is written, and started only with a permit.
async fn begin(
    app: &App,
    caller: &Caller,
    project: &Project,
    new: NewExec,
) -> Result<(Permit, Running), Problem> {
    let action = Action::write("exec.start", project.target());
    let admission = app.gate.admit_soon(caller, action).await?;
    let judging = async { Ok(app.exec.judge(caller, project, new).await) };
    let (permit, judged) = tokio::try_join!(admission.recorded(), judging)?;
    let started = match judged {
        Ok(judged) => app.exec.start_judged(&permit, project, judged).await,
        Err(error) => Err(error),
    };
    match started {
        Ok(running) => Ok((permit, running)),
        Err(error) => Ok(permit.seal(Err(error))?),
    }
}

async fn detached(app: &App, project: &Project, running: &Running) -> Result<Response, Problem> {
    let entry = app.exec.find(project, &running.id).await?;
    let view = axum::Json(view(&entry));
    Ok((StatusCode::ACCEPTED, location(project, &running.id), view).into_response())
}

/// Where the command is found again stands in the answer's head.
fn following(app: App, project: &Project, running: Running, permit: Option<Permit>) -> Response {
    let location = location(project, &running.id);
    let events = stream::events(running, Place::default(), permit, app.tasks.clone());
    (location, sse::stream(events)).into_response()
}

fn location(project: &Project, id: &CommandId) -> [(header::HeaderName, String); 1] {
    [(header::LOCATION, format!("/api/v1/containers/{}/exec/{id}", project.name))]
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
        timeout: body.timeout.map(|seconds| Duration::from_secs(seconds.max(1))),
        cwd: body.cwd,
        env: body.env,
        stdin: body.stdin.map(Into::into),
        stdin_open: body.stdin_open,
        detach: body.detach,
        session: body.session,
        track: match body.changed_files {
            None => Track::AtOnce,
            Some(true) => Track::Yes,
            Some(false) => Track::No,
        },
        ..NewExec::new(command, Channel::Exec)
    })
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
            Error::NotFound(_) => Self::not_found(text),
            Error::Ended => Self::conflict("exec_ended", text),
            Error::NoInput => Self::conflict("no_input", text),
            Error::SessionBusy(_) => Self::conflict("session_busy", text),
            Error::Lost => Self::conflict("exec_lost", text),
            Error::Runtime(error) => error.into(),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
            Error::Db(error) => error.into(),
        }
    }
}
