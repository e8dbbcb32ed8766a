//! Doors to what there is to see: addresses, ports, and whether something answers.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::{Path, Query};
use super::super::problem::{Problem, ProblemView};
use super::super::sse;
use super::{host, reach_of, untold};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::previews::{Error, KEY_LIFETIME, TICKET_LIFETIME};
use crate::projects::Project;
use crate::runtimes;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct PreviewQuery {
    pub port: Option<u16>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct OpenQuery {
    pub port: Option<u16>,
    /// Path and query within the preview.
    pub to: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct PreviewView {
    /// By a port of the host where there is one, else by path.
    pub preview_url: String,
    /// `running` `starting` `not_listening` `stopped`
    pub status: &'static str,
    pub port: Option<u16>,
    /// The preview's own origin, where the client can reach it; `open_url` brings it in.
    pub origin: Option<String>,
    /// On Lockhouse's own origin: leads on to the preview, with leave to look.
    pub open_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct StatusView {
    pub port: u16,
    /// `running` `starting` `not_listening` `stopped`
    pub status: &'static str,
    pub preview_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewTicketView)]
pub(in super::super) struct TicketView {
    /// Brings one browser to the preview, once.
    pub url: String,
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct PortView {
    pub port: u16,
    /// Whether somebody in the runtime listens on it.
    pub listening: bool,
    /// Whether it is one of the runtime's exposed ports.
    pub exposed: bool,
    /// The port of the host that leads there now.
    pub host_port: Option<u16>,
    pub preview_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct PortList {
    /// Ports that are exposed or listen, ascending; their number has a bound.
    pub ports: Vec<PortView>,
    pub port_mappings: BTreeMap<u16, u16>,
}

/// Where the project's preview is, and whether something answers there.
#[utoipa::path(get, path = "/containers/{project}/preview", tag = "previews", params(("project" = String, Path), PreviewQuery),
    responses((status = 200, body = PreviewView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn find_preview(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<PreviewQuery>,
    request: Request,
) -> Result<axum::Json<PreviewView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let (port, status) = app.previews.status(&project, query.port).await?;
    let address = address_of(&request)?;
    let origin = match port.filter(|_| address.reaches_origins(&app)) {
        Some(port) => Some(app.previews.origin(&project, port, address.port).await?),
        None => None,
    };
    let asked = query.port.map(|port| format!("?port={port}")).unwrap_or_default();
    Ok(axum::Json(PreviewView {
        preview_url: preview_url(&app, &project, port, query.port, &address),
        status: status.as_str(),
        port,
        origin,
        open_url: format!("/api/v1/containers/{}/preview/open{asked}", project.name),
    }))
}

/// Whether something answers on a port.
#[utoipa::path(get, path = "/containers/{project}/preview/{port}/status", tag = "previews",
    params(("project" = String, Path), ("port" = u16, Path)),
    responses((status = 200, body = StatusView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn preview_status(
    State(app): State<App>,
    caller: Caller,
    Path((project, port)): Path<(String, u16)>,
    request: Request,
) -> Result<axum::Json<StatusView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let (_, status) = app.previews.status(&project, Some(port)).await?;
    let preview_url = preview_url(&app, &project, Some(port), Some(port), &address_of(&request)?);
    Ok(axum::Json(StatusView { port, status: status.as_str(), preview_url }))
}

/// Leads a browser on to the preview's own origin, with a ticket that lets it in
/// once, or to the preview by path where it can't reach that; answers with the
/// address where the client wants JSON.
#[utoipa::path(get, path = "/containers/{project}/preview/open", tag = "previews", params(("project" = String, Path), OpenQuery),
    responses((status = 200, body = TicketView), (status = 303, description = "On to the preview"),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn open_preview(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<OpenQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    app.gate.admit(&caller, Action::read("preview.open", project.target())).await?;
    let address = address_of(&request)?;
    let to = query.to.filter(|to| host::is_path(to)).unwrap_or_else(|| "/".to_owned());
    let (url, lasts) = if address.reaches_origins(&app) {
        let port = shown_port(&app, &project, query.port).await?;
        let origin = app.previews.origin(&project, port, address.port).await?;
        let ticket = app.previews.ticket(&project.id, reach_of(&caller));
        (enter_url(&origin, &ticket, &to), TICKET_LIFETIME)
    } else {
        let place = format!("@{}", app.previews.issue_key(&project.id, reach_of(&caller)));
        (format!("{}{to}", path_url(&app, &address, &place, query.port)), KEY_LIFETIME)
    };
    if sse::wants_json(request.headers()) {
        let expires_at = (app.clock.now() + lasts).to_string();
        return Ok(untold(axum::Json(TicketView { url, expires_at }).into_response()));
    }
    Ok(untold(Redirect::to(&url).into_response()))
}

/// Ports that are exposed or on which somebody listens.
#[utoipa::path(get, path = "/containers/{project}/ports", tag = "previews", params(("project" = String, Path)),
    responses((status = 200, body = PortList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(in super::super) async fn list_ports(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    request: Request,
) -> Result<axum::Json<PortList>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let runtime = app.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
    let listening = app.previews.listening(&project.id).await?;
    let port_mappings = app.previews.map_ports(&runtime).await;
    let (exposed, address) = (runtime.settings.exposed_ports, address_of(&request)?);
    let mut ports: Vec<u16> = exposed.iter().chain(&listening).copied().collect();
    ports.sort_unstable();
    ports.dedup();
    let view = |port: u16| PortView {
        port,
        listening: listening.contains(&port),
        exposed: exposed.contains(&port),
        host_port: port_mappings.get(&port).copied(),
        preview_url: preview_url(&app, &project, Some(port), Some(port), &address),
    };
    Ok(axum::Json(PortList { ports: ports.into_iter().map(view).collect(), port_mappings }))
}

/// The port to go to, also where nobody listens yet.
pub(super) async fn shown_port(
    app: &App,
    project: &Project,
    asked: Option<u16>,
) -> Result<u16, Problem> {
    if asked == Some(0) {
        return Err(Problem::bad_request("invalid_port", "write the port as 1 to 65535"));
    }
    let none = match app.previews.port(&project.id, asked).await {
        Ok(port) => return Ok(port),
        Err(none @ (Error::NotListening(_) | Error::Runtime(runtimes::Error::NotRunning(_)))) => {
            none
        }
        Err(error) => return Err(error.into()),
    };
    let runtime = app.runtimes.find(&project.id).await?;
    let exposed = runtime.and_then(|runtime| runtime.settings.exposed_ports.first().copied());
    exposed.ok_or_else(|| none.into())
}

/// The address that turns a ticket, or a link, into leave to look.
pub(super) fn enter_url(origin: &str, ticket: &str, to: &str) -> String {
    let to = utf8_percent_encode(to, NON_ALPHANUMERIC);
    format!("{origin}{}?ticket={ticket}&to={to}", host::ENTER)
}

/// How a client reaches Lockhouse.
pub(super) struct Address {
    /// Name and port.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// Whether it is on this machine.
    pub(super) is_local: bool,
}

impl Address {
    /// Whether host names of previews mean something there: on this machine all below
    /// `localhost` do, and elsewhere those of a domain that the operator named.
    pub(super) fn reaches_origins(&self, app: &App) -> bool {
        self.is_local || app.previews.has_domain()
    }
}

pub(super) fn address_of(request: &Request) -> Result<Address, Problem> {
    let host = host::host_of(request.headers(), request.uri())?.unwrap_or("localhost").to_owned();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host.as_str(), None),
    };
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&name);
    Ok(Address { port, is_local, host })
}

/// By a port of the host where the client can reach that, else by path.
fn preview_url(
    app: &App,
    project: &Project,
    port: Option<u16>,
    asked: Option<u16>,
    address: &Address,
) -> String {
    let mapped = port.and_then(|port| app.previews.port_mappings(&project.id).get(&port).copied());
    let host = app.previews.host_address();
    match mapped {
        Some(host_port) if address.is_local || host != "localhost" => {
            format!("http://{host}:{host_port}")
        }
        _ => format!("{}/", path_url(app, address, project.name.as_str(), asked)),
    }
}

/// A preview by path, as the client reaches Lockhouse.
pub(super) fn path_url(app: &App, address: &Address, place: &str, port: Option<u16>) -> String {
    let own = app.previews.lockhouse_origins().into_iter().next().unwrap_or_default();
    let scheme = own.split("://").next().unwrap_or("http").to_owned();
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}/api/v1/preview/{place}{port}", address.host)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn address(host: &str) -> Address {
        let request = axum::http::Request::builder().header("host", host);
        address_of(&request.body(Body::empty()).unwrap()).unwrap()
    }

    #[test]
    fn a_client_on_this_machine_is_told_the_host_port() {
        assert!(address("127.0.0.1:8000").is_local && address("[::1]:8000").is_local);
        assert!(!address("lockhouse.example.com").is_local);
        assert_eq!((address("localhost:8000").port, address("[::1]").port), (Some(8000), None));
    }

    #[test]
    fn the_way_in_keeps_the_path_to_one_parameter() {
        let url = enter_url("http://3000--x-y.localhost", "t", "/a?b=c&d");
        assert_eq!(url, "http://3000--x-y.localhost/.lockhouse/enter?ticket=t&to=%2Fa%3Fb%3Dc%26d");
    }
}
