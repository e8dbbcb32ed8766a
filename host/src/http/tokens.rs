//! Doors to the caller's own tokens.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Path, Query};
use super::page::{PageQuery, write_cursor};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::{self, Caller, ListedToken, NewToken, PeopleError, Scope};
use crate::gate::{Action, Target};
use crate::ids::{TokenId, UserId};
use crate::secret::Secret;

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "ci", "scope": "write", "expires_in": 86400 }))]
pub(super) struct CreateToken {
    /// What it is for, in your words.
    pub name: String,
    /// `read`: look. `write`: act as you, but not as an administrator. `admin`: all.
    #[serde(default = "write")]
    pub scope: String,
    /// Seconds; 90 days where nothing is said, a year at most.
    pub expires_in: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    pub id: String,
    pub user: String,
    pub name: String,
    /// `read` `write` `admin`
    pub scope: &'static str,
    pub created_at: String,
    pub expires_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewTokenView {
    #[serde(flatten)]
    pub token: TokenView,
    /// Told this once.
    pub secret: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenList {
    pub tokens: Vec<TokenView>,
    pub next_cursor: Option<String>,
}

fn write() -> String {
    Scope::Write.as_str().to_owned()
}

impl CreateToken {
    pub(super) fn of(self, user: UserId) -> Result<NewToken, Problem> {
        let scope = auth::parse_scope(&self.scope).ok_or_else(|| {
            let detail = format!("scope “{}”: use read, write or admin", self.scope);
            Problem::bad_request("invalid_scope", detail)
        })?;
        let expires_in = self.expires_in.map(Duration::from_secs);
        Ok(NewToken { user, name: self.name, scope, expires_in })
    }
}

/// Makes a token of your own, for a program that acts for you.
#[utoipa::path(post, path = "/tokens", tag = "session", request_body = CreateToken,
    responses((status = 201, body = NewTokenView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateToken>,
) -> Result<Response, Problem> {
    let new = body.of(caller.user.id.clone())?;
    let target = Target::Owned { owner: new.user.clone(), name: "token".to_owned() };
    let permit = app.gate.admit(&caller, Action::write("token.create", target)).await?;
    let created = app.auth.create_token(&permit, &new).await;
    created_view(permit.seal(created)?)
}

/// Your own tokens; never their secrets.
#[utoipa::path(get, path = "/tokens", tag = "session", params(PageQuery),
    responses((status = 200, body = TokenList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_tokens(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<TokenList>, Problem> {
    list(&app, Some(&caller.user.id), &page).await
}

/// Ends one of your tokens at once, and the sessions that were opened with it.
#[utoipa::path(delete, path = "/tokens/{token}", tag = "session", params(("token" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn revoke_token(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = token_id(&token)?;
    let owner = app.auth.owner_of_token(&id).await?.ok_or(PeopleError::NoToken)?;
    let target = Target::Owned { owner, name: format!("token/{id}") };
    let permit = app.gate.admit(&caller, Action::write("token.revoke", target)).await?;
    let revoked = app.auth.revoke_token(&permit, &id).await;
    permit.seal(revoked)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn token_id(text: &str) -> Result<TokenId, Problem> {
    let invalid = |error: crate::ids::InvalidId| error.to_string();
    text.parse().map_err(|error| Problem::bad_request("invalid_token_id", invalid(error)))
}

pub(super) async fn list(
    app: &App,
    of: Option<&UserId>,
    page: &PageQuery,
) -> Result<axum::Json<TokenList>, Problem> {
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let found = app.auth.tokens(of, page.after()?.as_deref(), limit).await?;
    let full = found.len() == limit as usize;
    let last = found.last().map(|token| write_cursor(token.id.as_str()));
    let next_cursor = last.filter(|_| full);
    Ok(axum::Json(TokenList { tokens: found.into_iter().map(view).collect(), next_cursor }))
}

/// The one answer that has the secret in it; nobody keeps it on the way.
pub(super) fn created_view((token, secret): (ListedToken, Secret)) -> Result<Response, Problem> {
    let view = NewTokenView { token: view(token), secret: secret.reveal().to_owned() };
    let unkept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, unkept, axum::Json(view)).into_response())
}

fn view(token: ListedToken) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        user: token.user.to_string(),
        name: token.name,
        scope: token.scope.as_str(),
        created_at: token.created_at.to_string(),
        expires_at: token.expires_at.map(|time| time.to_string()),
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        let detail = error.to_string();
        match error {
            PeopleError::NoUser(_) | PeopleError::NoToken => Self::not_found(detail),
            PeopleError::Taken(_) => Self::new(StatusCode::CONFLICT, "user_exists", detail),
            PeopleError::Reserved(_) => Self::new(StatusCode::CONFLICT, "user_reserved", detail),
            PeopleError::TooManyTokens { .. } => {
                Self::new(StatusCode::CONFLICT, "too_many_tokens", detail)
            }
            PeopleError::Name | PeopleError::Lifetime => Self::bad_request("invalid_token", detail),
            PeopleError::MoreThanYours(_) => {
                Self::new(StatusCode::FORBIDDEN, "scope_exceeded", detail)
            }
            PeopleError::Auth(error) => error.into(),
        }
    }
}
