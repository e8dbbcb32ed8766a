//! Host ports, labels and links of previews.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::ids::{InstanceId, Kind};
use lockhouse::leases::Leases;
use lockhouse::policy::Policies;
use lockhouse::previews::{self, Previews};
use lockhouse::processes::Processes;
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::runtimes::disk;
use lockhouse::runtimes::egress::{self, Egress, SystemResolver};
use lockhouse::runtimes::fake::{Fake, World};
use lockhouse::runtimes::state::{Desired, Status};
use lockhouse::runtimes::{self, Place, Runtime, Runtimes, local, spec};
use lockhouse::secret::Secret;
use lockhouse::tasks::Tasks;

use super::{caller, gate, permit};
use crate::databases::Database;

/// The room, on a clock that is moved.
struct Bench {
    previews: Previews,
    projects: Projects,
    clock: Clock,
}

impl Bench {
    async fn open(database: &Database) -> Self {
        let config = previews::Config { max_links: 2, host_ports: false, ..Default::default() };
        Self::with(database, config).await
    }

    async fn with(database: &Database, config: previews::Config) -> Self {
        let (db, tasks, dir) = (database.db.clone(), Tasks::new(), database.data.path());
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let events = Events::new(clock.clone());
        let projects =
            Projects::new(db.clone(), clock.clone(), events.clone(), dir.join("projects"), None);
        let runtimes = runtimes(database, &clock, &events, &tasks, &projects).await;
        let processes = Processes::new(
            db.clone(),
            clock.clone(),
            events.clone(),
            projects.clone(),
            runtimes.clone(),
            Policies::new([]),
        );
        let hosts = database.data.path().join("hosts");
        let leases = Leases::open(db.clone(), clock.clone(), tasks.clone(), hosts).await.unwrap();
        let (previews, _) = Previews::open(previews::Parts {
            leases,
            db,
            clock: clock.clone(),
            events,
            tasks,
            projects: projects.clone(),
            runtimes,
            processes,
            secret: Secret::new("s"),
            config,
            address: ([127, 0, 0, 1], 8000).into(),
        });
        Self { previews, projects, clock }
    }

    async fn project(&self, database: &Database, owner: &str) -> Project {
        let leave = permit(&gate(database), &caller(database, owner).await).await;
        let (name, kind) = ("todo".parse().unwrap(), Kind::Node);
        let new = NewProject { name, kind, description: String::new() };
        self.projects.create(&leave, new).await.unwrap().0
    }
}

pub(super) async fn runtimes(
    database: &Database,
    clock: &Clock,
    events: &Events,
    tasks: &Tasks,
    projects: &Projects,
) -> Runtimes {
    let (db, dir, instance) = (database.db.clone(), database.data.path(), InstanceId::generate());
    let parts = egress::Parts {
        tasks: tasks.clone(),
        events: events.clone(),
        resolver: Arc::new(SystemResolver),
        dir: dir.join("egress"),
        deadlines: egress::Deadlines::default(),
    };
    let user = local::runtime_user();
    let place = Place::prepare_shared(dir.join("runtimes"), instance.clone(), user, &[], None);
    Runtimes::open(runtimes::Parts {
        db: db.clone(),
        clock: clock.clone(),
        events: events.clone(),
        tasks: tasks.clone(),
        projects: projects.clone(),
        engine: Arc::new(Fake::new(World::default(), instance)),
        egress: Egress::new(&egress::Config::default(), parts).unwrap(),
        place: place.unwrap(),
        disk: Arc::new(disk::Watch),
        leases: Leases::open(db, clock.clone(), tasks.clone(), dir.join("hosts")).await.unwrap(),
        gate: gate(database),
        config: spec::Config::default(),
    })
}

/// What is known of a project's runtime in this state.
fn runtime(project: &Project, status: Status) -> Runtime {
    Runtime {
        project: project.id.clone(),
        engine: "fake".to_owned(),
        desired: Desired::Running,
        status,
        reason: None,
        generation: 1,
        settings: spec::Settings::default(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        activity: None,
        crashes: 0,
        retry_at: None,
    }
}

const HOUR: Duration = Duration::from_secs(3600);

on_every_database! {
    async fn an_origin_is_one_projects_for_ever(database: Database) {
        let bench = Bench::open(&database).await;
        let adas = bench.project(&database, "ada").await;
        let bobs = bench.project(&database, "bob").await;
        let origin = bench.previews.origin(&adas, 80, None).await.unwrap();
        assert_eq!(bench.previews.origin(&adas, 80, None).await.unwrap(), origin);
        assert_ne!(bench.previews.origin(&bobs, 80, None).await.unwrap(), origin);
        let written = origin.split("--").nth(1).unwrap().split('.').next().unwrap();
        let named = bench.previews.find_named(written).await.unwrap().unwrap();
        assert_eq!((named.project, named.name), (adas.id, adas.name));
        assert_eq!(bench.previews.find_named("other-aaaaaaaa").await.unwrap(), None);
    }

    async fn host_ports_stay_open_while_a_runtime_begins_anew(database: Database) {
        let bench = Bench::with(&database, previews::Config::default()).await;
        let project = bench.project(&database, "ada").await;
        let mapped = async |status| bench.previews.map_ports(&runtime(&project, status)).await;
        let open = mapped(Status::Running).await;
        assert_eq!(open.len(), 5);
        assert_eq!(mapped(Status::Restarting).await, open);
        assert_eq!(mapped(Status::Creating).await, open);
        assert_eq!(mapped(Status::Stopped).await.len(), 0);
    }

    async fn a_link_opens_its_project_until_its_time(database: Database) {
        let bench = Bench::open(&database).await;
        let project = bench.project(&database, "ada").await;
        let leave = permit(&gate(&database), &caller(&database, "ada").await).await;
        let made = bench.previews.create_link(&leave, &project, Some(80), Some(HOUR)).await;
        let (link, secret) = made.unwrap();
        assert_eq!(bench.previews.links(&project.id).await.unwrap(), [link]);
        let entry = bench.previews.read_key(secret.reveal()).await.unwrap().unwrap();
        assert_eq!((entry.project, entry.port), (project.id.clone(), Some(80)));
        bench.clock.advance(HOUR);
        assert!(bench.previews.read_key(secret.reveal()).await.unwrap().is_none());
        assert_eq!(bench.previews.links(&project.id).await.unwrap(), []);
    }

    async fn a_revoked_link_opens_nothing(database: Database) {
        let bench = Bench::open(&database).await;
        let project = bench.project(&database, "ada").await;
        let leave = permit(&gate(&database), &caller(&database, "ada").await).await;
        let (link, secret) = bench.previews.create_link(&leave, &project, None, None).await.unwrap();
        bench.previews.revoke_link(&leave, &project, &link.id).await.unwrap();
        assert!(bench.previews.read_cookie(secret.reveal()).await.unwrap().is_none());
        bench.previews.revoke_link(&leave, &project, &link.id).await.unwrap();
    }

    async fn a_link_is_kept_as_a_fingerprint(database: Database) {
        let bench = Bench::open(&database).await;
        let project = bench.project(&database, "ada").await;
        let leave = permit(&gate(&database), &caller(&database, "ada").await).await;
        let (_, secret) = bench.previews.create_link(&leave, &project, None, None).await.unwrap();
        let kept: String = sqlx::query_scalar("SELECT fingerprint FROM preview_links")
            .fetch_one(database.db.pool()).await.unwrap();
        assert_eq!(kept, secret.fingerprint());
        assert!(!kept.contains(secret.reveal()));
    }

    async fn a_project_has_a_bounded_number_of_links(database: Database) {
        let bench = Bench::open(&database).await;
        let project = bench.project(&database, "ada").await;
        let leave = permit(&gate(&database), &caller(&database, "ada").await).await;
        for _ in 0..2 {
            bench.previews.create_link(&leave, &project, None, Some(HOUR)).await.unwrap();
        }
        let refused = bench.previews.create_link(&leave, &project, None, Some(HOUR)).await;
        assert!(matches!(refused, Err(previews::Error::TooManyLinks(2))));
        bench.clock.advance(HOUR);
        assert!(bench.previews.create_link(&leave, &project, None, Some(HOUR)).await.is_ok());
    }

    async fn a_deleted_project_takes_its_links_and_label_with_it(database: Database) {
        let bench = Bench::open(&database).await;
        let project = bench.project(&database, "ada").await;
        let leave = permit(&gate(&database), &caller(&database, "ada").await).await;
        bench.previews.create_link(&leave, &project, None, None).await.unwrap();
        bench.previews.origin(&project, 80, None).await.unwrap();
        bench.projects.delete(&leave, &project).await.unwrap();
        let left: i64 = sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM preview_links) + (SELECT COUNT(*) FROM preview_labels)",
        ).fetch_one(database.db.pool()).await.unwrap();
        assert_eq!(left, 0);
    }
}
