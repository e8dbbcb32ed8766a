//! Doors to projects that were deleted.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ProjectView, view};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Permit};
use crate::http::extract::{Path, Query};
use crate::http::page::{PageQuery, write_cursor};
use crate::http::problem::{Problem, ProblemView};
use crate::ids::ProjectId;
use crate::projects::{self, DEFAULT_PAGE, Deleted, MAX_PAGE};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Whether it goes for good at once.
    #[serde(default)]
    pub purge: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedView {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub owner: String,
    pub deleted_at: String,
    /// Until when it can be taken back.
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedList {
    pub projects: Vec<DeletedView>,
    pub next_cursor: Option<String>,
}

/// The caller's deleted projects that can still be taken back.
#[utoipa::path(get, path = "/deleted-projects", tag = "projects", params(PageQuery),
    responses((status = 200, body = DeletedList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn list_deleted_projects(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<DeletedList>, Problem> {
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    let after = page.after()?.map(|id| id.parse::<ProjectId>()).transpose().map_err(invalid)?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let found = app.projects.list_deleted(&caller, after.as_ref(), limit).await?;
    let full = found.len() == limit as usize;
    let last = found.last().filter(|_| full);
    let next_cursor = last.map(|last| write_cursor(last.project.id.as_str()));
    Ok(axum::Json(DeletedList { projects: found.iter().map(shown).collect(), next_cursor }))
}

/// Takes a deleted project back, with its files; by its id, or the one of that name
/// that was deleted last.
#[utoipa::path(post, path = "/projects/{project}/restore", tag = "projects", params(("project" = String, Path)),
    responses((status = 200, body = ProjectView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn restore_project(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<ProjectView>, Problem> {
    let deleted = app.projects.find_deleted(&caller, &project).await?;
    let action = Action::write("project.restore", deleted.project.target());
    let permit = app.gate.admit(&caller, action).await?;
    let restored = app.projects.restore(&permit, deleted).await;
    Ok(axum::Json(view(&app, permit.seal(restored)?).await?))
}

/// Removes a project for good that was deleted before; none of that name is no error.
pub(super) async fn purge(app: &App, caller: &Caller, project: &str) -> Result<(), Problem> {
    let deleted = match app.projects.find_deleted(caller, project).await {
        Err(projects::Error::NotFound(_)) => return Ok(()),
        found => found?,
    };
    let action = Action::write("project.delete", deleted.project.target());
    let permit = app.gate.admit(caller, action).await?;
    let purged = app.projects.purge(&permit, &deleted).await;
    if purged.is_ok() {
        forget_reviews(app, &permit, &deleted.project.id).await;
    }
    Ok(permit.seal(purged)?)
}

/// What can't be removed now is swept later.
pub(super) async fn forget_reviews(app: &App, permit: &Permit, project: &ProjectId) {
    if let Err(error) = app.reviews.forget(permit, project).await {
        tracing::warn!(%project, %error, "submissions were not removed; tried again later");
    }
}

fn shown(deleted: &Deleted) -> DeletedView {
    let project = &deleted.project;
    DeletedView {
        id: project.id.to_string(),
        name: project.name.to_string(),
        kind: project.kind.as_str(),
        owner: project.owner.to_string(),
        deleted_at: deleted.deleted_at.to_string(),
        expires_at: deleted.expires_at.to_string(),
    }
}
