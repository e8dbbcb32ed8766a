//! Room jobs, on each database.

mod archives;
mod batches;
mod doors;
mod downloads;
mod life;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use lockhouse::auth::Caller;
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::files::{self, Disk, Files, RelPath};
use lockhouse::gate::{Gate, Permit};
use lockhouse::ids::Kind;
use lockhouse::jobs::{Config, Error, Job, Jobs, NewFile, NewJob, Parts};
use lockhouse::objects::{self, Objects};
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::tasks::Tasks;

use crate::databases::Database;
use crate::stores;

/// The jobs of one installation, whose clock stands still.
pub(crate) struct Room {
    pub(crate) jobs: Jobs,
    pub(crate) files: Files,
    pub(crate) events: Events,
    pub(crate) clock: Clock,
    projects: Projects,
    gate: Gate,
    pub(crate) database: Database,
}

impl Room {
    /// Archives are kept in a directory.
    pub(crate) fn new(database: Database) -> Self {
        let folder = database.data.path().join("objects");
        let objects = Objects::open(&objects::Config::default(), folder, Vec::new()).unwrap();
        Self::with(database, objects)
    }

    pub(crate) fn with(database: Database, objects: Objects) -> Self {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        let events = Events::new(clock.clone());
        let (db, data) = (database.db.clone(), database.data.path());
        let root = data.join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, None);
        let limits = files::Config::default();
        let disk = Disk::new(&limits, None);
        let files = Files::new(projects.clone(), &clock, events.clone(), disk);
        let jobs = Jobs::new(Parts {
            db,
            clock: clock.clone(),
            events: events.clone(),
            tasks: Tasks::new(),
            files: files.clone(),
            objects,
            root: data.join("jobs"),
            batches: data.join("job-batches"),
            config: &Config::default(),
            limits: &limits,
        });
        let gate = stores::gate(&database);
        Self { jobs, files, events, clock, projects, gate, database }
    }

    pub(crate) async fn caller(&self, name: &str) -> Caller {
        stores::caller(&self.database, name).await
    }

    pub(crate) async fn permit(&self, name: &str) -> Permit {
        stores::permit(&self.gate, &self.caller(name).await).await
    }

    /// A job of `owner`, with an id of the caller's choice.
    pub(crate) async fn try_create(&self, owner: &str, id: &str) -> Result<Job, Error> {
        let new = NewJob { id: id.parse().ok(), project_name: "todo".parse().unwrap() };
        self.jobs.create(&self.permit(owner).await, new).await
    }

    pub(crate) async fn create(&self) -> Job {
        self.try_create("ada", "").await.unwrap()
    }

    pub(crate) async fn write(&self, job: &Job, path: &str, text: &str) -> Result<usize, Error> {
        self.write_file(job, path, text, false).await
    }

    pub(crate) async fn write_file(
        &self,
        job: &Job,
        path: &str,
        text: &str,
        executable: bool,
    ) -> Result<usize, Error> {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let files = vec![NewFile { path: rel(path), bytes, executable }];
        self.jobs.write_all(&self.permit("ada").await, job, files).await
    }

    pub(crate) async fn complete(&self, job: &Job) -> Result<Job, Error> {
        self.jobs.complete(&self.permit("ada").await, job).await
    }

    pub(crate) async fn project(&self) -> Project {
        let new = NewProject {
            name: "todo".parse().unwrap(),
            kind: Kind::Python,
            description: String::new(),
        };
        self.projects.create(&self.permit("ada").await, new).await.unwrap().0
    }

    /// How many directories of jobs there are on the disk.
    pub(crate) fn directories(&self) -> usize {
        std::fs::read_dir(self.database.data.path().join("jobs")).unwrap().count()
    }
}

pub(crate) fn rel(path: &str) -> RelPath {
    path.parse().unwrap()
}

/// Everything in it.
pub(crate) fn all() -> files::List {
    files::List { recursive: true, ..files::List::default() }
}
