//! Doors to the bytes of a file, as they are.
//!
//! What a project's file says must not act in our pages: its type is not
//! guessed at by the browser, and a page among the files runs in a sandbox,
//! without scripts and without our origin.

use std::io::SeekFrom;

use axum::Json as JsonAnswer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::range::{self, Part};
use super::{FileView, action, parse_path, view};
use crate::app::App;
use crate::auth::Caller;
use crate::files::{Entry, Error, Etag, Opened, Precondition, Save};
use crate::http::extract::{Path, Query};
use crate::http::problem::{Problem, ProblemView};

/// Bytes read at once while a file is sent.
const PIECE_BYTES: usize = 64 * 1024;

/// Etags that one header may list.
const MAX_ETAGS: usize = 64;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SaveQuery {
    /// Sets or takes the right to execute; without it, it stays.
    pub executable: Option<bool>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveQuery {
    /// Whether a directory goes with what is in it.
    #[serde(default)]
    pub recursive: bool,
}

/// The file, or the part that `Range` names. `HEAD` gives the headers alone.
#[utoipa::path(get, path = "/projects/{project}/content/{*path}", tag = "files", params(("project" = String, Path), ("path" = String, Path)),
    responses((status = 200, description = "The bytes", content((Vec<u8> = "application/octet-stream"))),
        (status = 206, description = "The part that `Range` names"), (status = 304, description = "`If-None-Match` names this version"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn read_content(
    State(app): State<App>,
    caller: Caller,
    Path((project, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = parse_path(&path)?;
    let project = app.projects.find(&caller, &project).await?;
    let opened = app.files.open(&project, &path).await?;
    answer(opened, &headers).await
}

/// Saves the body: all of it, or nothing.
#[utoipa::path(put, path = "/projects/{project}/content/{*path}", tag = "files", params(("project" = String, Path), ("path" = String, Path), SaveQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = FileView), (status = 201, body = FileView, description = "It is new"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn save_content(
    State(app): State<App>,
    caller: Caller,
    Path((project, path)): Path<(String, String)>,
    Query(query): Query<SaveQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let path = parse_path(&path)?;
    whole_and_not_too_large(&headers, app.files.max_file_bytes())?;
    let save = Save { precondition: precondition(&headers)?, executable: query.executable };
    let project = app.projects.find(&caller, &project).await?;
    let admission = app.gate.admit_soon(&caller, action("file.write", &project, &path)).await?;
    // What comes is taken in while the record is written; it lands only with a permit.
    let body = body.into_data_stream();
    let received = async { Ok(app.files.receive(&project, &path, body, save).await) };
    let (permit, received) = tokio::try_join!(admission.recorded(), received)?;
    let saved = match received {
        Ok(received) => app.files.land(&permit, &project, &path, received).await,
        Err(error) => Err(error),
    };
    let saved = permit.seal(saved)?;
    let status = if saved.created { StatusCode::CREATED } else { StatusCode::OK };
    let etag = [(header::ETAG, saved.entry.etag.to_string())];
    Ok((status, etag, JsonAnswer(view(&saved.entry))).into_response())
}

/// Deletes a file, a link or a directory; what is gone already is no error.
#[utoipa::path(delete, path = "/projects/{project}/content/{*path}", tag = "files", params(("project" = String, Path), ("path" = String, Path), RemoveQuery),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn delete_content(
    State(app): State<App>,
    caller: Caller,
    Path((project, path)): Path<(String, String)>,
    Query(query): Query<RemoveQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (path, precondition) = (parse_path(&path)?, precondition(&headers)?);
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, action("file.delete", &project, &path)).await?;
    let deleted = app.files.delete(&permit, &project, &path, query.recursive, precondition).await;
    permit.seal(deleted)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refused before the body is asked for.
fn whole_and_not_too_large(headers: &HeaderMap, limit: u64) -> Result<(), Problem> {
    if headers.contains_key(header::CONTENT_RANGE) {
        let detail = "a part of a file can't be saved; leave Content-Range away and send it whole";
        return Err(Problem::bad_request("partial_save", detail));
    }
    let length = text(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Error::TooLarge { limit }.into());
    }
    Ok(())
}

fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    match (etags(headers, &header::IF_MATCH)?, etags(headers, &header::IF_NONE_MATCH)?) {
        (None, None) => Ok(Precondition::None),
        (Some(Etags::Any), None) => Ok(Precondition::Exists),
        (Some(Etags::These(etags)), None) => Ok(Precondition::OneOf(etags)),
        (None, Some(Etags::Any)) => Ok(Precondition::Absent),
        (None, Some(Etags::These(etags))) => Ok(Precondition::NoneOf(etags)),
        (Some(_), Some(_)) => Err(Problem::bad_request(
            "invalid_precondition",
            "send If-Match or If-None-Match, not both",
        )),
    }
}

enum Etags {
    Any,
    These(Vec<Etag>),
}

fn etags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Etags>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let unreadable = || {
        let detail = format!("write {name} as `*` or as up to {MAX_ETAGS} quoted etags");
        Problem::bad_request("invalid_precondition", detail)
    };
    let text = value.to_str().map_err(|_| unreadable())?.trim();
    if text == "*" {
        return Ok(Some(Etags::Any));
    }
    let etags: Vec<Etag> = text.split(',').take(MAX_ETAGS + 1).map(Etag::from_caller).collect();
    if etags.len() > MAX_ETAGS { Err(unreadable()) } else { Ok(Some(Etags::These(etags))) }
}

async fn answer(opened: Opened, headers: &HeaderMap) -> Result<Response, Problem> {
    let Opened { entry, file } = opened;
    let named = |etags: &Etags| match etags {
        Etags::Any => true,
        Etags::These(etags) => etags.iter().any(|etag| is_version(etag, &entry)),
    };
    if etags(headers, &header::IF_MATCH)?.is_some_and(|etags| !named(&etags)) {
        let current = Some(entry.etag.clone());
        return Err(Error::Changed { path: entry.path.clone(), current }.into());
    }
    if etags(headers, &header::IF_NONE_MATCH)?.is_some_and(|etags| named(&etags)) {
        return Ok((StatusCode::NOT_MODIFIED, about(&entry)).into_response());
    }
    match wanted(&entry, headers) {
        Part::Whole => send(file, &entry, 0, entry.size_bytes, StatusCode::OK).await,
        Part::Bytes { first, last } => {
            let length = last - first + 1;
            let part = send(file, &entry, first, length, StatusCode::PARTIAL_CONTENT).await?;
            let range = format!("bytes {first}-{last}/{}", entry.size_bytes);
            Ok(([(header::CONTENT_RANGE, range)], part).into_response())
        }
        Part::Nothing => Ok(unsatisfiable(&entry)),
    }
}

/// A cache may weaken our etags on the way.
fn is_version(etag: &Etag, entry: &Entry) -> bool {
    etag.as_str().strip_prefix("W/").unwrap_or(etag.as_str()) == entry.etag.as_str()
}

/// A range is of use only to who has the rest in the same version.
fn wanted(entry: &Entry, headers: &HeaderMap) -> Part {
    let same = text(headers, &header::IF_RANGE).is_none_or(|etag| etag == entry.etag.as_str());
    match text(headers, &header::RANGE) {
        Some(header) if same => range::parse(header, entry.size_bytes),
        _ => Part::Whole,
    }
}

fn unsatisfiable(entry: &Entry) -> Response {
    let size = entry.size_bytes;
    let detail = format!("the file has {size} bytes; ask for some of them");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "invalid_range", detail);
    problem.with("size", size).into_response()
}

async fn send(
    file: std::fs::File,
    entry: &Entry,
    first: u64,
    length: u64,
    status: StatusCode,
) -> Result<Response, Problem> {
    let mut file = tokio::fs::File::from_std(file);
    if first > 0 {
        file.seek(SeekFrom::Start(first)).await.map_err(Problem::internal)?;
    }
    // A file that shrinks meanwhile breaks the answer off, which its length shows.
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), PIECE_BYTES));
    let sized = [(header::CONTENT_LENGTH, HeaderValue::from(length))];
    Ok((status, sized, about(entry), body).into_response())
}

/// What is said of a file, whether it is sent or not.
fn about(entry: &Entry) -> [(HeaderName, HeaderValue); 8] {
    let fixed = HeaderValue::from_static;
    let value = |text: String| HeaderValue::try_from(text).unwrap_or_else(|_| fixed(""));
    [
        (header::ETAG, value(entry.etag.to_string())),
        (header::LAST_MODIFIED, value(http_date(entry))),
        (header::ACCEPT_RANGES, fixed("bytes")),
        (header::CACHE_CONTROL, fixed("private, no-cache")),
        (header::CONTENT_TYPE, value(content_type(&entry.path))),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::CONTENT_SECURITY_POLICY, fixed("sandbox; default-src 'none'")),
        (HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin")),
    ]
}

fn http_date(entry: &Entry) -> String {
    entry.modified.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Guessed by the name.
pub(in crate::http) fn content_type(path: &str) -> String {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    if guess.type_() == mime_guess::mime::TEXT && guess.get_param("charset").is_none() {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_string()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
