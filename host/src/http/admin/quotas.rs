//! Doors to how much everybody may have.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DEFAULT_PAGE, MAX_PAGE, look};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Json, Path, Query};
use crate::http::page::{PageQuery, write_cursor};
use crate::http::problem::{Problem, ProblemView};
use crate::http::users::{admit_about, user_id};
use crate::quotas::{Error, Over, OwnQuota, Quota, Share};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "user": "ada", "projects": 20, "runtimes": 5, "model_tokens": 500_000,
    "disk_bytes": 10_737_418_240_u64 }))]
pub(crate) struct SetQuota {
    /// Whose it is.
    pub user: String,
    /// As usual where it is missing.
    pub projects: Option<u32>,
    /// Runtimes that run at once; as usual where it is missing.
    pub runtimes: Option<u32>,
    /// Tokens of models in a day (UTC); as usual where it is missing.
    pub model_tokens: Option<u64>,
    /// Bytes of the disk that his projects take together; as usual where it is missing.
    pub disk_bytes: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    pub user: String,
    /// Null: as usual.
    pub projects: Option<u32>,
    /// Runtimes that run at once. Null: as usual.
    pub runtimes: Option<u32>,
    /// Tokens of models in a day. Null: as usual.
    pub model_tokens: Option<u64>,
    /// Bytes of the disk that his projects take together. Null: as usual.
    pub disk_bytes: Option<u64>,
    pub updated_at: String,
}

/// Null: as many as one likes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsualQuota {
    pub projects: Option<u32>,
    pub runtimes: Option<u32>,
    pub model_tokens: Option<u64>,
    pub disk_bytes: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaList {
    pub quotas: Vec<QuotaView>,
    pub next_cursor: Option<String>,
    /// What those may have who have none of their own: `[quotas]` of the configuration.
    pub usual: UsualQuota,
}

/// Who has a quota of his own, in the order of their ids.
#[utoipa::path(get, path = "/admin/quotas", tag = "admin", params(PageQuery),
    responses((status = 200, body = QuotaList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn list_quotas(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<QuotaList>, Problem> {
    look(&app, &caller, "quota.list").await?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let found = app.quotas.list(page.after()?.as_deref(), limit).await?;
    let full = found.len() == limit as usize;
    let last = found.last().map(|own| write_cursor(own.user.as_str()));
    let Quota { projects, runtimes, model_tokens, disk_bytes } = app.quotas.usual();
    Ok(axum::Json(QuotaList {
        quotas: found.into_iter().map(view).collect(),
        next_cursor: last.filter(|_| full),
        usual: UsualQuota { projects, runtimes, model_tokens, disk_bytes },
    }))
}

/// Says how much somebody may have from now on; what he has already stays.
#[utoipa::path(post, path = "/admin/quotas", tag = "admin", request_body = SetQuota,
    responses((status = 200, body = QuotaView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn set_quota(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SetQuota>,
) -> Result<axum::Json<QuotaView>, Problem> {
    let user = user_id(&body.user)?;
    let SetQuota { projects, runtimes, model_tokens, disk_bytes, .. } = body;
    let quota = Quota { projects, runtimes, model_tokens, disk_bytes };
    let permit = admit_about(&app, &caller, "quota.set", &user).await?;
    let set = app.quotas.set(&user, quota).await;
    Ok(axum::Json(view(permit.seal(set)?)))
}

/// Somebody may have what is usual again.
#[utoipa::path(delete, path = "/admin/quotas/{user}", tag = "admin", params(("user" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn remove_quota(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    let user = user_id(&user)?;
    let permit = admit_about(&app, &caller, "quota.remove", &user).await?;
    let removed = app.quotas.remove(&user).await;
    permit.seal(removed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(own: OwnQuota) -> QuotaView {
    QuotaView {
        user: own.user.to_string(),
        projects: own.quota.projects,
        runtimes: own.quota.runtimes,
        model_tokens: own.quota.model_tokens,
        disk_bytes: own.quota.disk_bytes,
        updated_at: own.updated_at.to_string(),
    }
}

impl From<Over> for Problem {
    fn from(over: Over) -> Self {
        let exceeded = (StatusCode::FORBIDDEN, "quota_exceeded");
        let ((status, code), what, most) = match over {
            Over::Projects(most) => (exceeded, "projects", most.into()),
            Over::Runtimes(most) => (exceeded, "runtimes", most.into()),
            // As where a project, or the disk, is full.
            Over::Disk(Share { most, .. }) => {
                ((StatusCode::INSUFFICIENT_STORAGE, "no_space"), "disk_bytes", most)
            }
        };
        Self::new(status, code, over.to_string()).with("quota", what).with("most", most)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NoUser(_) => Self::not_found(error.to_string()),
            Error::Over(over) => over.into(),
            Error::Db(error) => error.into(),
        }
    }
}
