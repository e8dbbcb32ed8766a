//! The paths of the founding documents that are not below `/api/v1`: routes to the
//! same handlers, with nothing of their own.

use axum::Json as JsonAnswer;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json, Path};
use super::files::batch::MAX_BATCH_BYTES;
use super::files::{Encoding, FileView, WriteFile, write_file};
use super::problem::{Problem, ProblemView};
use super::routes::{admin, project_files};
use super::runtimes::{CreateRuntime, RuntimeConfig, RuntimeView, create_runtime};
use super::{exec, projects, runtimes, terminals};
use crate::app::App;
use crate::auth::Caller;

/// `/admin/*`, `/projects/{project}/files/*`, `/api/projects/*`, `/api/containers/*` and
/// `/ws/{session_id}`.
pub(super) fn routes() -> OpenApiRouter<App> {
    let mut router = admin().merge(project_files()).nest("/api", platform());
    let items = router.get_openapi_mut().paths.paths.values_mut();
    items.flat_map(operations).for_each(rename);
    router
        .route("/api/containers/", post(create_container))
        .route("/api/projects/", get(projects::list_projects).post(projects::create_project))
        .route("/api/containers/{project}/execute", post(exec::run_command))
        .route("/ws/{project}", get(terminals::open_terminal))
}

/// What clients of the document on the Python platform ask for.
fn platform() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_container))
        .routes(routes!(runtimes::find_runtime, runtimes::delete_runtime))
        .routes(routes!(projects::create_project, projects::list_projects))
        .routes(routes!(projects::find_project, projects::delete_project))
        .routes(routes!(put_file))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES))
}

/// The same as `POST /api/v1/containers/{project}/create`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "project": "todo", "project_type": "python" }))]
pub(super) struct CreateContainer {
    pub project: String,
    pub project_type: Option<String>,
    #[serde(default)]
    pub config: RuntimeConfig,
}

/// Creates the runtime of the project that the body names, and starts it.
#[utoipa::path(post, path = "/containers", request_body = CreateContainer,
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
async fn create_container(
    state: State<App>,
    caller: Caller,
    Json(body): Json<CreateContainer>,
) -> Result<JsonAnswer<RuntimeView>, Problem> {
    let CreateContainer { project, project_type, config } = body;
    create_runtime(state, caller, Path(project), Json(CreateRuntime { project_type, config })).await
}

/// Writes a file whose path is in the URL, as `PUT …/files/write` does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "content": "print(1)\n" }))]
pub(super) struct PutFile {
    pub content: String,
    #[serde(default)]
    pub encoding: Encoding,
    pub if_match: Option<String>,
    pub executable: Option<bool>,
}

/// Writes a file.
#[utoipa::path(put, path = "/projects/{project}/files/{*path}", params(("project" = String, Path), ("path" = String, Path)),
    request_body = PutFile,
    responses((status = 200, body = FileView), (status = 201, body = FileView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
async fn put_file(
    state: State<App>,
    caller: Caller,
    Path((project, path)): Path<(String, String)>,
    Json(body): Json<PutFile>,
) -> Result<(StatusCode, JsonAnswer<FileView>), Problem> {
    let PutFile { content, encoding, if_match, executable } = body;
    let file = WriteFile { path, content, encoding, if_match, executable };
    write_file(state, caller, Path(project), Json(file)).await
}

/// Each operation of the description has a name of its own.
fn rename(operation: &mut Operation) {
    operation.operation_id = operation.operation_id.take().map(|id| format!("documented_{id}"));
    operation.tags = Some(vec!["documented".to_owned()]);
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, head, patch, .. } = item;
    [get, put, post, delete, head, patch].into_iter().flatten()
}
