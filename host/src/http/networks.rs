//! Doors to what a project's runtime may reach.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Json, Path};
use super::problem::{Problem, ProblemView};
use super::runtimes::network_name;
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Target};
use crate::runtimes::egress::{InvalidPattern, Listed, Lists, Pattern};
use crate::runtimes::network::Network;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NetworkView {
    /// `none` `registries` `open`
    pub mode: &'static str,
    /// In the order in which a connection is decided: the first that names its
    /// host counts; one that none names is refused.
    pub rules: Vec<RuleView>,
    /// Ports at which a host without one may be reached.
    pub ports: Vec<u16>,
    /// The most bytes that one connection may send to a host that is for
    /// downloads only.
    pub upload_bytes: u64,
    /// What could not be learned of the image's package registries.
    pub failures: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleView {
    /// A name, `*.suffix`, an address, or `*` for any; with `:port` where only
    /// that one is meant.
    pub host: String,
    /// `allow` or `deny`
    pub effect: &'static str,
    pub downloads_only: bool,
    /// `operator`, `project`, `network mode open`, or `learned from` a package
    /// manager.
    pub source: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "allow": ["api.example.com"], "deny": ["registry.npmjs.org"] }))]
pub(super) struct NetworkLists {
    /// Hosts that this project may reach besides: `name`, `*.suffix`, each with
    /// or without `:port`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Hosts that it may not reach, whatever else allows them.
    #[serde(default)]
    pub deny: Vec<String>,
}

impl NetworkView {
    fn of(network: Network) -> Self {
        let Network { mode, effective } = network;
        Self {
            mode: network_name(mode),
            rules: effective.rules.iter().map(rule).collect(),
            ports: effective.ports,
            upload_bytes: effective.upload_bytes,
            failures: effective.failures,
        }
    }
}

fn rule(listed: &Listed) -> RuleView {
    RuleView {
        host: listed.host.clone(),
        effect: if listed.allowed { "allow" } else { "deny" },
        downloads_only: listed.downloads_only,
        source: listed.source.to_string(),
    }
}

/// What the project's runtime may reach, and by which rules.
#[utoipa::path(get, path = "/containers/{project}/network", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, body = NetworkView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_network(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<NetworkView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let network = app.runtimes.network(&project).await?;
    Ok(axum::Json(NetworkView::of(network)))
}

/// Replaces the project's own lists of hosts; for administrators. They count
/// from the next connection on.
#[utoipa::path(put, path = "/containers/{project}/network", tag = "runtimes", params(("project" = String, Path)),
    request_body = NetworkLists,
    responses((status = 200, body = NetworkView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn change_network(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<NetworkLists>,
) -> Result<axum::Json<NetworkView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let action = Action::write("network.change", Target::Installation);
    let permit = app.gate.admit(&caller, action).await?;
    permit.note(format!("project/{}", project.name));
    let lists = Lists { allow: patterns(&body.allow)?, deny: patterns(&body.deny)? };
    let changed = app.runtimes.set_lists(&permit, &project, &lists).await;
    permit.seal(changed)?;
    let network = app.runtimes.network(&project).await?;
    Ok(axum::Json(NetworkView::of(network)))
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, Problem> {
    let invalid = |error: InvalidPattern| Problem::bad_request("invalid_host", error.to_string());
    texts.iter().map(|text| text.parse().map_err(invalid)).collect()
}
