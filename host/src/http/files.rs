//! Doors to a project's files: listed, and made, read, saved, moved and deleted
//! as JSON. `content` serves them as they are.

pub(super) mod archive;
pub(super) mod batch;
pub(super) mod container;
pub(super) mod content;
pub(super) mod range;
pub(super) mod search;
pub(super) mod watch;

use axum::Json as JsonAnswer;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::files::{Content, Entry, EntryKind, Error, Etag, List, Precondition, RelPath, Save};
use crate::gate::{Action, Target};
use crate::projects::Project;

/// The largest file that is answered within JSON.
const MAX_JSON_FILE_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FilesQuery {
    /// The directory; the project's root where it is empty or missing.
    pub path: Option<String>,
    /// Also what is in the directories below it.
    #[serde(default)]
    pub recursive: bool,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadQuery {
    pub path: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    pub path: Option<String>,
    pub recursive: Option<bool>,
}

/// How `content` is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    Base64,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum NewType {
    #[default]
    File,
    Directory,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "path": "src/app.py", "content": "print(1)\n" }))]
pub(super) struct CreateFile {
    pub path: String,
    #[serde(default)]
    pub r#type: NewType,
    pub content: Option<String>,
    #[serde(default)]
    pub encoding: Encoding,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "path": "src/app.py", "content": "print(1)\n" }))]
pub(super) struct WriteFile {
    pub path: String,
    pub content: String,
    #[serde(default)]
    pub encoding: Encoding,
    /// The `etag` of the version that is to be replaced.
    pub if_match: Option<String>,
    /// Sets or takes the right to execute; without it, it stays.
    pub executable: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "path": "src", "recursive": true }))]
pub(super) struct DeleteFile {
    pub path: String,
    /// Whether a directory goes with what is in it.
    #[serde(default)]
    pub recursive: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "old.txt", "to": "new.txt" }))]
pub(super) struct RenameFile {
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub overwrite: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileView {
    pub name: String,
    pub path: String,
    /// `file`, `directory`, `symlink`, or `other`: a pipe, device or socket.
    pub r#type: &'static str,
    pub size: u64,
    pub modified: String,
    /// Changes with every change of the file.
    pub etag: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileList {
    pub files: Vec<FileView>,
    pub next_cursor: Option<String>,
    /// Some directory is deeper than a path can say, so that what it holds is
    /// not listed.
    pub clipped: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileContent {
    pub path: String,
    pub content: String,
    pub encoding: Encoding,
    pub etag: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    pub success: bool,
    pub path: String,
    /// Whether there was something to delete.
    pub deleted: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Renamed {
    pub success: bool,
    pub path: String,
}

/// What a directory holds, names in the order of their bytes.
#[utoipa::path(get, path = "/projects/{project}/files", tag = "files", params(("project" = String, Path), FilesQuery),
    responses((status = 200, body = FileList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_files(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<FilesQuery>,
) -> Result<JsonAnswer<FileList>, Problem> {
    let directory = query.path.as_deref().filter(|path| !path.is_empty());
    let directory = directory.map(parse_path).transpose()?;
    let project = app.projects.find(&caller, &project).await?;
    let list = List { recursive: query.recursive, limit: query.limit, cursor: query.cursor };
    let listing = app.files.list(&project, directory.as_ref(), list).await?;
    Ok(JsonAnswer(FileList {
        files: listing.entries.iter().map(view).collect(),
        next_cursor: listing.next_cursor,
        clipped: listing.clipped,
    }))
}

/// A whole file within JSON; larger ones are at `content`.
#[utoipa::path(get, path = "/projects/{project}/files/read", tag = "files", params(("project" = String, Path), ReadQuery),
    responses((status = 200, body = FileContent), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn read_file(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ReadQuery>,
) -> Result<JsonAnswer<FileContent>, Problem> {
    let path = parse_path(&query.path)?;
    let project = app.projects.find(&caller, &project).await?;
    let content = app.files.read_at_most(&project, &path, MAX_JSON_FILE_BYTES).await?;
    Ok(JsonAnswer(content_view(content)))
}

/// Makes a file or directory where nothing is, and its parents.
#[utoipa::path(post, path = "/projects/{project}/files/create", tag = "files", params(("project" = String, Path)),
    request_body = CreateFile,
    responses((status = 201, body = FileView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_file(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<CreateFile>,
) -> Result<(StatusCode, JsonAnswer<FileView>), Problem> {
    let path = parse_path(&body.path)?;
    let bytes = decode(body.content.unwrap_or_default(), body.encoding)?;
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, action("file.create", &project, &path)).await?;
    let created = match body.r#type {
        NewType::File => app.files.create_file(&permit, &project, &path, bytes).await,
        NewType::Directory => app.files.create_directory(&permit, &project, &path).await,
    };
    Ok((StatusCode::CREATED, JsonAnswer(view(&permit.seal(created)?))))
}

/// Saves a file: all of it, or nothing.
#[utoipa::path(put, path = "/projects/{project}/files/write", tag = "files", params(("project" = String, Path)),
    request_body = WriteFile,
    responses((status = 200, body = FileView), (status = 201, body = FileView, description = "It is new"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn write_file(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<WriteFile>,
) -> Result<(StatusCode, JsonAnswer<FileView>), Problem> {
    let path = parse_path(&body.path)?;
    let bytes = decode(body.content, body.encoding)?;
    let precondition = match body.if_match.as_deref() {
        None => Precondition::None,
        Some("*") => Precondition::Exists,
        Some(etag) => Precondition::OneOf(vec![Etag::from_caller(etag)]),
    };
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, action("file.write", &project, &path)).await?;
    let save = Save { precondition, executable: body.executable };
    let saved = app.files.write_bytes(&permit, &project, &path, bytes, save).await;
    let saved = permit.seal(saved)?;
    let status = if saved.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, JsonAnswer(view(&saved.entry))))
}

/// Deletes a file, a link or a directory; what is gone already is no error.
#[utoipa::path(delete, path = "/projects/{project}/files/delete", tag = "files", params(("project" = String, Path), DeleteQuery),
    request_body(content = Option<DeleteFile>, description = "In place of the query"),
    responses((status = 200, body = Deleted), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn delete_file(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<DeleteQuery>,
    body: Bytes,
) -> Result<JsonAnswer<Deleted>, Problem> {
    let wanted = wanted(query, &body)?;
    let path = parse_path(&wanted.path)?;
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, action("file.delete", &project, &path)).await?;
    let none = Precondition::None;
    let deleted = app.files.delete(&permit, &project, &path, wanted.recursive, none).await;
    let deleted = permit.seal(deleted)?;
    Ok(JsonAnswer(Deleted { success: true, path: wanted.path, deleted }))
}

/// Moves a file or directory; the parents of where it goes are made.
#[utoipa::path(post, path = "/projects/{project}/files/rename", tag = "files", params(("project" = String, Path)),
    request_body = RenameFile,
    responses((status = 200, body = Renamed), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn rename_file(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<RenameFile>,
) -> Result<JsonAnswer<Renamed>, Problem> {
    let (from, to) = (parse_path(&body.from)?, parse_path(&body.to)?);
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, action("file.rename", &project, &from)).await?;
    let renamed = app.files.rename(&permit, &project, &from, &to, body.overwrite).await;
    permit.seal(renamed)?;
    Ok(JsonAnswer(Renamed { success: true, path: body.to }))
}

/// What is to be deleted, from the body if there is one, else from the query.
fn wanted(query: DeleteQuery, body: &[u8]) -> Result<DeleteFile, Problem> {
    if !body.is_empty() {
        return serde_json::from_slice(body).map_err(|error| {
            Problem::bad_request("malformed_body", format!("the body, if there is one: {error}"))
        });
    }
    let missing = || Problem::bad_request("invalid_query", "say the `path`, as query or as body");
    let path = query.path.ok_or_else(missing)?;
    Ok(DeleteFile { path, recursive: query.recursive.unwrap_or_default() })
}

/// A change of one file, as the record names it.
pub(super) fn action(name: &'static str, project: &Project, path: &RelPath) -> Action {
    let target = format!("project/{}/{path}", project.name);
    Action::write(name, Target::Owned { owner: project.owner.clone(), name: target })
}

pub(super) fn parse_path(text: &str) -> Result<RelPath, Problem> {
    text.parse::<RelPath>().map_err(|error| Error::from(error).into())
}

pub(super) fn decode(content: String, encoding: Encoding) -> Result<Bytes, Problem> {
    match encoding {
        Encoding::Utf8 => Ok(content.into()),
        Encoding::Base64 => STANDARD.decode(content).map(Bytes::from).map_err(|error| {
            Problem::bad_request("invalid_content", format!("`content` is no base64: {error}"))
        }),
    }
}

pub(super) fn content_view(content: Content) -> FileContent {
    let (content, entry) = (content.bytes, content.entry);
    let (content, encoding) = match String::from_utf8(content) {
        Ok(text) => (text, Encoding::Utf8),
        Err(error) => (STANDARD.encode(error.as_bytes()), Encoding::Base64),
    };
    FileContent { path: entry.path, content, encoding, etag: entry.etag.to_string() }
}

pub(super) fn view(entry: &Entry) -> FileView {
    FileView {
        name: entry.name().to_owned(),
        path: entry.path.clone(),
        r#type: match entry.kind {
            EntryKind::File => "file",
            EntryKind::Directory => "directory",
            EntryKind::Symlink => "symlink",
            EntryKind::Other => "other",
        },
        size: entry.size_bytes,
        modified: entry.modified.to_string(),
        etag: entry.etag.to_string(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Path(_) => Self::bad_request("invalid_path", text),
            Error::Cursor => Self::bad_request("invalid_cursor", text),
            Error::Query(_) => Self::bad_request("invalid_search", text),
            Error::Archive(_) => Self::bad_request("invalid_archive", text),
            Error::ArchiveTooLarge(_) | Error::SnapshotTooLarge(_) => Self::too_large(text),
            Error::Body(_) => Self::bad_request("incomplete_body", text),
            Error::NotFound(_) => Self::not_found(text),
            Error::Exists(_) => Self::conflict("exists", text),
            Error::NotEmpty(_) => Self::conflict("not_empty", text),
            Error::IsDirectory(_) => Self::conflict("is_directory", text),
            Error::NotADirectory(_) => Self::conflict("not_a_directory", text),
            Error::IntoItself(_) => Self::conflict("into_itself", text),
            Error::Special(_) => Self::new(StatusCode::FORBIDDEN, "special_file", text),
            Error::Outside(_) => Self::new(StatusCode::FORBIDDEN, "outside_project", text),
            Error::Changed { current, .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "changed", text)
                    .with("etag", current.map(|etag| etag.to_string()))
            }
            Error::TooLarge { limit } => Self::too_large(text).with("limit", limit),
            Error::TooMany => Self::conflict("too_many_entries", text),
            Error::TooManyFiles => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "too_many_files", text)
            }
            Error::Quota(error) => error.into(),
            Error::NoSpace => Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", text),
            Error::Operation { number, error } => {
                let mut problem = Self::from(*error);
                if problem.internal.is_none() {
                    problem.detail = text;
                }
                problem.with("operation", number)
            }
            Error::Unwatchable => Self::unavailable("unwatchable", text),
            Error::Stopping => Self::unavailable("stopping", text),
            Error::Io { .. } => Self::internal(text),
        }
    }
}
