//! Doors to runtimes; `containers` in the API.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::health::enforcement;
use super::problem::{Problem, ProblemView};
use super::projects::{delete_whole, parse_kind, parse_name};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Permit, Target};
use crate::ids::ProjectId;
use crate::policy::NetworkMode;
use crate::projects::{self, NewProject, Project};
use crate::runtimes::activity::Activity;
use crate::runtimes::deadlines;
use crate::runtimes::engine;
use crate::runtimes::pool::Claim;
use crate::runtimes::spec::Wishes;
use crate::runtimes::{self, Runtime};

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "project_type": "python", "config": { "memory_limit": "512m", "cpu_limit": 0.5, "network": "registries" } }))]
pub(super) struct CreateRuntime {
    /// The project's kind; needed where the project is new.
    pub project_type: Option<String>,
    #[serde(default)]
    pub config: RuntimeConfig,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuntimeConfig {
    /// Such as `512m` or `1g`.
    pub memory_limit: Option<String>,
    /// CPUs, such as 0.5.
    pub cpu_limit: Option<f64>,
    /// Such as `1g`.
    pub disk_limit: Option<String>,
    pub pids: Option<u32>,
    /// Seconds.
    pub command_timeout: Option<u64>,
    /// Seconds without use after which it is stopped.
    pub idle_timeout: Option<u64>,
    /// Seconds after which it is stopped in any case.
    pub max_lifetime: Option<u64>,
    /// Always true: nothing but the workspace and `/tmp` can be written to.
    pub read_only_root: Option<bool>,
    #[schema(value_type = Option<String>)]
    pub network: Option<NetworkMode>,
    pub exposed_ports: Option<Vec<u16>>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "config": { "memory_limit": "1g", "idle_timeout": 7200 } }))]
pub(super) struct ChangeRuntime {
    /// The project's kind, which can't be changed.
    pub project_type: Option<String>,
    /// What is left out stays as it is.
    #[serde(default)]
    pub config: RuntimeConfig,
}

/// A limit in bytes, and whether it is `hard` (the kernel refuses what is over
/// it), `soft` (noticed after the fact), or `none:` and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BytesLimit {
    pub bytes: u64,
    pub enforcement: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountLimit {
    pub count: u64,
    pub enforcement: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CpuLimit {
    pub cpus: f64,
    pub enforcement: String,
}

/// What a runtime may use, and how well each limit holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LimitsView {
    pub memory: BytesLimit,
    pub cpu: CpuLimit,
    pub pids: CountLimit,
    /// The workspace.
    pub disk: BytesLimit,
    /// Writable `/tmp`.
    pub tmp: BytesLimit,
    /// Of one program.
    pub open_files: CountLimit,
}

impl LimitsView {
    fn of(app: &App, runtime: &Runtime) -> Self {
        let (limits, held, disk) = app.runtimes.limits(runtime);
        let bytes = |bytes, how| BytesLimit { bytes, enforcement: enforcement(how) };
        let count = |count, how| CountLimit { count, enforcement: enforcement(how) };
        Self {
            memory: bytes(limits.memory_bytes, &held.memory),
            cpu: CpuLimit {
                cpus: f64::from(limits.cpu_millis) / 1000.0,
                enforcement: enforcement(&held.cpu),
            },
            pids: count(limits.pids.into(), &held.pids),
            disk: bytes(limits.disk_bytes, &disk),
            tmp: bytes(limits.tmp_bytes, &held.tmp),
            open_files: count(limits.open_files, &held.open_files),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuntimeView {
    /// The same as the project's id: a project has one runtime.
    pub container_id: String,
    pub project_id: String,
    pub project: String,
    /// `absent` `creating` `running` `stopping` `stopped` `restarting` `failed` `deleting`
    pub status: &'static str,
    pub reason: Option<String>,
    pub engine: String,
    pub network: &'static str,
    /// Which port of the host leads to which exposed port, while it runs.
    pub port_mappings: BTreeMap<u16, u16>,
    pub limits: LimitsView,
    /// Longest time of one command, in seconds.
    pub command_timeout: u64,
    /// How often in a row it ended by itself.
    pub restarts: u32,
    /// When it is started again, where it waits for that.
    pub retry_at: Option<String>,
    pub preview_urls: BTreeMap<String, String>,
    pub created_at: String,
    pub updated_at: String,
}

impl RuntimeView {
    pub(super) fn of(app: &App, project: &Project, runtime: &Runtime) -> Self {
        let preview =
            |port: &u16| (port.to_string(), format!("/api/v1/preview/{}:{port}/", project.name));
        Self {
            container_id: project.id.to_string(),
            project_id: project.id.to_string(),
            project: project.name.to_string(),
            status: runtime.status.as_str(),
            reason: runtime.reason.clone(),
            engine: runtime.engine.clone(),
            network: network_name(runtime.settings.network),
            port_mappings: BTreeMap::new(),
            limits: LimitsView::of(app, runtime),
            command_timeout: runtime.settings.command_timeout,
            restarts: runtime.crashes,
            retry_at: runtime.retry_at.map(|at| at.to_string()),
            preview_urls: runtime.settings.exposed_ports.iter().map(preview).collect(),
            created_at: runtime.created_at.to_string(),
            updated_at: runtime.updated_at.to_string(),
        }
    }

    /// With the ports of the host that lead there now.
    pub(super) fn with_ports(self, port_mappings: BTreeMap<u16, u16>) -> Self {
        Self { port_mappings, ..self }
    }
}

/// The view of one runtime whose host ports are as they should be.
async fn view(app: &App, project: &Project, runtime: &Runtime) -> RuntimeView {
    let ports = app.previews.map_ports(runtime).await;
    RuntimeView::of(app, project, runtime).with_ports(ports)
}

pub(super) fn network_name(mode: NetworkMode) -> &'static str {
    match mode {
        NetworkMode::None => "none",
        NetworkMode::Registries => "registries",
        NetworkMode::Open => "open",
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    /// Also the project and its files.
    #[serde(default)]
    pub delete_files: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuntimeDeleted)]
pub(super) struct Deleted {
    pub success: bool,
    pub message: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActivityView {
    /// Null where it was never used.
    pub last_activity: Option<String>,
    /// `start` `exec` `process` `terminal` `file` `preview`
    pub cause: Option<&'static str>,
    pub idle_seconds: Option<u64>,
    pub idle_timeout: u64,
    pub max_lifetime: u64,
    /// Since when it runs; null while it does not.
    pub started_at: Option<String>,
    /// When it is stopped if nothing uses it until then.
    pub idle_stop_at: Option<String>,
    /// When it is stopped in any case.
    pub lifetime_ends_at: Option<String>,
}

impl ActivityView {
    fn of(runtime: &Runtime, activity: Option<Activity>, now: Timestamp) -> Self {
        let ends = deadlines::ends(runtime, activity);
        let since = |at: Timestamp| u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0);
        Self {
            last_activity: activity.map(|activity| activity.at.to_string()),
            cause: activity.map(|activity| activity.by.as_str()),
            idle_seconds: activity.map(|activity| since(activity.at)),
            idle_timeout: runtime.settings.idle_timeout,
            max_lifetime: runtime.settings.max_lifetime,
            started_at: ends.and(runtime.started_at).map(|at| at.to_string()),
            idle_stop_at: ends.map(|ends| ends.idle.to_string()),
            lifetime_ends_at: ends.map(|ends| ends.lifetime.to_string()),
        }
    }
}

/// Creates the runtime and starts it; makes the project where there is none.
#[utoipa::path(post, path = "/containers/{project}/create", tag = "runtimes", params(("project" = String, Path)),
    request_body = CreateRuntime,
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<CreateRuntime>,
) -> Result<axum::Json<RuntimeView>, Problem> {
    let wishes = wishes(body.config)?;
    let kind = body.project_type.as_deref();
    let project = find_or_create(&app, &caller, &name, kind, &wishes).await?;
    let permit = admit(&app, &caller, "runtime.create", &project).await?;
    let created = app.runtimes.create(&permit, &project, wishes).await;
    Ok(axum::Json(view(&app, &project, &permit.seal(created)?).await))
}

async fn find_or_create(
    app: &App,
    caller: &Caller,
    name: &str,
    kind: Option<&str>,
    wishes: &Wishes,
) -> Result<Project, Problem> {
    let kind = kind.map(parse_kind).transpose()?;
    match (app.projects.find(caller, name).await, kind) {
        (Ok(project), Some(kind)) if project.kind != kind => {
            Err(projects::Error::Differs { name: project.name, kind: project.kind }.into())
        }
        (Ok(project), _) => Ok(project),
        (Err(projects::Error::NotFound(_)), Some(kind)) => {
            let new = NewProject { name: parse_name(name)?, kind, description: String::new() };
            create_project(app, caller, new, wishes).await
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The new project takes over a runtime from the pool, if there is one for it.
async fn create_project(
    app: &App,
    caller: &Caller,
    new: NewProject,
    wishes: &Wishes,
) -> Result<Project, Problem> {
    let target = Target::New { name: format!("project/{}", new.name) };
    let permit = app.gate.admit(caller, Action::write("project.create", target)).await?;
    let claim = app.runtimes.claim(new.kind, wishes).await;
    let id = claim.as_ref().and_then(Claim::id).cloned().unwrap_or_else(ProjectId::generate);
    let created = app.projects.create_as(&permit, new, id).await;
    let (project, _) = permit.seal(created)?;
    match claim {
        Some(claim) if claim.id() == Some(&project.id) => claim.taken(),
        _ => {}
    }
    Ok(project)
}

/// How a runtime is.
#[utoipa::path(get, path = "/containers/{project}", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<RuntimeView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let runtime = app.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
    Ok(axum::Json(view(&app, &project, &runtime).await))
}

/// Changes limits, timeouts and network of the runtime while it exists, running or not.
#[utoipa::path(patch, path = "/containers/{project}", tag = "runtimes", params(("project" = String, Path)),
    request_body = ChangeRuntime,
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn update_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<ChangeRuntime>,
) -> Result<axum::Json<RuntimeView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let kind = body.project_type.as_deref().map(parse_kind).transpose()?;
    if kind.is_some_and(|kind| kind != project.kind) {
        let kind = project.kind;
        return Err(Problem::conflict(
            "kind",
            format!("the project's kind is {kind}; for another, delete it and create it anew"),
        ));
    }
    let wishes = wishes(body.config)?;
    let permit = admit(&app, &caller, "runtime.update", &project).await?;
    let updated = app.runtimes.update(&permit, &project, wishes).await;
    Ok(axum::Json(view(&app, &project, &permit.seal(updated)?).await))
}

/// Deletes a runtime, and the files too where that is asked for.
#[utoipa::path(delete, path = "/containers/{project}", tag = "runtimes", params(("project" = String, Path), DeleteQuery),
    responses((status = 200, body = Deleted), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn delete_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<axum::Json<Deleted>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = admit(&app, &caller, "runtime.delete", &project).await?;
    let deleted = if query.delete_files {
        delete_whole(&app, &permit, &project).await
    } else {
        app.runtimes.delete(&permit, &project).await
    };
    permit.seal(deleted)?;
    Ok(axum::Json(Deleted { success: true, message: "Container deleted" }))
}

/// Starts a runtime; one that runs stays as it is.
#[utoipa::path(post, path = "/containers/{project}/start", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn start_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<RuntimeView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = admit(&app, &caller, "runtime.start", &project).await?;
    let started = app.runtimes.start(&permit, &project).await;
    Ok(axum::Json(view(&app, &project, &permit.seal(started)?).await))
}

/// Stops a runtime; one that is stopped stays as it is.
#[utoipa::path(post, path = "/containers/{project}/stop", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn stop_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<RuntimeView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = admit(&app, &caller, "runtime.stop", &project).await?;
    let stopped = app.runtimes.stop(&permit, &project).await;
    Ok(axum::Json(view(&app, &project, &permit.seal(stopped)?).await))
}

/// Stops a runtime and starts it again.
#[utoipa::path(post, path = "/containers/{project}/restart", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, body = RuntimeView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn restart_runtime(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<RuntimeView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = admit(&app, &caller, "runtime.restart", &project).await?;
    let restarted = app.runtimes.restart(&permit, &project).await;
    Ok(axum::Json(view(&app, &project, &permit.seal(restarted)?).await))
}

/// When it was last used, by what, and when it will be stopped.
#[utoipa::path(get, path = "/containers/{project}/activity", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, body = ActivityView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn runtime_activity(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<ActivityView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let runtime = app.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
    let activity = app.runtimes.latest_activity(&runtime);
    Ok(axum::Json(ActivityView::of(&runtime, activity, app.clock.now())))
}

async fn admit(
    app: &App,
    caller: &Caller,
    action: &'static str,
    project: &Project,
) -> Result<Permit, Problem> {
    Ok(app.gate.admit(caller, Action::write(action, project.target())).await?)
}

fn wishes(config: RuntimeConfig) -> Result<Wishes, Problem> {
    if config.read_only_root == Some(false) {
        let detail = "read_only_root can't be switched off: write to the workspace or to /tmp";
        return Err(Problem::bad_request("over_ceiling", detail));
    }
    let bytes =
        |name: &str, text: Option<String>| text.map(|text| parse_size(name, &text)).transpose();
    Ok(Wishes {
        memory_bytes: bytes("memory_limit", config.memory_limit)?,
        cpu_limit: config.cpu_limit,
        disk_bytes: bytes("disk_limit", config.disk_limit)?,
        pids: config.pids,
        command_timeout: config.command_timeout,
        idle_timeout: config.idle_timeout,
        max_lifetime: config.max_lifetime,
        network: config.network,
        exposed_ports: config.exposed_ports,
    })
}

/// `512m`, `1g`, `64k` or plain bytes.
fn parse_size(name: &str, text: &str) -> Result<u64, Problem> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, unit) = match lower.strip_suffix(['k', 'm', 'g']) {
        Some(digits) => (digits, lower.as_bytes()[lower.len() - 1]),
        None => (lower.as_str(), b'b'),
    };
    let shift = match unit {
        b'k' => 10,
        b'm' => 20,
        b'g' => 30,
        _ => 0,
    };
    let size = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << shift));
    size.ok_or_else(|| {
        Problem::bad_request("invalid_size", format!("{name}: write a size such as 512m or 1g"))
    })
}

impl From<runtimes::Error> for Problem {
    fn from(error: runtimes::Error) -> Self {
        use runtimes::Error;
        let text = error.to_string();
        match error {
            Error::NotRunning(status) => {
                Self::conflict("runtime_not_running", text).with("runtime_status", status.as_str())
            }
            Error::NotFound => Self::not_found(text),
            Error::Differs => Self::conflict("exists", text),
            Error::TooManyHosts(_) => Self::bad_request("too_many_hosts", text),
            Error::Quota(over) => over.into(),
            Error::NoRoom(_) => Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", text),
            Error::OverCeiling(_) => Self::bad_request("over_ceiling", text),
            Error::Engine(error) => engine_problem(error),
            Error::Silent(_) => Self::unavailable("runtime_silent", text),
            Error::Late(..) => Self::unavailable("runtime_late", text),
            Error::Busy => Self::unavailable("runtime_busy", text),
            Error::Place(error) => Self::internal(error),
            Error::Project(error) => error.into(),
            Error::Db(error) => error.into(),
            Error::Stopping => Self::unavailable("stopping", text),
        }
    }
}

fn engine_problem(error: engine::Error) -> Problem {
    match error {
        engine::Error::NoImage(_) => Problem::conflict("no_image", error.to_string()),
        engine::Error::NotFound => Problem::not_found(error.to_string()),
        engine::Error::Unavailable(_) => {
            Problem::unavailable("engine_unavailable", error.to_string())
        }
        engine::Error::NotLive(_) => {
            let text = format!("{error}; or delete the runtime and create it with other settings");
            Problem::conflict("not_live", text)
        }
        engine::Error::Misconfigured(_) | engine::Error::Failed(_) => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_the_documents_write_them() {
        assert_eq!(parse_size("x", "512m").ok(), Some(512 << 20));
        assert_eq!(parse_size("x", "1G").ok(), Some(1 << 30));
        assert_eq!(parse_size("x", "4096").ok(), Some(4096));
    }

    #[test]
    fn a_size_that_overflows_is_refused() {
        assert!(parse_size("x", "99999999999999g").is_err());
    }
}
