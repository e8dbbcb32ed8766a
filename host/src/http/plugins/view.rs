//! How plugins and their bindings are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::plugins::manifest::{Manifest, Setting};
use crate::plugins::{Plugin, PluginBinding, Release, State, Status, Version};

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct PluginView {
    pub name: String,
    /// Such as `command-policy`.
    pub roles: Vec<&'static str>,
    pub version: String,
    pub summary: String,
    /// `sha256:…` of the component that runs; empty where it can't be loaded.
    pub digest: String,
    /// `live`, `unbound`, `disabled` or `failed`.
    pub state: &'static str,
    /// Why it failed.
    pub reason: Option<String>,
    /// Set while it failed so often that it is not asked.
    pub quarantine: Option<QuarantineView>,
    pub enabled: bool,
    /// Whether it is part of the server.
    pub built_in: bool,
    /// What a rollback brings back: a digest, or `built-in`.
    pub previous: Option<String>,
    /// What its manifest asks for; it works where it is granted as well.
    pub asked: Vec<String>,
    pub granted: Vec<String>,
    /// The settings it knows, by name.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    pub bindings: Vec<BindingView>,
    /// Versions that are kept, newest first.
    pub versions: Vec<VersionView>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct QuarantineView {
    pub since: String,
    pub last_fault: String,
    /// When it is tried again; `enable` tries it at once.
    pub retry_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct VersionView {
    pub digest: String,
    pub version: String,
    /// `upload`, `file:NAME` or a reference to a registry.
    pub source: String,
    /// Name of the key whose signature it carries.
    pub signed_by: Option<String>,
    pub installed_by: String,
    pub installed_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct BindingView {
    pub id: String,
    pub plugin: String,
    /// Id of the one project it judges.
    pub project: Option<String>,
    pub position: i32,
    pub mode: &'static str,
    pub on_error: &'static str,
    /// None where the configuration decides.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<serde_json::Value>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct PluginList {
    pub plugins: Vec<PluginView>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct BindingList {
    pub bindings: Vec<BindingView>,
    pub next_cursor: Option<String>,
}

pub(super) fn plugin_view(status: &Status) -> PluginView {
    let plugin = &status.plugin;
    let reason = match &status.state {
        State::Failed(why) => Some(why.clone()),
        State::Live | State::Unbound | State::Disabled => None,
    };
    let loaded = status.loaded.as_ref();
    let manifest = loaded.and_then(Plugin::manifest);
    PluginView {
        name: plugin.name.clone(),
        roles: status.roles(),
        version: status.version(),
        summary: loaded.map(|plugin| plugin.summary().to_owned()).unwrap_or_default(),
        digest: loaded.map(|plugin| plugin.identity().digest.to_string()).unwrap_or_default(),
        state: status.state.as_str(),
        reason,
        quarantine: loaded.and_then(Plugin::quarantine).map(|held| QuarantineView {
            since: held.since.to_string(),
            last_fault: held.last_fault,
            retry_at: held.retry_at.to_string(),
        }),
        enabled: plugin.enabled,
        built_in: plugin.current == Release::BuiltIn,
        previous: plugin.previous.map(release_name),
        asked: manifest
            .map(|manifest| manifest.grants.iter().cloned().collect())
            .unwrap_or_default(),
        settings: manifest.map(settings_view).unwrap_or_default(),
        granted: plugin.grants.iter().cloned().collect(),
        bindings: status.bindings.iter().cloned().map(binding_view).collect(),
        versions: status.versions.iter().map(version_view).collect(),
        created_at: plugin.created_at.to_string(),
        updated_at: plugin.updated_at.to_string(),
    }
}

fn settings_view(manifest: &Manifest) -> serde_json::Value {
    let setting = |setting: &Setting| {
        serde_json::json!({
            "type": setting.kind.as_str(),
            "default": setting.default,
            "description": setting.description,
        })
    };
    let settings = manifest.settings.iter();
    settings.map(|(name, about)| (name.clone(), setting(about))).collect()
}

fn release_name(release: Release) -> String {
    match release {
        Release::BuiltIn => release.to_string(),
        Release::Stored(digest) => digest.to_string(),
    }
}

fn version_view(version: &Version) -> VersionView {
    VersionView {
        digest: version.digest.to_string(),
        version: version.version.clone(),
        source: version.source.clone(),
        signed_by: version.signed_by.clone(),
        installed_by: version.installed_by.clone(),
        installed_at: version.installed_at.to_string(),
    }
}

pub(super) fn binding_view(binding: PluginBinding) -> BindingView {
    BindingView {
        id: binding.id.to_string(),
        plugin: binding.plugin,
        project: binding.project.map(|project| project.to_string()),
        position: binding.position,
        mode: binding.mode.as_str(),
        on_error: binding.on_error.as_str(),
        settings: binding.settings.and_then(|settings| serde_json::from_str(&settings).ok()),
        created_at: binding.created_at.to_string(),
        updated_at: binding.updated_at.to_string(),
    }
}
