//! The engine: where a runtime lives. It creates, starts, stops and removes
//! runtimes and tells what exists; it knows nothing of commands.
//!
//! # Contract
//!
//! Every engine passes the one contract suite. What it promises:
//!
//! - `create` twice with one spec, `start` of what runs, `stop` of what is
//!   stopped and `remove` of what is gone all succeed.
//! - A runtime's first process is the supervisor, started from the directory
//!   `spec.link_dir`, which it sees read-only at [`LINK_DIR`]; the workspace is
//!   at [`WORKSPACE_DIR`]. It dials `host.sock` in that directory.
//! - A runtime has no network but loopback, which is up; no capability; no way
//!   to gain privileges; a read-only root; its own pid, mount, IPC and UTS
//!   namespaces; a writable workspace and `/tmp`; and no other door.
//! - A runtime outlives the host: it runs on when the host is killed.
//! - `update` changes memory, CPU and processes of a runtime that runs, at once,
//!   and of one that does not, from its next start on; all else stays. What can't
//!   be changed so is [`Error::NotLive`], and then nothing changes.
//! - Files in the workspace belong to `spec.user`.
//! - `list` answers with this instance's runtimes only, whatever their state.
//! - Nothing that is not this instance's is ever changed, stopped or removed.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::ids::{InstanceId, Kind, ProjectId};

/// Where a runtime sees its workspace.
pub const WORKSPACE_DIR: &str = "/workspace";

/// Where a runtime sees the supervisor, the host's socket and the CA bundle.
pub const LINK_DIR: &str = "/run/lockhouse";

/// File in the link directory: the supervisor's binary.
pub const SUPERVISOR_FILE: &str = "supervisor";

/// File in the link directory: the socket on which the host listens.
pub const SOCKET_FILE: &str = "host.sock";

/// File in the link directory: certificates that clients in the runtime trust.
pub const CA_FILE: &str = "ca.pem";

/// Where the supervisor listens inside for what wants to leave.
pub const PROXY_ADDRESS: &str = "127.0.0.1:3128";

/// All that an engine needs to know of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeSpec {
    pub id: ProjectId,
    pub instance: InstanceId,
    /// Goes up each time the runtime is created anew.
    pub generation: u32,
    pub kind: Kind,
    /// Directory on this machine that is the workspace.
    pub workspace: PathBuf,
    /// Directory on this machine that is mounted at [`LINK_DIR`].
    pub link_dir: PathBuf,
    pub user: RuntimeUser,
    pub limits: Limits,
    /// Environment of the supervisor, which its children inherit.
    pub env: Vec<(String, String)>,
}

/// Who a runtime's processes are, as this machine sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeUser {
    pub uid: u32,
    pub gid: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub memory_bytes: u64,
    /// Thousandths of a CPU.
    pub cpu_millis: u32,
    pub pids: u32,
    pub disk_bytes: u64,
    pub tmp_bytes: u64,
    pub open_files: u64,
}

/// What an engine says of one runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub id: ProjectId,
    pub generation: u32,
    pub state: EngineState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineState {
    /// Made and not started yet.
    Created,
    Running,
    /// Ended, with the supervisor's exit code where it is known.
    Stopped {
        exit_code: Option<i32>,
        out_of_memory: bool,
    },
}

/// How well a limit holds on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enforcement {
    /// The kernel refuses what is over it.
    Hard,
    /// It is noticed after the fact.
    Soft,
    /// It can't be held here; the text says why and what would help.
    None(String),
}

/// How each limit holds on this engine, here and now. That of the disk is the
/// affair of [`super::disk`], the same for all engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforced {
    pub memory: Enforcement,
    pub cpu: Enforcement,
    pub pids: Enforcement,
    pub open_files: Enforcement,
    /// Writable `/tmp`.
    pub tmp: Enforcement,
}

/// What an engine runs a kind on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub kind: Kind,
    /// Such as `python:3.11-slim`, or the directory of a root file system.
    pub name: String,
    /// Changes when the content does.
    pub digest: String,
    /// Something the operator should know, such as that another image than the
    /// configured one is used.
    pub notice: Option<String>,
}

/// What a runtime uses at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// CPU time used since its start.
    pub cpu: Duration,
    pub memory_bytes: u64,
    pub pids: u64,
}

/// What a command in a throw-away copy of an image printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub exit_code: i32,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to run this kind on; the text says what to do.
    #[error("{0}")]
    NoImage(String),
    #[error("the runtime does not exist")]
    NotFound,
    /// The engine does not answer; trying later may help.
    #[error("the engine is not reachable: {0}")]
    Unavailable(String),
    /// It was configured to use something that is not there; the text says what to install. No
    /// other engine is taken in its place.
    #[error("{0}")]
    Misconfigured(String),
    /// A limit can't be changed so while the runtime exists; the text says why.
    #[error("{0}")]
    NotLive(String),
    #[error("{0}")]
    Failed(String),
}

#[async_trait]
pub trait Engine: Send + Sync + std::fmt::Debug + 'static {
    /// `docker` or `local`.
    fn name(&self) -> &'static str;

    /// One line for the log and `/health/ready`: version, OCI runtime, mode.
    async fn describe(&self) -> Result<String, Error>;

    /// Whether our own kernel runs the programs in a runtime, so that it can tell
    /// who is at the other end of a socket. Where one of the runtime's own stands
    /// between, all of them look alike.
    fn shares_kernel(&self) -> bool {
        true
    }

    /// How the limits hold here.
    fn enforced(&self) -> Enforced;

    /// What a kind would run on; an error says how to get it.
    async fn image(&self, kind: Kind) -> Result<Image, Error>;

    /// Runs a command in a throw-away copy of a kind's image, with no network
    /// and the hardening of a runtime, and answers with what it printed. For
    /// asking an image what it is, never for a user's commands.
    async fn ask(&self, kind: Kind, argv: &[&str]) -> Result<Answer, Error>;

    async fn create(&self, spec: &RuntimeSpec) -> Result<(), Error>;

    async fn start(&self, id: &ProjectId) -> Result<(), Error>;

    /// Changes the memory, CPU and processes that a runtime may use.
    async fn update(&self, id: &ProjectId, limits: &Limits) -> Result<(), Error>;

    /// Asks the supervisor to end everything, and kills it after `grace`.
    async fn stop(&self, id: &ProjectId, grace: Duration) -> Result<(), Error>;

    /// Removes it, running or not; the workspace stays.
    async fn remove(&self, id: &ProjectId) -> Result<(), Error>;

    async fn inspect(&self, id: &ProjectId) -> Result<Option<Observed>, Error>;

    async fn list(&self) -> Result<Vec<Observed>, Error>;

    /// Removes what bears this instance's marks and is not where the engine
    /// itself would have made it, such as a copy under another name.
    async fn remove_duplicates(&self) -> Result<(), Error>;

    async fn usage(&self, id: &ProjectId) -> Result<Usage, Error>;

    /// Tells of runtimes that may have changed by themselves, until the engine
    /// is lost. Such news are hints: some get lost, and some tell nothing new.
    async fn watch(&self, changed: &mpsc::Sender<ProjectId>) -> Result<(), Error>;
}
