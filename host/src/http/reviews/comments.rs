//! Doors to remarks on submissions.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::http::extract::{Json, Path, Query};
use crate::http::files::parse_path;
use crate::http::page::{PageQuery, write_cursor};
use crate::http::problem::{Problem, ProblemView};
use crate::ids::CommentId;
use crate::reviews::{Comment, CommentChange, DEFAULT_PAGE, NewComment, Place, Placed};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "body": "why not a list?", "file": "app.py", "line": 3 }))]
pub(crate) struct CreateComment {
    pub body: String,
    /// The file that it is about; without it, the whole submission.
    pub file: Option<String>,
    /// The line of the file, from one on.
    pub line: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "resolved": true }))]
pub(crate) struct ChangeComment {
    /// Its author alone may change what it says.
    pub body: Option<String>,
    /// Whether it is settled.
    pub resolved: Option<bool>,
}

/// Where a comment was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentOrigin {
    pub submission_id: String,
    pub number: u32,
    pub file: Option<String>,
    pub line: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentView {
    pub id: String,
    pub author: String,
    /// Where it stands in this submission: none where that is gone.
    pub file: Option<String>,
    pub line: Option<u32>,
    /// What it was about was changed or removed since.
    pub outdated: bool,
    pub origin: CommentOrigin,
    pub body: String,
    pub resolved: bool,
    pub resolved_by: Option<String>,
    pub resolved_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommentList {
    pub comments: Vec<CommentView>,
    pub next_cursor: Option<String>,
    /// Not all lines could be followed in time; those are said to be outdated.
    pub cut: bool,
}

/// Remarks on a submission, on a file of it, or on a line.
#[utoipa::path(post, path = "/submissions/{submission}/comments", tag = "reviews", params(("submission" = String, Path)), request_body = CreateComment,
    responses((status = 201, body = CommentView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn create_comment(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
    Json(body): Json<CreateComment>,
) -> Result<(StatusCode, JsonAnswer<CommentView>), Problem> {
    let path = body.file.as_deref().map(parse_path).transpose()?.map(|path| path.to_string());
    let new = NewComment { place: Place { path, line: body.line }, body: body.body };
    let submission = app.reviews.find(&caller, &submission).await?;
    let action = Action::write("comment.create", submission.target());
    let permit = app.gate.admit(&caller, action).await?;
    let commented = app.reviews.comment(&permit, &submission, new).await;
    Ok((StatusCode::CREATED, JsonAnswer(own_view(permit.seal(commented)?))))
}

/// The remarks on a submission and on those before it, oldest first, each where its line
/// is in this one.
#[utoipa::path(get, path = "/submissions/{submission}/comments", tag = "reviews", params(("submission" = String, Path), PageQuery),
    responses((status = 200, body = CommentList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn list_comments(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<JsonAnswer<CommentList>, Problem> {
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    let after = page.after()?.map(|id| id.parse::<CommentId>()).transpose().map_err(invalid)?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE);
    let submission = app.reviews.find(&caller, &submission).await?;
    let found = app.reviews.comments(&submission, after.as_ref(), limit).await?;
    Ok(JsonAnswer(CommentList {
        comments: found.comments.into_iter().map(view).collect(),
        next_cursor: found.next.map(|next| write_cursor(next.as_str())),
        cut: found.cut,
    }))
}

/// Changes what a comment says, or whether it is settled.
#[utoipa::path(patch, path = "/submissions/{submission}/comments/{comment}", tag = "reviews",
    params(("submission" = String, Path), ("comment" = String, Path)), request_body = ChangeComment,
    responses((status = 200, body = CommentView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn change_comment(
    State(app): State<App>,
    caller: Caller,
    Path((submission, comment)): Path<(String, String)>,
    Json(body): Json<ChangeComment>,
) -> Result<JsonAnswer<CommentView>, Problem> {
    let change = CommentChange { body: body.body, resolved: body.resolved };
    let submission = app.reviews.find(&caller, &submission).await?;
    let action = Action::write("comment.update", submission.target());
    let permit = app.gate.admit(&caller, action).await?;
    let changed = app.reviews.change_comment(&permit, (&submission, &comment), change).await;
    Ok(JsonAnswer(own_view(permit.seal(changed)?)))
}

/// As it stands where it was made.
fn own_view(comment: Comment) -> CommentView {
    view(Placed { place: comment.place.clone(), comment, outdated: false })
}

fn view(Placed { comment, place, outdated }: Placed) -> CommentView {
    CommentView {
        id: comment.id.to_string(),
        author: comment.author.to_string(),
        file: place.path,
        line: place.line,
        outdated,
        origin: CommentOrigin {
            submission_id: comment.submission.to_string(),
            number: comment.number,
            file: comment.place.path,
            line: comment.place.line,
        },
        body: comment.body,
        resolved: comment.resolved_by.is_some(),
        resolved_by: comment.resolved_by.map(|by| by.to_string()),
        resolved_at: comment.resolved_at.map(|at| at.to_string()),
        created_at: comment.created_at.to_string(),
        updated_at: comment.updated_at.to_string(),
    }
}
