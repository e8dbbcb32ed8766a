//! The host's side of a link. It starts no task: the caller polls [`Driver`].
//!
//! Every byte from the supervisor is taken as hostile: frames and names are bounded, every request
//! has a deadline, streams are counted.

mod connection;
mod driver;
mod exec;
mod logs;
mod taking;
mod terminal;
mod tunnel;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub use driver::{Driver, Inbound, InboundEvent};
pub use exec::{ExecEvent, ExecInput, ExecOutput, ExecStdin, ExecStream};
pub use logs::{LogEvent, LogStream};
pub use terminal::{TerminalEvent, TerminalInput, TerminalOutput};
pub use tunnel::Tunnel;

use crate::Error;
use crate::protocol::{
    AttachTerminal, Exec, ExecId, ExecState, Health, Hello, MAX_HOST_STREAMS, Open, OpenTerminal,
    ProcessState, Reply, SessionState, StartProcess, TerminalState,
};
use connection::Connection;
use taking::{Handed, Taking};
use wire::{FrameStream, Wire};

/// Deadlines and bounds of a link.
#[derive(Debug, Clone)]
pub struct Config {
    /// Time for the supervisor's hello, and for the first message of a stream it opens.
    pub handshake_timeout: Duration,
    /// Time for the answer to a request. Stopping a process gets its grace on top.
    pub request_timeout: Duration,
    /// Egress connections held at once; more are closed at once.
    pub max_egress: usize,
    /// Inbound events waiting for the caller; when full, the supervisor waits.
    pub inbound_buffer: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            max_egress: crate::protocol::MAX_EGRESS,
            inbound_buffer: 64,
        }
    }
}

/// Waits for the supervisor's hello on a fresh connection and answers it.
///
/// The [`Driver`] moves the link's bytes: the caller polls it to its end in a task of its own.
/// Dropping it closes the link; commands, terminals and the process in the runtime go on.
///
/// # Errors
/// `Timeout` when no hello comes in time, `Version` when the other side is of another major
/// version, `Protocol` when it talks nonsense, `Closed` when it hangs up.
pub async fn establish<S>(stream: S, config: Config) -> Result<(Link, Driver, Inbound), Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    greet(stream, None, config).await
}

/// The same on a socket whose other side has the same kernel. There the supervisor hands over
/// connections to ports, and what goes through them costs neither it nor the link anything.
///
/// # Errors
/// Those of [`establish`].
pub async fn establish_local(
    socket: UnixStream,
    config: Config,
) -> Result<(Link, Driver, Inbound), Error> {
    let (taking, handed) = Taking::new(socket);
    greet(taking, Some(handed), config).await
}

async fn greet<S>(
    mut stream: S,
    handed: Option<Handed>,
    config: Config,
) -> Result<(Link, Driver, Inbound), Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let greeting = wire::greet(&mut stream);
    let hello = tokio::time::timeout(config.handshake_timeout, greeting)
        .await
        .map_err(|_| Error::Timeout("the supervisor's hello"))??;
    Ok(driver::start(stream, hello, handed, config))
}

/// A request to open a stream, answered by the driver.
type OpenRequest = oneshot::Sender<Result<yamux::Stream, Error>>;

#[derive(Debug)]
struct Shared {
    hello: Hello,
    config: Config,
    opener: mpsc::Sender<OpenRequest>,
    /// None where the supervisor can't hand over anything.
    handed: Option<Handed>,
    /// One permit per stream the host has open, so that the multiplexer's own limit, which ends
    /// the link, is never met.
    permits: Arc<tokio::sync::Semaphore>,
    closed: CancellationToken,
}

/// A handle to one runtime's supervisor. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Link(Arc<Shared>);

impl Link {
    fn new(
        hello: Hello,
        config: Config,
        (opener, handed): (mpsc::Sender<OpenRequest>, Option<Handed>),
        closed: CancellationToken,
    ) -> Self {
        let handed = handed.filter(|_| hello.minor >= 2);
        let permits = Arc::new(tokio::sync::Semaphore::new(MAX_HOST_STREAMS));
        Self(Arc::new(Shared { hello, config, opener, handed, permits, closed }))
    }

    /// What the supervisor said when the link was made.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.0.hello
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.0.closed.is_cancelled()
    }

    /// Waits until the link has ended.
    pub async fn closed(&self) {
        self.0.closed.cancelled().await;
    }

    /// Starts a command. Closing the stream ends it unless it is `detach`; a lost link does not.
    ///
    /// # Errors
    /// `NotStarted` when the program can't be started, `Refused` when the request breaks a limit.
    pub async fn exec(&self, exec: Exec) -> Result<ExecStream, Error> {
        exec.check().map_err(Error::Refused)?;
        self.open_exec(Open::Exec(exec)).await
    }

    /// Follows a command again, its output from sequence number `since` on.
    ///
    /// # Errors
    /// `NotFound` when the command is unknown, or its result is no longer kept.
    pub async fn attach_exec(&self, id: ExecId, since: u64) -> Result<ExecStream, Error> {
        self.open_exec(Open::AttachExec { id, since, watch: false }).await
    }

    /// The same, but the command goes on when the stream is closed.
    ///
    /// # Errors
    /// `Refused` where the runtime's supervisor is older than this.
    pub async fn watch_exec(&self, id: ExecId, since: u64) -> Result<ExecStream, Error> {
        self.check_minor(1)?;
        self.open_exec(Open::AttachExec { id, since, watch: true }).await
    }

    /// Ends a command and all that it started, and answers how it ended; one that has ended
    /// already is answered as it is.
    ///
    /// # Errors
    /// `NotFound` when the command is unknown, or its result is no longer kept.
    pub async fn end_exec(&self, id: ExecId) -> Result<ExecState, Error> {
        self.check_minor(1)?;
        match self.ask(Open::EndExec { id }).await? {
            Reply::Exec(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    /// The way to a command's standard input, for one writer at a time.
    ///
    /// # Errors
    /// `Refused` when it was started without, it has ended, or another one writes.
    pub async fn exec_stdin(&self, id: ExecId) -> Result<ExecStdin, Error> {
        self.open_exec_input(id).await.map(ExecStdin::new)
    }

    /// What a shell session left to its next command; a name that none had yet begins in the
    /// workspace.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn session(&self, name: &str) -> Result<SessionState, Error> {
        self.check_minor(1)?;
        match self.ask(Open::ShowSession { name: name.to_owned() }).await? {
            Reply::Session(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    /// A runtime that was started by an older host has an older supervisor.
    fn check_minor(&self, needed: u16) -> Result<(), Error> {
        if self.0.hello.minor >= needed {
            return Ok(());
        }
        Err(Error::Refused("the runtime was started by an older version; restart it".into()))
    }

    async fn open_exec(&self, open: Open) -> Result<ExecStream, Error> {
        match self.request(open, Duration::ZERO).await? {
            (Reply::Exec(state), stream) => Ok(ExecStream::new(self.clone(), state, stream)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    async fn open_exec_input(&self, id: ExecId) -> Result<FrameStream, Error> {
        Ok(self.request(Open::ExecInput { id }, Duration::ZERO).await?.1)
    }

    /// Commands that run, and results that are kept.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn execs(&self) -> Result<Vec<ExecState>, Error> {
        match self.ask(Open::ListExecs).await? {
            Reply::Execs(execs) => Ok(execs),
            other => Err(unexpected(&other)),
        }
    }

    /// Opens a terminal session; if it is open already, answers with it as it is.
    ///
    /// # Errors
    /// `NotStarted`, or `Refused` when there are too many sessions.
    pub async fn open_terminal(&self, open: OpenTerminal) -> Result<TerminalState, Error> {
        open.check().map_err(Error::Refused)?;
        match self.ask(Open::OpenTerminal(open)).await? {
            Reply::Terminal(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    /// Attaches to a session that was opened.
    ///
    /// The supervisor sends at most [`TERMINAL_WINDOW_BYTES`](crate::protocol::TERMINAL_WINDOW_BYTES)
    /// beyond what [`TerminalInput::ack`] acknowledged.
    ///
    /// # Errors
    /// `NotFound` when no such session was opened.
    pub async fn attach_terminal(
        &self,
        attach: AttachTerminal,
    ) -> Result<(TerminalInput, TerminalOutput), Error> {
        let open = Open::AttachTerminal(attach);
        match self.request(open, Duration::ZERO).await? {
            (Reply::Terminal(state), stream) => Ok(terminal::attached(state, stream)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// # Errors
    /// Those of the link.
    pub async fn terminals(&self) -> Result<Vec<TerminalState>, Error> {
        match self.ask(Open::ListTerminals).await? {
            Reply::Terminals(terminals) => Ok(terminals),
            other => Err(unexpected(&other)),
        }
    }

    /// Gives a session another size, in columns and rows.
    ///
    /// # Errors
    /// `NotFound` when no such session is open.
    pub async fn resize_terminal(
        &self,
        session: &str,
        (cols, rows): (u16, u16),
    ) -> Result<TerminalState, Error> {
        let session = session.to_owned();
        match self.ask(Open::ResizeTerminal { session, cols, rows }).await? {
            Reply::Terminal(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends a session and forgets it.
    ///
    /// # Errors
    /// `NotFound` when no such session is open.
    pub async fn close_terminal(&self, session: &str) -> Result<(), Error> {
        self.ask(Open::CloseTerminal { session: session.to_owned() }).await.map(drop)
    }

    /// Starts the one process; starting an identical one again answers with its state.
    ///
    /// # Errors
    /// `AlreadyRunning` with the running one's details if it differs, `NotStarted`.
    pub async fn start_process(&self, start: StartProcess) -> Result<ProcessState, Error> {
        start.check().map_err(Error::Refused)?;
        self.ask_process(Open::StartProcess(start), Duration::ZERO)
            .await?
            .ok_or_else(|| Error::Protocol("it started a process and knows none".into()))
    }

    /// Ends the process and everything it started: TERM, `grace`, KILL. None if there was none.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn stop_process(&self, grace: Duration) -> Result<Option<ProcessState>, Error> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.ask_process(Open::StopProcess { grace_ms }, grace).await
    }

    /// The process as it is; none if none was ever started.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn process(&self) -> Result<Option<ProcessState>, Error> {
        self.ask_process(Open::ShowProcess, Duration::ZERO).await
    }

    async fn ask_process(
        &self,
        open: Open,
        extra: Duration,
    ) -> Result<Option<ProcessState>, Error> {
        match self.request(open, extra).await? {
            (Reply::Process(state), _) => Ok(state),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// The process's output from `since` on, or all that is kept; with `follow` it goes on.
    ///
    /// # Errors
    /// `NotFound` when no process was ever started.
    pub async fn process_logs(&self, since: Option<u64>, follow: bool) -> Result<LogStream, Error> {
        let (_, stream) = self.request(Open::ProcessLogs { since, follow }, Duration::ZERO).await?;
        Ok(LogStream::new(stream))
    }

    /// Connects to a port on the runtime's loopback.
    ///
    /// # Errors
    /// `NotFound` when nothing listens there.
    pub async fn dial(&self, port: u16) -> Result<Tunnel, Error> {
        if let Some(handed) = &self.0.handed {
            match self.take_over(handed, port).await {
                // Too many are on their way: this one goes through the link.
                Err(Error::Refused(_)) => {}
                taken => return taken.map(Tunnel::from),
            }
        }
        let (_, stream) = self.request(Open::Dial { port }, Duration::ZERO).await?;
        Ok(stream.into_tunnel())
    }

    async fn take_over(&self, handed: &Handed, port: u16) -> Result<Connection, Error> {
        let asking = handed.ask();
        let number = match self.ask(Open::HandOver { port }).await? {
            Reply::Handed(number) => number,
            other => return Err(unexpected(&other)),
        };
        let none = || Error::Protocol("what was handed over did not come along".to_owned());
        Connection::new(asking.take(number).ok_or_else(none)?, port)
    }

    /// Time of one round trip.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let start = Instant::now();
        self.health().await?;
        Ok(start.elapsed())
    }

    /// The supervisor's account of itself.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn health(&self) -> Result<Health, Error> {
        match self.ask(Open::Ping).await? {
            Reply::Health(health) => Ok(health),
            other => Err(unexpected(&other)),
        }
    }

    /// TCP ports that something in the runtime listens on, ascending.
    ///
    /// # Errors
    /// Those of the link.
    pub async fn ports(&self) -> Result<Vec<u16>, Error> {
        match self.ask(Open::ListPorts).await? {
            Reply::Ports(ports) => Ok(ports),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&self, open: Open) -> Result<Reply, Error> {
        Ok(self.request(open, Duration::ZERO).await?.0)
    }

    /// Opens a stream, says what it is for, waits for the answer.
    async fn request(&self, open: Open, extra: Duration) -> Result<(Reply, FrameStream), Error> {
        let deadline = self.0.config.request_timeout.saturating_add(extra);
        let answered = async {
            let mut stream = self.open_stream().await?;
            let reply = stream.ask(open).await?;
            Ok((reply, stream))
        };
        tokio::time::timeout(deadline, answered)
            .await
            .map_err(|_| Error::Timeout("an answer to a request"))?
    }

    async fn open_stream(&self) -> Result<FrameStream, Error> {
        let permit =
            Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let (reply, opened) = oneshot::channel();
        self.0.opener.send(reply).await.map_err(|_| Error::Closed)?;
        let stream = opened.await.map_err(|_| Error::Closed)??;
        Ok(FrameStream::new(Wire::new(stream, Some(permit))))
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::Protocol(format!("an answer of another kind: {reply:?}").chars().take(200).collect())
}
