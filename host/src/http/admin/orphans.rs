//! Doors to what was left over.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::look;
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Permit, Target};
use crate::http::extract::Query;
use crate::http::problem::{Problem, ProblemView};
use crate::ids::JobId;
use crate::runtimes::orphans::Orphan;

/// What a directory of no job is called.
const JOB_DIRECTORY: &str = "job_directory";

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CleanupQuery {
    /// Says what would be done, and does nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrphanView {
    /// `runtime`: the engine has one that no project asked for. `workspace`: files of
    /// no project. `link_directory`: a place with a socket, for no runtime.
    /// `job_directory`: files of no job. These are removed. `missing_runtime`: one that
    /// should run is not there; it is made again.
    pub sort: &'static str,
    pub id: String,
    /// Null where nothing was tried.
    pub cleaned_up: Option<bool>,
    /// Why it was not.
    pub error: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrphanList {
    pub orphans: Vec<OrphanView>,
    /// Why directories are left alone, where they are.
    pub left_alone: Option<String>,
}

enum Found {
    Runtimes(Orphan),
    Jobs(JobId),
}

/// What was left over: nothing that another installation may own, and nothing that is
/// younger than ten minutes.
#[utoipa::path(get, path = "/admin/orphans", tag = "admin",
    responses((status = 200, body = OrphanList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn list_orphans(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<OrphanList>, Problem> {
    look(&app, &caller, "orphan.list").await?;
    let found = find(&app).await?;
    Ok(axum::Json(list(&app, found.iter().map(|found| view(found, None)).collect())))
}

/// Brings what was left over in order.
#[utoipa::path(post, path = "/admin/orphans/cleanup", tag = "admin", params(CleanupQuery),
    responses((status = 200, body = OrphanList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn clean_up_orphans(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CleanupQuery>,
) -> Result<axum::Json<OrphanList>, Problem> {
    if query.dry_run {
        return list_orphans(State(app), caller).await;
    }
    let action = Action::write("orphan.cleanup", Target::Installation);
    let permit = app.gate.admit(&caller, action).await?;
    let cleaned = clean_up_all(&app, &permit).await;
    Ok(axum::Json(list(&app, permit.seal(cleaned)?)))
}

async fn clean_up_all(app: &App, permit: &Permit) -> Result<Vec<OrphanView>, Problem> {
    let mut views = Vec::new();
    for found in find(app).await? {
        let cleaned = match &found {
            Found::Runtimes(orphan) => {
                app.runtimes.clean_up(permit, orphan).await.map_err(Problem::from)
            }
            Found::Jobs(directory) => {
                app.jobs.clean_up(permit, directory).await.map_err(Problem::from)
            }
        };
        let view = view(&found, Some(cleaned));
        if view.cleaned_up == Some(true) {
            permit.note(format!("{} {}", view.sort, view.id));
        }
        views.push(view);
    }
    Ok(views)
}

async fn find(app: &App) -> Result<Vec<Found>, Problem> {
    let runtimes = app.runtimes.orphans().await?.into_iter().map(Found::Runtimes);
    let foreign = app.runtimes.foreign_directories().is_some();
    let jobs = if foreign { Vec::new() } else { app.jobs.orphans().await? };
    Ok(runtimes.chain(jobs.into_iter().map(Found::Jobs)).collect())
}

fn list(app: &App, orphans: Vec<OrphanView>) -> OrphanList {
    OrphanList { orphans, left_alone: app.runtimes.foreign_directories() }
}

fn view(found: &Found, cleaned: Option<Result<bool, Problem>>) -> OrphanView {
    let (sort, id) = match found {
        Found::Runtimes(orphan) => (orphan.sort.as_str(), orphan.id.to_string()),
        Found::Jobs(directory) => (JOB_DIRECTORY, directory.to_string()),
    };
    let (cleaned_up, error) = match cleaned {
        None => (None, None),
        Some(Ok(done)) => (Some(done), None),
        Some(Err(problem)) => (Some(false), Some(problem.detail)),
    };
    OrphanView { sort, id, cleaned_up, error }
}
