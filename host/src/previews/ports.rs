//! Room previews: ports of this machine that lead to exposed ports of runtimes.
//!
//! Which host port leads where is in the database, so that it stays the same from
//! one start to the next. One task owns the listeners: they are open while the
//! runtime runs. Of servers that share a data directory, and so this machine, one
//! listens on a port, and the others wait to take it over. Who connects is a [`Visitor`], whom the doors serve; only HTTP is
//! spoken, because browsers send one host's cookies to all of its ports, and
//! Lockhouse's must not get through.

mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::Config;
use crate::db::{self, Db};
use crate::ids::ProjectId;
use crate::leases::Leases;
use crate::tasks::{Task, Tasks};
use store::Store;

/// Visitors who wait for the doors.
const WAITING_VISITORS: usize = 64;

/// Changes that wait for the one task.
const WAITING_CHANGES: usize = 256;

/// Host ports that are tried for one port of a project.
const MAX_TRIES: u16 = 100;

/// Which host port leads to which port of a runtime.
pub type Mappings = BTreeMap<u16, u16>;

/// Somebody who came to a host port.
#[derive(Debug)]
pub struct Visitor {
    pub stream: TcpStream,
    pub project: ProjectId,
    pub port: u16,
    /// Held for as long as the connection lasts.
    pub place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Change {
    /// These ports of a runtime are to be reached.
    Open(ProjectId, Vec<u16>, oneshot::Sender<Mappings>),
    /// None of them is.
    Close(ProjectId),
    /// They never will be again.
    Free(ProjectId),
}

/// Asks for host ports. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct HostPorts {
    changes: mpsc::Sender<Change>,
    open: Arc<Mutex<HashMap<ProjectId, Open>>>,
}

/// The host ports of a project.
#[derive(Debug, Clone, Default)]
struct Open {
    mappings: Mappings,
    /// Whether this server listens on all of them.
    all_ours: bool,
}

impl HostPorts {
    pub(super) fn new(
        db: Db,
        leases: Leases,
        config: &Config,
        tasks: &Tasks,
    ) -> (Self, mpsc::Receiver<Visitor>) {
        let (changes, asked) = mpsc::channel(WAITING_CHANGES);
        let (visitors, doors) = mpsc::channel(WAITING_VISITORS);
        let open = Arc::default();
        let porter = Porter {
            store: Store::new(db),
            leases,
            config: config.clone(),
            tasks: tasks.clone(),
            visitors,
            listening: HashMap::new(),
            refused: HashSet::new(),
            open: Arc::clone(&open),
        };
        tasks.run("host ports", porter.work(asked));
        (Self { changes, open }, doors)
    }

    /// Those that are open now.
    pub(super) fn find(&self, project: &ProjectId) -> Mappings {
        self.known(project).mappings
    }

    fn known(&self, project: &ProjectId) -> Open {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(project).cloned().unwrap_or_default()
    }

    /// The projects that have any.
    pub(super) fn projects(&self) -> Vec<ProjectId> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.keys().cloned().collect()
    }

    /// Opens what is not open yet, and answers with what is.
    pub(super) async fn open(&self, project: &ProjectId, ports: &[u16]) -> Mappings {
        let known = self.known(project);
        let wanted: BTreeSet<&u16> = ports.iter().collect();
        if known.all_ours && wanted.into_iter().eq(known.mappings.keys()) {
            return known.mappings;
        }
        let (done, opened) = oneshot::channel();
        // When the server stops, nothing is open.
        let _ = self.changes.send(Change::Open(project.clone(), ports.to_vec(), done)).await;
        opened.await.unwrap_or_default()
    }

    pub(super) async fn close(&self, project: &ProjectId) {
        let _ = self.changes.send(Change::Close(project.clone())).await;
    }

    pub(super) async fn free(&self, project: &ProjectId) {
        let _ = self.changes.send(Change::Free(project.clone())).await;
    }
}

/// Owns the listeners.
struct Porter {
    store: Store,
    leases: Leases,
    config: Config,
    tasks: Tasks,
    visitors: mpsc::Sender<Visitor>,
    listening: HashMap<ProjectId, BTreeMap<u16, Listening>>,
    /// Host ports that somebody else had when they were last tried.
    refused: HashSet<u16>,
    open: Arc<Mutex<HashMap<ProjectId, Open>>>,
}

/// A port of a runtime, its host port, and what listens there.
type Bound = (u16, u16, TcpListener);

/// A host port that listens until this is dropped.
struct Listening {
    host_port: u16,
    /// None where another server has it.
    task: Option<Task>,
}

impl Porter {
    async fn work(mut self, mut asked: mpsc::Receiver<Change>) {
        let tasks = self.tasks.clone();
        loop {
            let change = tokio::select! {
                change = asked.recv() => change,
                () = tasks.stopping() => None,
            };
            match change {
                None => break,
                Some(Change::Open(project, ports, done)) => {
                    self.open_all(&project, &ports).await;
                    // Who asked may have gone.
                    let _ = done.send(self.show(&project));
                }
                Some(Change::Close(project)) => self.close(&project),
                Some(Change::Free(project)) => {
                    self.close(&project);
                    if let Err(error) = self.store.free(&project).await {
                        tracing::warn!(%project, %error, "host ports were not freed");
                    }
                }
            }
        }
    }

    async fn open_all(&mut self, project: &ProjectId, ports: &[u16]) {
        let mut listening = self.listening.remove(project).unwrap_or_default();
        listening.retain(|port, open| ports.contains(port) && open.task.is_some());
        let others: usize = self.listening.values().map(BTreeMap::len).sum();
        let room = self.config.max_host_ports.saturating_sub(others + listening.len());
        let missing: BTreeSet<u16> = ports.iter().copied().collect();
        let missing: Vec<u16> =
            missing.into_iter().filter(|port| !listening.contains_key(port)).collect();
        if missing.len() > room {
            tracing::warn!(%project, "too many host ports are open; see previews.max_host_ports");
        }
        let wanted = &missing[..missing.len().min(room)];
        match self.open_missing(project, wanted).await {
            Ok(opened) => listening.extend(opened),
            Err(error) => tracing::warn!(%project, %error, "host ports were not opened"),
        }
        self.listening.insert(project.clone(), listening);
    }

    async fn open_missing(
        &mut self,
        project: &ProjectId,
        ports: &[u16],
    ) -> Result<Vec<(u16, Listening)>, db::Error> {
        let kept = self.store.find(project).await?;
        let (mut opened, mut bound, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for port in ports.iter().copied() {
            let Some(host_port) = kept.get(&port).copied() else {
                bound.extend(self.bind_first(project, port, 0).await);
                continue;
            };
            match self.bind(host_port).await {
                Ok(listener) => opened.push((port, host_port, listener)),
                Err(_) if !self.leases.is_alone() => {
                    theirs.push((port, Listening { host_port, task: None }));
                    continue;
                }
                // A server that ends may hold it still: it is tried once more later.
                Err(_) if self.refused.insert(host_port) => continue,
                Err(error) => {
                    tracing::warn!(%project, port, host_port, %error, "it gets another host port");
                    bound.extend(self.bind_first(project, port, 0).await);
                }
            }
            self.refused.remove(&host_port);
        }
        opened.extend(self.take(project, bound).await?);
        let listen =
            |(port, host_port, listener)| (port, self.listen(project, port, host_port, listener));
        Ok(opened.into_iter().map(listen).chain(theirs).collect())
    }

    /// Writes down what was bound: all at once, or, where one is another project's,
    /// each by itself.
    async fn take(&self, project: &ProjectId, bound: Vec<Bound>) -> Result<Vec<Bound>, db::Error> {
        let mappings = bound.iter().map(|(port, host_port, _)| (*port, *host_port)).collect();
        if bound.is_empty() || self.store.take(project, &mappings).await? {
            return Ok(bound);
        }
        let mut taken = Vec::new();
        for (port, ..) in bound {
            let mut tried = 0;
            while let Some((port, host_port, listener)) =
                self.bind_first(project, port, tried).await
            {
                if self.store.take(project, &Mappings::from([(port, host_port)])).await? {
                    taken.push((port, host_port, listener));
                    break;
                }
                tried += 1;
            }
        }
        Ok(taken)
    }

    /// The first candidate that nobody has, after `skip` of those.
    async fn bind_first(&self, project: &ProjectId, port: u16, skip: usize) -> Option<Bound> {
        let mut skipped = 0;
        for host_port in candidates(&self.config, project, port) {
            match self.bind(host_port).await {
                Ok(listener) if skipped == skip => return Some((port, host_port, listener)),
                Ok(_) => skipped += 1,
                Err(_) => {}
            }
        }
        None
    }

    async fn bind(&self, host_port: u16) -> std::io::Result<TcpListener> {
        TcpListener::bind(SocketAddr::new(self.config.host_address, host_port)).await
    }

    fn listen(
        &self,
        project: &ProjectId,
        port: u16,
        host_port: u16,
        listener: TcpListener,
    ) -> Listening {
        let places = Arc::new(Semaphore::new(self.config.max_connections));
        let accepting = accept(listener, self.visitors.clone(), places, (project.clone(), port));
        Listening { host_port, task: Some(self.tasks.spawn("host port", accepting)) }
    }

    fn close(&mut self, project: &ProjectId) {
        self.listening.remove(project);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }

    /// Tells everybody what is open.
    fn show(&self, project: &ProjectId) -> Mappings {
        let pairs = || self.listening.get(project).into_iter().flatten();
        let mappings: Mappings = pairs().map(|(port, open)| (*port, open.host_port)).collect();
        let all_ours = pairs().all(|(_, open)| open.task.is_some());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(project.clone(), Open { mappings: mappings.clone(), all_ours });
        mappings
    }
}

/// Where a port of a project looks for a host port. Each begins somewhere else, so
/// that a port that became free is seldom the next project's: browsers remember
/// what an origin once served.
fn candidates(config: &Config, project: &ProjectId, port: u16) -> impl Iterator<Item = u16> {
    let (first, last) = (config.first_host_port, config.last_host_port);
    let digest = blake3::hash(format!("{project}:{port}").as_bytes());
    let count = u32::from(last - first) + 1;
    let begin = u32::from_le_bytes([0, 1, 2, 3].map(|at| digest.as_bytes()[at])) % count;
    (0..u32::from(MAX_TRIES).min(count)).map(move |step| {
        // Less than `count`, which is at most 65535.
        first + u16::try_from((begin + step) % count).unwrap_or_default()
    })
}

async fn accept(
    listener: TcpListener,
    visitors: mpsc::Sender<Visitor>,
    places: Arc<Semaphore>,
    (project, port): (ProjectId, u16),
) {
    // Whoever comes when all places are taken waits in the kernel's queue.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let visitor = Visitor { stream, project: project.clone(), port, place };
                if visitors.send(visitor).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                tracing::debug!(%project, port, %error, "a visitor could not be let in");
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_ports_are_looked_for_in_the_range_and_no_port_twice() {
        let config =
            Config { first_host_port: 10_000, last_host_port: 10_004, ..Config::default() };
        let tried: HashSet<u16> = candidates(&config, &ProjectId::generate(), 3000).collect();
        assert_eq!(tried, (10_000..=10_004).collect());
    }

    #[test]
    fn the_highest_port_there_is_can_be_in_the_range() {
        let config = Config { first_host_port: 1, last_host_port: u16::MAX, ..Config::default() };
        assert_eq!(candidates(&config, &ProjectId::generate(), 80).count(), 100);
    }

    #[test]
    fn a_project_looks_in_the_same_places_each_time() {
        let (config, project) = (Config::default(), ProjectId::generate());
        let [once, again] = [(); 2].map(|()| candidates(&config, &project, 80).next());
        assert_eq!(once, again);
    }
}
