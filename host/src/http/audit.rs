//! Doors to the audit record, for administrators.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::audit::Verification;
use crate::auth::Caller;
use crate::gate::{Action, Target};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerificationView {
    pub intact: bool,
    /// How many entries follow from each other.
    pub entries: u64,
    /// Number of the first entry that was edited, moved or put in, or that
    /// follows one that was removed.
    pub broken_at: Option<i64>,
}

/// Checks that nobody edited, removed or reordered the audit record.
#[utoipa::path(get, path = "/admin/audit/verify", tag = "admin",
    responses((status = 200, body = VerificationView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn verify_audit(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<VerificationView>, Problem> {
    app.gate.admit(&caller, Action::read("audit.verify", Target::Installation)).await?;
    Ok(axum::Json(match app.audit.verify().await? {
        Verification::Intact { entries } => {
            VerificationView { intact: true, entries, broken_at: None }
        }
        Verification::Broken { seq } => VerificationView {
            intact: false,
            entries: seq.saturating_sub(1).unsigned_abs(),
            broken_at: Some(seq),
        },
    }))
}
