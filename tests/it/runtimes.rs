//! Runtimes, as they look after themselves: on the engine for fast tests, whose
//! runtimes are plain processes of this machine, and with a clock that is moved.

mod crashes;
mod deadlines;
mod measures;
mod orphans;
mod pool;
mod reconcile;
mod settings;
mod space;
mod together;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lockhouse::audit::Audit;
use lockhouse::auth::{self, Auth, Caller, Role, User};
use lockhouse::clock::Clock;
use lockhouse::db::Db;
use lockhouse::events::Events;
use lockhouse::gate::{Action, Gate, Permit, Target};
use lockhouse::ids::{InstanceId, Kind, ProjectId, RequestId};
use lockhouse::leases::Leases;
use lockhouse::limits::{self, Limits};
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::runtimes::egress::{self, Egress, SystemResolver};
use lockhouse::runtimes::engine::{Engine as _, RuntimeSpec};
use lockhouse::runtimes::fake::{Fake, World};
use lockhouse::runtimes::spec::{self, Wishes};
use lockhouse::runtimes::{self, Place, Runtime, Runtimes, disk, local};
use lockhouse::tasks::Tasks;
use tempfile::TempDir;

use crate::host::eventually;

/// One machine, with a database and one project.
pub(crate) struct Yard {
    data: TempDir,
    db: Db,
    pub(crate) clock: Clock,
    events: Events,
    gate: Gate,
    projects: Projects,
    pub(crate) project: Project,
    world: World,
    instance: InstanceId,
    ada: Caller,
    config: spec::Config,
}

/// A server on that machine.
pub(crate) struct Keeper {
    pub(crate) runtimes: Runtimes,
    tasks: Tasks,
}

impl Yard {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another configuration. It looks after its runtimes each
    /// second.
    pub(crate) async fn with(change: impl FnOnce(&mut spec::Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let db = crate::databases::opened(data.path()).await;
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let events = Events::new(clock.clone());
        let audit = Audit::start(db.clone(), clock.clone(), &Tasks::new());
        let gate = Gate::new(Limits::new(&limits::Config::default()), audit);
        let user = User { id: "ada".parse().unwrap(), role: Role::Learner };
        let auth = Auth::new(&auth::Config::default(), db.clone(), clock.clone()).unwrap();
        auth.development_user(&user.id).await.unwrap();
        let ada = Caller::new(user, RequestId::generate());
        let root = data.path().join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, None);
        let project = new_project(&gate, &ada, &projects).await;
        let mut config = spec::Config {
            check_interval: 1,
            sweep_interval: 1,
            disk_interval: 1,
            ..spec::Config::default()
        };
        change(&mut config);
        let (world, instance) = (World::default(), InstanceId::generate());
        Self { data, db, clock, events, gate, projects, project, world, instance, ada, config }
    }

    /// A server starts.
    pub(crate) async fn opens(&self) -> Keeper {
        let keeper = self.looks_only().await;
        let Keeper { runtimes, tasks } = &keeper;
        tasks.run("runtimes", runtimes.clone().keep());
        tasks.run("workspaces", runtimes.clone().keep_space());
        tasks.run("runtime pool", runtimes.clone().keep_pool());
        keeper
    }

    /// The same, but it looks after nothing.
    pub(crate) async fn looks_only(&self) -> Keeper {
        let (tasks, clock) = (Tasks::new(), self.clock.clone());
        let leases = self.data.path().join("hosts");
        let leases = Leases::open(self.db.clone(), clock, tasks.clone(), leases).await.unwrap();
        let runtimes = Runtimes::open(runtimes::Parts {
            db: self.db.clone(),
            clock: self.clock.clone(),
            events: self.events.clone(),
            tasks: tasks.clone(),
            projects: self.projects.clone(),
            engine: Arc::new(self.engine()),
            disk: Arc::new(disk::Watch),
            egress: self.egress(&tasks),
            place: self.place(),
            leases,
            gate: self.gate.clone(),
            config: self.config.clone(),
        });
        Keeper { runtimes, tasks }
    }

    /// Somebody who works on the machine behind the server's back.
    pub(crate) fn engine(&self) -> Fake {
        Fake::new(self.world.clone(), self.instance.clone())
    }

    fn egress(&self, tasks: &Tasks) -> Egress {
        let parts = egress::Parts {
            tasks: tasks.clone(),
            events: self.events.clone(),
            resolver: Arc::new(SystemResolver),
            dir: self.data.path().join("egress"),
            deadlines: egress::Deadlines::default(),
        };
        Egress::new(&egress::Config::default(), parts).unwrap()
    }

    fn place(&self) -> Place {
        let supervisor = std::fs::read(SUPERVISOR).unwrap();
        let root = self.data.path().join("runtimes");
        let user = local::runtime_user();
        Place::prepare_shared(root, self.instance.clone(), user, &supervisor, None).unwrap()
    }

    pub(crate) async fn permit(&self) -> Permit {
        let action = Action::write("runtime.create", self.project.target());
        self.gate.admit(&self.ada, action).await.unwrap()
    }

    /// A program fills the project's workspace.
    pub(crate) fn fills(&self, bytes: usize) -> PathBuf {
        let file = self.projects.workspace(&self.project.id).join("big");
        std::fs::write(&file, vec![1; bytes]).unwrap();
        file
    }

    /// Waits until the audit record says that the server did this by itself, and nothing
    /// else.
    pub(crate) async fn records(&self, action: &str) {
        let own = "SELECT action FROM audit_entries WHERE actor = 'lockhouse'";
        eventually("it is in the record", || async {
            let actions: Vec<String> =
                sqlx::query_scalar(own).fetch_all(self.db.pool()).await.unwrap();
            let only = !actions.is_empty() && actions.iter().all(|own| own == action);
            if only { Ok(()) } else { Err(format!("{actions:?}")) }
        })
        .await;
    }

    /// A sweep goes over the machine from beginning to end: it removes a runtime
    /// that belongs to no project.
    pub(crate) async fn sweeps(&self) {
        let orphan = self.copy_of_runtime(&self.engine()).await;
        eventually("the orphan is gone", || async {
            let seen = self.engine().inspect(&orphan).await.unwrap();
            seen.map_or(Ok(()), |seen| Err(format!("{seen:?}")))
        })
        .await;
    }

    /// Makes a runtime like the project's for one that nobody has heard of.
    pub(crate) async fn copy_of_runtime(&self, engine: &Fake) -> ProjectId {
        let id = ProjectId::generate();
        let spec = self.world.spec(&self.project.id).await.unwrap();
        let copy = RuntimeSpec { id: id.clone(), instance: engine.instance().clone(), ..spec };
        engine.create(&copy).await.unwrap();
        id
    }

    /// Time goes by.
    pub(crate) fn passes(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Keeper {
    /// The project's runtime is made and runs.
    pub(crate) async fn runs(&self, yard: &Yard) -> Runtime {
        let permit = yard.permit().await;
        self.runtimes.create(&permit, &yard.project, Wishes::default()).await.unwrap()
    }

    /// Waits until the runtime's status is `wanted`.
    pub(crate) async fn becomes(&self, yard: &Yard, wanted: &str) -> Runtime {
        eventually(wanted, || async {
            let runtime = self.runtimes.find(&yard.project.id).await.unwrap();
            let runtime = runtime.ok_or("there is none")?;
            if runtime.status.as_str() == wanted {
                Ok(runtime)
            } else {
                Err(format!("{runtime:?}"))
            }
        })
        .await
    }

    /// The server ends; its runtimes go on.
    pub(crate) async fn ends(self) {
        self.tasks.finish(Duration::ZERO).await;
    }
}

impl Drop for Yard {
    /// Ends every process of the test.
    fn drop(&mut self) {
        let engine = self.engine();
        let clear = async move {
            for left in engine.list().await.unwrap_or_default() {
                // What can't be ended is told by the machine itself.
                _ = engine.remove(&left.id).await;
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(clear));
    }
}

const SUPERVISOR: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../target/artifacts/lockhouse-supervisor");

async fn new_project(gate: &Gate, ada: &Caller, projects: &Projects) -> Project {
    let target = Target::New { name: "project/todo".to_owned() };
    let permit = gate.admit(ada, Action::write("project.create", target)).await.unwrap();
    let (name, kind) = ("todo".parse().unwrap(), Kind::Python);
    let new = NewProject { name, kind, description: String::new() };
    projects.create(&permit, new).await.unwrap().0
}
