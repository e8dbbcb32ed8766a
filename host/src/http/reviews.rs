//! Doors to reviews: what is handed in, and the verdicts on it.

pub(super) mod comments;
pub(super) mod diff;
pub(super) mod files;
mod unified;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::page::{PageQuery, read_cursor, write_cursor};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::ids::{ProjectId, SubmissionId};
use crate::reviews::{self, DEFAULT_PAGE, Error, Filter, Judgement, Submission, Verdict};

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "message": "the tests pass" }))]
pub(super) struct CreateSubmission {
    /// What reviewers should know.
    #[serde(default)]
    pub message: String,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum VerdictWord {
    Approved,
    ChangesRequested,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "verdict": "approved", "body": "well done" }))]
pub(super) struct GiveVerdict {
    pub verdict: VerdictWord,
    /// Why.
    #[serde(default)]
    pub body: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SubmissionsQuery {
    /// `open` (it waits), `approved`, `changes_requested` or `superseded`.
    pub state: Option<String>,
    /// Only those of the project with this id.
    pub project: Option<String>,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmissionView {
    pub id: String,
    pub project: String,
    pub project_id: String,
    /// Whose project it is.
    pub owner: String,
    /// Who handed it in.
    pub author: String,
    /// Counts up from one in each project.
    pub number: u32,
    pub message: String,
    /// `open`, `approved`, `changes_requested`, or `superseded` by a newer one.
    pub state: &'static str,
    pub files: u64,
    pub bytes: u64,
    /// Links and other things that are no plain files, and so not in it.
    pub left_out: u64,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerdictView {
    pub author: String,
    pub verdict: &'static str,
    pub body: String,
    pub created_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmissionDetails {
    #[serde(flatten)]
    pub submission: SubmissionView,
    /// All that were given, oldest first; the last one counts.
    pub verdicts: Vec<VerdictView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubmissionList {
    pub submissions: Vec<SubmissionView>,
    pub next_cursor: Option<String>,
}

/// Hands a project in as it is now: what `.gitignore` names, `.git` and installed packages
/// are not in it. The same files with the same message, while they wait, are no error.
#[utoipa::path(post, path = "/projects/{project}/submissions", tag = "reviews", params(("project" = String, Path)), request_body = CreateSubmission,
    responses((status = 201, body = SubmissionView), (status = 200, body = SubmissionView, description = "It waits already"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_submission(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<CreateSubmission>,
) -> Result<(StatusCode, JsonAnswer<SubmissionView>), Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let action = Action::write("submission.create", project.target());
    let permit = app.gate.admit(&caller, action).await?;
    let submitted = app.reviews.submit(&permit, &project, body.message).await;
    let (submission, is_new) = permit.seal(submitted)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, JsonAnswer(view(&submission))))
}

/// What was handed in of a project, oldest first.
#[utoipa::path(get, path = "/projects/{project}/submissions", tag = "reviews", params(("project" = String, Path), PageQuery),
    responses((status = 200, body = SubmissionList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_project_submissions(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<JsonAnswer<SubmissionList>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let filter = Filter { project: Some(project.id), ..Filter::default() };
    list(&app, &caller, &filter, &page).await
}

/// One's own submissions; for reviewers everybody's, oldest first. `state=open` are those
/// that wait for a verdict.
#[utoipa::path(get, path = "/submissions", tag = "reviews", params(SubmissionsQuery),
    responses((status = 200, body = SubmissionList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_submissions(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SubmissionsQuery>,
) -> Result<JsonAnswer<SubmissionList>, Problem> {
    let state = query.state.as_deref().map(|text| {
        let hint = "`state` is `open`, `approved`, `changes_requested` or `superseded`";
        reviews::State::parse(text).ok_or_else(|| Problem::bad_request("invalid_query", hint))
    });
    let project = query.project.as_deref().map(str::parse::<ProjectId>).transpose();
    let project =
        project.map_err(|error| Problem::bad_request("invalid_query", error.to_string()))?;
    let filter = Filter { state: state.transpose()?, project };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    list(&app, &caller, &filter, &page).await
}

async fn list(
    app: &App,
    caller: &Caller,
    filter: &Filter,
    page: &PageQuery,
) -> Result<JsonAnswer<SubmissionList>, Problem> {
    let after = page.cursor.as_deref().map(after).transpose()?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE);
    let (found, next) = app.reviews.list(caller, filter, after.as_ref(), limit).await?;
    let next_cursor = next.map(|next| write_cursor(next.as_str()));
    Ok(JsonAnswer(SubmissionList { submissions: found.iter().map(view).collect(), next_cursor }))
}

fn after(cursor: &str) -> Result<SubmissionId, Problem> {
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    read_cursor(cursor)?.parse().map_err(invalid)
}

/// A submission, with the verdicts on it.
#[utoipa::path(get, path = "/submissions/{submission}", tag = "reviews", params(("submission" = String, Path)),
    responses((status = 200, body = SubmissionDetails), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_submission(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
) -> Result<JsonAnswer<SubmissionDetails>, Problem> {
    let submission = app.reviews.find(&caller, &submission).await?;
    Ok(JsonAnswer(details(&app, &submission).await?))
}

/// Deletes a submission of one's own, with what is said about it; what is gone already is
/// no error.
#[utoipa::path(delete, path = "/submissions/{submission}", tag = "reviews", params(("submission" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn delete_submission(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
) -> Result<StatusCode, Problem> {
    let submission = match app.reviews.find(&caller, &submission).await {
        Ok(submission) => submission,
        // Gone is gone: a retry finds what it asked for.
        Err(Error::NotFound(_)) => return Ok(StatusCode::NO_CONTENT),
        Err(error) => return Err(error.into()),
    };
    let action = Action::write("submission.delete", submission.own_target());
    let permit = app.gate.admit(&caller, action).await?;
    let deleted = app.reviews.delete(&permit, &submission).await;
    permit.seal(deleted)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a reviewer thinks of it. A later verdict takes the place of an earlier one;
/// nobody gives one on what is their own.
#[utoipa::path(post, path = "/submissions/{submission}/verdict", tag = "reviews", params(("submission" = String, Path)), request_body = GiveVerdict,
    responses((status = 200, body = SubmissionDetails), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn judge_submission(
    State(app): State<App>,
    caller: Caller,
    Path(submission): Path<String>,
    Json(body): Json<GiveVerdict>,
) -> Result<JsonAnswer<SubmissionDetails>, Problem> {
    let submission = app.reviews.find(&caller, &submission).await?;
    let action = Action::write("submission.judge", submission.judged_target());
    let permit = app.gate.admit(&caller, action).await?;
    let verdict = match body.verdict {
        VerdictWord::Approved => Verdict::Approved,
        VerdictWord::ChangesRequested => Verdict::ChangesRequested,
    };
    permit.note(verdict.as_str().to_owned());
    let judged = app.reviews.judge(&permit, &submission, verdict, body.body).await;
    let judged = permit.seal(judged)?;
    Ok(JsonAnswer(details(&app, &judged).await?))
}

async fn details(app: &App, submission: &Submission) -> Result<SubmissionDetails, Problem> {
    let judgements = app.reviews.judgements(submission).await?;
    let verdicts = judgements.iter().map(verdict_view).collect();
    Ok(SubmissionDetails { submission: view(submission), verdicts })
}

fn verdict_view(judgement: &Judgement) -> VerdictView {
    VerdictView {
        author: judgement.author.to_string(),
        verdict: judgement.verdict.as_str(),
        body: judgement.body.clone(),
        created_at: judgement.created_at.to_string(),
    }
}

fn view(submission: &Submission) -> SubmissionView {
    SubmissionView {
        id: submission.id.to_string(),
        project: submission.project_name.to_string(),
        project_id: submission.project.to_string(),
        owner: submission.owner.to_string(),
        author: submission.author.to_string(),
        number: submission.number,
        message: submission.message.clone(),
        state: submission.state.as_str(),
        files: submission.files,
        bytes: submission.bytes,
        left_out: submission.left_out,
        created_at: submission.created_at.to_string(),
        updated_at: submission.updated_at.to_string(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(_) | Error::NoFile(_) | Error::NoComment(_) => Self::not_found(text),
            Error::Full(most) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "too_many_submissions", text)
                    .with("limit", most)
            }
            Error::Enough(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, "too_many", text),
            Error::Superseded => Self::conflict("superseded", text),
            Error::NotAuthor => Self::new(StatusCode::FORBIDDEN, "not_author", text),
            Error::Text => Self::bad_request("invalid_text", text),
            Error::Line(_) => Self::bad_request("invalid_line", text),
            Error::Lost => Self::new(StatusCode::GONE, "snapshot_gone", text),
            Error::Damaged(_) => Self::internal(text),
            Error::Files(error) => error.into(),
            Error::Objects(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}
