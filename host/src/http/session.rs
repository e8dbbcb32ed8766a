//! Doors to signing in and out, for browsers.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Query, SESSION_COOKIE, session};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::{Caller, SESSION_LIFETIME};
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
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserView {
    pub id: String,
    pub role: &'static str,
}

#[derive(Debug, Deserialize)]
pub(super) struct SignInQuery {
    token: String,
}

/// The URL that the server prints: signs the browser in and shows the IDE.
pub(super) async fn sign_in_by_url(
    State(app): State<App>,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Problem> {
    let cookie = open(&app, &Secret::new(query.token)).await?;
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
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    let cookie = open(&app, &Secret::new(body.token)).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_session(caller: Caller) -> axum::Json<SessionView> {
    let user = UserView { id: caller.user.id.to_string(), role: caller.user.role.as_str() };
    axum::Json(SessionView { user })
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
    Caller::from_request_parts(&mut parts, &app).await?;
    if let Some(session) = session(&headers) {
        app.auth.close_session(&session).await?;
    }
    let gone = HeaderValue::from_static("lockhouse_session=; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

async fn open(app: &App, token: &Secret) -> Result<HeaderValue, Problem> {
    let wrong = || {
        let detail = "this token is not known; the server prints the right URL when it starts";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    };
    let holder = app.auth.holder(token).await?.ok_or_else(wrong)?;
    let (session, _) = app.auth.open_session(&holder).await?;
    let cookie = format!(
        "{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}",
        session.reveal(),
        SESSION_LIFETIME.as_secs()
    );
    HeaderValue::from_str(&cookie).map_err(Problem::internal)
}
