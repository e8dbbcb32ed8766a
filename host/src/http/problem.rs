//! Every refusal and failure as RFC 9457 `application/problem+json`.
//!
//! A handler answers with a [`Problem`]; the layer in `layers.rs` writes it out
//! with the request's id, and logs it once where it is ours.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::rates;
use crate::gate::Denied;
use crate::limits::{Standing, TooOften};
use crate::{auth, db};

/// When to ask again where the installation is being drained.
const DRAIN_PAUSE: Duration = Duration::from_secs(60);

/// What went wrong, for a person and for a program.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable, snake_case.
    pub code: &'static str,
    /// A sentence that says what to do.
    pub detail: String,
    /// Further members.
    pub extra: Map<String, Value>,
    pub retry_after: Option<Duration>,
    /// How full the bucket is that is too empty for this.
    pub standing: Option<Box<Standing>>,
    /// For the log alone; never answered.
    pub internal: Option<String>,
}

/// The shape of a problem, for the API's description.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemView {
    /// `about:blank`: the title is the status' own.
    pub r#type: &'static str,
    pub title: String,
    pub status: u16,
    /// What to do.
    pub detail: String,
    /// Stable, for programs.
    pub code: &'static str,
    pub request_id: String,
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// As the audit record keeps it: what the client was told.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            status,
            code,
            detail,
            extra: Map::new(),
            retry_after: None,
            standing: None,
            internal: None,
        }
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// Something needed is away for a moment.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after = Some(Duration::from_secs(1));
        problem
    }

    /// A fault of ours: the text goes to the log, not to the client.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed; its log has the reason under this request id",
        );
        problem.internal = Some(error.to_string());
        problem
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The answer itself, once the request's id is known.
    pub fn render(self, request_id: &str) -> Response {
        let view = ProblemView {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            request_id: request_id.to_owned(),
            extra: self.extra,
        };
        let mut response = (self.status, axum::Json(view)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if let Some(standing) = self.standing {
            rates::tell(headers, *standing);
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotVisible => Self::not_found(denied.to_string()),
            Denied::NotAdmin => Self::new(StatusCode::FORBIDDEN, "not_admin", denied.to_string()),
            Denied::OwnWork => Self::new(StatusCode::FORBIDDEN, "own_work", denied.to_string()),
            Denied::ReadOnly => Self::new(StatusCode::FORBIDDEN, "read_only", denied.to_string()),
            Denied::TooOften(wait) => wait.into(),
            Denied::Draining(_) => {
                let mut problem = Self::unavailable("draining", denied.to_string());
                problem.retry_after = Some(DRAIN_PAUSE);
                problem
            }
            Denied::Unrecorded(error) => {
                let detail = "nothing may be done while the audit record can't be written";
                let mut problem = Self::unavailable("audit_unavailable", detail);
                problem.internal = Some(error.to_string());
                problem
            }
        }
    }
}

impl From<TooOften> for Problem {
    fn from(TooOften { retry_after, standing }: TooOften) -> Self {
        let what = standing.class.as_str();
        let detail = format!("too many requests ({what}); wait as long as Retry-After says");
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail);
        problem.retry_after = Some(retry_after + Duration::from_millis(999));
        problem.standing = Some(Box::new(standing));
        problem
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Conflict => Self::conflict("exists", error.to_string()),
            db::Error::Unavailable(internal) => {
                let detail = "the database does not answer; try again in a moment";
                let mut problem = Self::unavailable("database_unavailable", detail);
                problem.internal = Some(internal);
                problem
            }
            db::Error::Failed(_) => Self::internal(error),
        }
    }
}

impl From<auth::Error> for Problem {
    fn from(error: auth::Error) -> Self {
        match error {
            auth::Error::Db(error) => error.into(),
            auth::Error::NoRandomness(_) | auth::Error::TokenFile(_) => Self::internal(error),
            auth::Error::Refused(refused) => {
                let code = match refused {
                    auth::Refused::KeysUnreachable => "issuer_unreachable",
                    _ => "token_refused",
                };
                Self::new(StatusCode::UNAUTHORIZED, code, refused.to_string())
            }
        }
    }
}
