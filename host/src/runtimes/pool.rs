//! The warm pool: runtimes made and started ahead of need.
//!
//! ```text
//!  making ──▶ ready ──▶ claimed ──▶ a project's runtime
//!     └─────────┴─────────┴──▶ discarded
//! ```
//!
//! An entry is a runtime with an id and a workspace at its permanent path, and
//! no project yet. A new project takes over the id, so nothing is ever renamed:
//! after a stop and a start the engine mounts the same directory. Limits other
//! than the usual are changed while it runs ([`Runtimes::fit`]). Each entry is
//! a row in the database before anything else of it exists and until all of it
//! is gone or a project's, so that no killed server leaves anything behind.

mod store;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::Notify;

use super::converge::FIRST_GENERATION;
use super::engine::Limits;
use super::spec::{Settings, Wishes};
use super::{Error, Inner, Runtimes};
use crate::db::Db;
use crate::ids::{Kind, ProjectId};
use crate::projects;
use store::{Entry, Store};

/// Entries made, or given up, at once.
const AT_ONCE: usize = 2;

/// The most entries of a kind, whatever the configuration says.
const MOST: u32 = 256;

/// How long a claimed entry may be without its project's runtime.
const CLAIM_US: i64 = 60_000_000;

/// How long nobody must have claimed before new entries are made: to make them
/// takes from those who have just got one …
const LULL: Duration = Duration::from_millis(200);

/// … and how long that is waited for.
const LONGEST_RUSH: Duration = Duration::from_secs(2);

/// How long the supervisor of an entry gets to dial after a restart.
const REDIAL_PATIENCE: Duration = Duration::from_secs(3);

/// How many runtimes of each kind wait for a project; none unless asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sizes {
    pub python: u32,
    pub node: u32,
    pub java: u32,
    pub go: u32,
    pub rust: u32,
    pub ruby: u32,
    pub php: u32,
    #[serde(rename = "static")]
    pub static_site: u32,
}

impl Sizes {
    /// How many of a kind.
    pub fn of(&self, kind: Kind) -> usize {
        let size = match kind {
            Kind::Python => self.python,
            Kind::Node => self.node,
            Kind::Java => self.java,
            Kind::Go => self.go,
            Kind::Rust => self.rust,
            Kind::Ruby => self.ruby,
            Kind::Php => self.php,
            Kind::Static => self.static_site,
        };
        size.min(MOST) as usize
    }
}

#[derive(Debug)]
pub(super) struct Pool {
    store: Store,
    /// Told when an entry has been claimed.
    wanting: Notify,
    /// Entries that somebody here is about to claim, so that many who come at
    /// once do not all try the same.
    held: Arc<Mutex<HashSet<ProjectId>>>,
}

/// An entry that nobody else here tries to claim.
#[derive(Debug)]
struct Hold {
    held: Arc<Mutex<HashSet<ProjectId>>>,
    id: ProjectId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.id);
    }
}

fn lock(held: &Mutex<HashSet<ProjectId>>) -> MutexGuard<'_, HashSet<ProjectId>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(db: Db) -> Self {
        Self { store: Store::new(db), wanting: Notify::new(), held: Arc::default() }
    }

    fn hold(&self, id: &ProjectId) -> Option<Hold> {
        let free = lock(&self.held).insert(id.clone());
        free.then(|| Hold { held: Arc::clone(&self.held), id: id.clone() })
    }

    /// Resolves when entries have been claimed and the rush for them is over.
    async fn wants_more(&self) {
        self.wanting.notified().await;
        let lull =
            async { while tokio::time::timeout(LULL, self.wanting.notified()).await.is_ok() {} };
        // Either way there is something to make.
        let _ = tokio::time::timeout(LONGEST_RUSH, lull).await;
    }

    /// Whether the project has taken over an entry whose runtime is not yet
    /// written down as its own.
    pub(super) async fn holds(&self, id: &ProjectId) -> Result<bool, Error> {
        Ok(self.store.find(id).await?.is_some())
    }

    /// The entry is a project's runtime from now on.
    pub(super) async fn forget(&self, id: &ProjectId) -> Result<(), Error> {
        Ok(self.store.delete(id).await?)
    }

    pub(super) async fn ids(&self) -> Result<Vec<ProjectId>, Error> {
        Ok(self.store.list().await?.into_iter().map(|entry| entry.id).collect())
    }
}

/// An entry that is kept for one new project. Dropped without [`Claim::taken`],
/// it is given up.
#[derive(Debug)]
pub struct Claim {
    room: Runtimes,
    id: Option<ProjectId>,
    _hold: Hold,
}

impl Claim {
    /// The id that the project may have.
    pub fn id(&self) -> Option<&ProjectId> {
        self.id.as_ref()
    }

    /// There is a project with this id: the entry is its.
    pub fn taken(mut self) {
        self.id = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let room = self.room.clone();
            self.room.inner.tasks.run("give up a pool entry", async move {
                room.discard(&id).await;
            });
        }
    }
}

impl Runtimes {
    /// A runtime that is ready and nobody's, for a new project with these
    /// wishes; `None` where there is none, and the project starts cold.
    pub async fn claim(&self, kind: Kind, wishes: &Wishes) -> Option<Claim> {
        let Inner { pool, config, links, clock, .. } = &*self.inner;
        // What can't be granted is refused where it is asked for.
        if config.pool.of(kind) == 0 || config.grant(wishes.clone()).is_err() {
            return None;
        }
        let entries = pool.store.list().await.unwrap_or_default();
        let ready = |entry: &Entry| {
            entry.kind == kind
                && entry.ready
                && entry.claimed_at_us.is_none()
                && links.find(&entry.id).is_some()
        };
        for entry in entries.into_iter().filter(ready) {
            let Some(hold) = pool.hold(&entry.id) else { continue };
            if pool.store.claim(&entry.id, clock.now_us()).await.unwrap_or(false) {
                count_claim(kind, "warm");
                pool.wanting.notify_one();
                return Some(Claim { room: self.clone(), id: Some(entry.id), _hold: hold });
            }
        }
        count_claim(kind, "cold");
        None
    }

    /// Gives a claimed entry, which has the usual limits, those of its project.
    /// False where it can't have them: then it is gone, and another is to be made
    /// in its place. All else that may be wished for is the host's own affair.
    pub(super) async fn fit(&self, id: &ProjectId, settings: &Settings) -> Result<bool, Error> {
        let Inner { config, engine, disk, projects, .. } = &*self.inner;
        let (usual, wanted) = (config.limits(&config.defaults), config.limits(settings));
        if wanted.disk_bytes != usual.disk_bytes {
            disk.limit(&projects.workspace(id), wanted.disk_bytes).await?;
        }
        if wanted == (Limits { disk_bytes: wanted.disk_bytes, ..usual }) {
            return Ok(true);
        }
        match engine.update(id, &wanted).await {
            Ok(()) => Ok(true),
            Err(error) => {
                tracing::info!(project = %id, %error, "a runtime of the pool does not fit");
                engine.remove(id).await?;
                Ok(false)
            }
        }
    }

    /// Keeps the pool full until the server stops, then gives it up.
    pub async fn keep_pool(self) {
        let mut check = super::reconcile::every(self.inner.config.check_interval);
        loop {
            tokio::select! {
                () = self.inner.tasks.stopping() => break,
                _ = check.tick() => {}
                () = self.inner.pool.wants_more() => {}
            }
            self.alone("runtimes/pool", self.fill()).await;
        }
        self.drain().await;
    }

    /// Gives up what is of no use, and makes what is missing.
    async fn fill(&self) -> Result<(), Error> {
        let entries = self.inner.pool.store.list().await?;
        let looks = entries.into_iter().map(|entry| self.look_at(entry));
        let looked: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE * 4).collect().await;
        let useful: Vec<Entry> = looked.into_iter().flatten().collect();
        for kind in Kind::ALL {
            let size = self.inner.config.pool.of(kind);
            let mut of_kind = useful.iter().filter(|entry| entry.kind == kind);
            let there = of_kind.by_ref().take(size).count();
            for surplus in of_kind {
                self.discard(&surplus.id).await;
            }
            self.make_all(kind, size - there).await;
            count_ready(kind, size);
        }
        Ok(())
    }

    async fn look_at(&self, entry: Entry) -> Option<Entry> {
        self.is_useful(&entry).await.then_some(entry)
    }

    /// Whether an entry is ready for a project; what never will be is given up.
    async fn is_useful(&self, entry: &Entry) -> bool {
        match entry.claimed_at_us {
            Some(at) => {
                self.finish_claim(entry, at).await;
                false
            }
            // Whoever was making it has ended: one server fills at a time.
            None if !entry.ready => {
                self.discard(&entry.id).await;
                false
            }
            None => {
                let listening = self.listen(&entry.id).await.is_ok();
                let link = self.inner.links.wait(&entry.id, REDIAL_PATIENCE).await;
                let useful = listening && link.is_some();
                if !useful {
                    self.discard(&entry.id).await;
                }
                useful
            }
        }
    }

    /// A claim whose server ended halfway.
    async fn finish_claim(&self, entry: &Entry, claimed_at_us: i64) {
        match self.inner.store.find(&entry.id).await {
            Ok(Some(_)) => self.forget_entry(&entry.id).await,
            Ok(None) if self.inner.clock.now_us() - claimed_at_us > CLAIM_US => {
                self.discard(&entry.id).await;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(entry = %entry.id, %error, "a pool entry is unknown"),
        }
    }

    async fn make_all(&self, kind: Kind, missing: usize) {
        if missing == 0 {
            return;
        }
        if let Err(error) = self.inner.engine.image(kind).await {
            return tracing::warn!(%kind, %error, "the pool stays empty");
        }
        let making = (0..missing).map(|_| self.make_one(kind));
        stream::iter(making).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn make_one(&self, kind: Kind) {
        let id = ProjectId::generate();
        if let Err(error) = self.make(&id, kind).await {
            tracing::warn!(%kind, %error, "a runtime for the pool could not be made");
            self.discard(&id).await;
        }
    }

    async fn make(&self, id: &ProjectId, kind: Kind) -> Result<(), Error> {
        let Inner { pool, projects, engine, links, config, clock, .. } = &*self.inner;
        pool.store.insert(id, kind, clock.now_us()).await?;
        projects.make_workspace(id).await?;
        self.listen(id).await?;
        let spec = self.spec((id, kind), FIRST_GENERATION, &config.defaults);
        self.inner.disk.limit(&spec.workspace, spec.limits.disk_bytes).await?;
        engine.create(&spec).await?;
        engine.start(id).await?;
        let patience = Duration::from_secs(config.start_timeout);
        links.wait(id, patience).await.ok_or(Error::Silent(config.start_timeout))?;
        Ok(pool.store.set_ready(id).await?)
    }

    /// Removes all of an entry. Should a project have its id by now, only the
    /// runtime goes: it gets another when it is asked for.
    async fn discard(&self, id: &ProjectId) {
        let removed = self.in_turn(id, async {
            if self.inner.store.find(id).await?.is_none() {
                self.remove_parts(id).await?;
            }
            self.inner.pool.forget(id).await
        });
        if let Err(error) = removed.await {
            tracing::warn!(entry = %id, %error, "a pool entry could not be removed yet");
        }
    }

    async fn give_up(&self, entry: Entry) {
        self.discard(&entry.id).await;
    }

    async fn remove_parts(&self, id: &ProjectId) -> Result<(), Error> {
        let Inner { projects, engine, links, place, .. } = &*self.inner;
        engine.remove(id).await?;
        links.forget(id);
        place.remove(id).await?;
        match projects.get(id).await {
            Err(projects::Error::NotFound(_)) => Ok(projects.remove_workspace(id).await?),
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn forget_entry(&self, id: &ProjectId) {
        if let Err(error) = self.inner.pool.forget(id).await {
            tracing::warn!(entry = %id, %error, "a pool entry could not be forgotten yet");
        }
    }

    /// Gives up what this server holds, unless another goes on with it.
    async fn drain(&self) {
        if !self.inner.leases.is_alone() {
            return;
        }
        let entries = self.inner.pool.store.list().await.unwrap_or_default();
        let ours = |entry: &Entry| {
            entry.claimed_at_us.is_none() && self.inner.links.find(&entry.id).is_some()
        };
        let leaving = entries.into_iter().filter(ours).map(|entry| self.give_up(entry));
        stream::iter(leaving).buffer_unordered(AT_ONCE * 4).collect::<()>().await;
    }
}

fn count_claim(kind: Kind, how: &'static str) {
    metrics::counter!("runtime_pool_claims_total", "kind" => kind.as_str(), "start" => how)
        .increment(1);
}

fn count_ready(kind: Kind, size: usize) {
    if size > 0 {
        #[expect(clippy::cast_precision_loss, reason = "at most 256")]
        metrics::gauge!("runtime_pool_size", "kind" => kind.as_str()).set(size as f64);
    }
}
