//! Doors for administrators to all runtimes, and to how the server is.

pub(super) mod disk;
pub(super) mod drain;
pub(super) mod orphans;
pub(super) mod quotas;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::health::{self, ReadyView};
use super::page::{read_cursor, write_cursor};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Permit, Target};
use crate::ids::ProjectId;
use crate::projects::{self, Project};
use crate::runtimes::Runtime;
use crate::runtimes::state::Status;

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RuntimesQuery {
    /// Only those in this state, such as `running`.
    pub status: Option<String>,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A project, and how its runtime is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedRuntime {
    /// The same as the project's id.
    pub container_id: String,
    pub project: String,
    pub owner: String,
    pub kind: &'static str,
    /// `absent` `creating` `running` `stopping` `stopped` `restarting` `failed` `deleting`
    pub status: &'static str,
    /// What it should be: `running` `stopped` `absent`
    pub desired: &'static str,
    /// Why it is in this state, where that needs a word.
    pub reason: Option<String>,
    pub engine: Option<String>,
    /// How often in a row it ended by itself.
    pub restarts: u32,
    pub last_activity: Option<String>,
    pub started_at: Option<String>,
    pub updated_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuntimeList {
    pub runtimes: Vec<ListedRuntime>,
    pub next_cursor: Option<String>,
}

/// How the server is, and how much there is on it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AdminHealthView {
    #[serde(flatten)]
    pub ready: ReadyView,
    pub version: &'static str,
    pub started_at: String,
    pub uptime_seconds: u64,
    /// What this server's program takes; null where the machine does not tell.
    pub memory_bytes: Option<u64>,
    pub projects: u64,
    /// Projects by the state of their runtime.
    pub runtimes: BTreeMap<&'static str, u64>,
    /// Jobs by their state.
    pub jobs: BTreeMap<&'static str, u64>,
}

/// All projects and the states of their runtimes, in the order in which the projects
/// were made.
#[utoipa::path(get, path = "/admin/runtimes", tag = "admin", params(RuntimesQuery),
    responses((status = 200, body = RuntimeList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_runtimes(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RuntimesQuery>,
) -> Result<axum::Json<RuntimeList>, Problem> {
    look(&app, &caller, "runtime.list").await?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let status = query.status.as_deref().map(parse_status).transpose()?;
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let after: Option<ProjectId> = after.map(|id| id.parse()).transpose().map_err(invalid_id)?;
    let found = app.runtimes.page(after.as_ref(), status, limit).await?;
    let full = found.len() == limit as usize;
    let next = found.last().filter(|_| full).map(|(id, _)| write_cursor(id.as_str()));
    let mut runtimes = Vec::with_capacity(found.len());
    for (id, runtime) in found {
        match app.projects.get(&id).await {
            Ok(project) => runtimes.push(listed(&app, &project, runtime.as_ref())),
            // It was deleted meanwhile.
            Err(projects::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(axum::Json(RuntimeList { runtimes, next_cursor: next }))
}

/// Ends a runtime at once, without asking what runs in it.
#[utoipa::path(post, path = "/admin/runtimes/{id}/stop", tag = "admin", params(("id" = String, Path)),
    operation_id = "force_stop_runtime",
    responses((status = 200, body = ListedRuntime), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn stop_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<axum::Json<ListedRuntime>, Problem> {
    let (project, permit) = admit(&app, &caller, "runtime.force-stop", &id).await?;
    let stopped = app.runtimes.force_stop(&permit, &project).await;
    Ok(axum::Json(listed(&app, &project, Some(&permit.seal(stopped)?))))
}

/// Removes a runtime from whatever state it is in; the project's files stay.
#[utoipa::path(delete, path = "/admin/runtimes/{id}", tag = "admin", params(("id" = String, Path)),
    operation_id = "force_remove_runtime",
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn remove_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let (project, permit) = admit(&app, &caller, "runtime.force-remove", &id).await?;
    let removed = app.runtimes.delete(&permit, &project).await;
    permit.seal(removed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the server is, for those who look after it.
#[utoipa::path(get, path = "/admin/health", tag = "admin", operation_id = "admin_health",
    responses((status = 200, body = AdminHealthView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn health(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<AdminHealthView>, Problem> {
    look(&app, &caller, "health.look").await?;
    let (runtimes, jobs) =
        (app.runtimes.count_by_status().await?, app.jobs.count_by_status().await?);
    let uptime = app.clock.now().duration_since(app.started_at).as_secs();
    Ok(axum::Json(AdminHealthView {
        ready: health::look(&app).await,
        version: env!("CARGO_PKG_VERSION"),
        started_at: app.started_at.to_string(),
        uptime_seconds: u64::try_from(uptime).unwrap_or(0),
        memory_bytes: memory().await,
        projects: runtimes.iter().map(|(_, count)| count).sum(),
        runtimes: runtimes.into_iter().map(|(status, count)| (status.as_str(), count)).collect(),
        jobs: jobs.into_iter().map(|(status, count)| (status.as_str(), count)).collect(),
    }))
}

/// Resident memory, as the kernel counts it.
async fn memory() -> Option<u64> {
    let text = tokio::fs::read_to_string("/proc/self/statm").await.ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

/// Leave to look at what is the administrators'.
async fn look(app: &App, caller: &Caller, action: &'static str) -> Result<(), Problem> {
    app.gate.admit(caller, Action::read(action, Target::Installation)).await?;
    Ok(())
}

/// Others are not told whether there is such a project.
async fn admit(
    app: &App,
    caller: &Caller,
    action: &'static str,
    id: &str,
) -> Result<(Project, Permit), Problem> {
    look(app, caller, action).await?;
    let project = app.projects.find(caller, id).await?;
    let permit = app.gate.admit(caller, Action::write(action, project.target())).await?;
    Ok((project, permit))
}

fn listed(app: &App, project: &Project, runtime: Option<&Runtime>) -> ListedRuntime {
    let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let activity = runtime.and_then(|runtime| app.runtimes.latest_activity(runtime));
    ListedRuntime {
        container_id: project.id.to_string(),
        project: project.name.to_string(),
        owner: project.owner.to_string(),
        kind: project.kind.as_str(),
        status: runtime.map_or("absent", |runtime| runtime.status.as_str()),
        desired: runtime.map_or("absent", |runtime| runtime.desired.as_str()),
        reason: runtime.and_then(|runtime| runtime.reason.clone()),
        engine: runtime.map(|runtime| runtime.engine.clone()),
        restarts: runtime.map_or(0, |runtime| runtime.crashes),
        last_activity: time(activity.map(|activity| activity.at)),
        started_at: time(runtime.and_then(|runtime| runtime.started_at)),
        updated_at: time(runtime.map(|runtime| runtime.updated_at)),
    }
}

fn parse_status(text: &str) -> Result<Status, Problem> {
    Status::parse(text).ok_or_else(|| {
        let known = Status::ALL.map(Status::as_str).join(", ");
        Problem::bad_request("invalid_query", format!("status: use {known}"))
    })
}

fn invalid_id(error: crate::ids::InvalidId) -> Problem {
    Problem::bad_request("invalid_cursor", error.to_string())
}
