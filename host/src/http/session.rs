//! Doors to signing in and out, for browsers.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Query, SESSION_COOKIE, session};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::{Caller, SESSION_LIFETIME};
use crate::gate::{Action, Target};
use crate::ids::RequestId;
use crate::origin::Origin;
use crate::secret::Secret;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "lha_the-token-that-the-server-printed" }))]
pub(super) struct SignIn {
    /// A Lockhouse token.
    pub token: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionView {
    pub user: UserView,
    pub disk: DiskShareView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserView {
    pub id: String,
    pub role: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DiskShareView {
    /// What all of one's projects take, as it is known.
    pub bytes: u64,
    /// What they may take. Null: as much as there is.
    pub quota_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SignInQuery {
    token: String,
}

/// The URL that the server prints: signs the browser in and shows the IDE.
pub(super) async fn sign_in_by_url(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Problem> {
    let cookie = open(&app, visitor, &Secret::new(query.token)).await?;
    let mut answer = Redirect::to("/").into_response();
    let headers = answer.headers_mut();
    headers.insert(header::SET_COOKIE, cookie);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// Signs the browser in with a token.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn sign_in(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let cookie = open(&app, visitor, &Secret::new(body.token)).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who is signed in, and how much of the disk is his.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_session(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<SessionView>, Problem> {
    let user = &caller.user;
    let disk = DiskShareView {
        bytes: app.quotas.disk_taken(&user.id).await?,
        quota_bytes: app.quotas.disk_most(&user.id).await?,
    };
    let user = UserView { id: user.id.to_string(), role: user.role.as_str() };
    Ok(axum::Json(SessionView { user, disk }))
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &app).await?;
    if let Some(session) = session(&headers) {
        app.auth.close_session(&session).await?;
        app.gate.record_visit(&caller, &about("session.close"));
    }
    let gone = HeaderValue::from_static("lockhouse_session=; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Who asks to be let in, before it is known who that is.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    origin: Origin,
    request_id: Option<RequestId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let origin = parts.extensions.get::<Origin>().cloned().unwrap_or_default();
        Ok(Self { origin, request_id: parts.extensions.get::<RequestId>().cloned() })
    }
}

fn about(action: &'static str) -> Action {
    Action::write(action, Target::New { name: "session".to_owned() })
}

async fn open(app: &App, visitor: Visitor, token: &Secret) -> Result<HeaderValue, Problem> {
    let Visitor { origin, request_id } = visitor;
    let request_id = request_id.unwrap_or_else(RequestId::generate);
    let Some(holder) = app.auth.holder(token).await? else {
        app.gate.record_stranger(&origin, &request_id, &about("session.open"));
        let detail = "this token is not known; the server prints the right URL when it starts";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail));
    };
    let (session, _) = app.auth.open_session(&holder).await?;
    // Sent back by TLS alone where that is how it was got.
    let secure = if origin.secure { "; Secure" } else { "" };
    let cookie = format!(
        "{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        session.reveal(),
        SESSION_LIFETIME.as_secs()
    );
    let caller = Caller { user: holder.user, scope: holder.scope, origin, request_id };
    app.gate.record_visit(&caller, &about("session.open"));
    HeaderValue::from_str(&cookie).map_err(Problem::internal)
}
