//! Room files, tried on real directories.

mod archives;
mod batches;
mod confinement;
mod doors;
mod kills;
mod quotas;
mod races;
mod saves;
mod searches;
mod shares;
mod special;
mod trees;
mod watches;

use std::path::PathBuf;

use bytes::Bytes;
use lockhouse::audit::Audit;
use lockhouse::auth::{Caller, Role, User};
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::files::{Changed, Config, Disk, Error, Files, Found, List, Listing, Operation};
use lockhouse::files::{Owner, Precondition, Query, RelPath, Save, Saved};
use lockhouse::gate::{Action, Gate, Permit};
use lockhouse::ids::{Kind, RequestId};
use lockhouse::limits::{self, Limits};
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::quotas::{self as quotas_of, Quotas};
use lockhouse::tasks::Tasks;
use tempfile::TempDir;

/// One project, and its files.
pub(crate) struct Room {
    pub(crate) files: Files,
    pub(crate) project: Project,
    pub(crate) events: Events,
    pub(crate) tasks: Tasks,
    gate: Gate,
    caller: Caller,
    projects: Projects,
    data: TempDir,
    workspace: PathBuf,
}

impl Room {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default(), None).await
    }

    /// The most that this room takes is `max_file_bytes`.
    pub(crate) async fn of_size(max_file_bytes: u64) -> Self {
        Self::with(Config { max_file_bytes, ..Config::default() }, None).await
    }

    /// The project may have as many files and directories, and bytes.
    pub(crate) async fn of_quota(files: u64, bytes: u64) -> Self {
        let (max_project_files, max_project_bytes) = (files, bytes);
        let config = Config { max_project_files, max_project_bytes, ..Config::default() };
        Self::with(config, None).await
    }

    /// All projects of its owner may take so many bytes of the disk together.
    pub(crate) async fn of_share(bytes: u64) -> Self {
        let quotas = quotas_of::Config { disk_bytes: Some(bytes), ..quotas_of::Config::default() };
        Self::within(Config::default(), None, quotas).await
    }

    /// What is made belongs to `owner`.
    pub(crate) async fn of_owner(owner: Owner) -> Self {
        Self::with(Config::default(), Some(owner)).await
    }

    /// Only root gives files away.
    pub(crate) async fn of_owner_if_root(owner: Owner) -> Self {
        Self::with(Config::default(), crate::need::root().ok().map(|()| owner)).await
    }

    /// Where all projects are.
    pub(crate) fn root(&self) -> PathBuf {
        self.outside("projects")
    }

    /// The files as a host sees them that starts now.
    pub(crate) fn restarted(&self) -> Files {
        let disk = Disk::new(&Config::default(), None);
        Files::new(self.projects.clone(), &Clock::system(), self.events.clone(), disk)
    }

    async fn with(config: Config, owner: Option<Owner>) -> Self {
        Self::within(config, owner, quotas_of::Config::default()).await
    }

    async fn within(config: Config, owner: Option<Owner>, quotas: quotas_of::Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let db = crate::databases::opened(data.path()).await;
        let (clock, tasks) = (Clock::system(), Tasks::new());
        let events = Events::new(clock.clone());
        let root = data.path().join("projects");
        let quotas = Quotas::new(db.clone(), clock.clone(), &quotas);
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, owner);
        let projects = projects.within(quotas);
        let audit = Audit::start(db.clone(), clock.clone(), &tasks);
        let gate = Gate::new(Limits::new(&limits::Config::default()), audit);
        let user = User { id: "ada".parse().unwrap(), role: Role::Learner };
        lockhouse::auth::Auth::new(&lockhouse::auth::Config::default(), db, clock.clone())
            .unwrap()
            .development_user(&user.id)
            .await
            .unwrap();
        let caller = Caller::new(user, RequestId::generate());
        let target = lockhouse::gate::Target::New { name: "project/todo".to_owned() };
        let permit = gate.admit(&caller, Action::write("project.create", target)).await.unwrap();
        let project = make_project(&projects, &permit, "todo").await;
        let workspace = projects.workspace(&project.id);
        let files = Files::new(projects.clone(), &clock, events.clone(), Disk::new(&config, owner));
        Self { files, project, events, tasks, gate, caller, projects, data, workspace }
    }

    /// The same room, with another project of the same owner's in it.
    pub(crate) async fn beside(mut self, name: &str) -> Self {
        let permit = self.permit().await;
        self.project = make_project(&self.projects, &permit, name).await;
        self.workspace = self.projects.workspace(&self.project.id);
        self
    }

    pub(crate) async fn permit(&self) -> Permit {
        let action = Action::write("file.write", self.project.target());
        self.gate.admit(&self.caller, action).await.unwrap()
    }

    /// Where the project's files are on this machine.
    pub(crate) fn inside(&self, path: &str) -> PathBuf {
        self.workspace.join(path)
    }

    /// A place beside the project, which nothing may reach.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.data.path().join(path)
    }

    /// A secret beside the project.
    pub(crate) fn secret(&self) -> PathBuf {
        let path = self.outside("secret");
        std::fs::write(&path, "secret").unwrap();
        path
    }

    /// Makes a link inside.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<std::path::Path>) {
        std::os::unix::fs::symlink(target, self.inside(name)).unwrap();
    }

    pub(crate) async fn write(&self, path: &str, text: &str) -> Result<Saved, Error> {
        self.save(path, text, Save::default()).await
    }

    pub(crate) async fn save(&self, path: &str, text: &str, save: Save) -> Result<Saved, Error> {
        let (permit, bytes) = (self.permit().await, Bytes::copy_from_slice(text.as_bytes()));
        self.files.write_bytes(&permit, &self.project, &rel(path), bytes, save).await
    }

    pub(crate) async fn read(&self, path: &str) -> Result<String, Error> {
        let content = self.files.read(&self.project, &rel(path)).await?;
        Ok(String::from_utf8(content.bytes).unwrap())
    }

    pub(crate) async fn delete(&self, path: &str, recursive: bool) -> Result<bool, Error> {
        let permit = self.permit().await;
        let none = Precondition::None;
        self.files.delete(&permit, &self.project, &rel(path), recursive, none).await
    }

    pub(crate) async fn rename(&self, from: &str, to: &str, overwrite: bool) -> Result<(), Error> {
        let permit = self.permit().await;
        self.files.rename(&permit, &self.project, &rel(from), &rel(to), overwrite).await
    }

    pub(crate) async fn batch(&self, operations: Vec<Operation>) -> Result<Vec<Changed>, Error> {
        self.files.batch(&self.permit().await, &self.project, operations).await
    }

    pub(crate) async fn search(&self, query: Query) -> Result<Found, Error> {
        self.files.search(&self.project, &query).await
    }

    pub(crate) async fn list(&self, path: &str, list: List) -> Result<Listing, Error> {
        let path = (!path.is_empty()).then(|| rel(path));
        self.files.list(&self.project, path.as_ref(), list).await
    }

    /// All paths in the project.
    pub(crate) async fn paths(&self) -> Vec<String> {
        let all = List { recursive: true, ..List::default() };
        let listing = self.list("", all).await.unwrap();
        listing.entries.into_iter().map(|entry| entry.path).collect()
    }
}

pub(crate) fn rel(path: &str) -> RelPath {
    path.parse().unwrap()
}

async fn make_project(projects: &Projects, permit: &Permit, name: &str) -> Project {
    let name = name.parse().unwrap();
    let new = NewProject { name, kind: Kind::Python, description: String::new() };
    projects.create(permit, new).await.unwrap().0
}
