//! Doors to links that show a preview to others.

use std::time::Duration;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::extract::{Json, Path};
use super::super::problem::{Problem, ProblemView};
use super::{look, untold};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::ids::LinkId;
use crate::previews::Link;
use crate::projects::Project;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "port": 8000, "expires_in": 3600 }))]
pub(in super::super) struct CreateLink {
    /// The one port that it opens; without it, whichever the preview shows.
    pub port: Option<u16>,
    /// Seconds; a day where nothing is said.
    pub expires_in: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct NewLinkView {
    pub id: String,
    /// Told this once. Whoever has it sees the preview.
    pub url: String,
    pub port: Option<u16>,
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct LinkView {
    pub id: String,
    pub port: Option<u16>,
    pub created_by: String,
    pub created_at: String,
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct LinkList {
    /// All there are; their number has a bound.
    pub links: Vec<LinkView>,
    pub next_cursor: Option<String>,
}

/// Makes a link that shows the preview to whoever has it.
#[utoipa::path(post, path = "/containers/{project}/preview/links", tag = "previews", params(("project" = String, Path)),
    request_body = CreateLink,
    responses((status = 201, body = NewLinkView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn create_link(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let address = look::address_of(&request)?;
    let Json(body) = Json::<CreateLink>::from_request(request, &app).await?;
    let project = app.projects.find(&caller, &project).await?;
    let port = look::shown_port(&app, &project, body.port).await?;
    let permit = app.gate.admit(&caller, Action::write("preview.share", project.target())).await?;
    let lasts = body.expires_in.map(Duration::from_secs);
    let created = app.previews.create_link(&permit, &project, body.port, lasts).await;
    let (link, secret) = permit.seal(created)?;
    let url = url(&app, &project, (port, secret.reveal()), &address, body.port).await?;
    let view = NewLinkView {
        id: link.id.to_string(),
        url,
        port: link.port,
        expires_at: link.expires_at.to_string(),
    };
    Ok(untold((StatusCode::CREATED, axum::Json(view)).into_response()))
}

/// By the preview's own origin where others can reach that.
async fn url(
    app: &App,
    project: &Project,
    (port, secret): (u16, &str),
    address: &look::Address,
    asked: Option<u16>,
) -> Result<String, Problem> {
    if !address.reaches_origins(app) {
        let place = format!("@{secret}");
        return Ok(format!("{}/", look::path_url(app, address, &place, asked)));
    }
    let origin = app.previews.origin(project, port, address.port).await?;
    Ok(look::enter_url(&origin, secret, "/"))
}

/// The links that open something now; never their addresses.
#[utoipa::path(get, path = "/containers/{project}/preview/links", tag = "previews", params(("project" = String, Path)),
    responses((status = 200, body = LinkList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn list_links(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<LinkList>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let links = app.previews.links(&project.id).await?.into_iter().map(view).collect();
    Ok(axum::Json(LinkList { links, next_cursor: None }))
}

/// Ends a link at once, and what is looked at by it.
#[utoipa::path(delete, path = "/containers/{project}/preview/links/{link}", tag = "previews",
    params(("project" = String, Path), ("link" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn revoke_link(
    State(app): State<App>,
    caller: Caller,
    Path((project, link)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let link: LinkId = link.parse().map_err(|error: crate::ids::InvalidId| {
        Problem::bad_request("invalid_link", error.to_string())
    })?;
    let action = Action::write("preview.unshare", project.target());
    let permit = app.gate.admit(&caller, action).await?;
    let revoked = app.previews.revoke_link(&permit, &project, &link).await;
    permit.seal(revoked)?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(link: Link) -> LinkView {
    LinkView {
        id: link.id.to_string(),
        port: link.port,
        created_by: link.creator.to_string(),
        created_at: link.created_at.to_string(),
        expires_at: link.expires_at.to_string(),
    }
}
