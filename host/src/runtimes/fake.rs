//! An engine for fast tests: each runtime is the real supervisor as a plain child process of this
//! one. NOTHING IS ISOLATED. No configuration chooses it; a test constructs it.
//!
//! It keeps the same promises as the others as far as a plain process can: a runtime outlives the
//! engine object ([`World`] stands for the machine), and its files are its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::{Mutex, mpsc};

use super::engine::{
    Answer, Enforced, Enforcement, Engine, EngineState, Error, Image, Limits, Observed,
    RuntimeSpec, SOCKET_FILE, SUPERVISOR_FILE, Usage,
};
use super::local::process::{self, KILL_TIMEOUT};
use crate::command::Command;
use crate::ids::{InstanceId, Kind, ProjectId};

/// What would be there after a restart of the server. Cloning gives the same world.
#[derive(Debug, Clone, Default)]
pub struct World(Arc<Mutex<BTreeMap<ProjectId, Runtime>>>);

impl World {
    /// How a runtime of it was made.
    pub async fn spec(&self, id: &ProjectId) -> Option<RuntimeSpec> {
        self.0.lock().await.get(id).map(|runtime| runtime.spec.clone())
    }
}

#[derive(Debug)]
struct Runtime {
    spec: RuntimeSpec,
    started: bool,
    process: Option<process::FirstProcess>,
}

impl Runtime {
    fn observed(&self) -> Observed {
        let lives = self.process.as_ref().is_some_and(|process| process.lives());
        let state = match (lives, self.started) {
            (true, _) => EngineState::Running,
            (false, false) => EngineState::Created,
            (false, true) => EngineState::Stopped { exit_code: None, out_of_memory: false },
        };
        Observed { id: self.spec.id.clone(), generation: self.spec.generation, state }
    }

    async fn end(&self, grace: Duration) -> Result<(), Error> {
        let Some(process) = self.process.as_ref().filter(|process| process.lives()) else {
            return Ok(());
        };
        process::signal(process, Signal::TERM).map_err(failed)?;
        if process::ends_within(process.pid, grace).await {
            return Ok(());
        }
        if let Some(group) = Pid::from_raw(process.pid) {
            _ = kill_process_group(group, Signal::KILL);
        }
        process::signal(process, Signal::KILL).map_err(failed)?;
        if process::ends_within(process.pid, KILL_TIMEOUT).await {
            return Ok(());
        }
        Err(Error::Failed(format!("process {} does not end", process.pid)))
    }
}

#[derive(Debug)]
pub struct Fake {
    world: World,
    instance: InstanceId,
}

impl Fake {
    pub fn new(world: World, instance: InstanceId) -> Self {
        Self { world, instance }
    }

    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    async fn with<T>(
        &self,
        id: &ProjectId,
        see: impl FnOnce(&mut Runtime) -> T,
    ) -> Result<T, Error> {
        let mut runtimes = self.world.0.lock().await;
        let ours = runtimes.get_mut(id).filter(|runtime| runtime.spec.instance == self.instance);
        ours.map(see).ok_or(Error::NotFound)
    }
}

#[async_trait]
impl Engine for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn describe(&self) -> Result<String, Error> {
        Ok("fake: plain processes, NOT ISOLATED, for tests".to_owned())
    }

    fn enforced(&self) -> Enforced {
        let none = || Enforcement::None("the fake engine holds no limit".to_owned());
        Enforced { memory: none(), cpu: none(), pids: none(), open_files: none(), tmp: none() }
    }

    async fn image(&self, kind: Kind) -> Result<Image, Error> {
        let name = "this machine itself".to_owned();
        Ok(Image { kind, digest: name.clone(), name, notice: None })
    }

    async fn ask(&self, _kind: Kind, argv: &[&str]) -> Result<Answer, Error> {
        let (program, args) = argv.split_first().ok_or(Error::NotFound)?;
        let output = Command::new(program).args(args).output().await.map_err(failed)?;
        let exit_code = output.exit_code.unwrap_or(-1);
        Ok(Answer { exit_code, stdout: output.stdout, stderr: output.stderr })
    }

    async fn create(&self, spec: &RuntimeSpec) -> Result<(), Error> {
        let mut runtimes = self.world.0.lock().await;
        if let Some(there) = runtimes.get(&spec.id) {
            if there.spec.generation == spec.generation {
                return Ok(());
            }
            there.end(Duration::ZERO).await?;
        }
        let runtime = Runtime { spec: spec.clone(), started: false, process: None };
        runtimes.insert(spec.id.clone(), runtime);
        Ok(())
    }

    async fn start(&self, id: &ProjectId) -> Result<(), Error> {
        self.with(id, |runtime| {
            if runtime.observed().state == EngineState::Running {
                return Ok(());
            }
            runtime.started = true;
            runtime.process = Some(spawn(&runtime.spec)?);
            Ok(())
        })
        .await?
    }

    /// Nothing holds them; they are remembered as the spec's.
    async fn update(&self, id: &ProjectId, limits: &Limits) -> Result<(), Error> {
        self.with(id, |runtime| runtime.spec.limits = *limits).await
    }

    async fn stop(&self, id: &ProjectId, grace: Duration) -> Result<(), Error> {
        let runtimes = self.world.0.lock().await;
        let ours = runtimes.get(id).filter(|runtime| runtime.spec.instance == self.instance);
        ours.ok_or(Error::NotFound)?.end(grace).await
    }

    async fn remove(&self, id: &ProjectId) -> Result<(), Error> {
        let mut runtimes = self.world.0.lock().await;
        let ours = runtimes.get(id).filter(|runtime| runtime.spec.instance == self.instance);
        if let Some(runtime) = ours {
            runtime.end(Duration::ZERO).await?;
            runtimes.remove(id);
        }
        Ok(())
    }

    async fn inspect(&self, id: &ProjectId) -> Result<Option<Observed>, Error> {
        match self.with(id, |runtime| runtime.observed()).await {
            Err(Error::NotFound) => Ok(None),
            seen => seen.map(Some),
        }
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        let runtimes = self.world.0.lock().await;
        let ours = runtimes.values().filter(|runtime| runtime.spec.instance == self.instance);
        Ok(ours.map(Runtime::observed).collect())
    }

    /// There is one name for each.
    async fn remove_duplicates(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The link of a runtime that ends tells so at once; nobody else would.
    async fn watch(&self, _changed: &mpsc::Sender<ProjectId>) -> Result<(), Error> {
        std::future::pending().await
    }

    async fn usage(&self, id: &ProjectId) -> Result<Usage, Error> {
        let nothing = Usage { cpu: Duration::ZERO, memory_bytes: 0, pids: 0 };
        self.with(id, |runtime| match &runtime.process {
            Some(first) if first.lives() => process::usage(first.pid),
            _ => nothing,
        })
        .await
    }
}

fn spawn(spec: &RuntimeSpec) -> Result<process::FirstProcess, Error> {
    let log = std::fs::File::create(spec.link_dir.join("fake.log")).map_err(failed)?;
    let socket: PathBuf = spec.link_dir.join(SOCKET_FILE);
    let mut command = Command::new(spec.link_dir.join(SUPERVISOR_FILE))
        .arg("--socket")
        .arg(socket)
        // Runtimes share this machine's loopback here, so each proxy gets a port of its own.
        .args(["--proxy", "127.0.0.1:0"])
        .arg("--workspace")
        .arg(&spec.workspace)
        .current_dir(&spec.workspace);
    for (name, value) in &spec.env {
        command = command.env(name, value);
    }
    let pid = command.leave(log).map_err(failed)?;
    let first = i32::try_from(pid).ok().and_then(process::FirstProcess::of);
    first.ok_or_else(|| Error::Failed("the supervisor ended at once".to_owned()))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the fake engine: {error}"))
}
