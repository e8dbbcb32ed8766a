//! Room agents: runs of an agent that follows a script, in runtimes of the
//! fake engine, whose supervisors are real.

mod fixing;
mod following;
mod keeping;
mod running;
mod writing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lockhouse::agents::{
    self, Agent, AgentError, Agents, Brief, Config, Edit, Error, Event, Failure, NewRun, Parts,
    Plan, PlannedFile, Progress, ProgressSender, Recorded, Roster, Run, WriteContext,
};
use lockhouse::audit::Audit;
use lockhouse::auth::{self, Auth, Caller, Role, User};
use lockhouse::clock::Clock;
use lockhouse::db::Db;
use lockhouse::events::Events;
use lockhouse::exec::{self, Exec};
use lockhouse::files::{self, Disk, Files};
use lockhouse::gate::{Action, Gate, Permit, Target};
use lockhouse::ids::{InstanceId, Kind, RequestId};
use lockhouse::jobs::{self, Jobs};
use lockhouse::leases::Leases;
use lockhouse::limits::{self, Limits};
use lockhouse::objects::{self, Objects};
use lockhouse::policy::{Binding, CommandPolicy, Fault, Policies, Request, Risk, Verdict};
use lockhouse::processes::Processes;
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::runtimes::egress::{self, Egress, SystemResolver};
use lockhouse::runtimes::fake::{Fake, World};
use lockhouse::runtimes::{self, Place, Runtimes, disk, local, spec};
use lockhouse::tasks::Tasks;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::databases::{self, Database};

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// More plans than a test asks for.
const PLANS: usize = 64;

/// The static supervisor, as `make artifacts` builds it.
const SUPERVISOR: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../target/artifacts/lockhouse-supervisor");

/// All that agents need, and one project.
pub(crate) struct Room {
    parts: Parts,
    gate: Gate,
    ada: Caller,
    project: Project,
    _data: TempDir,
}

/// An agent that answers with what it was told to.
struct Script {
    plan: Plan,
    /// The edits of each step.
    edits: Vec<Vec<Edit>>,
    /// The edits of each repair.
    repairs: Vec<Vec<Edit>>,
    /// Who repairs instead of the script.
    fixer: Option<Arc<dyn Agent>>,
    /// What it was asked to repair.
    failures: Arc<Mutex<Vec<Failure>>>,
    plays: Vec<agents::Role>,
    /// Leave to plan.
    may_plan: Arc<Semaphore>,
}

/// Refuses what is called forbidden.
struct Guard;

#[async_trait]
impl CommandPolicy for Guard {
    fn name(&self) -> &str {
        "guard@1.0.0"
    }

    async fn evaluate(&self, request: &Request) -> Result<Verdict, Fault> {
        let allow = !request.command.contains("forbidden");
        Ok(Verdict {
            allow,
            risk: if allow { Risk::Safe } else { Risk::Blocked },
            rule: "by-name".to_owned(),
            reason: "it is called forbidden".to_owned(),
            sanitised: None,
            advice: None,
        })
    }

    async fn explain(&self) -> Result<String, Fault> {
        Ok(String::new())
    }
}

#[async_trait]
impl Agent for Script {
    fn name(&self) -> &str {
        "script@1.0.0"
    }

    fn summary(&self) -> &str {
        "Does as it is told."
    }

    fn plays(&self, role: agents::Role) -> bool {
        self.plays.contains(&role)
    }

    async fn plan(&self, brief: &Brief, progress: &ProgressSender) -> Result<Plan, AgentError> {
        let thinking = Progress { done: 1, total: 2, message: "thinking".to_owned() };
        progress.send(thinking).await.unwrap();
        self.may_plan.acquire().await.unwrap().forget();
        match brief.prompt.strip_prefix("nonsense") {
            Some(_) => Err(AgentError::Invalid("say something sensible".to_owned())),
            None => Ok(self.plan.clone()),
        }
    }

    async fn write(
        &self,
        _plan: &Plan,
        step: u32,
        _context: &WriteContext,
        _progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError> {
        Ok(self.edits[step as usize].clone())
    }

    async fn fix(
        &self,
        failure: &Failure,
        context: &WriteContext,
        progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError> {
        if let Some(fixer) = &self.fixer {
            return fixer.fix(failure, context, progress).await;
        }
        self.failures.lock().unwrap().push(failure.clone());
        Ok(self.repairs.get(failure.attempt as usize).cloned().unwrap_or_default())
    }
}

impl Script {
    /// Writes one file a step and needs nothing more.
    fn writing(edits: impl IntoIterator<Item = Edit>) -> Self {
        let edits: Vec<Vec<Edit>> = edits.into_iter().map(|edit| vec![edit]).collect();
        let file = |n| PlannedFile { path: format!("step-{n}"), purpose: String::new() };
        let plan = Plan {
            kind: Kind::Python,
            summary: "What the script says.".to_owned(),
            files: (0..edits.len()).map(file).collect(),
            install: Vec::new(),
            start: None,
            port: None,
            checks: Vec::new(),
            notes: String::new(),
        };
        Self {
            plan,
            edits,
            repairs: Vec::new(),
            fixer: None,
            failures: Arc::default(),
            plays: vec![agents::Role::Planner, agents::Role::Writer],
            may_plan: Arc::new(Semaphore::new(PLANS)),
        }
    }

    /// Writes one file; the rest of its plan is for the test to say.
    fn planning(change: impl FnOnce(&mut Plan)) -> Self {
        let mut script = Self::writing([write("app.py", "print('hi')\n")]);
        change(&mut script.plan);
        script
    }

    /// The same, which also repairs: with these edits, once each.
    fn repairing(mut self, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.plays.push(agents::Role::Fixer);
        self.repairs = edits.into_iter().map(|edit| vec![edit]).collect();
        self
    }

    /// The same, with another's repairs.
    fn repaired_by(mut self, fixer: Arc<dyn Agent>) -> Self {
        self.fixer = Some(fixer);
        self.repairing([])
    }
}

fn write(path: &str, text: &str) -> Edit {
    Edit::Write { path: path.to_owned(), content: text.into(), executable: false }
}

fn delete(path: &str) -> Edit {
    Edit::Delete { path: path.to_owned() }
}

async fn make_project(gate: &Gate, projects: &Projects, caller: &Caller, name: &str) -> Project {
    let target = Target::New { name: format!("project/{name}") };
    let permit = gate.admit(caller, Action::write("project.create", target)).await.unwrap();
    let new =
        NewProject { name: name.parse().unwrap(), kind: Kind::Python, description: String::new() };
    projects.create(&permit, new).await.unwrap().0
}

impl Room {
    pub(crate) async fn with(agent: impl Agent) -> Self {
        Self::on(databases::usual().await, agent).await
    }

    pub(crate) async fn on(database: Database, agent: impl Agent) -> Self {
        let Database { db, data } = database;
        let (clock, tasks) = (Clock::system(), Tasks::new());
        let events = Events::new(clock.clone());
        let audit = Audit::start(db.clone(), clock.clone(), &tasks);
        let gate = Gate::new(Limits::new(&limits::Config::default()), audit);
        let ada = caller("ada", Role::Learner);
        let auth = Auth::new(&auth::Config::default(), db.clone(), clock.clone()).unwrap();
        auth.development_user(&ada.user.id).await.unwrap();
        let root = data.path().join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), root, None);
        let limits = files::Config::default();
        let disk = Disk::new(&limits, None);
        let files = Files::new(projects.clone(), &clock, events.clone(), disk);
        let ground = (&db, &clock, &events, &tasks);
        let jobs = open_jobs(&data, ground, &files, &limits);
        let runtimes = open_runtimes(&data, ground, &projects, &gate).await;
        let policies = Policies::new([Binding::enforced(Arc::new(Guard))]);
        let exec = Exec::new(exec::Parts {
            db: db.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            files: files.clone(),
            runtimes: runtimes.clone(),
            policies: policies.clone(),
        });
        let processes = Processes::new(
            db.clone(),
            clock.clone(),
            events.clone(),
            projects.clone(),
            runtimes.clone(),
            policies,
        );
        let project = make_project(&gate, &projects, &ada, "todo").await;
        let hosts = data.path().join("hosts");
        let leases = Leases::open(db.clone(), clock.clone(), tasks.clone(), hosts).await.unwrap();
        let parts = Parts {
            leases,
            db,
            clock,
            events,
            tasks,
            projects,
            runtimes,
            exec,
            processes,
            files,
            jobs,
            agents: Roster::new([Arc::new(agent) as Arc<dyn Agent>]),
            config: Config::default(),
        };
        Self { parts, gate, ada, project, _data: data }
    }

    /// The agents as a server sees them that starts now.
    pub(crate) fn agents(&self) -> Agents {
        Agents::new(self.parts.clone())
    }

    pub(crate) async fn permit(&self) -> Permit {
        let action = Action::write("run.start", self.project.target());
        self.gate.admit(&self.ada, action).await.unwrap()
    }

    pub(crate) async fn begin(&self, agents: &Agents, new: NewRun) -> Result<Run, Error> {
        agents.generate(self.permit().await, self.project.clone(), new).await
    }

    /// Begins a run in another project.
    pub(crate) async fn begin_in(&self, agents: &Agents, name: &str) -> Result<Run, Error> {
        let project = make_project(&self.gate, &self.parts.projects, &self.ada, name).await;
        agents.generate(self.permit().await, project, write_only("an app")).await
    }

    /// Carries out a run and answers with all that it told.
    pub(crate) async fn generates(&self, new: NewRun) -> Vec<Event> {
        let agents = self.agents();
        let run = self.begin(&agents, new).await.unwrap();
        told(&agents, &run, 0).await.into_iter().map(|step| step.event).collect()
    }

    /// What stands in a file of the project.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        let workspace = self.parts.projects.workspace(&self.project.id);
        std::fs::read_to_string(workspace.join(path)).ok()
    }

    /// Ends the project's runtime, which is a process of this machine.
    async fn close(self) {
        let permit = self.permit().await;
        self.parts.runtimes.delete(&permit, &self.project).await.unwrap();
    }
}

fn open_jobs(
    data: &TempDir,
    (db, clock, events, tasks): (&Db, &Clock, &Events, &Tasks),
    files: &Files,
    limits: &files::Config,
) -> Jobs {
    let folder = data.path().join("objects");
    Jobs::new(jobs::Parts {
        db: db.clone(),
        clock: clock.clone(),
        events: events.clone(),
        tasks: tasks.clone(),
        files: files.clone(),
        objects: Objects::open(&objects::Config::default(), folder, Vec::new()).unwrap(),
        root: data.path().join("jobs"),
        batches: data.path().join("job-batches"),
        config: &jobs::Config::default(),
        limits,
    })
}

pub(crate) async fn open_runtimes(
    data: &TempDir,
    (db, clock, events, tasks): (&Db, &Clock, &Events, &Tasks),
    projects: &Projects,
    gate: &Gate,
) -> Runtimes {
    let hosts = data.path().join("hosts");
    let leases = Leases::open(db.clone(), clock.clone(), tasks.clone(), hosts).await.unwrap();
    let supervisor = std::fs::read(SUPERVISOR).unwrap_or_default();
    let (instance, user) = (InstanceId::generate(), local::runtime_user());
    let root = data.path().join("runtimes");
    let place = Place::prepare_shared(root, instance.clone(), user, &supervisor, None).unwrap();
    let parts = egress::Parts {
        tasks: tasks.clone(),
        events: events.clone(),
        resolver: Arc::new(SystemResolver),
        dir: data.path().join("egress"),
        deadlines: egress::Deadlines::default(),
    };
    Runtimes::open(runtimes::Parts {
        db: db.clone(),
        clock: clock.clone(),
        events: events.clone(),
        tasks: tasks.clone(),
        projects: projects.clone(),
        engine: Arc::new(Fake::new(World::default(), instance)),
        disk: Arc::new(disk::Watch),
        egress: Egress::new(&egress::Config::default(), parts).unwrap(),
        place,
        leases,
        gate: gate.clone(),
        config: spec::Config::default(),
    })
}

fn caller(name: &str, role: Role) -> Caller {
    let user = User { id: name.parse().unwrap(), role };
    Caller::new(user, RequestId::generate())
}

/// Writes and goes no further.
pub(crate) fn write_only(prompt: &str) -> NewRun {
    NewRun { prompt: prompt.to_owned(), agent: None, run: false, kind_fixed: true }
}

/// Writes, installs, starts and checks.
fn in_full(prompt: &str) -> NewRun {
    NewRun { run: true, ..write_only(prompt) }
}

/// All that a run tells after `since`, until it ends.
async fn told(agents: &Agents, run: &Run, since: u64) -> Vec<Recorded> {
    let mut watch = agents.watch(run, since);
    let all = async {
        let mut told = Vec::new();
        while let Some(step) = watch.next().await {
            told.push(step.unwrap());
        }
        told
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the run ends")
}

/// Why the run failed.
pub(crate) fn failure(events: &[Event]) -> &str {
    match events.last() {
        Some(Event::Failed { error }) => error,
        other => panic!("it did not fail: {other:?}"),
    }
}

/// The states that the run went through, each once.
fn states(events: &[Event]) -> Vec<&'static str> {
    let state = |event: &Event| match event {
        Event::State { state, .. } => Some(state.as_str()),
        _ => None,
    };
    let mut states: Vec<&str> = events.iter().filter_map(state).collect();
    states.dedup();
    states
}

/// The supervisor, where it is built.
fn supervisor() -> Result<(), String> {
    let there = std::path::Path::new(SUPERVISOR).exists();
    there.then_some(()).ok_or("build the supervisor: `make supervisor`".to_owned())
}
