//! A runtime without walls: the real supervisor as a child process, and the host's end of its link.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use bytes::Bytes;
use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::{
    Config, ExecEvent, ExecStream, Inbound, Link, TerminalEvent, TerminalInput, TerminalOutput,
    establish, establish_local,
};
use lockhouse_supervisor::protocol::{
    AttachTerminal, Exit, OpenTerminal, OutputStream, TerminalState,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something, and says what was missing.
pub(crate) async fn soon<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wanted).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Asks again and again until the answer is there.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    soon(what, async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    })
    .await
}

pub(crate) struct Runtime {
    pub(crate) directory: TempDir,
    pub(crate) listener: UnixListener,
    pub(crate) child: Child,
    walled: bool,
}

pub(crate) struct Host {
    pub(crate) link: Link,
    pub(crate) inbound: Inbound,
    driver: JoinHandle<Error>,
}

impl Host {
    /// As a host that is killed: everything it held is gone at once.
    pub(crate) async fn vanish(self) {
        self.driver.abort();
        assert!(self.driver.await.unwrap_err().is_cancelled());
    }
}

pub(crate) fn program() -> PathBuf {
    std::env::var_os("SUPERVISOR")
        .map_or_else(|| env!("CARGO_BIN_EXE_lockhouse-supervisor").into(), PathBuf::from)
}

impl Runtime {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// `before` runs the supervisor, `extra` are arguments of it.
    pub(crate) fn start_with(before: &[&str], extra: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("workspace")).unwrap();
        let socket = directory.path().join("host.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let program = program();
        let mut words = before.iter().map(Path::new).chain([program.as_path()]);
        let child = std::process::Command::new(words.next().unwrap())
            .args(words)
            .arg("--socket")
            .arg(&socket)
            .arg("--workspace")
            .arg(directory.path().join("workspace"))
            .args(extra)
            .env("PS1", "$ ")
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { directory, listener, child, walled: before.first() == Some(&"unshare") }
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.directory.path().join("workspace")
    }

    pub(crate) async fn accept(&self) -> UnixStream {
        soon("the supervisor to dial", self.listener.accept()).await.unwrap().0
    }

    pub(crate) async fn host(&self) -> Host {
        self.host_with(Config::default()).await
    }

    /// A host that takes connections that are handed over.
    pub(crate) async fn local_host(&self) -> Host {
        let made = establish_local(self.accept().await, Config::default()).await;
        let (link, driver, inbound) = made.unwrap();
        Host { link, inbound, driver: tokio::spawn(driver) }
    }

    pub(crate) async fn host_with(&self, config: Config) -> Host {
        welcome(self.accept().await, config).await
    }

    /// A host beside the first one.
    pub(crate) async fn host_on(&self, listener: &UnixListener) -> Host {
        let (stream, _) = soon("the supervisor to dial", listener.accept()).await.unwrap();
        welcome(stream, Config::default()).await
    }
}

async fn welcome(stream: UnixStream, config: Config) -> Host {
    let (link, driver, inbound) = establish(stream, config).await.unwrap();
    Host { link, inbound, driver: tokio::spawn(driver) }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // TERM lets it end everything it started. A program that makes namespaces hears no TERM,
        // and takes them along when killed.
        let signal = if self.walled { Signal::KILL } else { Signal::TERM };
        let _ = kill_process(Pid::from_child(&self.child), signal);
        let _ = self.child.wait();
    }
}

/// All of a command's output, and its end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) skipped: Vec<(u64, u64)>,
    pub(crate) exit: Option<Exit>,
    pub(crate) next_seq: u64,
}

impl Outcome {
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).unwrap()
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.exit.unwrap().code
    }

    pub(crate) fn take(&mut self, event: ExecEvent) {
        match event {
            ExecEvent::Output { stream, seq, bytes } => {
                assert_eq!(seq, self.next_seq, "bytes are numbered without gaps");
                self.next_seq += bytes.len() as u64;
                match stream {
                    OutputStream::Stdout => self.stdout.extend_from_slice(&bytes),
                    OutputStream::Stderr => self.stderr.extend_from_slice(&bytes),
                }
            }
            ExecEvent::Skipped { from, to } => {
                assert_eq!(from, self.next_seq);
                self.next_seq = to;
                self.skipped.push((from, to));
            }
            ExecEvent::Exit(exit) => self.exit = Some(exit),
        }
    }
}

pub(crate) async fn outcome(stream: &mut ExecStream) -> Outcome {
    let mut outcome = Outcome::default();
    finish(stream, &mut outcome).await;
    outcome
}

pub(crate) async fn finish(stream: &mut ExecStream, outcome: &mut Outcome) {
    while let Some(event) = soon("the command's next event", stream.next()).await {
        outcome.take(event.unwrap());
    }
}

/// Runs shell text to its end.
pub(crate) async fn shell(link: &Link, id: &str, text: &str) -> Outcome {
    let exec = lockhouse_supervisor::protocol::Exec::shell(id, text);
    outcome(&mut link.exec(exec).await.unwrap()).await
}

/// A person at a terminal.
pub(crate) struct Screen {
    pub(crate) input: TerminalInput,
    pub(crate) output: TerminalOutput,
    pub(crate) shown: Vec<u8>,
    /// What draws the screen, as it came.
    pub(crate) drawn: Vec<u8>,
    pub(crate) next_seq: u64,
    pub(crate) skipped: Vec<(u64, u64)>,
    pub(crate) states: Vec<TerminalState>,
    /// Of the keys that it numbered, how many were typed.
    pub(crate) typed: u64,
}

impl Screen {
    pub(crate) async fn attach(link: &Link, since: Option<u64>) -> Self {
        Self::attach_as(link, AttachTerminal::new("main", since)).await
    }

    pub(crate) async fn attach_as(link: &Link, attach: AttachTerminal) -> Self {
        let next_seq = attach.since.unwrap_or(0);
        let (input, output) = link.attach_terminal(attach).await.unwrap();
        let (shown, drawn, skipped, states) = Default::default();
        let typed = 0;
        let mut screen = Self { input, output, shown, drawn, next_seq, skipped, states, typed };
        assert!(screen.step().await, "the state comes first");
        screen
    }

    pub(crate) async fn types(&mut self, keys: &str) {
        self.input.write(Bytes::copy_from_slice(keys.as_bytes())).await.unwrap();
    }

    /// Reads one event and acknowledges it; false at the end.
    pub(crate) async fn step(&mut self) -> bool {
        let Some(event) = soon("the terminal's next event", self.output.next()).await else {
            return false;
        };
        match event.unwrap() {
            TerminalEvent::Output { seq, bytes } => {
                assert_eq!(seq, self.next_seq, "bytes are numbered without gaps");
                self.next_seq += bytes.len() as u64;
                self.shown.extend_from_slice(&bytes);
                // A session that has ended takes no acknowledgement.
                let _ = self.input.ack(self.next_seq).await;
            }
            TerminalEvent::Skipped { from, to } => {
                assert_eq!(from, self.next_seq);
                self.next_seq = to;
                self.skipped.push((from, to));
            }
            TerminalEvent::Snapshot { seq, bytes } => {
                assert_eq!(seq, self.next_seq, "it is drawn as it is now");
                self.drawn.extend_from_slice(&bytes);
            }
            TerminalEvent::Typed(typed) => self.typed = typed,
            TerminalEvent::State(state) => self.states.push(state),
        }
        true
    }

    /// Reads until the screen that was drawn has this text.
    pub(crate) async fn draws(&mut self, text: &str) -> String {
        while !String::from_utf8_lossy(&self.drawn).contains(text) {
            assert!(self.step().await, "the session ended before it drew {text:?}");
        }
        String::from_utf8_lossy(&self.drawn).into_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    pub(crate) async fn shows(&mut self, text: &str) {
        let mut looked_at = 0;
        loop {
            let new = &self.shown[looked_at..];
            if new.windows(text.len()).any(|window| window == text.as_bytes()) {
                return;
            }
            looked_at = self.shown.len().saturating_sub(text.len());
            assert!(self.step().await, "the session ended before it showed {text:?}");
        }
    }

    pub(crate) fn state(&self) -> &TerminalState {
        self.states.last().unwrap()
    }
}

/// A shell without prompt or start-up files, so that what it shows is known.
pub(crate) fn plain_shell() -> OpenTerminal {
    let argv = ["/bin/sh"].map(str::to_owned).to_vec();
    OpenTerminal { argv: Some(argv), ..OpenTerminal::default() }
}

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}
