//! Doors to jobs.

pub(super) mod download;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Json, Path, Query};
use super::files::{Encoding, FileContent, FileList, FilesQuery, content_view, decode};
use super::files::{parse_path, view as file_view};
use super::page::{PageQuery, write_cursor};
use super::problem::{Problem, ProblemView};
use super::projects::parse_name;
use crate::app::App;
use crate::auth::Caller;
use crate::files::{self, List};
use crate::gate::{Action, Target};
use crate::ids::{InvalidId, JobId};
use crate::jobs::{DEFAULT_PAGE, Error, Job, NewFile, NewJob, Status};

/// Files that one batch may bring.
const MAX_BATCH_FILES: usize = 1_000;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "project_name": "todo" }))]
pub(super) struct CreateJob {
    pub project_name: String,
    /// Your own choice; it must be new among your jobs.
    pub job_id: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "path": "main.py", "content": "print(1)\n" }))]
pub(super) struct JobFile {
    pub path: String,
    pub content: String,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub executable: bool,
}

/// Files, bare or within `files`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({ "files": [{ "path": "main.py", "content": "print(1)\n" }] }))]
pub(super) enum JobFiles {
    Bare(Vec<JobFile>),
    Named { files: Vec<JobFile> },
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "error": "the model did not answer" }))]
pub(super) struct FailJob {
    /// Why nothing will come of it.
    #[serde(default)]
    pub error: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobView {
    pub job_id: String,
    pub project_name: String,
    /// `generating`, `complete` or `failed`.
    pub status: &'static str,
    #[schema(value_type = Option<Object>)]
    pub plan: Option<Value>,
    pub error: Option<String>,
    /// Where the zip is, once the job is complete.
    pub download_url: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobList {
    pub jobs: Vec<JobView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobChanged {
    pub success: bool,
    pub status: &'static str,
    pub download_url: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileWritten {
    pub success: bool,
    pub path: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FilesWritten {
    pub success: bool,
    pub files_written: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobStats {
    pub total: u64,
    pub generating: u64,
    pub complete: u64,
    pub failed: u64,
    pub files: u64,
    pub bytes: u64,
    /// Archives that are kept for downloads, and their bytes.
    pub archives: u64,
    pub archive_bytes: u64,
    /// When the oldest job was made that has not expired.
    pub oldest: Option<String>,
    /// Jobs that expired within the last 30 days.
    pub expired: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CleanedUp {
    pub success: bool,
    pub removed: u64,
}

/// The caller's jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(PageQuery),
    responses((status = 200, body = JobList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_jobs(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<JsonAnswer<JobList>, Problem> {
    let invalid = |_| Problem::bad_request("invalid_cursor", "send `cursor` as it was given");
    let after = page.after()?.map(|id| id.parse::<JobId>()).transpose().map_err(invalid)?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE);
    let (jobs, next) = app.jobs.list(&caller, after.as_ref(), limit).await?;
    let next_cursor = next.map(|next| write_cursor(next.as_str()));
    Ok(JsonAnswer(JobList { jobs: jobs.iter().map(view).collect(), next_cursor }))
}

/// Creates a job, into which files may be written until it is complete.
#[utoipa::path(post, path = "/jobs/create", tag = "jobs", request_body = CreateJob,
    responses((status = 201, body = JobView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_job(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateJob>,
) -> Result<(StatusCode, JsonAnswer<JobView>), Problem> {
    let project_name = parse_name(&body.project_name)?;
    let invalid = |error: InvalidId| Problem::bad_request("invalid_job_id", error.to_string());
    let id = body.job_id.map(|id| id.parse::<JobId>()).transpose().map_err(invalid)?;
    let target = Target::New { name: format!("job/{}", id.as_ref().map_or("", JobId::as_str)) };
    let permit = app.gate.admit(&caller, Action::write("job.create", target)).await?;
    let created = app.jobs.create(&permit, NewJob { id, project_name }).await;
    Ok((StatusCode::CREATED, JsonAnswer(view(&permit.seal(created)?))))
}

/// How a job is.
#[utoipa::path(get, path = "/jobs/{job}", tag = "jobs", params(("job" = String, Path)),
    responses((status = 200, body = JobView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_job(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
) -> Result<JsonAnswer<JobView>, Problem> {
    Ok(JsonAnswer(view(&find(&app, &caller, &job).await?)))
}

/// Deletes a job and its files; what is gone already is no error.
#[utoipa::path(delete, path = "/jobs/{job}", tag = "jobs", params(("job" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn delete_job(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
) -> Result<StatusCode, Problem> {
    let Ok(id) = job.parse::<JobId>() else { return Ok(StatusCode::NO_CONTENT) };
    let job = match app.jobs.find(&caller, &id).await {
        Ok(job) => job,
        // Gone is gone: a retry finds what it asked for.
        Err(Error::NotFound(_) | Error::Gone { .. }) => return Ok(StatusCode::NO_CONTENT),
        Err(error) => return Err(error.into()),
    };
    let permit = app.gate.admit(&caller, Action::write("job.delete", job.target())).await?;
    let deleted = app.jobs.delete(&permit, &job).await;
    permit.seal(deleted)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps the plan: any JSON, bare or within `plan`.
#[utoipa::path(post, path = "/jobs/{job}/plan", tag = "jobs", params(("job" = String, Path)), request_body(content = Object, example = json!({ "kind": "python", "steps": ["write main.py"] })),
    responses((status = 200, body = JobChanged), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn set_plan(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    Json(body): Json<Value>,
) -> Result<JsonAnswer<JobChanged>, Problem> {
    let plan = match body {
        Value::Object(mut named) if named.len() == 1 && named.contains_key("plan") => {
            named.remove("plan").unwrap_or_default()
        }
        bare => bare,
    };
    let job = find(&app, &caller, &job).await?;
    let permit = app.gate.admit(&caller, Action::write("job.plan", job.target())).await?;
    let changed = app.jobs.set_plan(&permit, &job, plan.to_string()).await;
    Ok(JsonAnswer(changed_view(&permit.seal(changed)?)))
}

/// Writes one file.
#[utoipa::path(post, path = "/jobs/{job}/files", tag = "jobs", operation_id = "write_job_file", params(("job" = String, Path)), request_body = JobFile,
    responses((status = 200, body = FileWritten), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn write_file(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    Json(body): Json<JobFile>,
) -> Result<JsonAnswer<FileWritten>, Problem> {
    let path = body.path.clone();
    write(&app, &caller, &job, vec![body]).await?;
    Ok(JsonAnswer(FileWritten { success: true, path }))
}

/// Writes many files, all of them or none.
#[utoipa::path(post, path = "/jobs/{job}/files/batch", tag = "jobs", params(("job" = String, Path)), request_body = JobFiles,
    responses((status = 200, body = FilesWritten), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn write_files(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    Json(body): Json<JobFiles>,
) -> Result<JsonAnswer<FilesWritten>, Problem> {
    let (JobFiles::Bare(files) | JobFiles::Named { files }) = body;
    let files_written = write(&app, &caller, &job, files).await?;
    Ok(JsonAnswer(FilesWritten { success: true, files_written }))
}

/// All paths and contents are read before the first file is written.
async fn write(
    app: &App,
    caller: &Caller,
    job: &str,
    files: Vec<JobFile>,
) -> Result<usize, Problem> {
    if files.len() > MAX_BATCH_FILES {
        let detail = format!("send at most {MAX_BATCH_FILES} files at once");
        return Err(Problem::too_large(detail));
    }
    let new = |file: JobFile| {
        let path = parse_path(&file.path)?;
        Ok(NewFile {
            path,
            bytes: decode(file.content, file.encoding)?,
            executable: file.executable,
        })
    };
    let files = files.into_iter().map(new).collect::<Result<Vec<_>, Problem>>()?;
    let job = find(app, caller, job).await?;
    let permit = app.gate.admit(caller, Action::write("job.write", job.target())).await?;
    let written = app.jobs.write_all(&permit, &job, files).await;
    Ok(permit.seal(written)?)
}

/// What a job's directory holds.
#[utoipa::path(get, path = "/jobs/{job}/files", tag = "jobs", operation_id = "list_job_files", params(("job" = String, Path), FilesQuery),
    responses((status = 200, body = FileList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_files(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    Query(query): Query<FilesQuery>,
) -> Result<JsonAnswer<FileList>, Problem> {
    let directory = query.path.as_deref().filter(|path| !path.is_empty());
    let directory = directory.map(parse_path).transpose()?;
    let job = find(&app, &caller, &job).await?;
    // A job's files are few and wanted as a whole, unless a directory is named.
    let recursive = query.recursive || directory.is_none();
    let list = List { recursive, limit: query.limit, cursor: query.cursor };
    let listing = app.jobs.list_files(&job, directory.as_ref(), list).await?;
    Ok(JsonAnswer(FileList {
        files: listing.entries.iter().map(file_view).collect(),
        next_cursor: listing.next_cursor,
        clipped: listing.clipped,
    }))
}

/// A whole file of a job within JSON.
#[utoipa::path(get, path = "/jobs/{job}/files/{*path}", tag = "jobs", operation_id = "read_job_file", params(("job" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = FileContent), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn read_file(
    State(app): State<App>,
    caller: Caller,
    Path((job, path)): Path<(String, String)>,
) -> Result<JsonAnswer<FileContent>, Problem> {
    let path = parse_path(&path)?;
    let job = find(&app, &caller, &job).await?;
    Ok(JsonAnswer(content_view(app.jobs.read(&job, &path).await?)))
}

/// Says that all files are there; once more is no error.
#[utoipa::path(post, path = "/jobs/{job}/complete", tag = "jobs", params(("job" = String, Path)),
    responses((status = 200, body = JobChanged), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn complete_job(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
) -> Result<JsonAnswer<JobChanged>, Problem> {
    let job = find(&app, &caller, &job).await?;
    let permit = app.gate.admit(&caller, Action::write("job.complete", job.target())).await?;
    let completed = app.jobs.complete(&permit, &job).await;
    Ok(JsonAnswer(changed_view(&permit.seal(completed)?)))
}

/// Says that nothing will come of it; once more is no error.
#[utoipa::path(post, path = "/jobs/{job}/fail", tag = "jobs", params(("job" = String, Path)), request_body = FailJob,
    responses((status = 200, body = JobChanged), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn fail_job(
    State(app): State<App>,
    caller: Caller,
    Path(job): Path<String>,
    Json(body): Json<FailJob>,
) -> Result<JsonAnswer<JobChanged>, Problem> {
    let job = find(&app, &caller, &job).await?;
    let permit = app.gate.admit(&caller, Action::write("job.fail", job.target())).await?;
    let failed = app.jobs.fail(&permit, &job, &body.error).await;
    Ok(JsonAnswer(changed_view(&permit.seal(failed)?)))
}

/// What all jobs amount to.
#[utoipa::path(get, path = "/jobs/admin/stats", tag = "jobs",
    responses((status = 200, body = JobStats), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn job_stats(
    State(app): State<App>,
    caller: Caller,
) -> Result<JsonAnswer<JobStats>, Problem> {
    app.gate.admit(&caller, Action::read("job.stats", Target::Installation)).await?;
    let stats = app.jobs.stats().await?;
    let count = |wanted| stats.jobs.iter().find(|(of, _)| *of == wanted).map_or(0, |(_, n)| *n);
    Ok(JsonAnswer(JobStats {
        total: stats.jobs.iter().map(|(_, n)| n).sum(),
        generating: count(Status::Generating),
        complete: count(Status::Complete),
        failed: count(Status::Failed),
        files: stats.files,
        bytes: stats.bytes,
        archives: stats.archives,
        archive_bytes: stats.archive_bytes,
        oldest: stats.oldest.map(|oldest| oldest.to_string()),
        expired: stats.expired,
    }))
}

/// Removes what has expired, now.
#[utoipa::path(post, path = "/jobs/admin/cleanup", tag = "jobs",
    responses((status = 200, body = CleanedUp), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn clean_up_jobs(
    State(app): State<App>,
    caller: Caller,
) -> Result<JsonAnswer<CleanedUp>, Problem> {
    let action = Action::write("job.cleanup", Target::Installation);
    let permit = app.gate.admit(&caller, action).await?;
    let removed = permit.seal(app.jobs.sweep().await)?;
    Ok(JsonAnswer(CleanedUp { success: true, removed }))
}

/// What can't be a job's id is no job's.
async fn find(app: &App, caller: &Caller, job: &str) -> Result<Job, Problem> {
    let id = job.parse::<JobId>().map_err(|error| Problem::not_found(error.to_string()))?;
    Ok(app.jobs.find(caller, &id).await?)
}

fn download_url(job: &Job) -> Option<String> {
    (job.status == Status::Complete).then(|| format!("/api/v1/jobs/{}/download", job.id))
}

fn changed_view(job: &Job) -> JobChanged {
    JobChanged { success: true, status: job.status.as_str(), download_url: download_url(job) }
}

fn view(job: &Job) -> JobView {
    JobView {
        job_id: job.id.to_string(),
        project_name: job.project_name.to_string(),
        status: job.status.as_str(),
        plan: job.plan.as_deref().and_then(|plan| serde_json::from_str(plan).ok()),
        error: job.error.clone(),
        download_url: download_url(job),
        created_at: job.created_at.to_string(),
        updated_at: job.updated_at.to_string(),
        expires_at: job.expires_at.to_string(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound(_) => Self::not_found(text),
            Error::Gone { expired_at, .. } => {
                Self::new(StatusCode::GONE, "gone", text).with("expired_at", expired_at.to_string())
            }
            Error::Objects(error) => error.into(),
            Error::Taken(_) => Self::conflict("job_exists", text),
            Error::Status { is, .. } => {
                Self::conflict("job_status", text).with("job_status", is.as_str())
            }
            Error::PlanTooLarge => Self::too_large(text),
            Error::Files(error) => error.into(),
            Error::Directory(error) => files::Error::from_io(error, "jobs").into(),
            Error::Db(error) => error.into(),
        }
    }
}
