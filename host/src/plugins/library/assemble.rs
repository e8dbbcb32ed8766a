//! From what the database says to what runs: the chain of policies, the roster
//! of agents and the catalogue of reports.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;

use super::store::Change;
use super::{BuiltIn, Error, Installed, Library, PluginBinding, Release, State, Status, Version};
use crate::agents::Agent;
use crate::ids::BindingId;
use crate::plugins::{Granted, LoadOptions, Plugin, fault};
use crate::policy::{Binding, CommandPolicy, Fault, Mode, OnError, Request, Verdict};
use crate::reports::Report;

/// A fact of the installation: whether built-in plugins have been bound.
const SEEDED: &str = "plugins_bound";
/// How often seeding begins again where other servers change something meanwhile.
const SEED_TRIES: usize = 20;
/// Settings of a plugin that has none.
const NO_SETTINGS: &str = "{}";

/// A policy that should judge and can't be loaded.
struct Missing {
    name: String,
    why: String,
}

#[async_trait]
impl CommandPolicy for Missing {
    fn name(&self) -> &str {
        &self.name
    }

    async fn evaluate(&self, _request: &Request) -> Result<Verdict, Fault> {
        Err(Fault(format!("the policy {} can't be loaded: {}", self.name, self.why)))
    }

    async fn explain(&self) -> Result<String, Fault> {
        Err(Fault(format!("the policy {} can't be loaded: {}", self.name, self.why)))
    }
}

impl Library {
    /// Gives every built-in plugin its row and, at the first start of an
    /// installation, its binding. One that came with a newer server is bound
    /// by the operator, but for reports: they change nothing. Several servers may
    /// start at once.
    pub(super) async fn seed(&self) -> Result<(), Error> {
        for _ in 1..SEED_TRIES {
            match self.seed_once().await {
                Err(Error::ChangedMeanwhile) => {}
                seeded => return seeded,
            }
        }
        self.seed_once().await
    }

    async fn seed_once(&self) -> Result<(), Error> {
        let (store, parts) = (&self.inner.store, &self.inner.parts);
        let new = parts.db.setting(SEEDED, "no").await? == "no";
        for (position, built_in) in (0_i32..).zip(&parts.built_in) {
            // What the configuration tells it is judged at each start.
            let loaded = self
                .load_release(built_in.name, Release::BuiltIn, None, Granted::default())
                .await?;
            let seen = store.generation().await?;
            if store.plugins().await?.iter().any(|plugin| plugin.name == built_in.name) {
                continue;
            }
            let now = new || matches!(loaded, Plugin::Report(_));
            let bindings: Vec<_> = (now && built_in.bound)
                .then(|| self.seeded(built_in, position))
                .into_iter()
                .collect();
            let plugin = self.seeded_plugin(built_in, &loaded);
            let change = Change { bindings: &bindings, ..Change::of(&plugin) };
            store.write(change, seen).await?;
        }
        parts.db.replace_setting(SEEDED, "yes").await?;
        Ok(())
    }

    fn seeded_plugin(&self, built_in: &BuiltIn, loaded: &Plugin) -> Installed {
        let now = self.inner.parts.clock.now();
        Installed {
            name: built_in.name.to_owned(),
            current: Release::BuiltIn,
            previous: None,
            enabled: true,
            judges: matches!(loaded, Plugin::Policy(_)),
            grants: BTreeSet::new(),
            created_at: now,
            updated_at: now,
        }
    }

    fn seeded(&self, built_in: &BuiltIn, position: i32) -> PluginBinding {
        let now = self.inner.parts.clock.now();
        PluginBinding {
            // The same on every server, lest two that start at once bind it twice.
            id: format!("built-in-{}", built_in.name)
                .parse()
                .unwrap_or_else(|_| BindingId::generate()),
            plugin: built_in.name.to_owned(),
            project: None,
            position,
            mode: Mode::Enforce,
            on_error: OnError::Deny,
            settings: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Puts to work what the database says.
    pub(super) async fn assemble(&self) -> Result<(), Error> {
        let store = &self.inner.store;
        // Asked first: what changes meanwhile is seen again.
        let generation = store.generation().await?;
        let (plugins, versions) = (store.plugins().await?, store.versions().await?);
        let bindings = store.bindings().await?;
        let (mut chain, mut agents, mut reports) = (Vec::new(), Vec::new(), Vec::new());
        for binding in &bindings {
            let plugin = plugins.iter().find(|plugin| plugin.name == binding.plugin);
            let Some(plugin) = plugin.filter(|plugin| plugin.enabled) else { continue };
            match self.load(plugin, binding.settings.as_deref()).await {
                Ok(Plugin::Policy(policy)) => chain.push(bound(Arc::new(policy), binding)),
                Ok(Plugin::Agent(agent)) => agents.push(Arc::new(agent) as Arc<dyn Agent>),
                Ok(Plugin::Report(report)) => reports.push(Arc::new(report) as Arc<dyn Report>),
                Err(error) if plugin.judges => {
                    let missing = Missing { name: plugin.name.clone(), why: error.to_string() };
                    chain.push(bound(Arc::new(missing), binding));
                }
                Err(error) => tracing::error!(plugin = plugin.name, %error, "a plugin is missing"),
            }
        }
        let mut statuses = Vec::with_capacity(plugins.len());
        for plugin in plugins {
            statuses.push(self.status(plugin, &versions, &bindings).await);
        }
        self.inner.parts.policies.replace(chain);
        self.inner.parts.agents.replace(agents);
        self.inner.parts.reports.replace(reports);
        *self.inner.statuses.write().unwrap_or_else(PoisonError::into_inner) = statuses.into();
        self.see(generation);
        Ok(())
    }

    async fn status(
        &self,
        plugin: Installed,
        versions: &[Version],
        bindings: &[PluginBinding],
    ) -> Status {
        let versions = versions.iter().filter(|version| version.name == plugin.name);
        let bindings: Vec<_> =
            bindings.iter().filter(|binding| binding.plugin == plugin.name).cloned().collect();
        let settings = bindings.first().and_then(|binding| binding.settings.as_deref());
        let loaded = self.load(&plugin, settings).await;
        let state = match &loaded {
            _ if !plugin.enabled => State::Disabled,
            Err(error) => State::Failed(error.to_string()),
            Ok(_) if bindings.is_empty() => State::Unbound,
            Ok(_) => State::Live,
        };
        Status {
            state,
            loaded: loaded.ok(),
            versions: versions.cloned().collect(),
            bindings,
            plugin,
        }
    }

    /// The version that should run, with these settings.
    async fn load(&self, plugin: &Installed, settings: Option<&str>) -> Result<Plugin, Error> {
        self.load_release(&plugin.name, plugin.current, settings, self.given(plugin)).await
    }

    /// What the plugin is given, now and for whoever has loaded it before.
    fn given(&self, plugin: &Installed) -> Granted {
        // Names were checked when they were given.
        let grants = plugin.grants.iter().filter_map(|name| name.parse().ok());
        let mut given = self.inner.given.lock().unwrap_or_else(PoisonError::into_inner);
        let granted = given.entry(plugin.name.clone()).or_default();
        granted.replace(grants);
        granted.clone()
    }

    /// Compiled once: the loader knows the digest when it is asked again.
    pub(super) async fn load_release(
        &self,
        name: &str,
        release: Release,
        settings: Option<&str>,
        granted: Granted,
    ) -> Result<Plugin, Error> {
        let built_in = self.built_in(name);
        let configured = built_in.map_or(NO_SETTINGS, |built_in| &built_in.settings);
        let settings = settings.unwrap_or(configured);
        let options = LoadOptions { settings, granted };
        let plugins = &self.inner.parts.plugins;
        let loaded = match release {
            Release::Stored(digest) => {
                let bytes = self.component(digest).await?;
                plugins.load(name, &bytes, options).await
            }
            Release::BuiltIn => match built_in {
                Some(built_in) => plugins.load(name, built_in.bytes, options).await,
                None => Err(fault::Error::NotBuiltIn(name.to_owned())),
            },
        };
        Ok(loaded?)
    }
}

fn bound(policy: Arc<dyn CommandPolicy>, binding: &PluginBinding) -> Binding {
    let PluginBinding { project, mode, on_error, .. } = binding;
    Binding { policy, project: project.clone(), mode: *mode, on_error: *on_error }
}
