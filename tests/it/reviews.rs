//! Room reviews, on each database and on each storage.

mod comments;
mod diffs;
mod doors;
mod life;
mod snapshots;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lockhouse::auth::{Caller, Role, User};
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::files::{self, Disk, Files};
use lockhouse::gate::{Gate, Permit};
use lockhouse::ids::Kind;
use lockhouse::objects::{self, Objects};
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::reviews::{Config, Error, Parts, Reviews, Submission, Verdict};

use crate::databases::Database;
use crate::stores;

/// The reviews of one installation, whose clock stands still, and a project of ada's.
pub(crate) struct Room {
    pub(crate) reviews: Reviews,
    pub(crate) projects: Projects,
    pub(crate) project: Project,
    pub(crate) clock: Clock,
    gate: Gate,
    pub(crate) database: Database,
}

impl Room {
    /// Snapshots are kept in a directory.
    pub(crate) async fn new(database: Database) -> Self {
        let folder = database.data.path().join("objects");
        let objects = Objects::open(&objects::Config::default(), folder, Vec::new()).unwrap();
        Self::with(database, objects, Config::default()).await
    }

    pub(crate) async fn with(database: Database, objects: Objects, config: Config) -> Self {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        let (db, events) = (database.db.clone(), Events::new(clock.clone()));
        let root = database.data.path().join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, None);
        let disk = Disk::new(&files::Config::default(), None);
        let files = Files::new(projects.clone(), &clock, events.clone(), disk);
        let parts = Parts { db, clock: clock.clone(), events, files, objects, config };
        let (reviews, gate) = (Reviews::new(parts), stores::gate(&database));
        let leave = stores::permit(&gate, &stores::caller(&database, "ada").await).await;
        let new = NewProject {
            name: "todo".parse().unwrap(),
            kind: Kind::Python,
            description: String::new(),
        };
        let project = projects.create(&leave, new).await.unwrap().0;
        Self { reviews, projects, project, clock, gate, database }
    }

    pub(crate) async fn caller(&self, name: &str) -> Caller {
        stores::caller(&self.database, name).await
    }

    /// Somebody who reviews.
    pub(crate) async fn reviewer(&self, name: &str) -> Caller {
        let Caller { user: User { id, .. }, request_id, .. } = self.caller(name).await;
        Caller::new(User { id, role: Role::Reviewer }, request_id)
    }

    pub(crate) async fn permit(&self, name: &str) -> Permit {
        stores::permit(&self.gate, &self.caller(name).await).await
    }

    fn place(&self, path: &str) -> PathBuf {
        self.projects.workspace(&self.project.id).join(path)
    }

    /// As a program in the runtime would.
    pub(crate) fn writes(&self, path: &str, content: impl AsRef<[u8]>) {
        let place = self.place(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, content).unwrap();
    }

    pub(crate) fn removes(&self, path: &str) {
        std::fs::remove_file(self.place(path)).unwrap();
    }

    pub(crate) fn moves(&self, from: &str, to: &str) {
        std::fs::rename(self.place(from), self.place(to)).unwrap();
    }

    pub(crate) async fn try_submit(&self, message: &str) -> Result<(Submission, bool), Error> {
        let leave = self.permit("ada").await;
        self.reviews.submit(&leave, &self.project, message.to_owned()).await
    }

    /// Each a moment after the one before.
    pub(crate) async fn submits(&self, message: &str) -> Submission {
        self.clock.advance(Duration::from_secs(1));
        self.try_submit(message).await.unwrap().0
    }

    pub(crate) async fn judges(
        &self,
        submission: &Submission,
        verdict: Verdict,
    ) -> Result<Submission, Error> {
        let leave = self.permit("rex").await;
        self.reviews.judge(&leave, submission, verdict, String::new()).await
    }

    /// As it is by now.
    pub(crate) async fn fresh(&self, submission: &Submission) -> Result<Submission, Error> {
        self.reviews.find(&self.caller("ada").await, submission.id.as_str()).await
    }

    /// The paths of what it holds.
    pub(crate) async fn paths(&self, submission: &Submission) -> Vec<String> {
        let (files, _) = self.reviews.list_files(submission, None, 1_000).await.unwrap();
        files.into_iter().map(|file| file.path).collect()
    }

    /// How many files there are in the storage.
    pub(crate) fn objects(&self) -> usize {
        let folder = self.database.data.path().join("objects/submissions");
        let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
        folders.map(|folder| std::fs::read_dir(folder.path()).unwrap().count()).sum()
    }
}
