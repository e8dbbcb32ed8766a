//! The door to a job's files as a zip.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::find;
use crate::app::App;
use crate::auth::Caller;
use crate::files::Format;
use crate::http::extract::Path;
use crate::http::files::archive;
use crate::http::files::range::{self, Part};
use crate::http::problem::{Problem, ProblemView};
use crate::jobs::{Archive, Job};
use crate::objects;

/// The files of a complete job, as a zip named after the project. A moment after the job
/// is complete it has an `ETag`, and `Range` may ask for a part; until then it is made
/// while it is sent.
#[utoipa::path(get, path = "/jobs/{job}/download", tag = "jobs", params(("job" = String, Path)),
    responses((status = 200, description = "The zip", content((Vec<u8> = "application/zip"))),
        (status = 206, description = "The part that `Range` names"), (status = 304, description = "`If-None-Match` names this version"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn download_job(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = find(&app, &caller, &job).await?;
    if let Some(archive) = app.jobs.archive(&job).await?
        && let Some(answer) = kept(&app, &job, &archive, &headers).await?
    {
        return Ok(answer);
    }
    Ok(archive::send(app.jobs.download(&job).await?))
}

/// `None` where it can't be read just now.
async fn kept(
    app: &App,
    job: &Job,
    archive: &Archive,
    headers: &HeaderMap,
) -> Result<Option<Response>, Problem> {
    if is_named(headers, archive) {
        return Ok(Some((StatusCode::NOT_MODIFIED, about(archive)).into_response()));
    }
    let size = archive.size_bytes;
    let (status, part) = match wanted(headers, archive) {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first..last + 1),
        Part::Nothing => return Err(unsatisfiable(size)),
    };
    let (first, length) = (part.start, part.end - part.start);
    let Some(body) = app.jobs.read_archive(job, archive, part).await? else { return Ok(None) };
    let sized = [(header::CONTENT_LENGTH, HeaderValue::from(length))];
    let answer = (status, sized, about(archive), Body::from_stream(body)).into_response();
    if status == StatusCode::OK {
        return Ok(Some(answer));
    }
    let range = format!("bytes {first}-{}/{size}", first + length - 1);
    Ok(Some(([(header::CONTENT_RANGE, range)], answer).into_response()))
}

/// Whether the client has this version.
fn is_named(headers: &HeaderMap, archive: &Archive) -> bool {
    let named = text(headers, &header::IF_NONE_MATCH).unwrap_or_default();
    let mut etags = named.split(',').map(|etag| etag.trim().trim_start_matches("W/"));
    etags.any(|etag| etag == "*" || etag == archive.etag)
}

/// A range is of use only to who has the rest in the same version.
fn wanted(headers: &HeaderMap, archive: &Archive) -> Part {
    let same = text(headers, &header::IF_RANGE).is_none_or(|etag| etag == archive.etag);
    match text(headers, &header::RANGE) {
        Some(range) if same => range::parse(range, archive.size_bytes),
        _ => Part::Whole,
    }
}

fn unsatisfiable(size: u64) -> Problem {
    let detail = format!("the archive has {size} bytes; ask for some of them");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "invalid_range", detail).with("size", size)
}

/// A project's name has no character that would need quoting.
fn about(archive: &Archive) -> [(HeaderName, String); 5] {
    [
        (header::CONTENT_TYPE, Format::Zip.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", archive.file_name)),
        (header::ETAG, archive.etag.clone()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ]
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

impl From<objects::Error> for Problem {
    fn from(error: objects::Error) -> Self {
        match error {
            objects::Error::NotFound(_) => Self::not_found(error.to_string()),
            objects::Error::Unavailable(internal) => {
                let detail = "the storage does not answer; try again in a moment";
                let mut problem = Self::unavailable("storage_unavailable", detail);
                problem.internal = Some(internal);
                problem
            }
            objects::Error::Config(_) | objects::Error::Body(_) => Self::internal(error),
        }
    }
}
