//! Where a contract test plays: an engine on a data directory of its own, and what the host does
//! for a runtime beside it: the link directory, its socket, the link.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use lockhouse::command::Command;
use lockhouse::ids::{InstanceId, Kind, ProjectId};
use lockhouse::runtimes::docker::{self, Docker};
use lockhouse::runtimes::engine::{
    Engine, EngineState, Error, Limits, RuntimeSpec, SOCKET_FILE, SUPERVISOR_FILE,
};
use lockhouse::runtimes::fake::{Fake, World};
use lockhouse::runtimes::local::{self, Local, runtime_user};
use lockhouse::tasks::Tasks;
use lockhouse_supervisor::client::{Config, ExecEvent, Link, establish};
use lockhouse_supervisor::protocol::{Exec, OutputStream};
use tempfile::TempDir;
use tokio::net::UnixListener;

use crate::host::forget_groups;

/// How long anything here may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Room for stopping in good order.
pub(super) const GRACE: Duration = Duration::from_secs(10);

pub(super) struct Stage {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) instance: InstanceId,
    data: TempDir,
    world: World,
    tasks: Tasks,
    /// How the local engine is configured.
    config: local::Config,
    /// Programs that were made for the test.
    programs: Option<TempDir>,
}

/// How a command in a runtime ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A runtime and the host's end of its link.
pub(super) struct Runtime {
    pub(super) spec: RuntimeSpec,
    listener: UnixListener,
    link: Option<Link>,
    tasks: Tasks,
}

impl Stage {
    pub(super) async fn fake(_test: &str) -> Result<Option<Self>, String> {
        let open = |_, instance, world| async move {
            Ok(Arc::new(Fake::new(world, instance)) as Arc<dyn Engine>)
        };
        Self::new(open).await.map(Some)
    }

    pub(super) async fn local(_test: &str) -> Result<Option<Self>, String> {
        Self::on_this_machine(local::Mode::Oci).await.map(Some)
    }

    /// The local engine with another OCI runtime than it would take by itself.
    pub(super) async fn crun(_test: &str) -> Result<Option<Self>, String> {
        Self::with_program("crun", CRUN_WITHOUT_VERSION_2).await.map(Some)
    }

    /// The local engine with an OCI runtime that lists nothing, as `runc` does when one container
    /// goes while it looks.
    pub(super) async fn without_list() -> Result<Self, String> {
        Self::with_program("runc", RUNC_WITHOUT_LIST).await
    }

    /// The local engine with a script in place of the OCI runtime that it calls.
    async fn with_program(name: &str, script: &str) -> Result<Self, String> {
        let version = Command::new(name).arg("--version").success().await;
        version.map_err(|error| error.to_string())?;
        let dir = tempfile::tempdir().expect("a directory for the test");
        let program = dir.path().join(name);
        std::fs::write(&program, script).unwrap();
        open_to_all(&program, 0o755);
        let config = local::Config { mode: local::Mode::Oci, runtime: Some(program) };
        let mut stage = Self::with_config(config).await?;
        stage.programs = Some(dir);
        Ok(stage)
    }

    /// The local engine on gVisor.
    pub(super) async fn gvisor(_test: &str) -> Result<Option<Self>, String> {
        let runtime = Some(PathBuf::from("runsc"));
        Self::with_config(local::Config { mode: local::Mode::Oci, runtime }).await.map(Some)
    }

    /// As root the test is run again by an ordinary user, and this one only watches.
    pub(super) async fn bubblewrap(test: &str) -> Result<Option<Self>, String> {
        if rustix::process::geteuid().is_root() {
            return play_as_ordinary_user(test).await.map(|()| None);
        }
        Self::on_this_machine(local::Mode::Bubblewrap).await.map(Some)
    }

    pub(super) async fn docker(_test: &str) -> Result<Option<Self>, String> {
        let stage = Self::new(|_, instance, _| open_docker(instance)).await?;
        stage.has_python().await.map(Some)
    }

    /// Docker with gVisor beneath.
    pub(super) async fn gvisor_on_docker(_test: &str) -> Result<Option<Self>, String> {
        let open = |_, instance, _| open_docker_with(instance, Some("runsc".to_owned()));
        Self::new(open).await?.has_python().await.map(Some)
    }

    async fn on_this_machine(mode: local::Mode) -> Result<Self, String> {
        Self::with_config(local::Config { mode, ..local::Config::default() }).await
    }

    async fn with_config(config: local::Config) -> Result<Self, String> {
        let local = config.clone();
        let stage = Self::new(|data, instance, _| async move {
            Ok(Arc::new(Local::open(&local, &data, &instance).await?) as Arc<dyn Engine>)
        });
        Self { config, ..stage.await? }.has_python().await
    }

    async fn has_python(self) -> Result<Self, String> {
        self.engine.image(Kind::Python).await.map_err(|error| error.to_string())?;
        Ok(self)
    }

    async fn new<Opened>(
        open: impl FnOnce(PathBuf, InstanceId, World) -> Opened,
    ) -> Result<Self, String>
    where
        Opened: Future<Output = Result<Arc<dyn Engine>, Error>>,
    {
        let data = tempfile::tempdir().expect("a directory for the test");
        let (instance, world) = (InstanceId::generate(), World::default());
        let engine = open(data.path().to_owned(), instance.clone(), world.clone()).await;
        let engine = engine.map_err(|error| error.to_string())?;
        let (tasks, config) = (Tasks::new(), local::Config::default());
        Ok(Self { engine, instance, data, world, tasks, config, programs: None })
    }

    /// Whether runtimes have a kernel of their own.
    pub(super) fn on_gvisor(&self) -> bool {
        !self.engine.shares_kernel()
    }

    /// Another engine object of the same sort on the same machine: for this instance, the server
    /// after a restart.
    pub(super) async fn open_again(&self, instance: &InstanceId) -> Arc<dyn Engine> {
        match self.engine.name() {
            "fake" => Arc::new(Fake::new(self.world.clone(), instance.clone())),
            "docker" => {
                let runtime = self.on_gvisor().then(|| "runsc".to_owned());
                open_docker_with(instance.clone(), runtime).await.unwrap()
            }
            _ => Arc::new(Local::open(&self.config, self.data.path(), instance).await.unwrap()),
        }
    }

    /// Plays a test to its end and clears away what it left, then lets it fail if it did.
    pub(super) async fn play(&self, test: impl Future<Output = ()>) {
        let outcome =
            AssertUnwindSafe(tokio::time::timeout(PATIENCE * 4, test)).catch_unwind().await;
        for left in self.engine.list().await.unwrap() {
            self.engine.remove(&left.id).await.unwrap();
        }
        forget_groups(self.instance.as_str());
        match outcome {
            Ok(played) => played.expect("the test ends in time"),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// What the host prepares for a runtime, which is not created yet.
    pub(super) fn runtime(&self) -> Runtime {
        let id = ProjectId::generate();
        let workspace = self.data.path().join("projects").join(id.as_str());
        let link_dir = self.data.path().join("runtimes").join(id.as_str()).join("run");
        let user = runtime_user();
        for dir in [&workspace, &link_dir] {
            std::fs::create_dir_all(dir).unwrap();
        }
        std::os::unix::fs::chown(&workspace, Some(user.uid), Some(user.gid)).unwrap();
        std::fs::copy(supervisor(), link_dir.join(SUPERVISOR_FILE)).unwrap();
        let listener = UnixListener::bind(link_dir.join(SOCKET_FILE)).unwrap();
        open_to_all(&link_dir.join(SOCKET_FILE), 0o666);
        open_to_all(&link_dir.join(SUPERVISOR_FILE), 0o755);
        let spec = RuntimeSpec {
            id,
            instance: self.instance.clone(),
            generation: 1,
            kind: Kind::Python,
            workspace,
            link_dir,
            user,
            limits: LIMITS,
            env: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
        };
        Runtime { spec, listener, link: None, tasks: self.tasks.clone() }
    }

    /// A runtime that runs and is linked.
    pub(super) async fn running(&self) -> Runtime {
        self.running_with(LIMITS).await
    }

    pub(super) async fn running_with(&self, limits: Limits) -> Runtime {
        let mut runtime = self.runtime();
        runtime.spec.limits = limits;
        self.engine.create(&runtime.spec).await.unwrap();
        self.engine.start(&runtime.spec.id).await.unwrap();
        runtime.connect().await;
        runtime
    }

    pub(super) async fn state(&self, id: &ProjectId) -> Option<EngineState> {
        self.engine.inspect(id).await.unwrap().map(|seen| seen.state)
    }

    pub(super) fn data(&self) -> &Path {
        self.data.path()
    }
}

pub(super) const LIMITS: Limits = Limits {
    memory_bytes: 192 * 1024 * 1024,
    cpu_millis: 1000,
    pids: 64,
    disk_bytes: 1024 * 1024 * 1024,
    tmp_bytes: 8 * 1024 * 1024,
    open_files: 512,
};

impl Runtime {
    pub(super) fn id(&self) -> &ProjectId {
        &self.spec.id
    }

    /// Takes the supervisor's call.
    pub(super) async fn connect(&mut self) {
        let called = tokio::time::timeout(PATIENCE, self.listener.accept());
        let (stream, _) = called.await.expect("the supervisor calls in time").unwrap();
        let (link, driver, mut inbound) = establish(stream, Config::default()).await.unwrap();
        self.tasks.run("drive the link", async move { _ = driver.await });
        self.tasks.run("hear the link", async move { while inbound.next().await.is_some() {} });
        self.link = Some(link);
    }

    pub(super) fn link(&self) -> &Link {
        self.link.as_ref().expect("the runtime is linked")
    }

    /// Runs a line of shell in the runtime, as the host would.
    pub(super) async fn run(&self, text: &str) -> Ran {
        let id = ProjectId::generate().to_string();
        let mut exec = Exec::shell(id, text);
        exec.timeout_ms = u64::try_from(PATIENCE.as_millis()).ok();
        let mut stream = self.link().exec(exec).await.unwrap();
        let mut ran = Ran { code: None, stdout: String::new(), stderr: String::new() };
        while let Some(event) = stream.next().await {
            match event.unwrap() {
                ExecEvent::Output { stream: OutputStream::Stdout, bytes, .. } => {
                    ran.stdout.push_str(&String::from_utf8_lossy(&bytes));
                }
                ExecEvent::Output { bytes, .. } => {
                    ran.stderr.push_str(&String::from_utf8_lossy(&bytes));
                }
                ExecEvent::Skipped { .. } => {}
                ExecEvent::Exit(exit) => ran.code = exit.code,
            }
        }
        ran
    }

    /// A program in the runtime ends the supervisor, which is above it somewhere.
    pub(super) async fn ends_itself(&self) {
        let above = "sed 's/.*) . \\([0-9]*\\).*/\\1/' /proc/$p/stat";
        let mut exec = Exec::shell(
            "the-end",
            format!(
                "p=$PPID; while q=$({above}); grep -qs -e --socket /proc/$q/cmdline; do p=$q; \
                 done; kill -TERM $p"
            ),
        );
        exec.detach = true;
        // It may be gone before it has answered.
        _ = self.link().exec(exec).await;
        let gone = tokio::time::timeout(PATIENCE, self.link().closed()).await;
        gone.expect("the link ends with the supervisor");
    }

    /// Leaves a line of shell running.
    pub(super) async fn leaves(&self, text: &str) {
        let mut exec = Exec::shell(ProjectId::generate().to_string(), text);
        exec.detach = true;
        drop(self.link().exec(exec).await.unwrap());
    }

    /// What a Python script prints.
    pub(super) async fn python(&self, script: &str) -> String {
        tokio::fs::write(self.spec.workspace.join("probe.py"), script).await.unwrap();
        self.says("python3 probe.py").await
    }

    /// What a line of shell prints; it must succeed.
    pub(super) async fn says(&self, text: &str) -> String {
        let ran = self.run(text).await;
        assert_eq!(ran.code, Some(0), "{text}: {ran:?}");
        ran.stdout.trim().to_owned()
    }
}

/// Waits until something is so, and says what was not if it never is.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let waited = async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("never so: {what}"));
}

pub(crate) async fn open_docker(instance: InstanceId) -> Result<Arc<dyn Engine>, Error> {
    open_docker_with(instance, None).await
}

async fn open_docker_with(
    instance: InstanceId,
    runtime: Option<String>,
) -> Result<Arc<dyn Engine>, Error> {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    let host = std::env::var("DOCKER_HOST").ok();
    let config = docker::Config { host, runtime, ..docker::Config::default() };
    Ok(Arc::new(Docker::open(&config, &instance).await?))
}

/// The supervisor as it is built for runtimes.
fn supervisor() -> PathBuf {
    let built =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/artifacts/lockhouse-supervisor");
    assert!(built.exists(), "{} is missing; build it: make", built.display());
    built
}

/// crun 1.8 takes no machine on which both versions of control groups are mounted, so it does not
/// get to see the second.
const CRUN_WITHOUT_VERSION_2: &str = r#"#!/bin/sh
exec unshare --mount sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun "$@"' crun "$@"
"#;

const RUNC_WITHOUT_LIST: &str = r#"#!/bin/sh
case " $* " in *" list "*) echo 'it went meanwhile' >&2; exit 1 ;; esac
exec runc "$@"
"#;

pub(super) fn open_to_all(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs this very test again as user 1000, from a copy that the user may read.
async fn play_as_ordinary_user(test: &str) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    open_to_all(dir.path(), 0o755);
    let program = dir.path().join("it");
    let own = std::env::current_exe().unwrap();
    std::fs::hard_link(&own, &program)
        .or_else(|_| std::fs::copy(&own, &program).map(drop))
        .unwrap();
    // The first part of a test's path is the name of its program.
    let (_, name) = test.split_once("::").unwrap();
    let ran = Command::new("setpriv")
        .args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"])
        .arg(&program)
        .args(["--exact", name, "--nocapture"])
        .current_dir("/")
        .timeout(PATIENCE * 5)
        .output()
        .await;
    let ran = ran.map_err(|error| error.to_string())?;
    println!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.exit_code, Some(0), "{name} failed as an ordinary user");
    assert!(ran.stdout.contains("1 passed"), "{name} was not found as an ordinary user");
    Ok(())
}
