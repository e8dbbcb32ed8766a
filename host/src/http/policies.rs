//! Doors to what policies would say: about one command, and about the commands
//! of the past.

mod replay;

use axum::extract::{Request as HttpRequest, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Query};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Target};
use crate::ids::{Kind, ProjectId, ProjectName};
use crate::policy::{Channel, Decision, NetworkMode, Opinion, Request};
use replay::ReplayView;

/// What stands for a project where none is named.
const NO_PROJECT: &str = "example";

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "command": "rm -rf /", "project": "todo" }))]
pub(super) struct EvaluateCommand {
    /// As shell text; or give `argv`.
    pub command: Option<String>,
    /// As words that no shell reads.
    pub argv: Option<Vec<String>>,
    /// Relative to the workspace.
    #[serde(default)]
    pub cwd: String,
    #[serde(default)]
    pub env_names: Vec<String>,
    /// `exec` (the default), `process` or `agent`.
    #[schema(value_type = Option<String>)]
    pub channel: Option<Channel>,
    /// Name or id of a project, whose own policies are asked as well.
    pub project: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionView {
    pub allow: bool,
    /// `safe`, `moderate`, `dangerous` or `blocked`.
    pub risk: &'static str,
    /// The policy that decided.
    pub policy: String,
    pub rule: String,
    pub reason: String,
    pub advice: Option<String>,
    pub sanitised: Option<String>,
    pub took_us: u64,
    /// Each policy's own verdict, in the order of the chain.
    pub policies: Vec<OpinionView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpinionView {
    pub policy: String,
    /// `enforce`, or `shadow`: heard and not applied.
    pub mode: &'static str,
    pub allow: bool,
    pub risk: &'static str,
    pub rule: String,
    pub reason: String,
    pub advice: Option<String>,
    /// Why the policy gave no verdict of its own.
    pub fault: Option<String>,
    pub took_us: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// Name or id of a project, whose own policies' rules are told as well.
    pub project: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesView {
    /// Markdown, as an agent can be shown it.
    pub rules: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayQuery {
    /// A time, or how long ago, such as `7d` (the default) or `12h`.
    pub since: Option<String>,
    /// How many of the newest judgements, at most 100,000; 10,000 by default.
    pub limit: Option<u32>,
    /// Settings for the candidate, as one JSON object.
    pub settings: Option<String>,
}

/// What the policies would say to a command, without running it.
#[utoipa::path(post, path = "/admin/policies/evaluate", tag = "policies", request_body = EvaluateCommand,
    responses((status = 200, body = DecisionView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn evaluate(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<EvaluateCommand>,
) -> Result<axum::Json<DecisionView>, Problem> {
    app.gate.admit(&caller, Action::read("policy.evaluate", Target::Installation)).await?;
    let request = question(&app, &caller, body).await?;
    Ok(axum::Json(decision_view(app.policies.consider(&request).await)))
}

/// What would have been decided otherwise had this component judged the
/// commands of the past: in place of the policy with its name, or as one more.
#[utoipa::path(post, path = "/admin/policies/replay", tag = "policies", params(ReplayQuery),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 200, body = ReplayView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ReplayQuery>,
    request: HttpRequest,
) -> Result<axum::Json<ReplayView>, Problem> {
    app.gate.admit(&caller, Action::read("policy.replay", Target::Installation)).await?;
    let limit = app.library.max_component_bytes();
    let too_large = |_| Problem::too_large(format!("the component is over {limit} bytes"));
    let bytes = axum::body::to_bytes(request.into_body(), limit).await.map_err(too_large)?;
    let settings = query.settings.as_deref().unwrap_or("{}");
    let candidate = app.library.try_out(&bytes, settings).await?;
    let policy = candidate.into_policy().map_err(crate::plugins::LibraryError::from)?;
    let since = replay::since(app.clock.now(), query.since.as_deref())?;
    let policies = app.policies.with_candidate(std::sync::Arc::new(policy));
    Ok(axum::Json(replay::run(&app, &policies, since, query.limit).await?))
}

/// The rules that commands are judged by, in words.
#[utoipa::path(get, path = "/policies/rules", tag = "policies", params(ExplainQuery),
    responses((status = 200, body = RulesView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn explain(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ExplainQuery>,
) -> Result<axum::Json<RulesView>, Problem> {
    let project = match &query.project {
        Some(project) => Some(app.projects.find(&caller, project).await?.id),
        None => None,
    };
    let silent = |fault: crate::policy::Fault| {
        Problem::unavailable("policy_unavailable", format!("a policy does not answer: {fault}"))
    };
    let rules = app.policies.explain(project.as_ref()).await.map_err(silent)?;
    Ok(axum::Json(RulesView { rules }))
}

async fn question(app: &App, caller: &Caller, body: EvaluateCommand) -> Result<Request, Problem> {
    let command = match (body.command, &body.argv) {
        (Some(command), None) => command,
        (None, Some(argv)) => crate::exec::shell_text(argv),
        _ => return Err(Problem::bad_request("invalid_command", "give `command` or `argv`")),
    };
    let place = place(app, caller, body.project.as_deref()).await?;
    Ok(Request {
        command,
        argv: body.argv,
        cwd: body.cwd,
        env_names: body.env_names,
        channel: body.channel.unwrap_or(Channel::Exec),
        caller: caller.user.id.clone(),
        caller_role: caller.user.role,
        project: place.id,
        project_name: place.name,
        kind: place.kind,
        network: place.network,
        request_id: caller.request_id.clone(),
    })
}

/// Where the command would run.
struct Place {
    id: ProjectId,
    name: ProjectName,
    kind: Kind,
    network: NetworkMode,
}

async fn place(app: &App, caller: &Caller, project: Option<&str>) -> Result<Place, Problem> {
    let Some(project) = project else {
        let name = NO_PROJECT.parse().map_err(Problem::internal)?;
        let (kind, network) = (Kind::Python, NetworkMode::Registries);
        return Ok(Place { id: ProjectId::generate(), name, kind, network });
    };
    let project = app.projects.find(caller, project).await?;
    let runtime = app.runtimes.find(&project.id).await?;
    let network = runtime.map_or(NetworkMode::Registries, |runtime| runtime.settings.network);
    Ok(Place { id: project.id, name: project.name, kind: project.kind, network })
}

fn decision_view(decision: Decision) -> DecisionView {
    DecisionView {
        allow: decision.allow,
        risk: decision.risk.as_str(),
        policy: decision.policy,
        rule: decision.rule,
        reason: decision.reason,
        advice: decision.advice,
        sanitised: decision.sanitised,
        took_us: micros(decision.took),
        policies: decision.opinions.into_iter().map(opinion_view).collect(),
    }
}

fn opinion_view(opinion: Opinion) -> OpinionView {
    OpinionView {
        policy: opinion.policy,
        mode: opinion.mode.as_str(),
        allow: opinion.verdict.allow,
        risk: opinion.verdict.risk.as_str(),
        rule: opinion.verdict.rule,
        reason: opinion.verdict.reason,
        advice: opinion.verdict.advice,
        fault: opinion.fault,
        took_us: micros(opinion.took),
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
