//! Doors to projects.

pub(super) mod deleted;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::deleted::DeleteQuery;
use super::extract::{Json, Path, Query};
use super::page::{PageQuery, write_cursor};
use super::problem::{Problem, ProblemView};
use super::runtimes::RuntimeView;
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Permit, Target};
use crate::ids::{Kind, ProjectId, ProjectName};
use crate::projects::{self, DEFAULT_PAGE, MAX_PAGE, NewProject, Project};
use crate::runtimes;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "todo", "kind": "python" }))]
pub(super) struct CreateProject {
    /// `^[a-z0-9][a-z0-9-]{0,62}$`
    pub name: String,
    /// `python`, `node`, `java`, `go`, `rust`, `ruby`, `php` or `static`.
    #[serde(default = "python")]
    pub kind: String,
    #[serde(default)]
    pub description: String,
}

fn python() -> String {
    Kind::Python.to_string()
}

/// The longest description that is kept.
const MAX_DESCRIPTION_BYTES: usize = 4096;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "description": "what we do today" }))]
pub(super) struct UpdateProject {
    pub description: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectView {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub description: String,
    pub owner: String,
    pub created_at: String,
    pub updated_at: String,
    pub runtime: Option<RuntimeView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProjectList {
    pub projects: Vec<ProjectView>,
    pub next_cursor: Option<String>,
}

/// Creates a project; the same once more is no error.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = CreateProject,
    responses((status = 201, body = ProjectView), (status = 200, body = ProjectView, description = "It existed already"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_project(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateProject>,
) -> Result<(StatusCode, axum::Json<ProjectView>), Problem> {
    let new = NewProject {
        name: parse_name(&body.name)?,
        kind: parse_kind(&body.kind)?,
        description: check_description(body.description)?,
    };
    let target = Target::New { name: format!("project/{}", new.name) };
    let permit = app.gate.admit(&caller, Action::write("project.create", target)).await?;
    let created = app.projects.create(&permit, new).await;
    let (project, is_new) = permit.seal(created)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(view(&app, project).await?)))
}

/// The caller's projects.
#[utoipa::path(get, path = "/projects", tag = "projects", params(PageQuery),
    responses((status = 200, body = ProjectList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_projects(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<ProjectList>, Problem> {
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    let after = page.after()?.map(|id| id.parse::<ProjectId>()).transpose().map_err(invalid)?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let found = app.projects.list(&caller, after.as_ref(), limit).await?;
    let full = found.len() == limit as usize;
    let next_cursor = found.last().filter(|_| full).map(|last| write_cursor(last.id.as_str()));
    let mut projects = Vec::with_capacity(found.len());
    for project in found {
        projects.push(view(&app, project).await?);
    }
    Ok(axum::Json(ProjectList { projects, next_cursor }))
}

/// One project.
#[utoipa::path(get, path = "/projects/{project}", tag = "projects", params(("project" = String, Path)),
    responses((status = 200, body = ProjectView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_project(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<ProjectView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    Ok(axum::Json(view(&app, project).await?))
}

/// Changes what a project says of itself.
#[utoipa::path(patch, path = "/projects/{project}", tag = "projects", params(("project" = String, Path)),
    request_body = UpdateProject,
    responses((status = 200, body = ProjectView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn update_project(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<UpdateProject>,
) -> Result<axum::Json<ProjectView>, Problem> {
    let description = body.description.map(check_description).transpose()?;
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("project.update", project.target())).await?;
    let updated = app.projects.update(&permit, project, None, description).await;
    Ok(axum::Json(view(&app, permit.seal(updated)?).await?))
}

/// Deletes the project: its runtime and its history at once, its files and submissions in a
/// week.
/// Until then it can be taken back, unless `purge` is asked for.
#[utoipa::path(delete, path = "/projects/{project}", tag = "projects", params(("project" = String, Path), DeleteQuery),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn delete_project(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let project = match app.projects.find(&caller, &project).await {
        Ok(project) => project,
        // Gone is gone: a retry finds what it asked for.
        Err(projects::Error::NotFound(_)) => {
            if query.purge {
                deleted::purge(&app, &caller, &project).await?;
            }
            return Ok(StatusCode::NO_CONTENT);
        }
        Err(error) => return Err(error.into()),
    };
    let permit = app.gate.admit(&caller, Action::write("project.delete", project.target())).await?;
    let deleted = if query.purge {
        purge_whole(&app, &permit, &project).await
    } else {
        delete_whole(&app, &permit, &project).await
    };
    permit.seal(deleted)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The runtime goes first: it uses the files.
pub(super) async fn delete_whole(
    app: &App,
    permit: &Permit,
    project: &Project,
) -> Result<(), runtimes::Error> {
    app.runtimes.delete(permit, project).await?;
    Ok(app.projects.retire(permit, project).await?)
}

/// The same for good.
async fn purge_whole(app: &App, permit: &Permit, project: &Project) -> Result<(), runtimes::Error> {
    app.runtimes.delete(permit, project).await?;
    app.projects.delete(permit, project).await?;
    deleted::forget_reviews(app, permit, &project.id).await;
    Ok(())
}

pub(super) async fn view(app: &App, project: Project) -> Result<ProjectView, Problem> {
    let runtime = app.runtimes.find(&project.id).await?;
    Ok(ProjectView {
        runtime: runtime.map(|runtime| {
            let ports = app.previews.port_mappings(&project.id);
            RuntimeView::of(app, &project, &runtime).with_ports(ports)
        }),
        id: project.id.to_string(),
        name: project.name.to_string(),
        kind: project.kind.as_str(),
        description: project.description,
        owner: project.owner.to_string(),
        created_at: project.created_at.to_string(),
        updated_at: project.updated_at.to_string(),
    })
}

pub(super) fn parse_name(name: &str) -> Result<ProjectName, Problem> {
    name.parse().map_err(|error: crate::ids::InvalidId| {
        Problem::bad_request("invalid_name", error.to_string())
    })
}

pub(super) fn parse_kind(kind: &str) -> Result<Kind, Problem> {
    kind.parse().map_err(|error: crate::ids::InvalidId| {
        Problem::bad_request("invalid_kind", error.to_string())
    })
}

fn check_description(text: String) -> Result<String, Problem> {
    if text.len() <= MAX_DESCRIPTION_BYTES && !text.contains('\0') {
        Ok(text)
    } else {
        Err(Problem::bad_request(
            "invalid_description",
            format!("write a description of at most {MAX_DESCRIPTION_BYTES} bytes, without NUL"),
        ))
    }
}

impl From<projects::Error> for Problem {
    fn from(error: projects::Error) -> Self {
        match error {
            projects::Error::NotFound(_) => Self::not_found(error.to_string()),
            projects::Error::Differs { .. } => Self::conflict("exists", error.to_string()),
            projects::Error::Taken(_) => Self::conflict("exists", error.to_string()),
            projects::Error::Quota(over) => over.into(),
            projects::Error::Workspace(_) => Self::internal(error),
            projects::Error::Db(error) => error.into(),
        }
    }
}
