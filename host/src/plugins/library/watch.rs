//! A directory of the operator's own: a component that is put there is
//! installed, one that is changed is swapped, one that is taken away is
//! disabled. What is refused is said once, and tried again when it changes.
//!
//! Beside `guard.wasm` may lie `guard.toml`, its manifest, if it carries none.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{BindingChange, Error, Library, NewVersion, Release, Source};
use crate::auth::{Caller, Role, User};
use crate::events::What;
use crate::gate::{Action, Gate, Permit, Target};
use crate::ids::{RequestId, UserId};
use crate::plugins::beside;
use crate::plugins::compile::blocking;
use crate::plugins::fault::Digest;
use crate::plugins::manifest;

/// How often the directory is looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// More files than this are not looked at.
const MAX_FILES: usize = 100;
/// A file that was written to more recently may not be whole yet.
const SETTLED: Duration = Duration::from_millis(300);

/// What tells whether a file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    component: Stamp,
    /// Of the manifest beside it.
    beside: Option<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size_bytes: u64,
    modified: SystemTime,
}

/// Components by name; none where one is there and may not be whole yet.
type Files = BTreeMap<String, Option<Seen>>;

/// Acts in the name of whoever may write into the directory.
#[derive(Clone)]
pub struct Watcher {
    library: Library,
    gate: Gate,
    user: UserId,
    dir: PathBuf,
}

impl Watcher {
    pub fn new(library: Library, gate: Gate, user: UserId, dir: PathBuf) -> Self {
        Self { library, gate, user, dir }
    }

    /// Looks until the server ends.
    pub async fn watch(self) {
        let mut known = Files::new();
        let mut pause = tokio::time::interval(PAUSE);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            pause.tick().await;
            match files(&self.dir) {
                Ok(now) => known = self.follow(known, now).await,
                Err(error) => {
                    tracing::debug!(dir = %self.dir.display(), %error, "no plugins to watch");
                }
            }
        }
    }

    /// What is being written is left as it was until it has settled.
    async fn follow(&self, known: Files, mut now: Files) -> Files {
        for name in known.keys().filter(|name| !now.contains_key(*name)) {
            self.gone(name).await;
        }
        for (name, seen) in &mut now {
            let before = known.get(name).cloned().flatten();
            if seen.is_none() {
                *seen = before;
                continue;
            }
            if *seen == before {
                continue;
            }
            match self.put(name).await {
                Ok(()) => {}
                // It is the next look's again.
                Err(Error::ChangedMeanwhile) => *seen = before,
                Err(error) => self.refused(name, &error),
            }
        }
        now
    }

    async fn put(&self, name: &str) -> Result<(), Error> {
        let (dir, file) = (self.dir.clone(), name.to_owned());
        let limit = self.library.max_component_bytes();
        let read = move || {
            let component = read(&dir.join(&file), limit)?;
            let beside = read_beside(&dir.join(beside::file(&file)))?;
            let joined = beside::joined(&file, component, beside.as_deref());
            let bytes = joined.map_err(|error| Error::Invalid(error.to_string()))?;
            Ok::<_, Error>((Digest::of(&bytes), bytes))
        };
        let (digest, bytes) = blocking(name, read).await??;
        let plugin = self.library.name_of(&bytes).await?;
        if self.runs(&plugin, digest) {
            return Ok(());
        }
        let new = NewVersion {
            bytes,
            source: Source::File(name.to_owned()),
            digest: None,
            signature: None,
            binding: BindingChange::default(),
            grants: None,
        };
        let permit = self.permit("plugin.install").await?;
        let installed = self.library.install(&permit, &plugin, new).await;
        permit.seal(installed).map(drop)
    }

    fn runs(&self, plugin: &str, digest: Digest) -> bool {
        self.library.find(plugin).is_ok_and(|status| {
            status.plugin.enabled && status.plugin.current == Release::Stored(digest)
        })
    }

    /// Only what came from this file is disabled with it.
    async fn gone(&self, name: &str) {
        let source = Source::File(name.to_owned()).describe();
        let statuses = self.library.list();
        let from_here = statuses.iter().find(|status| {
            let runs = |digest| status.plugin.current == Release::Stored(digest);
            status.versions.iter().any(|version| version.source == source && runs(version.digest))
        });
        let Some(status) = from_here else { return };
        let disabled = async {
            let permit = self.permit("plugin.disable").await?;
            let disabled = self.library.disable(&permit, &status.plugin.name).await;
            permit.seal(disabled)
        };
        if let Err(error) = disabled.await {
            self.refused(name, &error);
        }
    }

    async fn permit(&self, action: &'static str) -> Result<Permit, Error> {
        let user = User { id: self.user.clone(), role: Role::Admin };
        let caller = Caller::new(user, RequestId::generate());
        let permit = self.gate.admit(&caller, Action::write(action, Target::Installation)).await;
        permit.map_err(|denied| Error::Invalid(denied.to_string()))
    }

    fn refused(&self, name: &str, error: &Error) {
        tracing::warn!(file = name, %error, "a component in the plugin directory was refused");
        let what = What::Plugin {
            name: name.to_owned(),
            version: String::new(),
            change: "refused",
            reason: Some(error.to_string()),
        };
        self.library.inner.parts.events.publish_installation(what);
    }
}

fn files(dir: &Path) -> io::Result<Files> {
    let mut stamps = BTreeMap::new();
    for entry in std::fs::read_dir(dir)?.take(MAX_FILES) {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let about = entry.metadata()?;
        let is_ours = name.ends_with(".wasm") || name.ends_with(".toml");
        if is_ours && about.is_file() {
            let stamp = Stamp { size_bytes: about.len(), modified: about.modified()? };
            stamps.insert(name, stamp);
        }
    }
    let components = stamps.iter().filter(|(name, _)| name.ends_with(".wasm"));
    let seen = components.map(|(name, component)| {
        let seen =
            Seen { component: component.clone(), beside: stamps.get(&beside::file(name)).cloned() };
        (name.clone(), seen.has_settled().then_some(seen))
    });
    Ok(seen.collect())
}

impl Seen {
    fn has_settled(&self) -> bool {
        let settled = |stamp: &Stamp| stamp.modified.elapsed().is_ok_and(|age| age > SETTLED);
        settled(&self.component) && self.beside.as_ref().is_none_or(settled)
    }
}

fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    // One byte more than fits, so that the loader refuses it by its size.
    std::fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_beside(path: &Path) -> Result<Option<String>, Error> {
    let bytes = match read(path, manifest::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(Error::Disk(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let invalid = |_| Error::Invalid(format!("{} is no UTF-8 text", path.display()));
    String::from_utf8(bytes).map(Some).map_err(invalid)
}
