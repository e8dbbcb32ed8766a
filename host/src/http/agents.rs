//! Doors to agents and their runs.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::page::{PageQuery, write_cursor};
use super::problem::{Problem, ProblemView};
use super::projects::{parse_kind, parse_name};
use super::sse;
use crate::agents::{
    DEFAULT_PAGE, Error, Event, MAX_PAGE, ModelCall, NewRun, Recorded, Run, StoredCall, Watch,
    check_prompt,
};
use crate::app::App;
use crate::auth::Caller;
use crate::exec::OutputStream;
use crate::gate::{Action, Target};
use crate::ids::{Kind, RunId};
use crate::jobs;
use crate::projects::{self, NewProject, Project};
use crate::tasks::Tasks;

/// The kind of a new project until its plan says which it is.
const GUESSED_KIND: Kind = Kind::Python;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "prompt": "a to-do list with a JSON API", "run": true }))]
pub(super) struct Generate {
    /// What to build.
    pub prompt: String,
    /// An agent's id, or its id and version (`scaffold@0.1.0`); the first one
    /// loaded where none is named.
    pub agent: Option<String>,
    /// Whether what was written is also installed, started and checked.
    #[serde(default = "yes")]
    pub run: bool,
    /// Of a project that does not exist yet; the plan decides where it is left
    /// out. `python`, `node`, `java`, `go`, `rust`, `ruby`, `php` or `static`.
    pub kind: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Generating {
    pub run_id: String,
    pub job_id: String,
    pub project: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentView {
    /// With its version.
    pub name: String,
    pub summary: String,
    /// Whether it is asked where a request names none.
    pub default: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentList {
    pub agents: Vec<AgentView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    pub id: String,
    pub project: String,
    pub job_id: String,
    pub agent: String,
    pub prompt: String,
    /// `queued` `planning` `planned` `writing` `installing` `starting` `checking`
    /// `fixing` `done` `failed` `cancelled`
    pub state: &'static str,
    /// How many runs are before it, where it is queued on the server that was asked.
    pub runs_ahead: Option<usize>,
    /// Why it failed.
    pub error: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunList {
    /// Newest first.
    pub runs: Vec<RunView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunQuery {
    /// The runs of this project alone.
    pub project: Option<String>,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SinceQuery {
    /// The last event already seen; `Last-Event-ID` says the same.
    pub since: Option<u64>,
}

/// One event of a run; its SSE id is its number.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum RunEventView {
    State {
        state: &'static str,
        message: String,
        /// So many parts are done, of `total`.
        #[serde(skip_serializing_if = "Option::is_none")]
        done: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u32>,
    },
    Command {
        command: String,
    },
    Output {
        /// `stdout` or `stderr`.
        stream: &'static str,
        data: String,
    },
    File {
        path: String,
    },
    /// The agent asked a model; what was said stands in the transcript.
    Model {
        /// The operator's name for it.
        model: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        input_tokens: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        output_tokens: Option<u64>,
        /// Why there is no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// Messages, schema, answer: all that a replay needs.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        call: Option<Box<StoredCall>>,
    },
    Skipped {
        message: String,
    },
    Done {
        preview_url: Option<String>,
    },
    Failed {
        error: String,
    },
    Cancelled,
}

/// One line of a transcript.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TranscriptLine {
    pub seq: u64,
    pub at: String,
    #[serde(flatten)]
    pub event: RunEventView,
}

/// Builds the project from a prompt; makes the project where there is none.
/// The run goes on by itself: its events tell how far it is.
#[utoipa::path(post, path = "/projects/{project}/generate", tag = "agents", params(("project" = String, Path)),
    request_body = Generate,
    responses((status = 202, body = Generating), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn generate(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<Generate>,
) -> Result<(StatusCode, axum::Json<Generating>), Problem> {
    let kind = body.kind.as_deref().map(parse_kind).transpose()?;
    // Before a project is made for it.
    check_prompt(&body.prompt)?;
    let (project, kind_fixed) = find_or_create(&app, &caller, &project, kind).await?;
    let permit = app.gate.admit(&caller, Action::write("run.start", project.target())).await?;
    let new = NewRun { prompt: body.prompt, agent: body.agent, run: body.run, kind_fixed };
    let run = app.agents.generate(permit, project, new).await?;
    let view = Generating {
        run_id: run.id.to_string(),
        job_id: run.job.to_string(),
        project: run.project_name.to_string(),
    };
    Ok((StatusCode::ACCEPTED, axum::Json(view)))
}

/// The project, and whether its kind is more than a guess.
async fn find_or_create(
    app: &App,
    caller: &Caller,
    name: &str,
    kind: Option<Kind>,
) -> Result<(Project, bool), Problem> {
    match app.projects.find(caller, name).await {
        Ok(project) => match kind.filter(|kind| *kind != project.kind) {
            None => return Ok((project, true)),
            Some(_) => {
                let error = projects::Error::Differs { name: project.name, kind: project.kind };
                return Err(error.into());
            }
        },
        Err(projects::Error::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let new = NewProject {
        name: parse_name(name)?,
        kind: kind.unwrap_or(GUESSED_KIND),
        description: String::new(),
    };
    let target = Target::New { name: format!("project/{}", new.name) };
    let permit = app.gate.admit(caller, Action::write("project.create", target)).await?;
    let created = app.projects.create(&permit, new).await;
    let (project, is_new) = permit.seal(created)?;
    Ok((project, kind.is_some() || !is_new))
}

/// The agents that are loaded.
#[utoipa::path(get, path = "/agents", tag = "agents",
    responses((status = 200, body = AgentList), (status = "4XX", body = ProblemView)))]
pub(super) async fn list_agents(State(app): State<App>, _caller: Caller) -> axum::Json<AgentList> {
    let loaded = app.agents.loaded();
    let default = app.agents.default_agent();
    let agents = loaded.iter().map(|agent| AgentView {
        name: agent.name().to_owned(),
        summary: agent.summary().to_owned(),
        default: default.as_deref() == Some(agent.name()),
    });
    axum::Json(AgentList { agents: agents.collect(), next_cursor: None })
}

/// The caller's runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "agents", params(RunQuery),
    responses((status = 200, body = RunList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_runs(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RunQuery>,
) -> Result<axum::Json<RunList>, Problem> {
    let project = match &query.project {
        Some(project) => Some(app.projects.find(&caller, project).await?.id),
        None => None,
    };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    let before = page.after()?.map(|id| id.parse::<RunId>()).transpose().map_err(invalid)?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let runs = app.agents.list(&caller, project.as_ref(), before.as_ref(), limit).await?;
    let full = runs.len() == limit as usize;
    let next_cursor = runs.last().filter(|_| full).map(|last| write_cursor(last.id.as_str()));
    Ok(axum::Json(RunList {
        runs: runs.into_iter().map(|run| run_view(&app, run)).collect(),
        next_cursor,
    }))
}

/// How a run is.
#[utoipa::path(get, path = "/runs/{run}", tag = "agents", params(("run" = String, Path)),
    responses((status = 200, body = RunView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_run(
    State(app): State<App>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<axum::Json<RunView>, Problem> {
    Ok(axum::Json(run_view(&app, app.agents.find(&caller, &run).await?)))
}

/// What happened in the run, from its beginning or from after `Last-Event-ID`,
/// and what happens, until it ends.
#[utoipa::path(get, path = "/runs/{run}/events", tag = "agents", params(("run" = String, Path), SinceQuery),
    responses((status = 200, description = "Server-sent events", content((RunEventView = "text/event-stream"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn run_events(
    State(app): State<App>,
    caller: Caller,
    Path(run): Path<String>,
    Query(query): Query<SinceQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = app.agents.find(&caller, &run).await?;
    let since = sse::last_event_id(&headers).or(query.since).unwrap_or(0);
    let watch = app.agents.watch(&run, since);
    Ok(sse::stream(events(watch, run, app.tasks.clone())).into_response())
}

fn events(
    mut watch: Watch,
    run: Run,
    tasks: Tasks,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        // Something at once, so that the client knows that it is heard.
        yield Ok(SseEvent::default().comment("following"));
        loop {
            let next = tokio::select! {
                next = watch.next() => next,
                () = tasks.stopping() => None,
            };
            match next {
                Some(Ok(Recorded { seq, event, .. })) => {
                    yield Ok(sse::event(&event_view(&run, event)).id(seq.to_string()));
                }
                Some(Err(error)) => {
                    tracing::error!(run = %run.id, %error, "a run's events could not be read");
                    break;
                }
                None => break,
            }
        }
    }
}

/// All that is kept of the run, one JSON object a line.
#[utoipa::path(get, path = "/runs/{run}/transcript", tag = "agents", params(("run" = String, Path)),
    responses((status = 200, description = "Lines of JSON", content((TranscriptLine = "application/x-ndjson"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn run_transcript(
    State(app): State<App>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    let run = app.agents.find(&caller, &run).await?;
    let lines = lines(app.agents.transcript(&run, 0), run);
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(lines)).into_response())
}

/// An error ends the answer early, so that it is not taken for the whole.
fn lines(mut watch: Watch, run: Run) -> impl Stream<Item = Result<String, crate::db::Error>> {
    async_stream::try_stream! {
        while let Some(step) = watch.next().await {
            let Recorded { seq, at, event } = step?;
            let event = whole_view(&run, event);
            let line = TranscriptLine { seq, at: at.to_string(), event };
            let line = serde_json::to_string(&line);
            let line = line.map_err(|error| crate::db::Error::Failed(error.to_string()))?;
            yield line + "\n";
        }
    }
}

/// Ends the run; one that has ended stays as it is.
#[utoipa::path(post, path = "/runs/{run}/cancel", tag = "agents", params(("run" = String, Path)),
    responses((status = 200, body = RunView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn cancel_run(
    State(app): State<App>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<axum::Json<RunView>, Problem> {
    let run = app.agents.find(&caller, &run).await?;
    let target = Target::Owned { owner: run.owner.clone(), name: format!("run/{}", run.id) };
    let permit = app.gate.admit(&caller, Action::write("run.cancel", target)).await?;
    let cancelled = app.agents.cancel(&permit, &run).await;
    Ok(axum::Json(run_view(&app, permit.seal(cancelled)?)))
}

fn run_view(app: &App, run: Run) -> RunView {
    RunView {
        runs_ahead: app.agents.ahead_of(&run.id),
        id: run.id.to_string(),
        project: run.project_name.to_string(),
        job_id: run.job.to_string(),
        agent: run.agent,
        prompt: run.prompt,
        state: run.state.as_str(),
        error: run.error,
        created_at: run.created_at.to_string(),
        updated_at: run.updated_at.to_string(),
    }
}

/// As the transcript has it: with all that was said.
fn whole_view(run: &Run, event: Event) -> RunEventView {
    let said = match &event {
        Event::Model(call) => Some(Box::new(StoredCall::from((**call).clone()))),
        _ => None,
    };
    match event_view(run, event) {
        RunEventView::Model { model, input_tokens, output_tokens, error, .. } => {
            RunEventView::Model { model, input_tokens, output_tokens, error, call: said }
        }
        view => view,
    }
}

fn model_view(call: ModelCall) -> RunEventView {
    let (reply, error) = match call.outcome {
        Ok(reply) => (Some(reply), None),
        Err(error) => (None, Some(error.to_string())),
    };
    RunEventView::Model {
        model: call.model,
        input_tokens: reply.as_ref().map(|reply| reply.input_tokens),
        output_tokens: reply.as_ref().map(|reply| reply.output_tokens),
        error,
        call: None,
    }
}

fn event_view(run: &Run, event: Event) -> RunEventView {
    match event {
        Event::State { state, message, parts } => RunEventView::State {
            state: state.as_str(),
            message,
            done: parts.map(|(done, _)| done),
            total: parts.map(|(_, total)| total),
        },
        Event::Command { command } => RunEventView::Command { command },
        Event::Output { stream, text } => {
            let stream = match stream {
                OutputStream::Stdout => "stdout",
                OutputStream::Stderr => "stderr",
            };
            RunEventView::Output { stream, data: text }
        }
        Event::File { path } => RunEventView::File { path },
        Event::Model(call) => model_view(*call),
        Event::Skipped { message } => RunEventView::Skipped { message },
        Event::Done { serves } => {
            let url = || format!("/api/v1/preview/{}/", run.project_name);
            RunEventView::Done { preview_url: serves.then(url) }
        }
        Event::Failed { error } => RunEventView::Failed { error },
        Event::Cancelled => RunEventView::Cancelled,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(_) => Self::not_found(text),
            Error::NoAgent { .. } => Self::bad_request("no_such_agent", text),
            Error::MissingRole { .. } => Self::bad_request("no_such_role", text),
            Error::Active(run) => Self::conflict("run_active", text).with("run_id", run.as_str()),
            Error::LineFull(_) => Self::unavailable("too_many_runs", text),
            Error::Prompt(_) => Self::bad_request("invalid_prompt", text),
            Error::Job(jobs::Error::Db(error)) => error.into(),
            // The job is of the server's own making.
            Error::Job(error) => Self::internal(error),
            Error::Project(error) => error.into(),
            Error::Runtime(error) => error.into(),
            Error::Denied(denied) => denied.into(),
            Error::Db(error) => error.into(),
        }
    }
}
