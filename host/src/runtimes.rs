//! Room: runtimes, the isolated places where projects run.
//!
//! An engine says where a runtime lives ([`engine`]), a supervisor in it says
//! what happens inside ([`link`]); this room joins both to what the database
//! says should be. All changes of one project's runtime go one after another,
//! in their turn ([`converge`]); readers never wait for them. What nobody asks
//! for, such as a restart or the end of an idle runtime, is [`reconcile`].

pub mod activity;
mod converge;
mod crash;
pub mod deadlines;
pub mod disk;
pub mod docker;
pub mod egress;
pub mod engine;
pub mod engines;
pub mod fake;
mod gvisor;
pub mod images;
mod link;
pub mod local;
pub mod network;
mod news;
pub mod orphans;
mod place;
pub mod pool;
mod reconcile;
mod seccomp;
mod space;
pub mod spec;
pub mod state;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use lockhouse_supervisor::Error as LinkError;
use lockhouse_supervisor::client::Link;
use lockhouse_supervisor::protocol::ExecState;
use tokio::sync::{OnceCell, broadcast};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::Events;
use crate::gate::{Gate, Permit};
use crate::ids::{Kind, ProjectId};
use crate::leases::Leases;
use crate::projects::{self, Project, Projects};
use crate::quotas::Over;
use crate::tasks::Tasks;
use activity::{Activities, Activity, Cause, Use};
use converge::Wanted;
use disk::Disk;
pub use disk::usage::DiskUsage;
use disk::usage::Disks;
use egress::{Egress, Learned};
use engine::{Enforced, Enforcement, Engine, Limits, Usage};
use link::{Links, Proof};
use network::Networks;
pub use place::Place;
use pool::Pool;
pub use space::NoRoom;
use space::Written;
use spec::{Config, OverCeiling, Settings, Wishes};
use state::{Desired, Status};
use store::Store;

/// Ends of commands that wait to be written down; more are asked for when they are wanted.
const WAITING_ENDS: usize = 1024;

/// How often a question goes out, at most, whose link breaks before the answer.
const LINK_ATTEMPTS: usize = 3;

/// How long a link may take to end after the first of its streams.
const LINK_ENDS: Duration = Duration::from_secs(1);

/// What is known of a project's runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct Runtime {
    pub project: ProjectId,
    pub engine: String,
    pub desired: Desired,
    pub status: Status,
    /// Why it is in this state, where that needs a word.
    pub reason: Option<String>,
    pub generation: u32,
    pub settings: Settings,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// Its latest use that is written down.
    pub activity: Option<Activity>,
    /// How often it ended by itself in a row.
    pub crashes: u32,
    /// When it is started again after such an end.
    pub retry_at: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be used in this state.
    #[error("the runtime is {0}; start it with `POST /api/v1/containers/{{project}}/start`")]
    NotRunning(Status),
    #[error(
        "the project has no runtime; make one with `POST /api/v1/containers/{{project}}/create`"
    )]
    NotFound,
    /// It exists with other settings.
    #[error("the runtime exists with other settings; delete it first, or leave the settings out")]
    Differs,
    #[error(transparent)]
    OverCeiling(#[from] OverCeiling),
    /// It would be over its limit of the disk from the start.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error(transparent)]
    Quota(#[from] Over),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A step towards what is desired took too long.
    #[error("it was {0} for more than {1} s; the engine may be overloaded: try again")]
    Late(Status, u64),
    #[error("a list may name at most {0} hosts; use `*.suffix` for many of one kind")]
    TooManyHosts(usize),
    /// Another server works on it.
    #[error("another server is changing this runtime; try again in a moment")]
    Busy,
    /// Its supervisor did not report in time.
    #[error("the runtime started and its supervisor did not report within {0} s")]
    Silent(u64),
    #[error("the runtime's directories: {0}")]
    Place(#[from] std::io::Error),
    #[error(transparent)]
    Project(#[from] projects::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error("the server is stopping; try again in a moment")]
    Stopping,
}

/// What the room is built from.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub events: Events,
    pub tasks: Tasks,
    pub projects: Projects,
    pub engine: Arc<dyn Engine>,
    pub disk: Arc<dyn Disk>,
    pub egress: Egress,
    pub place: Place,
    pub leases: Leases,
    pub gate: Gate,
    pub config: Config,
}

/// The runtimes of this installation. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Runtimes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    events: Events,
    tasks: Tasks,
    projects: Projects,
    engine: Arc<dyn Engine>,
    disk: Arc<dyn Disk>,
    written: Written,
    /// Written to since what it takes was kept.
    changed: Written,
    measures: disk::store::Store,
    egress: Egress,
    place: Place,
    leases: Leases,
    gate: Gate,
    config: Config,
    links: Links,
    disks: Disks,
    activities: Arc<Activities>,
    pool: Pool,
    networks: Networks,
    /// Commands that have ended, for whoever writes that down.
    exec_ends: broadcast::Sender<(ProjectId, ExecState)>,
    /// Set for each kind whose registries are learned.
    learned: [OnceCell<()>; Kind::ALL.len()],
    /// One lock a project, held for the length of a change.
    changing: Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<()>>>>,
}

/// Engines by which a database has runtimes that should run.
pub async fn engines_in_use(db: &Db) -> Result<Vec<String>, Error> {
    Store::new(db.clone()).engines().await
}

impl Runtimes {
    /// Opens the room and begins to hear its links.
    pub fn open(parts: Parts) -> Self {
        let proof = match (parts.engine.name(), parts.engine.shares_kernel()) {
            ("fake", _) => Proof::None,
            (_, true) => Proof::FirstProcess,
            (_, false) => Proof::Key(parts.place.keys.clone()),
        };
        let (links, news) = Links::new(parts.tasks.clone(), proof, parts.leases.seat());
        let activities = Activities::new(parts.clock.clone());
        let inner = Arc::new(Inner {
            pool: Pool::new(parts.db.clone()),
            networks: Networks::new(parts.db.clone()),
            measures: disk::store::Store::new(parts.db.clone()),
            store: Store::new(parts.db),
            clock: parts.clock,
            events: parts.events.clone(),
            tasks: parts.tasks.clone(),
            projects: parts.projects,
            engine: parts.engine,
            disk: parts.disk,
            written: Written::default(),
            changed: Written::default(),
            egress: parts.egress,
            place: parts.place,
            leases: parts.leases,
            gate: parts.gate,
            config: parts.config,
            links,
            disks: Disks::default(),
            activities,
            exec_ends: broadcast::Sender::new(WAITING_ENDS),
            learned: std::array::from_fn(|_| OnceCell::new()),
            changing: Mutex::default(),
        });
        let room = Self { inner };
        parts.tasks.run("runtime news", news::hear(room.clone(), news));
        parts.tasks.run("files in use", reconcile::hear_files(room.clone(), parts.events));
        room
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.inner.engine
    }

    /// How workspaces are limited.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    /// A runtime's limits and how each of them holds; that of the disk stands
    /// apart.
    pub fn limits(&self, runtime: &Runtime) -> (Limits, Enforced, Enforcement) {
        let Inner { config, engine, disk, projects, .. } = &*self.inner;
        let held = disk.enforcement(&projects.workspace(&runtime.project));
        (config.limits(&runtime.settings), engine.enforced(), held)
    }

    /// Creates and starts it; the same once more is no error.
    pub async fn create(
        &self,
        _permit: &Permit,
        project: &Project,
        wishes: Wishes,
    ) -> Result<Runtime, Error> {
        self.settle_within_quota(project, Wanted::Created(wishes)).await
    }

    /// Changes its settings, whether it runs or not: what is not wished for
    /// stays as it is.
    pub async fn update(
        &self,
        _permit: &Permit,
        project: &Project,
        wishes: Wishes,
    ) -> Result<Runtime, Error> {
        self.settle(project, Wanted::Changed(wishes)).await
    }

    pub async fn start(&self, _permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        self.settle_within_quota(project, Wanted::Running).await
    }

    pub async fn stop(&self, _permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        self.settle(project, Wanted::Stopped).await
    }

    /// Ends it at once, without asking what runs in it.
    pub async fn force_stop(&self, permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        // Before its turn: what hangs may have it.
        match self.inner.engine.stop(&project.id, Duration::ZERO).await {
            Ok(()) | Err(engine::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        self.stop(permit, project).await
    }

    pub async fn restart(&self, _permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        self.settle_within_quota(project, Wanted::Restarted).await
    }

    /// Lets it run unless its owner has as many that run as he may. Where there is a
    /// quota, his runtimes are begun one after another, on all servers.
    async fn settle_within_quota(
        &self,
        project: &Project,
        wanted: Wanted,
    ) -> Result<Runtime, Error> {
        let Inner { projects, leases, store, .. } = &*self.inner;
        let Some(most) = projects.quota(&project.owner).await?.runtimes else {
            return self.settle(project, wanted).await;
        };
        let name = format!("quota/{}", project.owner);
        let turn = leases.take(&name, converge::TURN_PATIENCE).await?.ok_or(Error::Busy)?;
        let begun = if store.count_running(&project.owner, &project.id).await? >= i64::from(most) {
            Err(Over::Runtimes(most).into())
        } else {
            self.settle(project, wanted).await
        };
        turn.give_back().await;
        begun
    }

    /// Removes it from whatever state it is in; the files stay.
    pub async fn delete(&self, _permit: &Permit, project: &Project) -> Result<(), Error> {
        match self.settle(project, Wanted::Absent).await {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What is known of it; `None` where there never was one.
    pub async fn find(&self, project: &ProjectId) -> Result<Option<Runtime>, Error> {
        self.inner.store.find(project).await
    }

    /// A page of all projects' runtimes, in the order of their ids: those in one
    /// state, where one is named.
    pub async fn page(
        &self,
        after: Option<&ProjectId>,
        status: Option<Status>,
        limit: u32,
    ) -> Result<Vec<(ProjectId, Option<Runtime>)>, Error> {
        self.inner.store.page(after, status, limit).await
    }

    /// How many projects there are whose runtime is in each state.
    pub async fn count_by_status(&self) -> Result<Vec<(Status, u64)>, Error> {
        self.inner.store.count_by_status().await
    }

    /// All that run, as far as is known.
    pub async fn running(&self) -> Result<Vec<Runtime>, Error> {
        self.inner.store.list_running().await
    }

    /// The way into a running runtime. A link that broke a moment ago is waited
    /// for, since its supervisor dials again at once.
    pub async fn link(&self, project: &ProjectId) -> Result<Link, Error> {
        if let Some(link) = self.inner.links.find(project) {
            return Ok(link);
        }
        let runtime = self.find(project).await?.ok_or(Error::NotFound)?;
        if runtime.desired != Desired::Running {
            return Err(Error::NotRunning(runtime.status));
        }
        // The server may have started a moment ago.
        self.listen(project).await?;
        let waited = self.inner.links.wait(project, Duration::from_secs(3)).await;
        waited.ok_or(Error::NotRunning(runtime.status))
    }

    /// Asks the runtime's supervisor what may be asked twice. Where the link breaks
    /// meanwhile the question goes out anew, unless the runtime runs no more: somebody
    /// stopped it, or starts it again.
    pub async fn ask<T, F>(
        &self,
        project: &ProjectId,
        question: impl Fn(Link) -> F,
    ) -> Result<Result<T, LinkError>, Error>
    where
        F: Future<Output = Result<T, LinkError>>,
    {
        for _ in 1..LINK_ATTEMPTS {
            let link = self.link(project).await?;
            match question(link.clone()).await {
                Err(LinkError::Closed) => {
                    // Should only this stream have ended, the link is asked again.
                    let _ = tokio::time::timeout(LINK_ENDS, link.closed()).await;
                }
                answer => return Ok(answer),
            }
        }
        Ok(question(self.link(project).await?).await)
    }

    /// Commands that end from now on, or ended while no server was there.
    pub fn exec_ends(&self) -> broadcast::Receiver<(ProjectId, ExecState)> {
        self.inner.exec_ends.subscribe()
    }

    async fn listen(&self, project: &ProjectId) -> std::io::Result<()> {
        let dir = self.inner.place.prepare(project).await?;
        self.inner.links.listen(project, &dir)
    }

    /// It is used this moment: its idle time begins anew.
    pub fn touch(&self, project: &ProjectId, by: Cause) {
        self.inner.activities.touch(project, by);
    }

    /// It is used until the answer is dropped.
    pub fn begin_use(&self, project: &ProjectId, by: Cause) -> Use {
        self.inner.activities.begin(project, by)
    }

    /// Its latest use.
    pub fn latest_activity(&self, runtime: &Runtime) -> Option<Activity> {
        let here = self.inner.activities.find(&runtime.project);
        here.into_iter().chain(runtime.activity).max_by_key(|activity| activity.at)
    }

    /// What it uses now.
    pub async fn usage(&self, project: &ProjectId) -> Result<Usage, Error> {
        let mut usage = self.inner.engine.usage(project).await?;
        if !self.inner.engine.shares_kernel() {
            // Only the runtime's own kernel knows how many programs it runs.
            usage.pids = self.threads(project).await;
        }
        Ok(usage)
    }

    /// None, while nobody in the runtime tells.
    async fn threads(&self, project: &ProjectId) -> u64 {
        let Some(link) = self.inner.links.find(project) else { return 0 };
        link.health().await.map_or(0, |health| health.threads)
    }

    /// What its workspace takes on the disk: measured now, or a moment ago.
    pub async fn disk_usage(&self, project: &ProjectId) -> Result<DiskUsage, Error> {
        let Inner { disks, projects, clock, config, .. } = &*self.inner;
        let place = (projects.workspace(project), config.ceilings.disk_bytes);
        Ok(disks.usage(project, place, clock.now()).await?)
    }

    /// Learns which registries runtimes of a kind may reach, once and for all
    /// who ask meanwhile; without an image there is nothing to learn from yet.
    pub async fn learn_registries(&self, kind: Kind) {
        let Inner { engine, egress, learned, .. } = &*self.inner;
        let learning = learned[kind as usize].get_or_try_init(|| async {
            engine.image(kind).await?;
            let learned = egress.learn(engine.as_ref(), kind).await;
            for failure in &learned.failures {
                tracing::warn!(%kind, failure, "something about registries was not learned");
            }
            Ok::<(), engine::Error>(())
        });
        if let Err(error) = learning.await {
            tracing::debug!(%kind, %error, "no image to learn registries from");
        }
    }

    /// What runtimes may reach by what their images taught.
    pub fn learned_registries(&self) -> Vec<Arc<Learned>> {
        self.inner.egress.learned()
    }
}
