//! The streams to the supervisors, one for each runtime.
//!
//! For each runtime the host listens on a socket in a directory that the
//! runtime sees read-only; hosts that share it have a socket each, named by
//! their seats, and the supervisor has a link to each of them. A program in the
//! runtime can't pass as its supervisor, who has to prove itself ([`Proof`]). When
//! a link ends, the supervisor dials again, and the newest link counts.

mod key;

use std::collections::HashMap;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockhouse_supervisor::client::{self, Inbound, InboundEvent, Link};
use lockhouse_supervisor::protocol::host_socket;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::engine::SOCKET_FILE;
use crate::ids::ProjectId;
use crate::tasks::{Task, Tasks};

pub(super) use key::Keys;

/// News of links that wait for the room.
const WAITING_NEWS: usize = 1024;

/// How often a supervisor is asked whether it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Answers in a row that may stay out: one whose runtime uses all the processor
/// time it has is slow and not lost.
const MISSED_HEARTBEATS: u32 = 4;

const STRANGER: &str = "a program that is not the supervisor tried to connect";

/// How a supervisor shows that it is one.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// Our kernel says that it is the first of its process namespace.
    FirstProcess,
    /// It knows the runtime's key. One that waits to prove itself holds up others,
    /// for as long as a hello may take.
    Key(Keys),
    /// Not at all: those of the fake engine run on this machine.
    None,
}

impl Proof {
    fn wants_first_process(&self) -> bool {
        matches!(self, Self::FirstProcess)
    }

    fn accepts(&self, project: &ProjectId, link: &Link) -> bool {
        match self {
            Self::Key(keys) => keys.fits(project, link.hello().key.as_ref()),
            Self::FirstProcess | Self::None => true,
        }
    }
}

/// What a link tells the room.
#[derive(Debug)]
pub(super) enum News {
    Up(Link),
    Down,
    Inbound(InboundEvent),
}

/// The links of all runtimes. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Links {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    tasks: Tasks,
    news: mpsc::Sender<(ProjectId, News)>,
    open: Mutex<HashMap<ProjectId, Listening>>,
    proof: Proof,
    /// Name of the socket in each runtime's directory.
    socket: PathBuf,
}

#[derive(Debug)]
struct Listening {
    link: watch::Receiver<Option<Link>>,
    _task: Task,
}

impl Links {
    /// The links of the host on this seat.
    pub(super) fn new(
        tasks: Tasks,
        proof: Proof,
        seat: usize,
    ) -> (Self, mpsc::Receiver<(ProjectId, News)>) {
        let (news, received) = mpsc::channel(WAITING_NEWS);
        let socket = host_socket(Path::new(SOCKET_FILE), seat);
        let inner = Inner { tasks, news, open: Mutex::default(), proof, socket };
        (Self { inner: Arc::new(inner) }, received)
    }

    /// Listens for the runtime's supervisor, unless this is done already. Another
    /// host may have removed the directory since, and with it the socket.
    pub(super) fn listen(&self, project: &ProjectId, dir: &Path) -> std::io::Result<()> {
        let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.contains_key(project) && dir.join(&self.inner.socket).exists() {
            return Ok(());
        }
        let listener = bind(dir, &self.inner.socket)?;
        let (current, link) = watch::channel(None);
        let accept = accept_all(Arc::clone(&self.inner), project.clone(), listener, current);
        let task = self.inner.tasks.spawn("link", accept);
        open.insert(project.clone(), Listening { link, _task: task });
        Ok(())
    }

    /// Ends the link and stops listening.
    pub(super) fn forget(&self, project: &ProjectId) {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }

    /// The runtime's link, if it is up.
    pub(super) fn find(&self, project: &ProjectId) -> Option<Link> {
        self.watch(project)?.borrow().clone().filter(Link::is_open)
    }

    /// The runtime's link, waited for up to `timeout`.
    pub(super) async fn wait(&self, project: &ProjectId, timeout: Duration) -> Option<Link> {
        let mut link = self.watch(project)?;
        let up = link.wait_for(|link| link.as_ref().is_some_and(Link::is_open));
        match tokio::time::timeout(timeout, up).await {
            Ok(Ok(link)) => link.clone(),
            _ => None,
        }
    }

    fn watch(&self, project: &ProjectId) -> Option<watch::Receiver<Option<Link>>> {
        let open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(project).map(|listening| listening.link.clone())
    }
}

/// Binds by way of the directory's descriptor, since a socket's whole path may
/// not be longer than 107 bytes.
fn bind(dir: &Path, socket: &Path) -> std::io::Result<UnixListener> {
    let opened = std::fs::File::open(dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd())).join(socket);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The runtime's user connects; the directory keeps everybody else out.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

async fn accept_all(
    inner: Arc<Inner>,
    project: ProjectId,
    listener: UnixListener,
    current: watch::Sender<Option<Link>>,
) {
    let mut serving: Option<Task> = None;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%project, %error, "a supervisor could not connect");
                tokio::task::yield_now().await;
                continue;
            }
        };
        if inner.proof.wants_first_process() && !is_first_process(&stream) {
            tracing::warn!(%project, "{STRANGER}");
            continue;
        }
        match establish(&inner.proof, stream).await {
            Ok((link, ..)) if !inner.proof.accepts(&project, &link) => {
                tracing::warn!(%project, "{STRANGER}");
            }
            Ok((link, driver, inbound)) => {
                // The one before ends with its task.
                drop(serving.take());
                let current = current.clone();
                let serve = serve(Arc::clone(&inner), project.clone(), link, inbound, current);
                let runtime = project.clone();
                let drive = async move {
                    let why = driver.await;
                    tracing::info!(project = %runtime, %why, "link down");
                    std::future::pending::<()>().await;
                };
                // Serving ends with the link, or when the supervisor is lost;
                // then nothing drives the link any more.
                serving = Some(inner.tasks.spawn("link driver", async move {
                    tokio::select! { () = serve => {}, () = drive => {} }
                }));
            }
            Err(error) => tracing::warn!(%project, %error, "a supervisor was turned away"),
        }
    }
}

/// A runtime with a kernel of its own can't hand over anything.
async fn establish(
    proof: &Proof,
    stream: UnixStream,
) -> Result<(Link, client::Driver, Inbound), lockhouse_supervisor::Error> {
    let config = client::Config::default();
    match proof {
        Proof::Key(_) => client::establish(stream, config).await,
        Proof::FirstProcess | Proof::None => client::establish_local(stream, config).await,
    }
}

async fn serve(
    inner: Arc<Inner>,
    project: ProjectId,
    link: Link,
    mut inbound: Inbound,
    current: watch::Sender<Option<Link>>,
) {
    let tell = |news| inner.news.send((project.clone(), news));
    current.send_replace(Some(link.clone()));
    let mut lost = std::pin::pin!(until_lost(link.clone()));
    let mut listening = tell(News::Up(link)).await.is_ok();
    while listening {
        tokio::select! {
            event = inbound.next() => match event {
                Some(event) => listening = tell(News::Inbound(event)).await.is_ok(),
                None => break,
            },
            () = &mut lost => {
                tracing::warn!(%project, "the supervisor does not answer; its link is given up");
                break;
            }
        }
    }
    current.send_replace(None);
    // The room may be gone when the server ends.
    let _ = tell(News::Down).await;
}

/// Resolves once the supervisor has not answered several times in a row.
async fn until_lost(link: Link) {
    let mut missed = 0;
    while missed < MISSED_HEARTBEATS {
        tokio::time::sleep(HEARTBEAT).await;
        missed = if link.ping().await.is_ok() { 0 } else { missed + 1 };
    }
}

/// Whether the process at the other end is the first of its process namespace.
fn is_first_process(stream: &UnixStream) -> bool {
    let Some(pid) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else { return false };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let namespaced = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    namespaced.is_some_and(|pids| {
        let pids: Vec<&str> = pids.split_whitespace().collect();
        pids.len() > 1 && pids.last() == Some(&"1")
    })
}
