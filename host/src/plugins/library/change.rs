//! What changes when a version is installed or a binding is edited, worked out
//! before any of it is written.

use std::collections::BTreeSet;

use super::check;
use super::store::Change;
use super::{
    BindingChange, Error, Installed, Library, MAX_BINDINGS, NewBinding, NewVersion, PluginBinding,
    Release, Status, Version,
};
use crate::gate::Permit;
use crate::ids::BindingId;
use crate::plugins::fault::Digest;
use crate::plugins::{Granted, Plugin};
use crate::policy::{Mode, OnError};

/// An installation that has passed its checks.
pub(super) struct Prepared {
    pub(super) plugin: Installed,
    pub(super) version: Version,
    bindings: Vec<PluginBinding>,
    /// Versions that are not kept any longer.
    pub(super) forgotten: Vec<Digest>,
}

impl Prepared {
    pub(super) fn as_written<'a>(&'a self, bytes: &'a [u8]) -> Change<'a> {
        Change {
            plugin: &self.plugin,
            version: Some((&self.version, bytes)),
            bindings: &self.bindings,
            forgotten: &self.forgotten,
        }
    }
}

impl Library {
    pub(super) async fn prepare(
        &self,
        permit: &Permit,
        name: &str,
        new: &NewVersion,
    ) -> Result<Prepared, Error> {
        let before = self.find(name).ok();
        let grants = match (&new.grants, &before) {
            (Some(grants), _) => grants.clone(),
            (None, Some(before)) => before.plugin.grants.clone(),
            (None, None) => BTreeSet::new(),
        };
        check::grants(&grants)?;
        let bindings = self.bindings_of(name, before.as_ref(), &new.binding).await?;
        let candidate = check::candidate(self, name, new, &bindings).await?;
        let now = self.inner.parts.clock.now();
        let current = Release::Stored(candidate.digest);
        let plugin = Installed {
            name: name.to_owned(),
            current,
            previous: before.as_ref().and_then(|before| match before.plugin.current {
                same if same == current => before.plugin.previous,
                other => Some(other),
            }),
            enabled: true,
            judges: matches!(candidate.plugin, Plugin::Policy(_)),
            grants,
            created_at: before.map_or(now, |before| before.plugin.created_at),
            updated_at: now,
        };
        let version = Version {
            name: name.to_owned(),
            digest: candidate.digest,
            version: candidate.plugin.identity().version.clone().unwrap_or_default(),
            source: new.source.describe(),
            signed_by: candidate.signed_by,
            installed_by: permit.caller().user.id.to_string(),
            installed_at: now,
        };
        let forgotten = self.old_versions(&plugin, &version).await?;
        Ok(Prepared { plugin, version, bindings, forgotten })
    }

    /// The plugin's bindings as they will be: the one for everybody changed as
    /// asked, or a new one at the end where the plugin has none at all.
    async fn bindings_of(
        &self,
        name: &str,
        before: Option<&Status>,
        change: &BindingChange,
    ) -> Result<Vec<PluginBinding>, Error> {
        let mut bindings = before.map(|before| before.bindings.clone()).unwrap_or_default();
        if bindings.is_empty() {
            let new = NewBinding { plugin: name.to_owned(), project: None, change: change.clone() };
            return Ok(vec![self.new_binding(new).await?]);
        }
        if let Some(everybodys) = bindings.iter_mut().find(|binding| binding.project.is_none()) {
            self.change_binding(everybodys, change.clone());
        }
        Ok(bindings)
    }

    async fn new_binding(&self, new: NewBinding) -> Result<PluginBinding, Error> {
        let others = self.inner.store.bindings().await?;
        if others.len() >= MAX_BINDINGS {
            return Err(Error::Invalid(format!(
                "there are {MAX_BINDINGS} bindings, which is the limit: remove one first"
            )));
        }
        let last = others.last().map_or(0, |binding| binding.position.saturating_add(1));
        let now = self.inner.parts.clock.now();
        let mut binding = PluginBinding {
            id: BindingId::generate(),
            plugin: new.plugin,
            project: new.project,
            position: last,
            mode: Mode::Enforce,
            on_error: OnError::Deny,
            settings: None,
            created_at: now,
            updated_at: now,
        };
        self.change_binding(&mut binding, new.change);
        Ok(binding)
    }

    fn change_binding(&self, binding: &mut PluginBinding, change: BindingChange) {
        binding.position = change.position.unwrap_or(binding.position);
        binding.mode = change.mode.unwrap_or(binding.mode);
        binding.on_error = change.on_error.unwrap_or(binding.on_error);
        binding.settings = change.settings.or(binding.settings.take());
        binding.updated_at = self.inner.parts.clock.now();
    }

    /// Uses a plugin in one more place.
    pub async fn bind(&self, _permit: &Permit, new: NewBinding) -> Result<PluginBinding, Error> {
        let _one = self.turn().await?;
        let status = self.find(&new.plugin)?;
        let binding = self.new_binding(new).await?;
        self.put_binding(&status, binding).await
    }

    pub async fn rebind(
        &self,
        _permit: &Permit,
        id: &str,
        change: BindingChange,
    ) -> Result<PluginBinding, Error> {
        let _one = self.turn().await?;
        let mut binding = self.find_binding(id).await?;
        let status = self.find(&binding.plugin)?;
        self.change_binding(&mut binding, change);
        if binding.mode == Mode::Shadow {
            self.leave_a_policy(&binding.plugin, |other| other.id != binding.id)?;
        }
        self.put_binding(&status, binding).await
    }

    /// Unbinding what is not bound is no error.
    pub async fn unbind(&self, _permit: &Permit, id: &str) -> Result<(), Error> {
        let _one = self.turn().await?;
        let Ok(binding) = self.find_binding(id).await else { return Ok(()) };
        self.leave_a_policy(&binding.plugin, |other| other.id != binding.id)?;
        self.inner.store.delete_binding(&binding.id, self.seen()).await?;
        self.assemble().await
    }

    async fn put_binding(
        &self,
        status: &Status,
        binding: PluginBinding,
    ) -> Result<PluginBinding, Error> {
        check::binding(status, &binding)?;
        let current = status.plugin.current;
        self.check_release(&binding.plugin, current, std::slice::from_ref(&binding)).await?;
        self.inner.store.put_binding(&binding, self.seen()).await?;
        self.assemble().await?;
        self.told(&binding.plugin, "bound")?;
        Ok(binding)
    }

    async fn find_binding(&self, id: &str) -> Result<PluginBinding, Error> {
        let found = self.bindings().await?.into_iter().find(|binding| binding.id.as_str() == id);
        found.ok_or_else(|| Error::NoBinding(id.chars().take(80).collect()))
    }

    /// That a release can be loaded with the settings of each of these.
    pub(super) async fn check_release(
        &self,
        name: &str,
        release: Release,
        bindings: &[PluginBinding],
    ) -> Result<(), Error> {
        let none = Granted::default;
        self.load_release(name, release, None, none()).await.map(drop)?;
        for binding in bindings {
            self.load_release(name, release, binding.settings.as_deref(), none()).await?;
        }
        Ok(())
    }

    /// That some policy still judges everybody's commands when of `name`'s
    /// bindings only those that `stay` are left.
    pub(super) fn leave_a_policy(
        &self,
        name: &str,
        stay: impl Fn(&PluginBinding) -> bool,
    ) -> Result<(), Error> {
        let statuses = self.list();
        let judges = |stay: &dyn Fn(&PluginBinding) -> bool| {
            statuses.iter().any(|status| status.judges_everybody(stay))
        };
        if judges(&|_| true) && !judges(&stay) {
            return Err(Error::LastPolicy(name.to_owned()));
        }
        Ok(())
    }

    /// All but the newest versions, and those that run or may come back, once
    /// this one is added.
    async fn old_versions(&self, plugin: &Installed, new: &Version) -> Result<Vec<Digest>, Error> {
        let wanted = [Some(plugin.current), plugin.previous];
        let versions = self.inner.store.versions().await?;
        let before = versions.iter().filter(|old| old.name == new.name && old.digest != new.digest);
        let old = before.skip(super::KEPT_VERSIONS - 1).map(|old| old.digest);
        Ok(old.filter(|old| !wanted.contains(&Some(Release::Stored(*old)))).collect())
    }
}
