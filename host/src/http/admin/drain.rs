//! Doors to maintenance: nothing new begins, and what runs goes on.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::look;
use crate::app::App;
use crate::auth::Caller;
use crate::drain::{Draining, MAX_REASON_BYTES};
use crate::gate::{Action, Permit, Target};
use crate::http::extract::Json;
use crate::http::problem::{Problem, ProblemView};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "on": true, "reason": "the machine is restarted at noon" }))]
pub(crate) struct ChangeDrain {
    /// Whether new runtimes, commands, terminals and runs are refused.
    pub on: bool,
    /// What those who are refused are told.
    #[serde(default)]
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DrainView {
    pub on: bool,
    pub reason: Option<String>,
    pub since: Option<String>,
    /// Who asked for it.
    pub by: Option<String>,
}

impl DrainView {
    pub(crate) fn of(draining: Option<Draining>) -> Self {
        let (on, draining) = (draining.is_some(), draining.as_ref());
        Self {
            on,
            reason: draining.map(|draining| draining.reason.clone()),
            since: draining.map(|draining| draining.since.to_string()),
            by: draining.map(|draining| draining.by.to_string()),
        }
    }
}

/// Whether the installation drains.
#[utoipa::path(get, path = "/admin/drain", tag = "admin",
    responses((status = 200, body = DrainView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn find_drain(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<DrainView>, Problem> {
    look(&app, &caller, "drain.look").await?;
    Ok(axum::Json(DrainView::of(app.gate.draining())))
}

/// Refuses whatever would begin now, on all servers of the database and after a
/// restart as well, until it is ended. What runs goes on, and all else is served.
#[utoipa::path(post, path = "/admin/drain", tag = "admin", request_body = ChangeDrain,
    responses((status = 200, body = DrainView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn change_drain(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ChangeDrain>,
) -> Result<axum::Json<DrainView>, Problem> {
    if body.reason.len() > MAX_REASON_BYTES {
        let detail = format!("reason: at most {MAX_REASON_BYTES} bytes");
        return Err(Problem::bad_request("invalid_reason", detail));
    }
    let reason = Some(body.reason).filter(|reason| !reason.trim().is_empty());
    let reason = reason.unwrap_or_else(|| "maintenance".to_owned());
    if body.on {
        let permit = admit(&app, &caller, "drain.begin").await?;
        permit.note(reason.clone());
        let begun = app.gate.begin_drain(&permit, reason).await;
        return Ok(axum::Json(DrainView::of(Some(permit.seal(begun)?))));
    }
    end(&app, &caller).await?;
    Ok(axum::Json(DrainView::of(None)))
}

/// Lets everything begin again; what does not drain stays as it is.
#[utoipa::path(delete, path = "/admin/drain", tag = "admin",
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn end_drain(
    State(app): State<App>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    end(&app, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end(app: &App, caller: &Caller) -> Result<(), Problem> {
    let permit = admit(app, caller, "drain.end").await?;
    let ended = app.gate.end_drain(&permit).await;
    Ok(permit.seal(ended)?)
}

async fn admit(app: &App, caller: &Caller, action: &'static str) -> Result<Permit, Problem> {
    Ok(app.gate.admit(caller, Action::write(action, Target::Installation)).await?)
}
