//! The local engine as root: an OCI runtime by its standard command line. `runc`, `crun` and
//! others take the same bundle and the same words; gVisor's `runsc` wants a few more.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oci_spec::runtime::Spec;
use rustix::process::Signal;
use serde::Deserialize;

use super::bundle;
use super::cgroup::Cgroups;
use super::plan::Plan;
use super::process::{self, FirstProcess, KILL_TIMEOUT};
use super::record::replace;
use super::sandbox;
use crate::command::{self, Command};
use crate::runtimes::engine::{Answer, Error, Limits};
use crate::runtimes::gvisor;

/// Looked for in this order when the configuration names none.
pub(super) const PROGRAMS: [&str; 2] = ["runc", "crun"];

/// What any one call of the OCI runtime may take; it is a matter of milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a question to an image may take.
pub(super) const QUESTION_TIMEOUT: Duration = Duration::from_secs(60);

/// Kept of what the OCI runtime logs of one call.
const MAX_LOG_BYTES: u64 = 64 * 1024;

/// How long a start that somebody else began is waited for, and how often it is looked at.
const START_PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The bundle's own file.
const CONFIG: &str = "config.json";

#[derive(Debug, Clone)]
pub(super) struct Oci {
    program: PathBuf,
    /// Where the OCI runtime keeps its state; it must outlive the server.
    state: PathBuf,
    cgroups: Cgroups,
    gvisor: bool,
}

/// A container as the OCI runtime sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) pid: i32,
}

impl Container {
    pub(super) fn is_stopped(&self) -> bool {
        self.status == "stopped"
    }
}

#[derive(Deserialize)]
struct LogLine {
    #[serde(default)]
    level: String,
    #[serde(default)]
    msg: String,
}

/// The first line of a program's `--version`, such as `runc version 1.1.5`.
pub(in crate::runtimes) async fn version(program: &Path) -> Result<String, command::Error> {
    let output = Command::new(program).arg("--version").success().await?;
    Ok(output.stdout.lines().next().unwrap_or_default().to_owned())
}

impl Oci {
    pub(super) fn new(program: PathBuf, state: PathBuf, cgroups: Cgroups, gvisor: bool) -> Self {
        Self { program, state, cgroups, gvisor }
    }

    /// Whether a kernel of its own stands between a runtime and ours.
    pub(super) fn is_gvisor(&self) -> bool {
        self.gvisor
    }

    fn command(&self) -> Command {
        let command = Command::new(&self.program).arg("--root").arg(&self.state);
        let command = command.timeout(CALL_TIMEOUT);
        let command = if self.gvisor { command.args(sandbox::FLAGS) } else { command };
        match (self.cgroups.any(), self.gvisor) {
            (true, _) => command,
            (false, true) => command.arg("--ignore-cgroups"),
            (false, false) => command.args(["--rootless", "true"]),
        }
    }

    /// Writes the bundle: all of it is decided here, nothing at the start.
    pub(super) fn write(&self, bundle: &Path, plan: &Plan) -> Result<(), Error> {
        let pids = plan.limits.pids;
        let plan = Plan { limits: self.around(&plan.limits), ..plan.clone() };
        let config = bundle::config(&plan, &self.cgroups).map_err(failed)?;
        let config = self.adapted(config, pids)?;
        config.save(bundle.join(CONFIG)).map_err(failed)
    }

    /// Changes what a runtime may use, from its next start on.
    pub(super) async fn rewrite(&self, bundle: &Path, limits: &Limits) -> Result<(), Error> {
        let path = bundle.join(CONFIG);
        let config = Spec::load(&path).map_err(failed)?;
        let around = self.around(limits);
        let config = bundle::with_limits(config, &around, &self.cgroups).map_err(failed)?;
        let config = self.adapted(config, limits.pids)?;
        let text = serde_json::to_vec(&config).map_err(failed)?;
        replace(&path, &text).await.map_err(failed)
    }

    /// What a runtime's control groups hold so that it has these limits, at once.
    pub(super) fn live(&self, bundle: &Path, limits: &Limits) -> Result<Limits, Error> {
        if self.gvisor {
            let config = Spec::load(bundle.join(CONFIG)).map_err(failed)?;
            if sandbox::pids(&config) != Some(u64::from(limits.pids)) {
                return Err(Error::NotLive(format!("{}; stop it first", gvisor::FIXED_PIDS)));
            }
        }
        Ok(self.around(limits))
    }

    fn around(&self, limits: &Limits) -> Limits {
        if self.gvisor { gvisor::around(limits) } else { *limits }
    }

    fn adapted(&self, config: Spec, pids: u32) -> Result<Spec, Error> {
        if self.gvisor { sandbox::adapted(config, pids).map_err(failed) } else { Ok(config) }
    }

    /// The OCI runtime that a bundle was made for. After another one was configured, what the
    /// one before has started is still seen, and ended.
    pub(super) fn maker_of(&self, bundle: &Path) -> Cow<'_, Self> {
        let made_for_gvisor =
            Spec::load(bundle.join(CONFIG)).ok().map(|it| sandbox::pids(&it).is_some());
        match made_for_gvisor {
            Some(gvisor) if gvisor != self.gvisor => {
                let program = if gvisor { gvisor::NAME } else { PROGRAMS[0] };
                Cow::Owned(Self { program: program.into(), gvisor, ..self.clone() })
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// A bundle for gVisor is none for others, nor the other way round.
    fn check(&self, bundle: &Path) -> Result<(), Error> {
        let config = Spec::load(bundle.join(CONFIG)).map_err(failed)?;
        if sandbox::pids(&config).is_some() == self.gvisor {
            return Ok(());
        }
        Err(Error::Failed(gvisor::MADE_FOR_ANOTHER.to_owned()))
    }

    /// Starts what the bundle describes and leaves it running.
    pub(super) async fn run(&self, name: &str, bundle: &Path) -> Result<(), Error> {
        self.check(bundle)?;
        let log = bundle.join("engine.log");
        _ = tokio::fs::remove_file(&log).await;
        let command = self.command().arg("--log").arg(&log).args(["--log-format", "json"]);
        let command = command.args(["run", "--detach", "--bundle"]).arg(bundle).arg(name);
        match command.leaves_running().success().await {
            Ok(_) => Ok(()),
            Err(error @ command::Error::Failed { .. }) => {
                let said = last_error(&log).await.unwrap_or_else(|| error.to_string());
                Err(Error::Failed(format!("{} could not start it: {said}", self.program.display())))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Runs a plan to its end and answers with what it printed.
    pub(super) async fn ask(&self, bundle: &Path, plan: &Plan) -> Result<Answer, Error> {
        self.write(bundle, plan)?;
        let command = self.command().timeout(QUESTION_TIMEOUT);
        let ran = command.args(["run", "--bundle"]).arg(bundle).arg(&plan.name).output().await;
        // It is still there if the time was up, or if it never came to its own end.
        self.delete(&plan.name).await?;
        let output = ran.map_err(unavailable)?;
        let exit_code = output.exit_code.unwrap_or(-1);
        Ok(Answer { exit_code, stdout: output.stdout, stderr: output.stderr })
    }

    /// The containers below our state directory, for whoever would else ask for each alone. `runc`
    /// gives up when one goes while it looks, so this may fail at any time.
    pub(super) async fn list(&self) -> Result<Vec<Container>, Error> {
        if !tokio::fs::try_exists(&self.state).await.unwrap_or(false) {
            return Ok(Vec::new());
        }
        let listed = self.command().args(["list", "--format", "json"]).success().await;
        let text = listed.map_err(unavailable)?.stdout;
        // With none, `runc` prints `null`.
        let listed: Option<Vec<Container>> = if text.trim().is_empty() {
            None
        } else {
            serde_json::from_str(&text).map_err(failed)?
        };
        Ok(listed.unwrap_or_default())
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<Container>, Error> {
        if !self.has_state(name).await {
            return Ok(None);
        }
        let state = self.command().args(["state", name]).output().await.map_err(unavailable)?;
        match state.exit_code {
            Some(0) => serde_json::from_str(&state.stdout).map(Some).map_err(failed),
            // It has gone since we looked, or never came to be.
            _ if !self.is_written(name).await => Ok(None),
            _ => Err(Error::Failed(format!("{}: {}", self.program.display(), state.stderr.trim()))),
        }
    }

    /// The same once no start of it is under way. That of a server that was killed goes on,
    /// and shows only when it is over.
    pub(super) async fn settled(&self, name: &str) -> Result<Option<Container>, Error> {
        let found = self.find(name).await?;
        if found.is_some() {
            return Ok(found);
        }
        let patience = Instant::now() + START_PATIENCE;
        while self.is_starting(name).await {
            if Instant::now() > patience {
                let why = "a start of it that another server began is still under way; try again";
                return Err(Error::Failed(why.to_owned()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.find(name).await
    }

    /// Whether an OCI runtime, of whichever server, is about to start it. One that can't be told
    /// in time counts as starting.
    async fn is_starting(&self, name: &str) -> bool {
        let words = ["run".to_owned(), name.to_owned(), self.state.display().to_string()];
        let looked = tokio::task::spawn_blocking(move || process::is_there(&words));
        let looked = tokio::time::timeout(START_PATIENCE, looked).await;
        looked.is_err() || looked.is_ok_and(|looked| looked.unwrap_or(false))
    }

    /// Removes what is left of a start in the midst of which the OCI runtime was killed.
    pub(super) async fn clear(&self, name: &str) -> Result<(), Error> {
        if self.has_state(name).await { self.delete(name).await } else { Ok(()) }
    }

    /// Whether the OCI runtime has written down that there is a container. Its directory is
    /// older than that: `runc` writes `state.json` into it, `crun` writes `status`.
    async fn is_written(&self, name: &str) -> bool {
        if self.gvisor {
            return self.has_state(name).await;
        }
        let dir = self.state.join(name);
        let there = async |file| tokio::fs::try_exists(dir.join(file)).await.unwrap_or(false);
        there("state.json").await || there("status").await
    }

    pub(super) async fn has_state(&self, name: &str) -> bool {
        if self.gvisor {
            return sandbox::has_state(&self.state, name).await;
        }
        tokio::fs::try_exists(self.state.join(name)).await.unwrap_or(false)
    }

    /// Ends a container: TERM, `grace`, KILL. Answers whether something in it had been killed
    /// for want of memory.
    pub(super) async fn stop(&self, container: &Container, grace: Duration) -> Result<bool, Error> {
        let name = &container.id;
        if !container.is_stopped() {
            self.signal(container, Signal::TERM).await?;
            if !process::ends_within(container.pid, grace).await {
                self.signal(container, Signal::KILL).await?;
                if !process::ends_within(container.pid, KILL_TIMEOUT).await {
                    return Err(Error::Failed(format!(
                        "process {} of runtime {name} does not end, although it was killed",
                        container.pid
                    )));
                }
            }
        }
        let out_of_memory = self.cgroups.out_of_memory_kills(name) > 0;
        self.delete(name).await?;
        Ok(out_of_memory)
    }

    async fn signal(&self, container: &Container, signal: Signal) -> Result<(), Error> {
        let name = &container.id;
        if self.gvisor && signal == Signal::KILL {
            let first = FirstProcess::of(container.pid);
            return first.map_or(Ok(()), |first| process::signal(&first, signal)).map_err(failed);
        }
        let number = signal.as_raw().to_string();
        let sent = self.command().args(["kill", name, &number]).output().await;
        let sent = sent.map_err(unavailable)?;
        // A kernel of gVisor's that is ending takes no orders; what does not end is killed.
        if sent.exit_code == Some(0) || self.gvisor {
            return Ok(());
        }
        if self.find(name).await?.is_none_or(|now| now.is_stopped()) {
            return Ok(());
        }
        Err(Error::Failed(format!("{}: {}", self.program.display(), sent.stderr.trim())))
    }

    /// Removes a container, running or not; one that is gone is no error.
    pub(super) async fn delete(&self, name: &str) -> Result<(), Error> {
        let deleted = self.command().args(["delete", "--force", name]).output().await;
        let deleted = deleted.map_err(unavailable)?;
        if deleted.exit_code == Some(0) || !self.has_state(name).await {
            return Ok(());
        }
        Err(Error::Failed(format!("{}: {}", self.program.display(), deleted.stderr.trim())))
    }
}

/// The last error in a log of JSON lines.
async fn last_error(log: &Path) -> Option<String> {
    use tokio::io::AsyncReadExt as _;
    let mut text = String::new();
    let file = tokio::fs::File::open(log).await.ok()?;
    file.take(MAX_LOG_BYTES).read_to_string(&mut text).await.ok()?;
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<LogLine>(line).ok());
    lines.rfind(|line| line.level == "error").map(|line| line.msg)
}

fn unavailable(error: command::Error) -> Error {
    match error {
        command::Error::Failed { .. } => Error::Failed(error.to_string()),
        other => Error::Unavailable(other.to_string()),
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the local engine's bundle: {error}"))
}
