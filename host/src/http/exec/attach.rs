//! Doors to commands that were begun before: looked at, followed again, spoken to, ended,
//! and found in the history.

use axum::Json as JsonAnswer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::place::Place;
use super::view::{ExecEventView, ExecView, view};
use super::{location, stream};
use crate::app::App;
use crate::auth::Caller;
use crate::exec::{Entry, Error, ExecStdin, Search, Signal, State as Stands};
use crate::gate::Action;
use crate::http::extract::{Json, Path, Query};
use crate::http::page::{read_cursor, write_cursor};
use crate::http::problem::{Problem, ProblemView};
use crate::http::sse;
use crate::ids::CommandId;
use crate::projects::Project;

/// Commands answered at once when nothing else is said.
const DEFAULT_PAGE: u32 = 50;

/// The longest text that is looked for.
const MAX_SEARCH_BYTES: usize = 1024;

/// Clients that follow commands which they did not start just now, all together.
static FOLLOWERS: Semaphore = Semaphore::const_new(1024);

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct FollowQuery {
    /// The `id` of the last event that was seen, or the number of a byte of the output.
    pub since: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct HistoryQuery {
    /// What the command's text contains; capitals do not matter.
    pub q: Option<String>,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct StdinQuery {
    /// Whether this is the last of it.
    #[serde(default)]
    pub end: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "signal": "INT" }))]
pub(in crate::http) struct SignalRequest {
    /// Such as `INT`, `TERM` or `KILL`.
    pub signal: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Signalled {
    pub success: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct StdinWritten {
    pub success: bool,
    pub written_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct History {
    pub commands: Vec<ExecView>,
    pub next_cursor: Option<String>,
}

/// A command as it is now; as server-sent events, where the client accepts those, what it
/// prints: from the beginning, or from where `Last-Event-ID` or `since` says. Leaving does
/// not end it. What the runtime keeps of an output is its last mebibyte, for ten minutes
/// after the end.
#[utoipa::path(get, path = "/containers/{project}/exec/{id}", tag = "exec", params(("project" = String, Path), ("id" = String, Path), FollowQuery),
    responses((status = 200, description = "The command, or its events", content((ExecView = "application/json"), (ExecEventView = "text/event-stream"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn find_exec(
    State(app): State<App>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
    Query(query): Query<FollowQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let entry = find(&app, &project, &id).await?;
    if !sse::wants_stream(&headers) {
        return Ok(JsonAnswer(view(&entry)).into_response());
    }
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let place = last.or(query.since.as_deref()).map_or(Ok(Place::default()), |place| {
        place.parse::<Place>().map_err(|()| {
            Problem::bad_request("invalid_place", "send the `id` of an event as it was given")
        })
    })?;
    follow(app, &project, entry, place).await
}

/// Ends a command and all that it started; once more is no error.
#[utoipa::path(delete, path = "/containers/{project}/exec/{id}", tag = "exec", params(("project" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = ExecView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn end_exec(
    State(app): State<App>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
) -> Result<JsonAnswer<ExecView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let entry = find(&app, &project, &id).await?;
    let permit = app.gate.admit(&caller, Action::write("exec.end", project.target())).await?;
    let ended = app.exec.end(&permit, &project, &entry).await;
    Ok(JsonAnswer(view(&permit.seal(ended)?)))
}

/// Sends a signal to a command and all that it started and did not leave its group.
#[utoipa::path(post, path = "/containers/{project}/exec/{id}/signal", tag = "exec", params(("project" = String, Path), ("id" = String, Path)),
    request_body = SignalRequest,
    responses((status = 200, body = Signalled), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn signal_exec(
    State(app): State<App>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
    Json(body): Json<SignalRequest>,
) -> Result<JsonAnswer<Signalled>, Problem> {
    let signal = body.signal.parse::<Signal>();
    let signal =
        signal.map_err(|error| Problem::bad_request("invalid_signal", error.to_string()))?;
    let project = app.projects.find(&caller, &project).await?;
    let entry = find(&app, &project, &id).await?;
    let permit = app.gate.admit(&caller, Action::write("exec.signal", project.target())).await?;
    let sent = app.exec.signal(&permit, &project, &entry, signal).await;
    permit.seal(sent)?;
    Ok(JsonAnswer(Signalled { success: true }))
}

/// Gives the body to a command that was started with `stdin_open`. It is answered when the
/// command's pipe has all of it, so a command that does not read makes the sender wait.
#[utoipa::path(post, path = "/containers/{project}/exec/{id}/stdin", tag = "exec", params(("project" = String, Path), ("id" = String, Path), StdinQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = StdinWritten), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn write_stdin(
    State(app): State<App>,
    caller: Caller,
    Path((project, id)): Path<(String, String)>,
    Query(query): Query<StdinQuery>,
    body: Body,
) -> Result<JsonAnswer<StdinWritten>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let entry = find(&app, &project, &id).await?;
    let permit = app.gate.admit(&caller, Action::write("exec.stdin", project.target())).await?;
    let written = match app.exec.stdin(&permit, &project, &entry).await {
        Ok(stdin) => copy(body, stdin, query.end).await,
        Err(error) => Err(error.into()),
    };
    let written_bytes = permit.seal(written)?;
    Ok(JsonAnswer(StdinWritten { success: true, written_bytes }))
}

/// What was run in a project, the newest first.
#[utoipa::path(get, path = "/containers/{project}/history", tag = "exec", params(("project" = String, Path), HistoryQuery),
    responses((status = 200, body = History), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn list_history(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<JsonAnswer<History>, Problem> {
    if query.q.as_ref().is_some_and(|text| text.len() > MAX_SEARCH_BYTES) {
        let detail = format!("`q` may have at most {MAX_SEARCH_BYTES} bytes");
        return Err(Problem::bad_request("invalid_query", detail));
    }
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    let before = query.cursor.as_deref().map(read_cursor).transpose()?;
    let before = before.map(|id| id.parse::<CommandId>()).transpose().map_err(invalid)?;
    let project = app.projects.find(&caller, &project).await?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    let search = Search { text: query.q, before, limit };
    let (entries, next) = app.exec.history(&project, &search).await?;
    let next_cursor = next.map(|next| write_cursor(next.as_str()));
    Ok(JsonAnswer(History { commands: entries.iter().map(view).collect(), next_cursor }))
}

/// The stream of a command that a request with the same key began.
pub(super) async fn again(app: App, project: Project, first: &str) -> Result<Response, Problem> {
    let id = first.rsplit('/').next().unwrap_or_default();
    let entry = find(&app, &project, id).await?;
    follow(app, &project, entry, Place::default()).await
}

/// What can't be a command's id is no command's.
async fn find(app: &App, project: &Project, id: &str) -> Result<Entry, Problem> {
    let id = id.parse::<CommandId>().map_err(|error| Problem::not_found(error.to_string()))?;
    Ok(app.exec.find(project, &id).await?)
}

async fn follow(
    app: App,
    project: &Project,
    entry: Entry,
    place: Place,
) -> Result<Response, Problem> {
    let location = location(project, &entry.id);
    let follower = FOLLOWERS.try_acquire().map_err(|_| too_many())?;
    let Some(running) = app.exec.follow(project, &entry, place.next).await? else {
        return Ok((location, sse::stream(stream::end_alone(entry))).into_response());
    };
    let finished = match entry.state {
        Stands::Ended(_) => entry.changes,
        _ => None,
    };
    let running = running.with_changes(finished);
    let events = stream::events(running, place, None, app.tasks.clone());
    let events = events.inspect(move |_| {
        let _ = &follower;
    });
    Ok((location, sse::stream(events)).into_response())
}

fn too_many() -> Problem {
    let detail = "too many clients follow commands; ask for the command once instead";
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail);
    problem.retry_after = Some(std::time::Duration::from_secs(1));
    problem
}

/// As fast as the command reads.
async fn copy(body: Body, mut stdin: ExecStdin, end: bool) -> Result<u64, Problem> {
    let (mut body, mut written) = (body.into_data_stream(), 0);
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| {
            Problem::bad_request("incomplete_body", format!("the input did not arrive: {error}"))
        })?;
        written += bytes.len() as u64;
        stdin.write(bytes).await.map_err(|_| Error::NoInput)?;
    }
    stdin.finish(end).await.map_err(|_| Error::NoInput)?;
    Ok(written)
}
