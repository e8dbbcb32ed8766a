//! Doors to reports on a schedule: how it is with each.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Target};
use crate::http::problem::{Problem, ProblemView};
use crate::reports::{Last, Schedule, Standing};

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ScheduleList {
    pub schedules: Vec<ScheduleView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ScheduleView {
    pub name: String,
    /// Name of the report.
    pub report: String,
    /// As they are configured; others have their defaults.
    pub parameters: BTreeMap<String, String>,
    /// `json`, `html`, `csv` or `markdown`.
    pub format: &'static str,
    /// Such as `day at 06:00`, in UTC.
    pub every: String,
    /// A directory, or `storage:` and what the keys of the files begin with.
    pub to: String,
    /// Files that are kept, the newest.
    pub keep: u32,
    /// When it is due next or, after a failure, tried again.
    pub next_at: String,
    /// Times in a row that it failed.
    pub failures: u32,
    /// When it was written last, or tried.
    pub last_at: Option<String>,
    /// `ok`, or what failed.
    pub last_outcome: Option<String>,
    /// The last file that was written: its key in the storage, or its path.
    pub last_file: Option<String>,
}

/// Reports that this server writes without being asked: `[[reports.schedules]]` of its
/// configuration.
#[utoipa::path(get, path = "/admin/reports/schedules", tag = "reports",
    responses((status = 200, body = ScheduleList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in crate::http) async fn list_schedules(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<ScheduleList>, Problem> {
    let action = Action::read("report.list", Target::Installation);
    app.gate.admit(&caller, action).await?;
    let standings = app.schedules.list().await?;
    let schedules = standings.into_iter().map(view).collect();
    Ok(axum::Json(ScheduleList { schedules, next_cursor: None }))
}

fn view(standing: Standing) -> ScheduleView {
    let Standing { schedule, next, failures, last, last_file } = standing;
    let Schedule { name, report, parameters, format, timing, to, keep } = schedule;
    let (last_at, last_outcome) =
        last.map(|Last { at, outcome }| (at.to_string(), outcome)).unzip();
    ScheduleView {
        name,
        report,
        parameters,
        format: format.as_str(),
        every: timing.to_string(),
        to: to.to_string(),
        keep,
        next_at: next.to_string(),
        failures,
        last_at,
        last_outcome,
        last_file,
    }
}
