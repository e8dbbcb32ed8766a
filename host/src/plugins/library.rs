//! The plugins that the operator has installed: checked before they go live,
//! swapped while the server works, and brought back by one call.
//!
//! ```text
//! bytes ─▶ check ─▶ kept on disk ─▶ one row changes ─▶ new chain, new roster
//!            │ refused: nothing has changed                    │
//!                                          calls that are under way end on
//!                                          the version they began with
//! ```
//!
//! The database says what should run; what does run is assembled from it, at
//! the start and after each change. Changes happen one at a time, whichever
//! server on the database makes them, and every server follows the others'.

mod assemble;
mod change;
mod check;
mod files;
mod follow;
mod news;
mod record;
mod store;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::fault::{self, Digest};
use super::oci::{self, Reference, Registries};
use super::{Granted, Plugin, Plugins, signature};
use crate::agents::Roster;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{Events, What};
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::policy::{Mode, OnError, Policies};
use crate::reports::Catalogue;
use files::ComponentFiles;
use store::{Generation, Store, Unwritten};

pub use record::{Installed, PluginBinding, Release, Version};
pub use watch::Watcher;

/// Versions that are kept of each plugin, the one that runs among them.
const KEPT_VERSIONS: usize = 5;
/// More bindings than this make every command slow.
const MAX_BINDINGS: usize = 100;

/// What the library is built from.
pub struct Parts {
    pub plugins: Plugins,
    pub db: Db,
    pub clock: Clock,
    pub events: Events,
    /// Where the components' bytes are kept.
    pub folder: PathBuf,
    pub policies: Policies,
    pub agents: Roster,
    pub reports: Catalogue,
    pub built_in: Vec<BuiltIn>,
    pub signatures: signature::Config,
    pub registries: Registries,
}

/// A component that this server carries in itself.
#[derive(Debug, Clone)]
pub struct BuiltIn {
    pub name: &'static str,
    pub bytes: &'static [u8],
    /// What it is told where no binding says otherwise.
    pub settings: String,
    /// Whether it is bound at the first start.
    pub bound: bool,
}

/// Installs plugins and says which run. Cloning is cheap.
#[derive(Clone)]
pub struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    store: Store,
    files: ComponentFiles,
    statuses: RwLock<Arc<[Status]>>,
    /// What each plugin is given, also where a run holds on to its agent.
    given: Mutex<BTreeMap<String, Granted>>,
    /// Which state of the database that is.
    seen: Mutex<Generation>,
    /// Held while one change is checked, written and put to work.
    changing: tokio::sync::Mutex<()>,
}

/// One plugin as it is now.
#[derive(Clone)]
pub struct Status {
    pub plugin: Installed,
    pub state: State,
    /// What it says of itself; none where it can't be loaded.
    pub loaded: Option<Plugin>,
    /// Newest first.
    pub versions: Vec<Version>,
    pub bindings: Vec<PluginBinding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Live,
    /// It is enabled and used nowhere.
    Unbound,
    Disabled,
    /// It can't be run; a policy in this state denies what it should judge.
    Failed(String),
}

/// A version that somebody wants to run.
#[derive(Debug, Clone)]
pub struct NewVersion {
    pub bytes: Vec<u8>,
    pub source: Source,
    /// The digest that the bytes must have.
    pub digest: Option<Digest>,
    /// A signature of the bytes, as `lockhouse plugin sign` writes it.
    pub signature: Option<String>,
    /// Settings, mode and so on of the plugin's binding for everybody.
    pub binding: BindingChange,
    pub grants: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Upload,
    /// A file of the operator's own, by its name.
    File(String),
    /// A reference to a registry.
    Oci(String),
}

/// A new place for a plugin.
#[derive(Debug, Clone)]
pub struct NewBinding {
    pub plugin: String,
    pub project: Option<ProjectId>,
    pub change: BindingChange,
}

/// What shall be different about a binding; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct BindingChange {
    pub position: Option<i32>,
    pub mode: Option<Mode>,
    pub on_error: Option<OnError>,
    /// One JSON object.
    pub settings: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no plugin “{0}”")]
    NotFound(String),
    #[error("there is no binding “{0}”")]
    NoBinding(String),
    /// It did not pass a check; nothing has changed.
    #[error(transparent)]
    Refused(#[from] fault::Error),
    #[error("the component calls itself “{id}”: install it under that name instead of “{asked}”")]
    OtherName { asked: String, id: String },
    #[error("the component has the digest {found}, not {wanted} as was asked for")]
    OtherDigest { wanted: Digest, found: Digest },
    #[error("“{0}” has no version before this one to go back to")]
    NothingBefore(String),
    #[error("“{0}” is part of the server and can't be removed; disable it instead")]
    BuiltIn(String),
    #[error(
        "without “{0}” no policy would judge everybody's commands, so none could run: bind another one first"
    )]
    LastPolicy(String),
    #[error("the component {0}")]
    Unsigned(#[from] signature::Error),
    #[error(transparent)]
    Registry(#[from] oci::Error),
    #[error("another server changed the plugins at the same moment: look again, and repeat it")]
    ChangedMeanwhile,
    #[error("{0}")]
    Invalid(String),
    #[error("the component could not be kept: {0}")]
    Disk(#[from] std::io::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Library {
    /// Loads what is installed. What can't be loaded is said in its state and
    /// does not keep the server from starting.
    pub async fn open(parts: Parts) -> Result<Self, Error> {
        let store = Store::new(parts.db.clone());
        let files = ComponentFiles::open(parts.folder.clone())?;
        let statuses = RwLock::new(Arc::from([]));
        let (given, seen) = (Mutex::default(), Mutex::default());
        let changing = tokio::sync::Mutex::default();
        let inner = Inner { parts, store, files, statuses, given, seen, changing };
        let library = Self { inner: Arc::new(inner) };
        library.seed().await?;
        library.share_components().await?;
        library.assemble().await?;
        Ok(library)
    }

    /// Every plugin, by name.
    pub fn list(&self) -> Arc<[Status]> {
        Arc::clone(&self.inner.statuses.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn find(&self, name: &str) -> Result<Status, Error> {
        let found = self.list().iter().find(|status| status.plugin.name == name).cloned();
        found.ok_or_else(|| Error::NotFound(name.chars().take(80).collect()))
    }

    /// A larger component is refused.
    pub fn max_component_bytes(&self) -> usize {
        self.inner.parts.plugins.max_component_bytes()
    }

    /// In the order in which they are asked.
    pub async fn bindings(&self) -> Result<Vec<PluginBinding>, Error> {
        Ok(self.inner.store.bindings().await?)
    }

    /// A component that is judged by, but not installed: for trying it out.
    pub async fn try_out(&self, bytes: &[u8], settings: &str) -> Result<Plugin, Error> {
        Ok(self.inner.parts.plugins.load("candidate", bytes, settings).await?)
    }

    /// What a component calls itself.
    pub(super) async fn name_of(&self, bytes: &[u8]) -> Result<String, Error> {
        Ok(self.try_out(bytes, "{}").await?.identity().id.clone())
    }

    /// Checks a version and lets it take over; where there was none, binds it.
    pub async fn install(
        &self,
        permit: &Permit,
        name: &str,
        new: NewVersion,
    ) -> Result<Status, Error> {
        let _one = self.turn().await?;
        match self.put_to_work(permit, name, &new).await {
            // What took its time, compiling, is not to be done again.
            Err(Error::ChangedMeanwhile) => {
                self.catch_up().await?;
                self.put_to_work(permit, name, &new).await?;
            }
            done => done?,
        }
        self.told(name, "installed")
    }

    async fn put_to_work(
        &self,
        permit: &Permit,
        name: &str,
        new: &NewVersion,
    ) -> Result<(), Error> {
        let change = self.prepare(permit, name, new).await?;
        self.inner.files.put(change.version.digest, &new.bytes)?;
        self.inner.store.write(change.as_written(&new.bytes), self.seen()).await?;
        change.forgotten.iter().for_each(|old| self.inner.files.remove(*old));
        self.assemble().await
    }

    /// The same with a component from a registry; `new` has no bytes yet. Where
    /// the reference is a tag, `new.digest` must say which component it is.
    pub async fn pull(
        &self,
        permit: &Permit,
        name: &str,
        reference: &str,
        mut new: NewVersion,
    ) -> Result<Status, Error> {
        let reference: Reference = reference.parse()?;
        let pulled = self.inner.parts.registries.pull(&reference, new.digest).await?;
        new.bytes = pulled.component;
        new.signature = new.signature.or(pulled.signature);
        new.source = Source::Oci(format!(
            "oci://{}/{}@{}",
            reference.registry(),
            reference.repository(),
            pulled.manifest
        ));
        self.install(permit, name, new).await
    }

    /// Lets the version before this one run again; a second call undoes the first.
    pub async fn rollback(&self, _permit: &Permit, name: &str) -> Result<Status, Error> {
        let _one = self.turn().await?;
        let status = self.find(name)?;
        let nothing = || Error::NothingBefore(name.to_owned());
        let previous = status.plugin.previous.ok_or_else(nothing)?;
        self.check_release(name, previous, &status.bindings).await?;
        let mut plugin = status.plugin;
        plugin.previous = Some(plugin.current);
        plugin.current = previous;
        self.rewrite(plugin, "rolled-back").await
    }

    pub async fn enable(&self, _permit: &Permit, name: &str) -> Result<Status, Error> {
        let _one = self.turn().await?;
        let status = self.find(name)?;
        self.check_release(name, status.plugin.current, &status.bindings).await?;
        if let Some(loaded) = &status.loaded {
            loaded.end_quarantine();
        }
        self.rewrite(Installed { enabled: true, ..status.plugin }, "enabled").await
    }

    pub async fn disable(&self, _permit: &Permit, name: &str) -> Result<Status, Error> {
        let _one = self.turn().await?;
        let status = self.find(name)?;
        self.leave_a_policy(name, |binding| binding.plugin != name)?;
        self.rewrite(Installed { enabled: false, ..status.plugin }, "disabled").await
    }

    /// Takes effect on the next call.
    pub async fn set_grants(
        &self,
        _permit: &Permit,
        name: &str,
        grants: BTreeSet<String>,
    ) -> Result<Status, Error> {
        let _one = self.turn().await?;
        let status = self.find(name)?;
        check::grants(&grants)?;
        self.rewrite(Installed { grants, ..status.plugin }, "granted").await
    }

    /// Removes a plugin with its versions and bindings; removing what is not
    /// there is no error.
    pub async fn remove(&self, _permit: &Permit, name: &str) -> Result<(), Error> {
        let _one = self.turn().await?;
        let Ok(status) = self.find(name) else { return Ok(()) };
        if self.built_in(name).is_some() {
            return Err(Error::BuiltIn(name.to_owned()));
        }
        self.leave_a_policy(name, |binding| binding.plugin != name)?;
        self.inner.store.delete(name, self.seen()).await?;
        self.take_all(name);
        self.assemble().await?;
        status.versions.iter().for_each(|version| self.inner.files.remove(version.digest));
        self.tell(name, &status, "removed");
        Ok(())
    }

    /// Who still holds on to the plugin reaches nothing more.
    fn take_all(&self, name: &str) {
        let mut given = self.inner.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(granted) = given.remove(name) {
            granted.replace([]);
        }
    }

    async fn rewrite(&self, mut plugin: Installed, what: &'static str) -> Result<Status, Error> {
        plugin.updated_at = self.inner.parts.clock.now();
        self.inner.store.write(store::Change::of(&plugin), self.seen()).await?;
        self.assemble().await?;
        self.told(&plugin.name, what)
    }

    fn told(&self, name: &str, change: &'static str) -> Result<Status, Error> {
        let status = self.find(name)?;
        self.tell(name, &status, change);
        Ok(status)
    }

    fn tell(&self, name: &str, status: &Status, change: &'static str) {
        let reason = match &status.state {
            State::Failed(why) => Some(why.clone()),
            _ => None,
        };
        tracing::info!(plugin = name, version = status.version(), change, "plugin changed");
        let what =
            What::Plugin { name: name.to_owned(), version: status.version(), change, reason };
        self.inner.parts.events.publish_installation(what);
    }

    fn built_in(&self, name: &str) -> Option<&BuiltIn> {
        self.inner.parts.built_in.iter().find(|built_in| built_in.name == name)
    }
}

impl From<Unwritten> for Error {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Stale => Self::ChangedMeanwhile,
            Unwritten::Db(error) => Self::Db(error),
        }
    }
}

impl State {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Unbound => "unbound",
            Self::Disabled => "disabled",
            Self::Failed(_) => "failed",
        }
    }
}

impl Status {
    /// Empty where the component can't be loaded.
    pub fn version(&self) -> String {
        let said = self.loaded.as_ref().and_then(|plugin| plugin.identity().version.clone());
        said.unwrap_or_default()
    }

    /// Names of the roles it plays.
    pub fn roles(&self) -> Vec<&'static str> {
        let roles = self.loaded.as_ref().map(Plugin::roles).unwrap_or_default();
        roles.iter().map(|role| role.as_str()).collect()
    }

    fn judges_everybody(&self, keep: impl Fn(&PluginBinding) -> bool) -> bool {
        let enforced =
            |b: &PluginBinding| b.project.is_none() && b.mode == Mode::Enforce && keep(b);
        self.plugin.enabled && self.plugin.judges && self.bindings.iter().any(enforced)
    }
}

impl Source {
    /// Whether the operator has put it on this machine himself.
    fn trust(&self) -> signature::Source {
        match self {
            Self::File(_) => signature::Source::Local,
            Self::Upload | Self::Oci(_) => signature::Source::Remote,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Upload => "upload".to_owned(),
            Self::File(name) => format!("file:{name}"),
            Self::Oci(reference) => reference.clone(),
        }
    }
}
