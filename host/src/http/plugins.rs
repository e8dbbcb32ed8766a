//! Doors to plugins and their bindings, for administrators.

mod upload;
mod view;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Json, Path};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Permit, Target};
use crate::plugins::{
    BindingChange, Error as LoadError, InvalidDigest, LibraryError as Error, NewBinding,
    NewVersion, Source, oci,
};
use crate::policy::{Mode, OnError};
use view::{BindingList, BindingView, PluginList, PluginView, binding_view, plugin_view};

use upload::UploadForm;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "grants": [] }))]
pub(super) struct SetGrants {
    /// Such as `kv` or `secret/NAME`; what is not among them is revoked.
    pub grants: std::collections::BTreeSet<String>,
}

/// What shall be different about a binding; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "mode": "shadow", "position": 1 }))]
pub(super) struct ChangeBinding {
    /// Lower ones are asked first.
    pub position: Option<i32>,
    /// `enforce`, or `shadow`: recorded, not applied.
    pub mode: Option<String>,
    /// What a policy that gives no verdict counts as: `deny` or `allow`.
    pub on_error: Option<String>,
    /// Settings that the plugin itself judges first.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "plugin": "strict", "project": "todo", "change": { "mode": "enforce" } }))]
pub(super) struct CreateBinding {
    pub plugin: String,
    /// Name or id of the one project it judges; everybody's where none is given.
    pub project: Option<String>,
    #[serde(default)]
    pub change: ChangeBinding,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reference": "registry.example.com/policies/strict:1.2.0", "binding": { "mode": "shadow" } }))]
pub(super) struct PullPlugin {
    /// `oci://HOST/REPOSITORY@sha256:…`, or with a tag and `digest`.
    pub reference: String,
    /// `sha256:…` that the component must have.
    pub digest: Option<String>,
    /// The component's signature, where the registry has none.
    pub signature: Option<String>,
    pub grants: Option<std::collections::BTreeSet<String>>,
    /// For the plugin's binding for everybody.
    #[serde(default)]
    pub binding: ChangeBinding,
}

impl PullPlugin {
    fn version(&self) -> Result<NewVersion, Problem> {
        let invalid =
            |error: InvalidDigest| Problem::bad_request("invalid_digest", error.to_string());
        Ok(NewVersion {
            bytes: Vec::new(),
            source: Source::Oci(self.reference.clone()),
            digest: self.digest.as_deref().map(str::parse).transpose().map_err(invalid)?,
            signature: self.signature.clone(),
            binding: change(&self.binding)?,
            grants: self.grants.clone(),
        })
    }
}

async fn admit(app: &App, caller: &Caller, action: Action) -> Result<Permit, Problem> {
    Ok(app.gate.admit(caller, action).await?)
}

fn write(name: &'static str) -> Action {
    Action::write(name, Target::Installation)
}

fn read(name: &'static str) -> Action {
    Action::read(name, Target::Installation)
}

/// Every plugin: what runs, from where, and how it is.
#[utoipa::path(get, path = "/admin/plugins", tag = "plugins",
    responses((status = 200, body = PluginList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_plugins(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<PluginList>, Problem> {
    admit(&app, &caller, read("plugin.list")).await?;
    let plugins = app.library.list().iter().map(plugin_view).collect();
    Ok(axum::Json(PluginList { plugins, next_cursor: None }))
}

/// One plugin: its versions, grants and bindings.
#[utoipa::path(get, path = "/admin/plugins/{plugin}", tag = "plugins", params(("plugin" = String, Path)),
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
) -> Result<axum::Json<PluginView>, Problem> {
    admit(&app, &caller, read("plugin.find")).await?;
    Ok(axum::Json(plugin_view(&app.library.find(&plugin)?)))
}

/// Installs a component under the name that it gives itself, or another version
/// of it. It is checked first; commands that are being judged meanwhile are
/// judged by the version they came to.
#[utoipa::path(put, path = "/admin/plugins/{plugin}", tag = "plugins", params(("plugin" = String, Path)),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn install_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
    request: Request,
) -> Result<axum::Json<PluginView>, Problem> {
    let permit = admit(&app, &caller, write("plugin.install")).await?;
    let new = match upload::read(request, app.library.max_component_bytes()).await {
        Ok(new) => new,
        Err(problem) => return permit.seal(Err(problem)),
    };
    let installed = app.library.install(&permit, &plugin, new).await;
    Ok(axum::Json(plugin_view(&permit.seal(installed)?)))
}

/// Installs a component from an OCI registry.
#[utoipa::path(post, path = "/admin/plugins/{plugin}/pull", tag = "plugins", params(("plugin" = String, Path)),
    request_body = PullPlugin,
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn pull_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
    Json(body): Json<PullPlugin>,
) -> Result<axum::Json<PluginView>, Problem> {
    let new = body.version()?;
    let permit = admit(&app, &caller, write("plugin.install")).await?;
    permit.note(format!("pulled from {}", body.reference));
    let pulled = app.library.pull(&permit, &plugin, &body.reference, new).await;
    Ok(axum::Json(plugin_view(&permit.seal(pulled)?)))
}

/// Removes a plugin with its versions and bindings.
#[utoipa::path(delete, path = "/admin/plugins/{plugin}", tag = "plugins", params(("plugin" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn remove_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
) -> Result<StatusCode, Problem> {
    let permit = admit(&app, &caller, write("plugin.remove")).await?;
    let removed = app.library.remove(&permit, &plugin).await;
    permit.seal(removed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets the version before this one run again; once more undoes it.
#[utoipa::path(post, path = "/admin/plugins/{plugin}/rollback", tag = "plugins", params(("plugin" = String, Path)),
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn roll_back_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
) -> Result<axum::Json<PluginView>, Problem> {
    let permit = admit(&app, &caller, write("plugin.rollback")).await?;
    let done = app.library.rollback(&permit, &plugin).await;
    Ok(axum::Json(plugin_view(&permit.seal(done)?)))
}

/// Lets a plugin work that was disabled or quarantined.
#[utoipa::path(post, path = "/admin/plugins/{plugin}/enable", tag = "plugins", params(("plugin" = String, Path)),
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn enable_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
) -> Result<axum::Json<PluginView>, Problem> {
    let permit = admit(&app, &caller, write("plugin.enable")).await?;
    let done = app.library.enable(&permit, &plugin).await;
    Ok(axum::Json(plugin_view(&permit.seal(done)?)))
}

/// Keeps a plugin and its bindings, and asks it no longer.
#[utoipa::path(post, path = "/admin/plugins/{plugin}/disable", tag = "plugins", params(("plugin" = String, Path)),
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn disable_plugin(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
) -> Result<axum::Json<PluginView>, Problem> {
    let permit = admit(&app, &caller, write("plugin.disable")).await?;
    let done = app.library.disable(&permit, &plugin).await;
    Ok(axum::Json(plugin_view(&permit.seal(done)?)))
}

/// What the plugin may do of what it asks for; from its next call on.
#[utoipa::path(put, path = "/admin/plugins/{plugin}/grants", tag = "plugins", params(("plugin" = String, Path)),
    request_body = SetGrants,
    responses((status = 200, body = PluginView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn set_grants(
    State(app): State<App>,
    caller: Caller,
    Path(plugin): Path<String>,
    Json(body): Json<SetGrants>,
) -> Result<axum::Json<PluginView>, Problem> {
    let permit = admit(&app, &caller, write("plugin.grant")).await?;
    let grants: Vec<_> = body.grants.iter().map(String::as_str).collect();
    permit.note(format!("{plugin} is granted: {}", grants.join(", ")));
    let done = app.library.set_grants(&permit, &plugin, body.grants).await;
    Ok(axum::Json(plugin_view(&permit.seal(done)?)))
}

/// Where plugins are used, in the order in which they are asked.
#[utoipa::path(get, path = "/admin/bindings", tag = "plugins",
    responses((status = 200, body = BindingList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_bindings(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<BindingList>, Problem> {
    admit(&app, &caller, read("binding.list")).await?;
    let bindings = app.library.bindings().await?;
    let bindings = bindings.into_iter().map(binding_view).collect();
    Ok(axum::Json(BindingList { bindings, next_cursor: None }))
}

/// Uses a plugin in one more place: for everybody, or for one project.
#[utoipa::path(post, path = "/admin/bindings", tag = "plugins", request_body = CreateBinding,
    responses((status = 201, body = BindingView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_binding(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateBinding>,
) -> Result<(StatusCode, axum::Json<BindingView>), Problem> {
    let permit = admit(&app, &caller, write("binding.create")).await?;
    let bound = bind(&app, &caller, &permit, body).await;
    Ok((StatusCode::CREATED, axum::Json(binding_view(permit.seal(bound)?))))
}

async fn bind(
    app: &App,
    caller: &Caller,
    permit: &Permit,
    body: CreateBinding,
) -> Result<crate::plugins::PluginBinding, Problem> {
    let project = match &body.project {
        Some(project) => Some(app.projects.find(caller, project).await?.id),
        None => None,
    };
    let new = NewBinding { plugin: body.plugin, project, change: change(&body.change)? };
    Ok(app.library.bind(permit, new).await?)
}

/// Changes where and how a plugin is used.
#[utoipa::path(patch, path = "/admin/bindings/{binding}", tag = "plugins", params(("binding" = String, Path)),
    request_body = ChangeBinding,
    responses((status = 200, body = BindingView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn change_binding(
    State(app): State<App>,
    caller: Caller,
    Path(binding): Path<String>,
    Json(body): Json<ChangeBinding>,
) -> Result<axum::Json<BindingView>, Problem> {
    let change = change(&body)?;
    let permit = admit(&app, &caller, write("binding.change")).await?;
    let changed = app.library.rebind(&permit, &binding, change).await;
    Ok(axum::Json(binding_view(permit.seal(changed)?)))
}

/// Ends one use of a plugin; the plugin stays.
#[utoipa::path(delete, path = "/admin/bindings/{binding}", tag = "plugins", params(("binding" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn delete_binding(
    State(app): State<App>,
    caller: Caller,
    Path(binding): Path<String>,
) -> Result<StatusCode, Problem> {
    let permit = admit(&app, &caller, write("binding.delete")).await?;
    let unbound = app.library.unbind(&permit, &binding).await;
    permit.seal(unbound)?;
    Ok(StatusCode::NO_CONTENT)
}

fn change(body: &ChangeBinding) -> Result<BindingChange, Problem> {
    let mode = body.mode.as_deref().map(parse_mode).transpose()?;
    let on_error = match body.on_error.as_deref() {
        None => None,
        Some("deny") => Some(OnError::Deny),
        Some("allow") => Some(OnError::Allow),
        Some(_) => {
            return Err(Problem::bad_request("invalid_on_error", "on_error: use deny or allow"));
        }
    };
    let settings = body.settings.as_ref().map(|settings| serde_json::json!(settings).to_string());
    Ok(BindingChange { position: body.position, mode, on_error, settings })
}

fn parse_mode(mode: &str) -> Result<Mode, Problem> {
    match mode {
        "enforce" => Ok(Mode::Enforce),
        "shadow" => Ok(Mode::Shadow),
        _ => Err(Problem::bad_request("invalid_mode", "mode: use enforce or shadow")),
    }
}

fn registry_problem(error: &oci::Error) -> Problem {
    let text = error.to_string();
    match error {
        oci::Error::Unreachable { .. } | oci::Error::Timeout { .. } => {
            Problem::unavailable("registry_unavailable", text)
        }
        oci::Error::TooLarge { .. } => Problem::too_large(text),
        oci::Error::Reference(_)
        | oci::Error::NotPinned(_)
        | oci::Error::Denied { .. }
        | oci::Error::NotFound { .. }
        | oci::Error::NotWasm { .. }
        | oci::Error::OtherDigest { .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "registry_refused", text)
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let refused = |code, text| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text);
        let text = error.to_string();
        match error {
            Error::NotFound(_) | Error::NoBinding(_) => Self::not_found(text),
            Error::Refused(LoadError::TooLarge { .. }) => Self::too_large(text),
            Error::Refused(LoadError::Machine(_)) => Self::internal(text),
            Error::Refused(_) => refused("plugin_refused", text),
            Error::OtherName { .. } => refused("other_plugin_name", text),
            Error::OtherDigest { .. } => refused("other_digest", text),
            Error::Unsigned(_) => refused("plugin_unsigned", text),
            Error::Registry(error) => registry_problem(&error),
            Error::Invalid(_) => refused("plugin_refused", text),
            Error::NothingBefore(_) => Self::conflict("nothing_to_roll_back", text),
            Error::BuiltIn(_) => Self::conflict("plugin_built_in", text),
            Error::LastPolicy(_) => Self::conflict("last_policy", text),
            Error::ChangedMeanwhile => Self::conflict("plugins_changed", text),
            Error::Disk(_) => Self::internal(text),
            Error::Db(error) => error.into(),
        }
    }
}
