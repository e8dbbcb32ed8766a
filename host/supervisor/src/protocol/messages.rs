//! The messages that travel as JSON inside frames.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{MAX_ARGUMENTS, MAX_NAME_BYTES, MAX_TYPIST_BYTES, MAX_VARIABLES};

/// What the supervisor says first on each connection: who it is and what it still runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub major: u16,
    pub minor: u16,
    /// Version of the supervisor program.
    pub version: String,
    /// Differs for each start of a supervisor, so a host sees that a runtime was restarted.
    pub boot: String,
    /// Whether it is PID 1 of its PID namespace.
    pub pid_one: bool,
    /// Commands that run, and results kept for a host that comes back.
    pub execs: Vec<ExecState>,
    pub terminals: Vec<TerminalState>,
    pub process: Option<ProcessState>,
    /// TCP ports that something in the runtime listens on.
    pub ports: Vec<u16>,
    /// Proves who it is where the host can't ask its own kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<LinkKey>,
}

/// What the host gave to the supervisor, and to nobody else in the runtime.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkKey(pub String);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

/// The host's answer to `Hello`; after it the connection is multiplexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub major: u16,
    pub minor: u16,
}

/// The first message of each stream: what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Open {
    Exec(Exec),
    AttachExec {
        id: ExecId,
        since: u64,
        /// True: the command goes on when this stream is closed.
        #[serde(default)]
        watch: bool,
    },
    /// The stream that carries a command's standard input.
    ExecInput {
        id: ExecId,
    },
    /// Ends a command and all that it started; answered when it has ended.
    EndExec {
        id: ExecId,
    },
    ListExecs,
    /// What the shell session of this name left to its next command.
    ShowSession {
        name: String,
    },
    OpenTerminal(OpenTerminal),
    AttachTerminal(AttachTerminal),
    ResizeTerminal {
        session: String,
        cols: u16,
        rows: u16,
    },
    ListTerminals,
    CloseTerminal {
        session: String,
    },
    StartProcess(StartProcess),
    StopProcess {
        grace_ms: u64,
    },
    ShowProcess,
    ProcessLogs {
        since: Option<u64>,
        follow: bool,
    },
    Dial {
        port: u16,
    },
    /// The same, but the connection itself goes to the host, along with the link's bytes.
    HandOver {
        port: u16,
    },
    Ping,
    ListPorts,
    /// What happens, but for the ends of commands.
    Events,
    AllEvents,
    /// The one stream that the supervisor opens: a program's connection to the proxy.
    Egress,
}

/// A command is a program with its arguments, or text for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Argv(Vec<String>),
    /// Run by `bash -c` where the runtime has bash, else by `/bin/sh -c`.
    Shell(String),
}

/// Name of an exec, chosen by the host, so that it can re-attach even when the link broke before
/// the first answer. Letters, digits, `-`, `_`; at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExecId(pub String);

impl fmt::Display for ExecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One short-lived command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    pub id: ExecId,
    pub command: Command,
    /// Relative to the workspace; none means the workspace itself.
    pub cwd: Option<String>,
    /// Added to the supervisor's own environment.
    pub env: BTreeMap<String, String>,
    /// False: standard input is `/dev/null`.
    pub stdin: bool,
    /// Time after which the command's whole tree is ended.
    pub timeout_ms: Option<u64>,
    /// True: the command goes on when the host closes the stream.
    pub detach: bool,
    /// The shell session in which it runs: it begins where the one before it ended, with what
    /// that one exported.
    #[serde(default)]
    pub session: Option<String>,
}

impl Exec {
    /// A command with no input, no timeout, in the workspace.
    #[must_use]
    pub fn new(id: impl Into<String>, command: Command) -> Self {
        Self {
            id: ExecId(id.into()),
            command,
            cwd: None,
            env: BTreeMap::new(),
            stdin: false,
            timeout_ms: None,
            detach: false,
            session: None,
        }
    }

    /// Text for the runtime's shell.
    #[must_use]
    pub fn shell(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(id, Command::Shell(text.into()))
    }

    /// A program and its arguments.
    #[must_use]
    pub fn argv<A: Into<String>>(id: impl Into<String>, argv: impl IntoIterator<Item = A>) -> Self {
        Self::new(id, Command::Argv(argv.into_iter().map(Into::into).collect()))
    }
}

/// An exec that runs, or the kept result of one that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecState {
    pub id: ExecId,
    /// Until now, or until it ended.
    pub running_ms: u64,
    /// Sequence number of the oldest byte of output that is kept.
    pub start_seq: u64,
    /// Sequence number after the newest byte of output.
    pub end_seq: u64,
    pub detach: bool,
    /// Set when it has ended.
    pub exit: Option<Exit>,
}

/// A shell session, as its last command left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    pub name: String,
    /// Relative to the workspace, empty for the workspace itself; absolute outside of it.
    pub cwd: String,
    /// Names of the variables that it sets for its next command.
    pub variables: Vec<String>,
    /// Whether a command runs in it.
    pub busy: bool,
    /// Whether its last command left all that it should; none before the first one.
    pub kept: Option<bool>,
}

/// How a program ended. Exactly one of `code` and `signal` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub reason: ExitReason,
    pub duration_ms: u64,
}

impl Exit {
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0) && self.reason == ExitReason::Exited
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    Exited,
    Signalled,
    Timeout,
    Cancelled,
}

/// Which of a command's outputs a byte came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    Stdout,
    Stderr,
}

/// Opens a terminal session, or answers with the one that is open under this name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTerminal {
    pub session: String,
    /// None: a login bash where the runtime has bash, else `sh`.
    pub argv: Option<Vec<String>>,
    pub cols: u16,
    pub rows: u16,
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
}

impl Default for OpenTerminal {
    /// The project's one shared session, 80 × 24.
    fn default() -> Self {
        Self {
            session: "main".to_owned(),
            argv: None,
            cols: 80,
            rows: 24,
            cwd: None,
            env: BTreeMap::new(),
        }
    }
}

/// Attaches to an open session. What is added later than `since` may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachTerminal {
    pub session: String,
    /// None: all that is kept of the output.
    pub since: Option<u64>,
    /// The output that `since` counts in ([`TerminalState::output`]). Where the session shows
    /// another one by now, all that is kept of it comes.
    #[serde(default)]
    pub output: Option<String>,
    /// Gives the session this size, in columns and rows.
    #[serde(default)]
    pub size: Option<(u16, u16)>,
    /// Sends the others away.
    #[serde(default)]
    pub alone: bool,
    /// Draws the screen once all is shown that is kept, unless no byte was left out.
    #[serde(default)]
    pub snapshot: bool,
    /// Who types, over all of his attachments. His keys are numbered from his first on, so that
    /// those sent again after a break are not typed twice.
    #[serde(default)]
    pub typist: Option<String>,
}

impl AttachTerminal {
    /// To be shown the output from `since` on, and no more than that.
    #[must_use]
    pub fn new(session: impl Into<String>, since: Option<u64>) -> Self {
        let (output, size, typist) = (None, None, None);
        let session = session.into();
        Self { session, since, output, size, alone: false, snapshot: false, typist }
    }

    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        match &self.typist {
            Some(typist) if typist.len() > MAX_TYPIST_BYTES => {
                Err(format!("the typist's name is longer than {MAX_TYPIST_BYTES} bytes"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalState {
    pub session: String,
    /// Names the output whose bytes are numbered. A session that is opened again goes on with
    /// it; one that was closed, or whose supervisor began anew, has another.
    #[serde(default)]
    pub output: String,
    pub cols: u16,
    pub rows: u16,
    /// Attachments over this link and others.
    pub clients: u32,
    /// What the program set by the escape sequences OSC 0 and OSC 2.
    pub title: Option<String>,
    /// Working directory of the session's first program.
    pub cwd: Option<String>,
    /// Sequence number after the newest byte of output.
    pub end_seq: u64,
    /// Set when the session's program has ended; opening the session again starts a new one.
    pub exit: Option<Exit>,
    /// Somebody closed the session.
    #[serde(default)]
    pub closed: bool,
    /// In the answer to an attachment with a typist: how many of his keys were typed.
    #[serde(default)]
    pub typed: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartProcess {
    pub command: Command,
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub restart: Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    Never,
    OnFailure,
    Always,
}

/// The runtime's one long-running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessState {
    pub start: StartProcess,
    pub status: ProcessStatus,
    pub pid: Option<u32>,
    /// Starts after the first one.
    pub restarts: u32,
    /// Since the latest start.
    pub running_ms: u64,
    /// How it ended last.
    pub exit: Option<Exit>,
    /// Sequence number after the newest byte of its log.
    pub log_end_seq: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessStatus {
    Running,
    /// Ended, and will be started again.
    Waiting,
    Stopping,
    Ended,
}

/// The supervisor's account of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub uptime_ms: u64,
    pub resident_bytes: u64,
    /// Processor time of the supervisor itself.
    pub cpu_us: u64,
    /// Processor time of all children it has reaped.
    pub children_cpu_us: u64,
    pub execs: u32,
    pub terminals: u32,
    pub egress: u32,
    /// Of all programs in the runtime.
    #[serde(default)]
    pub threads: u64,
}

/// The answer to an `Open` that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Done,
    Exec(ExecState),
    Execs(Vec<ExecState>),
    Session(SessionState),
    Terminal(TerminalState),
    Terminals(Vec<TerminalState>),
    Process(Option<ProcessState>),
    Ports(Vec<u16>),
    /// A connection went along; they are numbered from 1 in the order in which they do.
    Handed(u64),
    Health(Health),
}

/// The answer to an `Open` that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: FailureCode,
    pub message: String,
    /// With `AlreadyRunning`: the process that runs.
    pub process: Option<Box<ProcessState>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    Version,
    NotFound,
    AlreadyRunning,
    NotStarted,
    Refused,
    /// Another client wished to be alone with the terminal.
    TakenOver,
}

/// What happens by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    PortOpened(u16),
    PortClosed(u16),
    TerminalExited {
        session: String,
        exit: Exit,
    },
    ProcessChanged(ProcessState),
    /// To hosts that asked for all events.
    ExecEnded(ExecState),
}

impl Command {
    /// Refuses what no program could be started with.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Argv(argv) => check_argv(argv),
            Self::Shell(text) if text.contains('\0') => Err("the command has a NUL byte".into()),
            Self::Shell(_) => Ok(()),
        }
    }
}

fn check_argv(argv: &[String]) -> Result<(), String> {
    if argv.first().is_none_or(String::is_empty) {
        return Err("the command is empty: name a program".into());
    }
    if argv.len() > MAX_ARGUMENTS {
        return Err(format!("the command has more than {MAX_ARGUMENTS} arguments"));
    }
    if argv.iter().any(|argument| argument.contains('\0')) {
        return Err("an argument has a NUL byte".into());
    }
    Ok(())
}

fn check_env(env: &BTreeMap<String, String>) -> Result<(), String> {
    if env.len() > MAX_VARIABLES {
        return Err(format!("more than {MAX_VARIABLES} environment variables"));
    }
    let bad = |(name, value): (&String, &String)| {
        name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
    };
    match env.iter().find(|pair| bad(*pair)) {
        Some((name, _)) => Err(format!("`{}` is not an environment variable", name.escape_debug())),
        None => Ok(()),
    }
}

fn check_cwd(cwd: Option<&str>) -> Result<(), String> {
    match cwd {
        Some(cwd) if cwd.contains('\0') => Err("the working directory has a NUL byte".into()),
        _ => Ok(()),
    }
}

/// Names are shown, logged and compared: keep them plain.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(plain) {
        return Err(format!(
            "a name is 1 to {MAX_NAME_BYTES} letters, digits, `-`, `_` or `.`; this one is not"
        ));
    }
    Ok(())
}

impl Exec {
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.id.0)?;
        self.command.check()?;
        check_env(&self.env)?;
        self.session.as_deref().map_or(Ok(()), check_name)?;
        check_cwd(self.cwd.as_deref())
    }
}

impl OpenTerminal {
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.session)?;
        self.argv.as_deref().map_or(Ok(()), check_argv)?;
        check_env(&self.env)?;
        check_cwd(self.cwd.as_deref())
    }
}

impl StartProcess {
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        self.command.check()?;
        check_env(&self.env)?;
        check_cwd(self.cwd.as_deref())
    }
}
