//! The supervisor's end of the links: dials each host that listens, says what runs, serves
//! streams, dials again.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use lockhouse_supervisor::protocol::{
    Frame, Hello, LINK_BUFFER_BYTES, MAJOR, MAX_HOSTS, MAX_STREAMS, MINOR, host_socket,
    multiplexer_config, read_frame, write_frame,
};
use tokio::io::BufStream;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::handing::{Handing, Socket};
use super::{Supervisor, conversation, say};

/// Pause after the first failed dial; doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// Time for the host to answer the hello.
const WELCOME_DEADLINE: Duration = Duration::from_secs(10);
/// Streams to the host that wait to be opened.
const OPENINGS: usize = 64;

/// Asks the link's task for a stream to the host.
pub(super) type Opener = mpsc::Sender<oneshot::Sender<yamux::Stream>>;

/// Keeps a link to each host for as long as the supervisor lives.
pub(super) async fn keep(supervisor: Rc<Supervisor>) {
    let first = supervisor.arguments.socket.clone();
    let keeping = (0..MAX_HOSTS).map(|seat| keep_one(&supervisor, host_socket(&first, seat)));
    futures::future::join_all(keeping).await;
}

async fn keep_one(supervisor: &Rc<Supervisor>, socket: PathBuf) {
    let mut pause = MIN_PAUSE;
    loop {
        if let Ok(stream) = UnixStream::connect(&socket).await {
            match greet(supervisor, stream).await {
                Ok(stream) => {
                    pause = MIN_PAUSE;
                    serve(supervisor, stream).await;
                }
                Err(why) => say(&why),
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// A stream to whichever host takes it; waits while there is no link.
pub(super) async fn open_stream(supervisor: &Supervisor) -> yamux::Stream {
    let mut hosts = supervisor.hosts.subscribe();
    loop {
        let openers = hosts.borrow_and_update().clone();
        for opener in openers {
            let (reply, opened) = oneshot::channel();
            if opener.send(reply).await.is_ok()
                && let Ok(stream) = opened.await
            {
                return stream;
            }
        }
        if hosts.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn greet(supervisor: &Supervisor, mut stream: UnixStream) -> Result<UnixStream, String> {
    let hello = Frame::Hello(supervisor.hello());
    let answer = async {
        write_frame(&mut stream, hello).await?;
        read_frame(&mut stream).await
    };
    let answer = timeout(WELCOME_DEADLINE, answer).await;
    match answer.map_err(|_| "the host does not answer the hello".to_owned())? {
        Ok(Frame::Welcome(welcome)) if welcome.major == MAJOR => Ok(stream),
        Ok(Frame::Failure(failure)) => Err(failure.message),
        Ok(_) => Err("the host does not speak this protocol".to_owned()),
        Err(error) => Err(format!("the host can't be understood: {error}")),
    }
}

impl Supervisor {
    fn hello(&self) -> Hello {
        Hello {
            major: MAJOR,
            minor: MINOR,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: self.boot.clone(),
            pid_one: rustix::process::getpid().is_init(),
            execs: self.execs.states(),
            terminals: self.terminals.states(),
            process: self.process.state(),
            ports: self.ports.refresh(self),
            key: self.key.clone(),
        }
    }
}

/// Serves the host until the link ends. Conversations end with the link; what they were about
/// goes on: a stream that ends is told from a link that ends by never hearing of the latter.
async fn serve(supervisor: &Rc<Supervisor>, stream: UnixStream) {
    let handing = Handing::default();
    let socket = Socket::new(stream, handing.clone());
    let stream = BufStream::with_capacity(LINK_BUFFER_BYTES, LINK_BUFFER_BYTES, socket);
    let connection =
        yamux::Connection::new(stream.compat(), multiplexer_config(), yamux::Mode::Server);
    let (opener, openings) = mpsc::channel(OPENINGS);
    supervisor.hosts.send_modify(|hosts| hosts.push(opener.clone()));
    let mut multiplexer = Multiplexer { connection, openings, parked: None };
    let mut conversations = JoinSet::new();
    while let Some(stream) = std::future::poll_fn(|cx| multiplexer.poll_inbound(cx)).await {
        while conversations.try_join_next().is_some() {}
        if conversations.len() < MAX_STREAMS {
            let holding = conversation::hold(Rc::clone(supervisor), handing.clone(), stream);
            conversations.spawn_local(holding);
        }
    }
    // No await between the end of the link and this.
    drop(conversations);
    supervisor.hosts.send_modify(|hosts| hosts.retain(|host| !host.same_channel(&opener)));
}

struct Multiplexer {
    connection: yamux::Connection<Compat<BufStream<Socket>>>,
    openings: mpsc::Receiver<oneshot::Sender<yamux::Stream>>,
    parked: Option<oneshot::Sender<yamux::Stream>>,
}

impl Multiplexer {
    /// The next stream that the host opens; none at the link's end.
    fn poll_inbound(&mut self, cx: &mut Context<'_>) -> Poll<Option<yamux::Stream>> {
        if self.open_outbound(cx).is_err() {
            return Poll::Ready(None);
        }
        match self.connection.poll_next_inbound(cx) {
            Poll::Ready(Some(Ok(stream))) => Poll::Ready(Some(stream)),
            Poll::Ready(Some(Err(_)) | None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn open_outbound(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        loop {
            let next = self
                .parked
                .take()
                .map_or_else(|| self.openings.poll_recv(cx), |parked| Poll::Ready(Some(parked)));
            let Poll::Ready(Some(reply)) = next else {
                return Ok(());
            };
            match self.connection.poll_new_outbound(cx) {
                // Whoever asked may have given up; then the stream is dropped.
                Poll::Ready(Ok(stream)) => drop(reply.send(stream)),
                Poll::Ready(Err(error)) => return Err(io::Error::other(error)),
                Poll::Pending => {
                    self.parked = Some(reply);
                    return Ok(());
                }
            }
        }
    }
}
