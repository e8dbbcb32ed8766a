//! Doors to the files of a submission, as they were handed in.

use axum::Json as JsonAnswer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Path, Query};
use crate::http::files::content::content_type;
use crate::http::files::parse_path;
use crate::http::files::range::{self, Part};
use crate::http::page::{PageQuery, write_cursor};
use crate::http::problem::{Problem, ProblemView};
use crate::reviews::{DEFAULT_PAGE, File};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedFile {
    pub path: String,
    pub size: u64,
    pub sha256: String,
    pub executable: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedFileList {
    pub files: Vec<SubmittedFile>,
    pub next_cursor: Option<String>,
}

/// The files of a submission, by their paths.
#[utoipa::path(get, path = "/submissions/{submission}/files", tag = "reviews", params(("submission" = String, Path), PageQuery),
    responses((status = 200, body = SubmittedFileList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn list_submitted_files(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<JsonAnswer<SubmittedFileList>, Problem> {
    let (after, limit) = (page.after()?, page.limit.unwrap_or(DEFAULT_PAGE));
    let submission = app.reviews.find(&caller, &submission).await?;
    let (files, next) = app.reviews.list_files(&submission, after.as_deref(), limit).await?;
    let next_cursor = next.map(|next| write_cursor(&next));
    Ok(JsonAnswer(SubmittedFileList { files: files.iter().map(view).collect(), next_cursor }))
}

/// A file as it was handed in, or the part that `Range` names.
#[utoipa::path(get, path = "/submissions/{submission}/files/{*path}", tag = "reviews", params(("submission" = String, Path), ("path" = String, Path)),
    responses((status = 200, description = "The bytes", content((Vec<u8> = "application/octet-stream"))),
        (status = 206, description = "The part that `Range` names"), (status = 304, description = "`If-None-Match` names this content"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn read_submitted_file(
    State(app): State<App>,
    caller: Caller,
    Path((submission, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = parse_path(&path)?;
    let submission = app.reviews.find(&caller, &submission).await?;
    let file = app.reviews.file(&submission, path.as_str()).await?;
    if text(&headers, &header::IF_NONE_MATCH).is_some_and(|named| names(named, &file)) {
        return Ok((StatusCode::NOT_MODIFIED, about(&file)).into_response());
    }
    let size = file.size_bytes;
    let (status, part) = match wanted(&headers, &file) {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first..last + 1),
        Part::Nothing => return Err(unsatisfiable(size)),
    };
    let (first, length) = (part.start, part.end - part.start);
    let body = Body::from_stream(app.reviews.read(&submission, &file, part).await?);
    let sized = [(header::CONTENT_LENGTH, HeaderValue::from(length))];
    let answer = (status, sized, about(&file), body).into_response();
    if status == StatusCode::OK {
        return Ok(answer);
    }
    let range = format!("bytes {first}-{}/{size}", first + length - 1);
    Ok(([(header::CONTENT_RANGE, range)], answer).into_response())
}

fn names(named: &str, file: &File) -> bool {
    let mut etags = named.split(',').map(|etag| etag.trim().trim_start_matches("W/"));
    etags.any(|named| named == "*" || named == etag(file))
}

fn wanted(headers: &HeaderMap, file: &File) -> Part {
    let same = text(headers, &header::IF_RANGE).is_none_or(|named| named == etag(file));
    match text(headers, &header::RANGE) {
        Some(range) if same => range::parse(range, file.size_bytes),
        _ => Part::Whole,
    }
}

fn unsatisfiable(size: u64) -> Problem {
    let detail = format!("the file has {size} bytes; ask for some of them");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "invalid_range", detail).with("size", size)
}

fn etag(file: &File) -> String {
    format!("\"{}\"", file.sha256)
}

/// What somebody handed in must not act in our pages, as little as a project's files.
fn about(file: &File) -> [(HeaderName, HeaderValue); 7] {
    let fixed = HeaderValue::from_static;
    let value = |text: String| HeaderValue::try_from(text).unwrap_or_else(|_| fixed(""));
    [
        (header::ETAG, value(etag(file))),
        (header::ACCEPT_RANGES, fixed("bytes")),
        (header::CACHE_CONTROL, fixed("private, no-cache")),
        (header::CONTENT_TYPE, value(content_type(&file.path))),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::CONTENT_SECURITY_POLICY, fixed("sandbox; default-src 'none'")),
        (HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin")),
    ]
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn view(file: &File) -> SubmittedFile {
    SubmittedFile {
        path: file.path.clone(),
        size: file.size_bytes,
        sha256: file.sha256.clone(),
        executable: file.executable,
    }
}
