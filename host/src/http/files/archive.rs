//! Doors to a project as one file.

use axum::Json as JsonAnswer;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parse_path;
use crate::app::App;
use crate::auth::Caller;
use crate::events::Change;
use crate::files::{Download, Format};
use crate::gate::Action;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Problem, ProblemView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DownloadQuery {
    /// `zip`, `tar` or `tar.gz`.
    #[serde(default = "zip")]
    pub format: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// `zip`, `tar` or `tar.gz`.
    #[serde(default = "zip")]
    pub format: String,
    /// The directory below which it is unpacked; the project's root without it.
    pub path: Option<String>,
}

fn zip() -> String {
    Format::Zip.as_str().to_owned()
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unpacked {
    pub success: bool,
    /// Files and directories that are new.
    pub created: usize,
    /// Files that were there and have other content now.
    pub changed: usize,
}

/// All files and directories of the project. Links are left out.
#[utoipa::path(get, path = "/projects/{project}/archive", tag = "files", params(("project" = String, Path), DownloadQuery),
    responses((status = 200, description = "The archive", content((Vec<u8> = "application/zip"), (Vec<u8> = "application/x-tar"), (Vec<u8> = "application/gzip"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn download_project(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Result<Response, Problem> {
    let format = parse_format(&query.format)?;
    let project = app.projects.find(&caller, &project).await?;
    Ok(send(app.files.download(&project, format)))
}

/// Unpacks an archive over what is there: all of it, or nothing. Links, devices
/// and names that lead out or are there twice refuse the whole.
#[utoipa::path(post, path = "/projects/{project}/archive", tag = "files", params(("project" = String, Path), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Unpacked), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn upload_project(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<UploadQuery>,
    body: Body,
) -> Result<JsonAnswer<Unpacked>, Problem> {
    let format = parse_format(&query.format)?;
    let below = query.path.filter(|path| !path.is_empty());
    let below = below.as_deref().map(parse_path).transpose()?;
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("file.unpack", project.target())).await?;
    let body = body.into_data_stream();
    let changed = app.files.unpack(&permit, &project, below.as_ref(), format, body).await;
    let changed = permit.seal(changed)?;
    let count = |wanted| changed.iter().filter(|changed| changed.change == wanted).count();
    Ok(JsonAnswer(Unpacked {
        success: true,
        created: count(Change::Created),
        changed: count(Change::Changed),
    }))
}

fn parse_format(text: &str) -> Result<Format, Problem> {
    let known = Format::ALL.into_iter().find(|format| format.as_str() == text);
    known.ok_or_else(|| {
        Problem::bad_request("invalid_query", "`format` is `zip`, `tar` or `tar.gz`")
    })
}

/// A project's name has no character that would need quoting.
pub(in crate::http) fn send(download: Download) -> Response {
    let named = format!("attachment; filename=\"{}\"", download.file_name);
    let headers = [
        (header::CONTENT_TYPE, download.format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, named),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, Body::from_stream(download.body)).into_response()
}
