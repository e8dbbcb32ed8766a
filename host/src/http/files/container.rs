//! A project's files under the name of its container, as the documented API has them: the
//! same handlers, with nothing of their own but the shape of an answer.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::batch::{self, Batch, BatchDone};
use super::{FileContent, FileList, FilesQuery, ReadQuery, WriteFile};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Json, Path, Query};
use crate::http::problem::{Problem, ProblemView};

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Written {
    pub success: bool,
    pub path: String,
}

/// What a directory holds, as `/projects/{project}/files` tells it.
#[utoipa::path(get, path = "/containers/{project}/files", tag = "files", operation_id = "list_container_files", params(("project" = String, Path), FilesQuery),
    responses((status = 200, body = FileList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn list_files(
    app: State<App>,
    caller: Caller,
    project: Path<String>,
    query: Query<FilesQuery>,
) -> Result<JsonAnswer<FileList>, Problem> {
    super::list_files(app, caller, project, query).await
}

/// A whole file within JSON.
#[utoipa::path(get, path = "/containers/{project}/files/{*path}", tag = "files", operation_id = "read_container_file", params(("project" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = FileContent), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn read_file(
    app: State<App>,
    caller: Caller,
    Path((project, path)): Path<(String, String)>,
) -> Result<JsonAnswer<FileContent>, Problem> {
    super::read_file(app, caller, Path(project), Query(ReadQuery { path })).await
}

/// Saves a file: all of it, or nothing.
#[utoipa::path(post, path = "/containers/{project}/files", tag = "files", operation_id = "write_container_file", params(("project" = String, Path)), request_body = WriteFile,
    responses((status = 200, body = Written), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn write_file(
    app: State<App>,
    caller: Caller,
    project: Path<String>,
    Json(body): Json<WriteFile>,
) -> Result<JsonAnswer<Written>, Problem> {
    let path = body.path.clone();
    let (_status, _file) = super::write_file(app, caller, project, Json(body)).await?;
    Ok(JsonAnswer(Written { success: true, path }))
}

/// Carries out all operations, in their order, or none of them.
#[utoipa::path(post, path = "/containers/{project}/files/batch", tag = "files", operation_id = "change_container_files", params(("project" = String, Path)), request_body = Batch,
    responses((status = 200, body = BatchDone), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn change_files(
    app: State<App>,
    caller: Caller,
    project: Path<String>,
    body: Json<Batch>,
) -> Result<JsonAnswer<BatchDone>, Problem> {
    batch::change_files(app, caller, project, body).await
}
