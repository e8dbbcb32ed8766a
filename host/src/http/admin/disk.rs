//! Door to what projects take on the disk, as it was measured.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DEFAULT_PAGE, MAX_PAGE, look};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::Query;
use crate::http::page::{PageQuery, write_cursor};
use crate::http::problem::{Problem, ProblemView};
use crate::runtimes::disk::kept::{After, Measured};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectDisk {
    pub project_id: String,
    pub project: String,
    pub owner: String,
    /// Null where it was not measured yet.
    pub bytes: Option<u64>,
    pub measured_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiskTotalView {
    pub projects: u64,
    /// How many of them were measured.
    pub measured: u64,
    pub bytes: u64,
    /// When the oldest of these measures was taken.
    pub oldest_measured_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiskView {
    /// The largest first.
    pub projects: Vec<ProjectDisk>,
    pub next_cursor: Option<String>,
    pub total: DiskTotalView,
    /// Of the file system on which the projects are.
    pub free_bytes: u64,
    pub capacity_bytes: u64,
}

/// What projects take on the disk. Each was measured a while ago: at most ten minutes
/// while it runs or is written to, a day otherwise.
#[utoipa::path(get, path = "/admin/disk", tag = "admin", params(PageQuery),
    responses((status = 200, body = DiskView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn disk(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<DiskView>, Problem> {
    look(&app, &caller, "disk.look").await?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let after = page.after()?.as_deref().map(parse).transpose()?.unwrap_or_default();
    let found = app.runtimes.disk_measures(&after, limit).await?;
    let full = found.len() == limit as usize;
    let (total, space) = (app.runtimes.disk_total().await?, app.runtimes.space().await);
    let space = space.map_err(Problem::internal)?;
    Ok(axum::Json(DiskView {
        next_cursor: found.last().filter(|_| full).map(cursor),
        projects: found.into_iter().map(view).collect(),
        total: DiskTotalView {
            projects: total.projects,
            measured: total.measured,
            bytes: total.bytes,
            oldest_measured_at: total.oldest.map(|at| at.to_string()),
        },
        free_bytes: space.free_bytes,
        capacity_bytes: space.capacity_bytes,
    }))
}

fn view(measured: Measured) -> ProjectDisk {
    ProjectDisk {
        project_id: measured.project.to_string(),
        project: measured.name,
        owner: measured.owner,
        bytes: measured.bytes,
        measured_at: measured.measured_at.map(|at| at.to_string()),
    }
}

fn cursor(last: &Measured) -> String {
    let bytes = last.bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    write_cursor(&format!("{bytes}/{}", last.project))
}

fn parse(cursor: &str) -> Result<After, Problem> {
    let parsed = cursor.split_once('/').and_then(|(bytes, project)| {
        Some(After { bytes: bytes.parse().ok()?, project: project.to_owned() })
    });
    let detail = "send `cursor` as `next_cursor` gave it";
    parsed.ok_or_else(|| Problem::bad_request("invalid_cursor", detail))
}
