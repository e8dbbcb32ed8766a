//! Doors to how the server is.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::admin::drain::DrainView;
use crate::app::App;
use crate::plugins::Status;
use crate::runtimes::egress::{Learned, LearnedHost};
use crate::runtimes::engine::Enforcement;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthView {
    pub status: &'static str,
    pub version: &'static str,
}

/// One thing that the server needs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartView {
    pub ready: bool,
    pub detail: Value,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadyView {
    /// `ready`, `draining` (nothing new begins, all else is served), `not ready`
    pub status: &'static str,
    pub drain: DrainView,
    pub database: PartView,
    pub engine: PartView,
    pub plugins: PartView,
    /// Which hosts runtimes of each kind may reach, and who named them.
    pub registries: Value,
}

/// Whether the server is alive.
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, body = HealthView)))]
pub(super) async fn health() -> axum::Json<HealthView> {
    axum::Json(HealthView { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Whether all that it needs answers.
#[utoipa::path(get, path = "/health/ready", tag = "system",
    responses((status = 200, body = ReadyView), (status = 503, body = ReadyView)))]
pub(super) async fn ready(State(app): State<App>) -> Response {
    let view = look(&app).await;
    let all = view.database.ready && view.engine.ready && view.plugins.ready;
    let code = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, axum::Json(view)).into_response()
}

pub(super) async fn look(app: &App) -> ReadyView {
    let database = match app.db.ping().await {
        Ok(()) => PartView { ready: true, detail: app.db.backend().into() },
        Err(error) => PartView { ready: false, detail: error.to_string().into() },
    };
    let engine = match app.runtimes.engine().describe().await {
        Ok(text) => PartView { ready: true, detail: engine_detail(app, text) },
        Err(error) => PartView { ready: false, detail: error.to_string().into() },
    };
    let plugins = PartView {
        ready: !app.policies.is_empty(),
        detail: json!({
            "policies": app.policies.names(),
            "installed": app.library.list().iter().map(installed).collect::<Vec<_>>(),
            "wasm": app.wasm,
        }),
    };
    let learned = app.runtimes.learned_registries();
    let registries: Map<String, Value> = learned.iter().map(|kind| registries(kind)).collect();
    let registries = Value::Object(registries);
    let all = database.ready && engine.ready && plugins.ready;
    let drain = DrainView::of(app.gate.draining());
    let status = match (all, drain.on) {
        (false, _) => "not ready",
        (true, true) => "draining",
        (true, false) => "ready",
    };
    ReadyView { status, drain, database, engine, plugins, registries }
}

fn registries(learned: &Learned) -> (String, Value) {
    let host = |known: &LearnedHost| json!({ "host": known.host.to_string(), "port": known.port, "source": known.source });
    let hosts: Vec<Value> = learned.hosts.iter().map(host).collect();
    let view = json!({ "hosts": hosts, "failures": learned.failures });
    (learned.kind.to_string(), view)
}

/// Why one failed is for administrators, who see it among the plugins.
fn installed(status: &Status) -> Value {
    let state = status.state.as_str();
    json!({ "name": status.plugin.name, "version": status.version(), "state": state })
}

fn engine_detail(app: &App, description: String) -> Value {
    let (engine, disk) = (app.runtimes.engine(), app.runtimes.disk());
    let enforced = engine.enforced();
    json!({
        "name": engine.name(),
        "chosen_because": app.engine_choice,
        "description": description,
        "limits": {
            "memory": enforcement(&enforced.memory),
            "cpu": enforcement(&enforced.cpu),
            "pids": enforcement(&enforced.pids),
            "disk": enforcement(&disk.enforced()),
            "open_files": enforcement(&enforced.open_files),
            "tmp": enforcement(&enforced.tmp),
        },
        "disk_by": disk.name(),
    })
}

/// `hard`, `soft`, or `none:` and why.
pub(super) fn enforcement(how: &Enforcement) -> String {
    match how {
        Enforcement::Hard => "hard".to_owned(),
        Enforcement::Soft => "soft".to_owned(),
        Enforcement::None(why) => format!("none: {why}"),
    }
}

/// What has been counted and measured, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "system", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, app.metrics.render()).into_response()
}
