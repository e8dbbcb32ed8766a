//! What handlers take: the caller, and bodies, queries and paths whose errors
//! are problems.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::rates;
use crate::app::App;
use crate::auth::{Auth, Caller, Holder, Mode, Scope, User};
use crate::ids::{RequestId, UserId};
use crate::limits::Limits;
use crate::origin::Origin;
use crate::secret::Secret;

/// The browser's session cookie.
pub(super) const SESSION_COOKIE: &str = "lockhouse_session";

/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 4096;

impl FromRef<App> for Auth {
    fn from_ref(app: &App) -> Self {
        app.auth.clone()
    }
}

impl FromRef<App> for Limits {
    fn from_ref(app: &App) -> Self {
        app.gate.limits().clone()
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Auth: FromRef<S>,
    Limits: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Holder { user, scope, .. } = holder(&Auth::from_ref(state), parts).await?;
        calling(&Limits::from_ref(state), parts, (user, scope))
    }
}

/// Somebody as the caller of this request, which counts as one of his.
pub(super) fn calling(
    limits: &Limits,
    parts: &Parts,
    (user, scope): (User, Scope),
) -> Result<Caller, Problem> {
    let origin = parts.extensions.get::<Origin>().cloned().unwrap_or_default();
    let request_id = parts.extensions.get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(RequestId::generate);
    tracing::Span::current().record("user", user.id.as_str());
    let caller = Caller { user, scope, origin, request_id };
    rates::count(limits, parts, &caller)?;
    Ok(caller)
}

/// Who calls, and by what.
pub(super) async fn holder(auth: &Auth, parts: &Parts) -> Result<Holder, Problem> {
    identify(auth, parts).await?.ok_or_else(unauthenticated)
}

async fn identify(auth: &Auth, parts: &Parts) -> Result<Option<Holder>, Problem> {
    let headers = &parts.headers;
    if is_upgrade(headers) {
        check_origin(headers)?;
    }
    if let Some(token) = bearer(headers) {
        return Ok(auth.holder(&token).await?);
    }
    if let Some(session) = session(headers) {
        // A browser sends the cookie whoever asks it to.
        if !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            check_origin(headers)?;
        }
        return Ok(auth.holder(&session).await?);
    }
    match (auth.mode(), headers.get("x-user-id")) {
        (Mode::Development, Some(name)) => {
            development_user(auth, name).await.map(|user| Some(Holder::of(user)))
        }
        _ => Ok(None),
    }
}

async fn development_user(auth: &Auth, name: &header::HeaderValue) -> Result<User, Problem> {
    let id = name
        .to_str()
        .unwrap_or_default()
        .parse::<UserId>()
        .map_err(|error| Problem::bad_request("invalid_user", format!("X-User-ID: {error}")))?;
    Ok(auth.development_user(&id).await?)
}

fn unauthenticated() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "send `Authorization: Bearer <token>`, or open the sign-in URL that the server printed",
    )
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_TOKEN_BYTES;
    fits.then(|| Secret::new(token.trim()))
}

/// The session that a request's cookie names.
pub(super) fn session(headers: &HeaderMap) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == SESSION_COOKIE && value.len() <= MAX_TOKEN_BYTES)
        .map(|(_, value)| Secret::new(value))
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// A page of another origin may not act for the user who looks at it. Programs
/// that are no browsers send no Origin and no cookie.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("null"));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let foreign = match (origin, host) {
        (None, _) => session(headers).is_some(),
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => true,
    };
    if foreign {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "this request comes from a page of another origin; use Lockhouse's own pages, \
             or a token without a cookie",
        ));
    }
    Ok(())
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(json_problem(&rejection)),
        }
    }
}

fn json_problem(rejection: &JsonRejection) -> Problem {
    let detail = rejection.body_text();
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "send the body as JSON, with `Content-Type: application/json`",
        ),
        StatusCode::UNPROCESSABLE_ENTITY => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail)
        }
        _ => Problem::bad_request("malformed_body", detail),
    }
}

/// The query of the URL.
#[derive(Debug)]
pub(super) struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|rejection: QueryRejection| {
            Problem::bad_request("invalid_query", rejection.body_text())
        })
    }
}

/// The named parts of the URL's path.
#[derive(Debug)]
pub(super) struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path)).map_err(|rejection: PathRejection| {
            Problem::bad_request("invalid_path", rejection.body_text())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_page_of_another_origin_is_turned_away() {
        let foreign = headers(&[("origin", "http://evil.example"), ("host", "127.0.0.1:8000")]);
        assert!(check_origin(&foreign).is_err());
    }

    #[test]
    fn a_page_without_an_origin_of_its_own_is_turned_away() {
        assert!(check_origin(&headers(&[("origin", "null"), ("host", "127.0.0.1:8000")])).is_err());
    }

    #[test]
    fn a_cookie_without_an_origin_is_turned_away() {
        let bare = headers(&[("cookie", "lockhouse_session=x"), ("host", "127.0.0.1:8000")]);
        assert!(check_origin(&bare).is_err());
    }

    #[test]
    fn our_own_page_is_let_in() {
        let own = headers(&[("origin", "http://127.0.0.1:8000"), ("host", "127.0.0.1:8000")]);
        assert!(check_origin(&own).is_ok());
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let found = session(&headers(&[("cookie", "a=b; lockhouse_session=s3; c=d")]));
        assert_eq!(found.map(|s| s.reveal().to_owned()).as_deref(), Some("s3"));
    }
}
