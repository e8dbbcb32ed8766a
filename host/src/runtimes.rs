//! Room: runtimes, the isolated places where projects run.
//!
//! An engine says where a runtime lives ([`engine`]), a supervisor in it says
//! what happens inside ([`link`]); this room joins both to what the database
//! says should be. All changes of one project's runtime go one after another,
//! through [`Runtimes::settle`]; readers never wait for them.

pub mod docker;
pub mod egress;
pub mod engine;
pub mod engines;
pub mod fake;
pub mod images;
mod link;
pub mod local;
mod place;
mod reconcile;
mod seccomp;
pub mod spec;
pub mod state;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lockhouse_supervisor::client::Link;
use tokio::sync::{OnceCell, oneshot};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{Events, What};
use crate::gate::Permit;
use crate::ids::{Kind, ProjectId};
use crate::projects::{self, Project, Projects};
use crate::tasks::Tasks;
use egress::{Egress, Learned};
use engine::{Engine, RuntimeSpec, Usage};
use link::Links;
pub use place::Place;
use spec::{Config, OverCeiling, Settings, Wishes};
use state::{Desired, Status, Step};
use store::Store;

/// Steps after which a runtime that does not settle has failed.
const MAX_STEPS: usize = 8;

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
    #[error(transparent)]
    Engine(#[from] engine::Error),
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
    pub egress: Egress,
    pub place: Place,
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
    egress: Egress,
    place: Place,
    config: Config,
    links: Links,
    /// Set for each kind whose registries are learned.
    learned: [OnceCell<()>; Kind::ALL.len()],
    /// One lock a project, held for the length of a change.
    changing: Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<()>>>>,
}

/// A change that somebody asked for.
#[derive(Debug, Clone)]
enum Wanted {
    Created(Wishes),
    Running,
    Stopped,
    Restarted,
    Absent,
}

impl Runtimes {
    /// Opens the room and begins to hear its links.
    pub fn open(parts: Parts) -> Self {
        let (links, news) = Links::new(parts.tasks.clone(), parts.engine.name() != "fake");
        let inner = Arc::new(Inner {
            store: Store::new(parts.db),
            clock: parts.clock,
            events: parts.events,
            tasks: parts.tasks.clone(),
            projects: parts.projects,
            engine: parts.engine,
            egress: parts.egress,
            place: parts.place,
            config: parts.config,
            links,
            learned: std::array::from_fn(|_| OnceCell::new()),
            changing: Mutex::default(),
        });
        let room = Self { inner };
        parts.tasks.run("runtime news", reconcile::hear(room.clone(), news));
        room
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.inner.engine
    }

    /// Creates and starts it; the same once more is no error.
    pub async fn create(
        &self,
        _permit: &Permit,
        project: &Project,
        wishes: Wishes,
    ) -> Result<Runtime, Error> {
        self.settle(project, Wanted::Created(wishes)).await
    }

    pub async fn start(&self, _permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        self.settle(project, Wanted::Running).await
    }

    pub async fn stop(&self, _permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        self.settle(project, Wanted::Stopped).await
    }

    pub async fn restart(&self, _permit: &Permit, project: &Project) -> Result<Runtime, Error> {
        self.settle(project, Wanted::Restarted).await
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
        let waited = self.inner.links.wait(project, Duration::from_secs(3)).await;
        waited.ok_or(Error::NotRunning(runtime.status))
    }

    /// What it uses now.
    pub async fn usage(&self, project: &ProjectId) -> Result<Usage, Error> {
        Ok(self.inner.engine.usage(project).await?)
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

    /// Takes the change in a task of its own: a client that goes away leaves
    /// nothing half-done.
    async fn settle(&self, project: &Project, wanted: Wanted) -> Result<Runtime, Error> {
        let (done, answer) = oneshot::channel();
        let (room, project) = (self.clone(), project.clone());
        self.inner.tasks.run("settle a runtime", async move {
            // The client may have gone; what it asked for is done all the same.
            let _ = done.send(room.settle_in_turn(&project, wanted).await);
        });
        answer.await.map_err(|_| Error::Stopping)?
    }

    async fn settle_in_turn(&self, project: &Project, wanted: Wanted) -> Result<Runtime, Error> {
        let turn = self.turn(&project.id);
        let _held = turn.lock().await;
        let known = self.inner.store.find(&project.id).await?;
        match (wanted, known) {
            (Wanted::Created(wishes), None) => {
                let runtime = self.new_runtime(project, wishes)?;
                self.converge(project, runtime, Desired::Running).await
            }
            (Wanted::Created(wishes), Some(runtime)) => {
                if wishes != Wishes::default()
                    && self.inner.config.grant(wishes)? != runtime.settings
                {
                    return Err(Error::Differs);
                }
                self.converge(project, runtime, Desired::Running).await
            }
            (_, None) => Err(Error::NotFound),
            (Wanted::Running, Some(runtime)) => {
                self.converge(project, runtime, Desired::Running).await
            }
            (Wanted::Stopped, Some(runtime)) => {
                self.converge(project, runtime, Desired::Stopped).await
            }
            (Wanted::Restarted, Some(runtime)) => {
                let runtime = self.note(project, runtime, Status::Restarting, None).await?;
                let runtime = self.converge(project, runtime, Desired::Stopped).await?;
                self.converge(project, runtime, Desired::Running).await
            }
            (Wanted::Absent, Some(runtime)) => {
                self.converge(project, runtime, Desired::Absent).await
            }
        }
    }

    fn turn(&self, project: &ProjectId) -> Arc<tokio::sync::Mutex<()>> {
        let mut changing = self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        changing.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(changing.entry(project.clone()).or_default())
    }

    fn new_runtime(&self, project: &Project, wishes: Wishes) -> Result<Runtime, Error> {
        let now = self.inner.clock.now();
        Ok(Runtime {
            project: project.id.clone(),
            engine: self.inner.engine.name().to_owned(),
            desired: Desired::Running,
            status: Status::Creating,
            reason: None,
            generation: 0,
            settings: self.inner.config.grant(wishes)?,
            created_at: now,
            updated_at: now,
        })
    }

    /// Takes steps until what is observed is what is desired.
    async fn converge(
        &self,
        project: &Project,
        mut runtime: Runtime,
        desired: Desired,
    ) -> Result<Runtime, Error> {
        runtime.desired = desired;
        for _ in 0..MAX_STEPS {
            let observed = self.inner.engine.inspect(&project.id).await?;
            let linked = self.inner.links.find(&project.id).is_some();
            let step = state::next(desired, observed.map(|seen| seen.state), linked);
            if let Step::Settled(status) = step {
                return self.settled(project, runtime, status).await;
            }
            runtime = self.note(project, runtime, step.status(), None).await?;
            if let Err(error) = self.take(project, &mut runtime, step).await {
                let reason = Some(error.to_string());
                self.note(project, runtime, Status::Failed, reason).await?;
                return Err(error);
            }
        }
        let reason = format!("it did not settle in {MAX_STEPS} steps");
        self.note(project, runtime, Status::Failed, Some(reason.clone())).await?;
        Err(engine::Error::Failed(reason).into())
    }

    async fn settled(
        &self,
        project: &Project,
        runtime: Runtime,
        status: Status,
    ) -> Result<Runtime, Error> {
        let runtime = self.note(project, runtime, status, None).await?;
        if status == Status::Absent {
            self.inner.links.forget(&project.id);
            self.inner.egress.forget(&project.id);
            self.inner.place.remove(&project.id).await?;
            self.inner.store.delete(&project.id).await?;
        }
        Ok(runtime)
    }

    async fn take(
        &self,
        project: &Project,
        runtime: &mut Runtime,
        step: Step,
    ) -> Result<(), Error> {
        let Inner { engine, links, config, place, .. } = &*self.inner;
        match step {
            Step::Create => {
                let link_dir = place.prepare(&project.id).await?;
                links.listen(&project.id, &link_dir)?;
                runtime.generation += 1;
                let spec = self.spec(project, runtime);
                engine.create(&spec).await?;
            }
            Step::Start => {
                links.listen(&project.id, &place.prepare(&project.id).await?)?;
                engine.start(&project.id).await?;
            }
            Step::AwaitLink => {
                links.listen(&project.id, &place.prepare(&project.id).await?)?;
                let patience = Duration::from_secs(config.start_timeout);
                let link = links.wait(&project.id, patience).await;
                link.ok_or(Error::Silent(config.start_timeout))?;
            }
            Step::Stop => {
                engine.stop(&project.id, Duration::from_secs(config.stop_grace)).await?;
            }
            Step::Remove => engine.remove(&project.id).await?,
            Step::Settled(_) => {}
        }
        Ok(())
    }

    fn spec(&self, project: &Project, runtime: &Runtime) -> RuntimeSpec {
        let Inner { config, place, projects, .. } = &*self.inner;
        RuntimeSpec {
            id: project.id.clone(),
            instance: place.instance.clone(),
            generation: runtime.generation,
            kind: project.kind,
            workspace: projects.workspace(&project.id),
            link_dir: place.link_dir(&project.id),
            user: place.user,
            limits: config.limits(&runtime.settings),
            env: place.environment(),
        }
    }

    /// Writes a state down and tells of it where it changed.
    async fn note(
        &self,
        project: &Project,
        mut runtime: Runtime,
        status: Status,
        reason: Option<String>,
    ) -> Result<Runtime, Error> {
        let changed = runtime.status != status || runtime.reason != reason;
        runtime.status = status;
        runtime.reason = reason;
        runtime.updated_at = self.inner.clock.now();
        self.inner.store.put(&runtime).await?;
        if changed {
            metrics::counter!("runtime_transitions_total", "status" => status.as_str())
                .increment(1);
            let news = What::Runtime { status: status.as_str(), reason: runtime.reason.clone() };
            self.inner.events.publish(project.about(), news);
        }
        Ok(runtime)
    }
}
