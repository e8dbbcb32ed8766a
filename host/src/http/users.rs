//! Doors to users and everybody's tokens, for administrators.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::page::{PageQuery, write_cursor};
use super::problem::{Problem, ProblemView};
use super::tokens::{self, CreateToken, NewTokenView, TokenList};
use crate::app::App;
use crate::auth::{self, Caller, ListedUser, Role, User};
use crate::gate::{Action, Permit, Target};
use crate::ids::UserId;

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "id": "ada", "role": "learner" }))]
pub(super) struct CreateUser {
    /// 1 to 64 letters, digits, “-” or “_”; what `sub` says of those for whom an
    /// issuer vouches.
    pub id: String,
    /// `learner` `reviewer` `admin`
    #[serde(default = "learner")]
    pub role: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "reviewer" }))]
pub(super) struct ChangeUser {
    /// `learner` `reviewer` `admin`
    pub role: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListedUserView {
    pub id: String,
    pub role: &'static str,
    pub created_at: String,
    /// What his projects take of the disk, as it is known.
    pub disk_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserList {
    pub users: Vec<ListedUserView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "user": "ada", "name": "laptop" }))]
pub(super) struct CreateUsersToken {
    /// Whose it is.
    pub user: String,
    pub name: String,
    /// `read` `write` `admin`
    pub scope: Option<String>,
    /// Seconds; 90 days where nothing is said, a year at most.
    pub expires_in: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TokensQuery {
    /// Only those of this user.
    pub user: Option<String>,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

fn learner() -> String {
    Role::Learner.as_str().to_owned()
}

/// Makes somebody known.
#[utoipa::path(post, path = "/admin/users", tag = "admin", request_body = CreateUser,
    responses((status = 201, body = ListedUserView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_user(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateUser>,
) -> Result<Response, Problem> {
    let user = User { id: user_id(&body.id)?, role: role(&body.role)? };
    let permit = admit_about(&app, &caller, "user.create", &user.id).await?;
    let created = app.auth.add_user(&permit, &user).await;
    let view = view(permit.seal(created)?, &BTreeMap::new());
    Ok((StatusCode::CREATED, axum::Json(view)).into_response())
}

/// Who is known, in the order of their ids.
#[utoipa::path(get, path = "/admin/users", tag = "admin", params(PageQuery),
    responses((status = 200, body = UserList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_users(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<UserList>, Problem> {
    app.gate.admit(&caller, Action::read("user.list", Target::Installation)).await?;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let found = app.auth.users(page.after()?.as_deref(), limit).await?;
    let full = found.len() == limit as usize;
    let last = found.last().map(|listed| write_cursor(listed.user.id.as_str()));
    let next_cursor = last.filter(|_| full);
    let taken = match (found.first(), found.last()) {
        (Some(first), Some(last)) => {
            app.quotas.disk_taken_of(&first.user.id, &last.user.id).await?
        }
        _ => BTreeMap::new(),
    };
    let users = found.into_iter().map(|listed| view(listed, &taken)).collect();
    Ok(axum::Json(UserList { users, next_cursor }))
}

/// Gives somebody another role; it counts from the next request on.
#[utoipa::path(patch, path = "/admin/users/{user}", tag = "admin", params(("user" = String, Path)),
    request_body = ChangeUser,
    responses((status = 200, body = ListedUserView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn change_user(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
    Json(body): Json<ChangeUser>,
) -> Result<axum::Json<ListedUserView>, Problem> {
    let user = User { id: user_id(&user)?, role: role(&body.role)? };
    let permit = admit_about(&app, &caller, "user.change", &user.id).await?;
    let changed = app.auth.set_role(&permit, &user).await;
    let taken = app.quotas.disk_taken_of(&user.id, &user.id).await;
    Ok(axum::Json(view(permit.seal(changed)?, &taken?)))
}

/// Lets somebody in no more. What is theirs stays, for administrators.
#[utoipa::path(delete, path = "/admin/users/{user}", tag = "admin", params(("user" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn remove_user(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    let user = user_id(&user)?;
    let permit = admit_about(&app, &caller, "user.remove", &user).await?;
    let removed = app.auth.remove_user(&permit, &user).await;
    permit.seal(removed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session and token of somebody, and what an issuer vouched for
/// until now.
#[utoipa::path(post, path = "/admin/users/{user}/sign-out", tag = "admin", params(("user" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn sign_out_everywhere(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    let user = user_id(&user)?;
    let permit = admit_about(&app, &caller, "user.sign-out", &user).await?;
    let ended = app.auth.sign_out_everywhere(&permit, &user).await;
    permit.seal(ended)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a token for somebody, such as an agent.
#[utoipa::path(post, path = "/admin/tokens", tag = "admin", request_body = CreateUsersToken,
    operation_id = "create_users_token",
    responses((status = 201, body = NewTokenView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateUsersToken>,
) -> Result<Response, Problem> {
    let CreateUsersToken { user, name, scope, expires_in } = body;
    let scope = scope.unwrap_or_else(|| auth::Scope::Write.as_str().to_owned());
    let new = CreateToken { name, scope, expires_in }.of(user_id(&user)?)?;
    let permit = admit_about(&app, &caller, "token.create", &new.user).await?;
    let created = app.auth.create_token(&permit, &new).await;
    tokens::created_view(permit.seal(created)?)
}

/// Everybody's tokens; never their secrets.
#[utoipa::path(get, path = "/admin/tokens", tag = "admin", params(TokensQuery),
    operation_id = "list_users_tokens",
    responses((status = 200, body = TokenList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_tokens(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TokensQuery>,
) -> Result<axum::Json<TokenList>, Problem> {
    app.gate.admit(&caller, Action::read("token.list", Target::Installation)).await?;
    let TokensQuery { user, limit, cursor } = query;
    let user = user.as_deref().map(user_id).transpose()?;
    tokens::list(&app, user.as_ref(), &PageQuery { limit, cursor }).await
}

/// Ends anybody's token at once.
#[utoipa::path(delete, path = "/admin/tokens/{token}", tag = "admin", params(("token" = String, Path)),
    operation_id = "revoke_users_token",
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn revoke_token(
    State(app): State<App>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = tokens::token_id(&token)?;
    let action = Action::write("token.revoke", Target::Installation);
    let permit = app.gate.admit(&caller, action).await?;
    permit.note(format!("token/{id}"));
    let revoked = app.auth.revoke_token(&permit, &id).await;
    permit.seal(revoked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave to change something of a user's, which the record will name.
pub(super) async fn admit_about(
    app: &App,
    caller: &Caller,
    action: &'static str,
    about: &UserId,
) -> Result<Permit, Problem> {
    let permit = app.gate.admit(caller, Action::write(action, Target::Installation)).await?;
    permit.note(format!("user/{about}"));
    Ok(permit)
}

pub(super) fn user_id(text: &str) -> Result<UserId, Problem> {
    let invalid = |error: crate::ids::InvalidId| error.to_string();
    text.parse().map_err(|error| Problem::bad_request("invalid_user", invalid(error)))
}

fn role(text: &str) -> Result<Role, Problem> {
    auth::parse_role(text).ok_or_else(|| {
        let detail = format!("role “{text}”: use learner, reviewer or admin");
        Problem::bad_request("invalid_role", detail)
    })
}

fn view(listed: ListedUser, taken: &BTreeMap<String, u64>) -> ListedUserView {
    ListedUserView {
        id: listed.user.id.to_string(),
        role: listed.user.role.as_str(),
        created_at: listed.created_at.to_string(),
        disk_bytes: taken.get(listed.user.id.as_str()).copied().unwrap_or_default(),
    }
}
