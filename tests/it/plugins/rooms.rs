//! Rooms that plugins can reach, one project in them, and what is then asked.

use jiff::Timestamp;
use lockhouse::agents::{Agent as _, Brief, Models};
use lockhouse::audit::Audit;
use lockhouse::auth::{self, Auth, Caller};
use lockhouse::clock::Clock;
use lockhouse::db::Db;
use lockhouse::events::Events;
use lockhouse::files::{self, Disk, Files};
use lockhouse::gate::{Action, Gate, Target};
use lockhouse::ids::{Kind, RequestId};
use lockhouse::limits::{self, Limits};
use lockhouse::plugins::{
    AgentPlugin, Config, Grant, Granted, KvStore, LoadOptions, Plugins, PolicyPlugin, Rooms,
    Secrets,
};
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::tasks::Tasks;
use tempfile::TempDir;

use super::harness::{brief, folder};

/// A host whose rooms plugins can reach.
pub(crate) struct Reachable {
    plugins: Plugins,
    pub(crate) db: Db,
    project: Project,
    projects: Projects,
    data: TempDir,
    _tasks: Tasks,
}

impl Reachable {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let db = crate::databases::opened(data.path()).await;
        let clock = Clock::manual(Timestamp::from_microsecond(1_234_567).unwrap());
        let (tasks, events) = (Tasks::new(), Events::new(clock.clone()));
        let root = data.path().join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, None);
        let disk = Disk::new(&files::Config::default(), None);
        let audit = Audit::start(db.clone(), clock.clone(), &tasks);
        let project = project(&db, &clock, &audit, &projects).await;
        let rooms = Rooms {
            db: Some(db.clone()),
            audit: Some(audit),
            files: Some(Files::new(projects.clone(), &clock, events, disk)),
            projects: Some(projects.clone()),
            clock,
            models: Models::default(),
            tape: None,
        };
        let texts = [("API_KEY".to_owned(), "hush".to_owned())];
        let config = Config { secrets: Secrets::from_iter(texts), ..config };
        let plugins = Plugins::start(config, Some(&folder()), rooms).unwrap();
        Self { plugins, db, project, projects, data, _tasks: tasks }
    }

    pub(crate) async fn policy(&self, bytes: &[u8], granted: &Granted) -> PolicyPlugin {
        let options = LoadOptions { settings: "{}", granted: granted.clone() };
        let loaded = self.plugins.load("fixture.wasm", bytes, options).await.unwrap();
        loaded.into_policy().unwrap()
    }

    async fn agent(&self, bytes: &[u8], granted: &Granted) -> AgentPlugin {
        let options = LoadOptions { settings: "{}", granted: granted.clone() };
        let loaded = self.plugins.load("fixture.wasm", bytes, options).await.unwrap();
        loaded.into_agent().unwrap()
    }

    /// What an agent says that is asked on behalf of the project's owner.
    pub(crate) async fn says(&self, bytes: &[u8], granted: &Granted) -> String {
        self.says_to("ada", bytes, granted).await
    }

    /// What an agent says that is asked on behalf of this caller.
    pub(crate) async fn says_to(&self, caller: &str, bytes: &[u8], granted: &Granted) -> String {
        let agent = self.agent(bytes, granted).await;
        let (project, caller) = (self.project.id.clone(), caller.parse().unwrap());
        let brief = Brief { project, caller, ..brief("what do you see?") };
        let (progress, _reports) = tokio::sync::mpsc::channel(1);
        agent.plan(&brief, &progress).await.unwrap_err().to_string()
    }

    /// What a plugin keeps under a key.
    pub(crate) async fn kept(&self, plugin: &str, key: &str) -> Option<Vec<u8>> {
        KvStore::new(self.db.clone()).get(plugin, key).await.unwrap()
    }

    pub(crate) fn writes(&self, path: &str, text: &str) {
        let path = self.projects.workspace(&self.project.id).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A link in the project to what lies outside of it.
    pub(crate) fn links_out(&self, name: &str) {
        let outside = self.data.path().join("outside");
        std::fs::write(&outside, "hush").unwrap();
        let workspace = self.projects.workspace(&self.project.id);
        std::os::unix::fs::symlink(outside, workspace.join(name)).unwrap();
    }
}

pub(crate) fn granted(grant: Grant) -> Granted {
    Granted::new([grant.clone()], [grant])
}

async fn project(db: &Db, clock: &Clock, audit: &Audit, projects: &Projects) -> Project {
    let auth = Auth::new(&auth::Config::default(), db.clone(), clock.clone()).unwrap();
    let user = auth.development_user(&"ada".parse().unwrap()).await.unwrap();
    let ada = Caller::new(user, RequestId::generate());
    let gate = Gate::new(Limits::new(&limits::Config::default()), audit.clone());
    let target = Target::New { name: "project/todo".to_owned() };
    let permit = gate.admit(&ada, Action::write("project.create", target)).await.unwrap();
    let name = "todo".parse().unwrap();
    let new = NewProject { name, kind: Kind::Python, description: String::new() };
    projects.create(&permit, new).await.unwrap().0
}
