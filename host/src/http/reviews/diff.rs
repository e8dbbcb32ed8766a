//! The door to what changed from one submission to another.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::unified;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Path, Query};
use crate::http::files::parse_path;
use crate::http::problem::{Problem, ProblemView};
use crate::reviews::{Against, Compared, Diff, File, FileDiff, Hunk, Line, LineKind};

/// Compares with a project that has no files.
const NOTHING: &str = "none";

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// Another submission's id, or `none` for no files at all; without it, the submission
    /// before it.
    pub against: Option<String>,
    /// Only the file that has or had this path.
    pub path: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffView {
    pub submission_id: String,
    /// What it was compared with; null where that is no files at all.
    pub against: Option<String>,
    pub files: Vec<FileDiffView>,
    /// Files that changed as well and are not named, since they are too many.
    pub more_files: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileDiffView {
    /// `added`, `deleted`, `modified` or `renamed`.
    pub status: &'static str,
    pub old: Option<SideView>,
    pub new: Option<SideView>,
    /// Of a renamed file, how much it is the same, in hundredths of its bytes.
    pub similarity: Option<u8>,
    /// It is no text, and so has no lines.
    pub binary: bool,
    /// Why its lines are missing, where they are: `file_size`, `diff_size` or `time`.
    pub cut: Option<&'static str>,
    pub added_lines: usize,
    pub deleted_lines: usize,
    pub hunks: Vec<HunkView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SideView {
    pub path: String,
    pub size: u64,
    pub sha256: String,
    pub executable: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HunkView {
    pub old_start: usize,
    pub old_lines: usize,
    pub new_start: usize,
    pub new_lines: usize,
    pub lines: Vec<LineView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    /// `context`, `deleted` or `added`.
    pub kind: &'static str,
    /// Where it stands before and after, from one on.
    pub old: Option<usize>,
    pub new: Option<usize>,
    pub text: String,
    /// The file ends here, without an end of line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_newline: bool,
}

/// What changed; as a unified diff where `Accept` asks for `text/x-diff` or `text/plain`.
#[utoipa::path(get, path = "/submissions/{submission}/diff", tag = "reviews", params(("submission" = String, Path), DiffQuery),
    responses((status = 200, content((DiffView = "application/json"), (String = "text/x-diff"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn diff_submission(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
    Query(query): Query<DiffQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = query.path.as_deref().map(parse_path).transpose()?;
    let submission = app.reviews.find(&caller, &submission).await?;
    let against = match query.against.as_deref() {
        None => Against::Before,
        Some(NOTHING) => Against::Nothing,
        Some(other) => Against::Other(Box::new(app.reviews.find(&caller, other).await?)),
    };
    let path = path.as_ref().map(|path| path.as_str());
    let diff = app.reviews.diff(&submission, against, path).await?;
    match wants_text(&headers) {
        Some(media_type) => {
            let typed = [(header::CONTENT_TYPE, format!("{media_type}; charset=utf-8"))];
            Ok((typed, unified::write(&diff)).into_response())
        }
        None => Ok(axum::Json(view(submission.id.to_string(), diff)).into_response()),
    }
}

fn wants_text(headers: &HeaderMap) -> Option<&'static str> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    ["text/x-diff", "text/plain"].into_iter().find(|wanted| accept.contains(wanted))
}

fn view(submission_id: String, diff: Diff) -> DiffView {
    DiffView {
        submission_id,
        against: diff.against.map(|against| against.id.to_string()),
        files: diff.files.into_iter().map(file_view).collect(),
        more_files: diff.more_files,
    }
}

fn file_view(diff: FileDiff) -> FileDiffView {
    let status = match (&diff.old, &diff.new) {
        (None, _) => "added",
        (_, None) => "deleted",
        (Some(old), Some(new)) if old.path != new.path => "renamed",
        _ => "modified",
    };
    let (binary, cut, hunks) = match diff.content {
        Compared::Hunks(hunks) => (false, None, hunks),
        Compared::Binary => (true, None, Vec::new()),
        Compared::Cut(cut) => (false, Some(cut.as_str()), Vec::new()),
    };
    let count = |kind| {
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines);
        lines.filter(|line| line.kind == kind).count()
    };
    FileDiffView {
        status,
        old: diff.old.map(side_view),
        new: diff.new.map(side_view),
        similarity: diff.similarity,
        binary,
        cut,
        added_lines: count(LineKind::Added),
        deleted_lines: count(LineKind::Deleted),
        hunks: hunks.into_iter().map(hunk_view).collect(),
    }
}

fn side_view(file: File) -> SideView {
    SideView {
        path: file.path,
        size: file.size_bytes,
        sha256: file.sha256,
        executable: file.executable,
    }
}

fn hunk_view(hunk: Hunk) -> HunkView {
    HunkView {
        old_start: hunk.old_start,
        old_lines: hunk.old_lines,
        new_start: hunk.new_start,
        new_lines: hunk.new_lines,
        lines: hunk.lines.into_iter().map(line_view).collect(),
    }
}

fn line_view(line: Line) -> LineView {
    LineView {
        kind: match line.kind {
            LineKind::Context => "context",
            LineKind::Deleted => "deleted",
            LineKind::Added => "added",
        },
        old: line.old,
        new: line.new,
        text: String::from_utf8_lossy(&line.text).into_owned(),
        no_newline: line.is_open,
    }
}
