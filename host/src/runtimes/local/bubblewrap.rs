//! The local engine as an ordinary user: bubblewrap. Namespaces, no capabilities, the same
//! seccomp rules; limits only where a control group was handed to the server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;

use super::cgroup::Cgroups;
use super::oci::QUESTION_TIMEOUT;
use super::plan::{MASKED, Plan, SHM_BYTES, open_files};
use super::process::{self, KILL_TIMEOUT};
use super::record::{FirstProcess, replace};
use crate::command::Command;
use crate::runtimes::engine::{Answer, Error, LINK_DIR, Limits, WORKSPACE_DIR};
use crate::runtimes::seccomp;

pub(super) const PROGRAM: &str = "bwrap";

/// Who the user is inside, whoever started the server.
const INSIDE_ID: &str = "1000";

/// How long it may take until bubblewrap says that the first process runs.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How long bubblewrap may take to write an exit code down; it may have been killed itself.
const EXIT_CODE_TIMEOUT: Duration = Duration::from_secs(1);

/// Enters control groups, sets limits of open files and processor time, opens what bubblewrap wants as open
/// files, and becomes bubblewrap. A shell does it because only between `fork` and `exec` can it
/// be done for the new process alone.
const LAUNCH: &str = r#"
allow=$1 unknown=$2 status=$3 files=$4 processor=$5; shift 5
while [ "$1" != -- ]; do echo $$ >"$1" || exit 1; shift; done; shift
ulimit -n "$files" && ulimit -c 0 && ulimit -t "$processor" || exit 1
exec "$@" 3<"$allow" 4<"$unknown" 5>"$status"
"#;

/// What to run, beside the record.
const WRITTEN: &str = "bubblewrap.json";

#[derive(Debug)]
pub(super) struct Bubblewrap {
    program: PathBuf,
    /// Where the compiled seccomp rules are.
    rules: Vec<PathBuf>,
    cgroups: Cgroups,
}

/// A line of what bubblewrap writes about a runtime.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StatusLine {
    child_pid: Option<i32>,
    exit_code: Option<i32>,
}

impl Bubblewrap {
    pub(super) fn new(program: PathBuf, dir: &Path, cgroups: Cgroups) -> Result<Self, Error> {
        let programs = seccomp::bpf().map_err(Error::Failed)?;
        let mut rules = Vec::new();
        for program in programs {
            let path = dir.join(format!("{}.bpf", &blake3::hash(&program).to_hex()[..16]));
            std::fs::File::create(&path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, &program))
                .map_err(|error| Error::Failed(format!("{}: {error}", path.display())))?;
            rules.push(path);
        }
        Ok(Self { program, rules, cgroups })
    }

    /// Writes down what to run, which `run` starts later.
    pub(super) fn write(&self, bundle: &Path, plan: &Plan) -> Result<(), Error> {
        let text = serde_json::to_vec(&Written::of(plan)).map_err(failed)?;
        std::fs::File::create(bundle.join(WRITTEN))
            .and_then(|mut file| std::io::Write::write_all(&mut file, &text))
            .map_err(failed)
    }

    /// Changes what a runtime may use, from its next start on.
    pub(super) async fn rewrite(bundle: &Path, limits: &Limits) -> Result<(), Error> {
        let path = bundle.join(WRITTEN);
        let text = tokio::fs::read(&path).await.map_err(failed)?;
        let written: Written = serde_json::from_slice(&text).map_err(failed)?;
        let (memory_bytes, cpu_millis) = (limits.memory_bytes, limits.cpu_millis);
        let changed = Written { memory_bytes, cpu_millis, pids: limits.pids, ..written };
        let text = serde_json::to_vec(&changed).map_err(failed)?;
        replace(&path, &text).await.map_err(failed)
    }

    /// The shell that becomes bubblewrap, with everything it is told.
    fn command(&self, bundle: &Path, written: &Written) -> Command {
        let status = bundle.join("status.json");
        let mut command = Command::new("sh").args(["-c", LAUNCH, "lockhouse"]);
        for path in self.rules.iter().chain([&status]) {
            command = command.arg(path);
        }
        let processor = written.cpu_seconds.map(|seconds| seconds.to_string());
        command = command.arg(written.open_files.to_string());
        command = command.arg(processor.as_deref().unwrap_or("unlimited"));
        for entrance in self.cgroups.entrances(&written.name) {
            command = command.arg(entrance);
        }
        command.arg("--").arg(&self.program).args(&written.arguments)
    }

    pub(super) async fn run(&self, bundle: &Path) -> Result<FirstProcess, Error> {
        let text = tokio::fs::read(bundle.join(WRITTEN)).await.map_err(failed)?;
        let written: Written = serde_json::from_slice(&text).map_err(failed)?;
        // Made at each start: they do not outlive the machine.
        self.cgroups.make(&written.name, &written.limits()).map_err(failed)?;
        _ = tokio::fs::remove_file(bundle.join("status.json")).await;
        let log = std::fs::File::create(bundle.join("engine.log")).map_err(failed)?;
        let launcher = self.command(bundle, &written).leave(log);
        let launcher = launcher.map_err(|error| Error::Unavailable(error.to_string()))?;
        self.first_process(bundle, launcher).await
    }

    /// Waits until bubblewrap names the first process. The status file is looked at every few
    /// milliseconds; there is nothing to wait on that would also outlive the server.
    async fn first_process(&self, bundle: &Path, launcher: u32) -> Result<FirstProcess, Error> {
        let launcher = i32::try_from(launcher).map_err(failed)?;
        let deadline = tokio::time::Instant::now() + START_TIMEOUT;
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        while tokio::time::Instant::now() < deadline {
            tick.tick().await;
            let ended = FirstProcess::of(launcher).is_none_or(|process| !process.lives());
            let pid = status(bundle).await.child_pid;
            // While it is bubblewrap itself, something may still be missing inside.
            let pid = pid.filter(|pid| process::program(*pid).is_some_and(|name| name != PROGRAM));
            if let Some(process) = pid.and_then(FirstProcess::of) {
                return Ok(process);
            }
            if ended {
                let said = tokio::fs::read_to_string(bundle.join("engine.log")).await;
                return Err(Error::Failed(format!(
                    "bubblewrap could not start it: {}",
                    said.unwrap_or_default().trim().chars().take(2000).collect::<String>()
                )));
            }
        }
        Err(Error::Failed(format!("bubblewrap named no process within {START_TIMEOUT:?}")))
    }

    pub(super) async fn ask(&self, bundle: &Path, plan: &Plan) -> Result<Answer, Error> {
        let mut written = Written::of(plan);
        self.cgroups.make(&written.name, &plan.limits).map_err(failed)?;
        // A question ends with the one who asked.
        written.arguments.insert(0, "--die-with-parent".to_owned());
        let asked = self.command(bundle, &written).timeout(QUESTION_TIMEOUT).output().await;
        self.cgroups.remove(&plan.name);
        let output = asked.map_err(|error| Error::Unavailable(error.to_string()))?;
        let exit_code = output.exit_code.unwrap_or(-1);
        Ok(Answer { exit_code, stdout: output.stdout, stderr: output.stderr })
    }

    /// The supervisor's exit code once it has ended.
    pub(super) async fn exit_code(bundle: &Path) -> Option<i32> {
        status(bundle).await.exit_code
    }

    /// Bubblewrap writes the exit code down once it has seen the end, which takes it a moment.
    async fn await_exit_code(bundle: &Path) {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        let written = async {
            while Self::exit_code(bundle).await.is_none() {
                tick.tick().await;
            }
        };
        if tokio::time::timeout(EXIT_CODE_TIMEOUT, written).await.is_err() {
            tracing::debug!(bundle = %bundle.display(), "bubblewrap wrote no exit code");
        }
    }

    /// Ends a runtime: TERM, `grace`, KILL. Answers whether something in it had been killed for
    /// want of memory.
    pub(super) async fn stop(
        &self,
        name: &str,
        bundle: &Path,
        first: &FirstProcess,
        grace: Duration,
    ) -> Result<bool, Error> {
        for (signal, patience) in [(Signal::TERM, grace), (Signal::KILL, KILL_TIMEOUT)] {
            process::signal(first, signal).map_err(failed)?;
            if !first.lives() || process::ends_within(first.pid, patience).await {
                Self::await_exit_code(bundle).await;
                return Ok(self.cgroups.out_of_memory_kills(name) > 0);
            }
        }
        Err(Error::Failed(format!(
            "process {} of runtime {name} does not end, although it was killed",
            first.pid
        )))
    }
}

/// What `write` leaves for `run`.
#[derive(Debug, serde::Serialize, Deserialize)]
struct Written {
    name: String,
    arguments: Vec<String>,
    memory_bytes: u64,
    cpu_millis: u32,
    pids: u32,
    open_files: u64,
    /// None for a runtime.
    #[serde(default)]
    cpu_seconds: Option<u64>,
}

impl Written {
    fn of(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            arguments: arguments(plan),
            memory_bytes: plan.limits.memory_bytes,
            cpu_millis: plan.limits.cpu_millis,
            pids: plan.limits.pids,
            open_files: open_files(&plan.limits),
            cpu_seconds: plan.cpu_seconds,
        }
    }

    /// Those that control groups hold.
    fn limits(&self) -> Limits {
        Limits {
            memory_bytes: self.memory_bytes,
            cpu_millis: self.cpu_millis,
            pids: self.pids,
            disk_bytes: 0,
            tmp_bytes: 0,
            open_files: self.open_files,
        }
    }
}

async fn status(bundle: &Path) -> StatusLine {
    let text = tokio::fs::read_to_string(bundle.join("status.json")).await.unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<StatusLine>(line).ok());
    lines.fold(StatusLine::default(), |found, line| StatusLine {
        child_pid: found.child_pid.or(line.child_pid),
        exit_code: found.exit_code.or(line.exit_code),
    })
}

fn arguments(plan: &Plan) -> Vec<String> {
    let mut list = Arguments::default();
    list.add(&["--unshare-user", "--unshare-all", "--disable-userns"]);
    list.add(&["--uid", INSIDE_ID, "--gid", INSIDE_ID, "--hostname", &plan.host_name()]);
    list.add(&["--cap-drop", "ALL", "--new-session", "--as-pid-1", "--clearenv"]);
    list.add(&["--add-seccomp-fd", "3", "--add-seccomp-fd", "4", "--json-status-fd", "5"]);
    list.mount("--ro-bind", &plan.root.path, Path::new("/"));
    for bind in &plan.root.binds {
        list.mount("--ro-bind", &bind.source, &bind.target);
    }
    list.add(&["--proc", "/proc", "--dev", "/dev"]);
    list.add(&["--perms", "1777", "--size", &SHM_BYTES.to_string(), "--tmpfs", "/dev/shm"]);
    list.add(&["--remount-ro", "/dev"]);
    // There is no /sys inside.
    for path in MASKED.iter().filter(|path| path.starts_with("/proc/") && Path::new(path).exists())
    {
        if Path::new(path).is_dir() {
            list.add(&["--size", "4096", "--tmpfs", path, "--remount-ro", path]);
        } else {
            list.add(&["--ro-bind", "/dev/null", path]);
        }
    }
    let tmp_bytes = plan.limits.tmp_bytes.to_string();
    list.add(&["--perms", "1777", "--size", &tmp_bytes, "--tmpfs", "/tmp"]);
    match &plan.workspace {
        Some(workspace) => list.mount("--bind", workspace, Path::new(WORKSPACE_DIR)),
        None => list.add(&["--size", &tmp_bytes, "--tmpfs", WORKSPACE_DIR]),
    }
    if let Some(hosts) = &plan.hosts {
        list.mount("--ro-bind", hosts, Path::new("/etc/hosts"));
    }
    if let Some(link_dir) = &plan.link_dir {
        list.mount("--ro-bind", link_dir, Path::new(LINK_DIR));
    }
    for (name, value) in &plan.env {
        list.add(&["--setenv", name, value]);
    }
    list.add(&["--chdir", WORKSPACE_DIR, "--"]);
    list.0.extend(plan.argv.iter().cloned());
    list.0
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn mount(&mut self, how: &str, source: &Path, target: &Path) {
        self.add(&[how, &source.to_string_lossy(), &target.to_string_lossy()]);
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the local engine as an ordinary user: {error}"))
}
