//! Ground: leases, by which servers on one database agree who works on what.
//!
//! A lease is a row with a holder and a time. Whoever holds it renews it; when
//! its time is over without, another may take it. A server that was killed
//! leaves rows whose time is not over: that it is dead shows in its lock file,
//! which the kernel lets go at once, so that a restart waits for nothing.
//!
//! Servers that share a data directory each take a seat there, by a lock as
//! well: who sits on which decides where each listens for supervisors.

mod store;

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lockhouse_supervisor::protocol::MAX_HOSTS;
use rustix::fs::{FlockOperation, flock};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::HostId;
use crate::tasks::{Task, Tasks};
use store::Store;

/// How long a lease counts without being renewed: half a minute.
const LIFETIME_US: i64 = 30_000_000;

/// How often it is renewed; two renewals may fail before it is lost.
const RENEWAL: Duration = Duration::from_secs(10);

/// How often a lease that somebody else holds is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// Stands between a server's id and the number of a lease of its.
const SEPARATOR: char = '.';

const LOCK_ENDING: &str = ".lock";

/// Begins the names of the files that stand for seats.
const SEAT: &str = "seat-";

/// The leases of one server. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Leases {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    tasks: Tasks,
    host: HostId,
    /// How many leases were taken.
    taken: AtomicU64,
    /// Lock files of the servers that share this data directory.
    dir: PathBuf,
    seat: usize,
    /// Locked for as long as this server lives.
    _lives: [std::fs::File; 2],
}

/// The right to work on something. Dropping it gives it back.
#[derive(Debug)]
pub struct Lease {
    held: Option<Held>,
    lost: CancellationToken,
    _renewing: Task,
}

#[derive(Debug, Clone)]
struct Held {
    leases: Leases,
    name: String,
    holder: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the lock file of this server: {0}")]
    Lock(#[from] std::io::Error),
    #[error("{MAX_HOSTS} servers share this data directory already; stop one of them")]
    Full,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Leases {
    /// `dir` is shared by the servers that share a data directory. What servers
    /// that ended there still held is free afterwards.
    pub async fn open(db: Db, clock: Clock, tasks: Tasks, dir: PathBuf) -> Result<Self, Error> {
        let host = HostId::generate();
        let lives = lock(&dir, &host)?;
        let (seat, sits) = take_seat(&dir)?;
        let store = Store::new(db);
        for (dead, file) in the_dead(&dir)? {
            store.give_back_all(&dead).await?;
            // Another server that starts now may have removed it already.
            let _ = std::fs::remove_file(file);
        }
        let taken = AtomicU64::new(0);
        let _lives = [lives, sits];
        Ok(Self { inner: Arc::new(Inner { store, clock, tasks, host, taken, dir, seat, _lives }) })
    }

    /// Which of the servers that share the data directory this one is, counted
    /// from 0; a server that ended has left its seat to the next.
    pub fn seat(&self) -> usize {
        self.inner.seat
    }

    /// Whether no other server shares the data directory now.
    pub fn is_alone(&self) -> bool {
        let Inner { dir, seat, .. } = &*self.inner;
        let mut others = (0..MAX_HOSTS).filter(|other| other != seat);
        let sits = |file: std::fs::File| !is_free(file);
        !others.any(|other| std::fs::File::open(seat_file(dir, other)).is_ok_and(sits))
    }

    /// Takes it unless somebody who lives holds it.
    pub async fn try_take(&self, name: &str) -> Result<Option<Lease>, db::Error> {
        let Inner { store, clock, .. } = &*self.inner;
        let holder = self.next_holder();
        let now = clock.now_us();
        if store.take(name, &holder, now, now + LIFETIME_US).await? {
            return Ok(Some(self.lease(name, holder)));
        }
        let Some(other) = store.holder(name).await? else { return Ok(None) };
        if !self.is_dead(&other) {
            return Ok(None);
        }
        tracing::info!(name, holder = other, "a lease of a server that ended is taken over");
        store.give_back(name, &other).await?;
        let taken = store.take(name, &holder, now, now + LIFETIME_US).await?;
        Ok(taken.then(|| self.lease(name, holder)))
    }

    /// Takes it, waiting for whoever holds it up to `patience`.
    pub async fn take(&self, name: &str, patience: Duration) -> Result<Option<Lease>, db::Error> {
        let trying = async {
            loop {
                if let Some(lease) = self.try_take(name).await? {
                    return Ok(lease);
                }
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::time::timeout(patience, trying).await.ok().transpose()
    }

    /// Does what is done now and then, unless another server is at it.
    pub async fn in_turn<T>(&self, name: &str, work: impl Future<Output = T>) -> Option<T> {
        match self.try_take(name).await {
            Ok(Some(lease)) => {
                let done = tokio::select! {
                    done = work => Some(done),
                    () = lease.lost() => None,
                };
                lease.give_back().await;
                done
            }
            Ok(None) => {
                tracing::debug!(name, "another server does it");
                None
            }
            Err(error) => {
                tracing::warn!(name, %error, "it could not be done in turn");
                None
            }
        }
    }

    /// Each lease has a name of its own for its holder, so that giving back an
    /// earlier one can't end a later one.
    fn next_holder(&self) -> String {
        let number = self.inner.taken.fetch_add(1, Ordering::Relaxed);
        format!("{}{SEPARATOR}{number}", self.inner.host)
    }

    /// Whether the server that holds it is known to have ended. Of one with
    /// another data directory nothing is known.
    fn is_dead(&self, holder: &str) -> bool {
        let host = holder.split_once(SEPARATOR).map_or(holder, |(host, _)| host);
        host != self.inner.host.as_str()
            && std::fs::File::open(lock_file(&self.inner.dir, host))
                .is_ok_and(|file| is_free(&file))
    }

    fn lease(&self, name: &str, holder: String) -> Lease {
        let held = Held { leases: self.clone(), name: name.to_owned(), holder };
        let lost = CancellationToken::new();
        let renewing = renew(held.clone(), lost.clone());
        let task = self.inner.tasks.spawn("renew a lease", renewing);
        Lease { held: Some(held), lost, _renewing: task }
    }
}

impl Lease {
    /// Resolves when another may have taken it: work under it must end.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives it back now, so that whoever asks next need not try again.
    pub async fn give_back(mut self) {
        if let Some(held) = self.held.take() {
            held.give_back().await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let tasks = held.leases.inner.tasks.clone();
            tasks.run("give a lease back", async move { held.give_back().await });
        }
    }
}

impl Held {
    async fn give_back(&self) {
        let given = self.leases.inner.store.give_back(&self.name, &self.holder).await;
        if let Err(error) = given {
            tracing::warn!(name = self.name, %error, "a lease was not given back; it ends by itself");
        }
    }
}

async fn renew(held: Held, lost: CancellationToken) {
    let Inner { store, clock, .. } = &*held.leases.inner;
    let mut until = clock.now_us() + LIFETIME_US;
    loop {
        tokio::time::sleep(RENEWAL).await;
        let now = clock.now_us();
        match store.renew(&held.name, &held.holder, now + LIFETIME_US).await {
            Ok(true) => until = now + LIFETIME_US,
            Ok(false) => break,
            Err(error) if now < until => {
                tracing::warn!(name = held.name, %error, "a lease was not renewed");
            }
            Err(_) => break,
        }
    }
    tracing::warn!(name = held.name, "a lease is lost: another server may work on it");
    lost.cancel();
}

fn lock_file(dir: &Path, host: &str) -> PathBuf {
    dir.join(format!("{host}{LOCK_ENDING}"))
}

/// A file that is locked for as long as this process lives. It gets its name
/// once it is, so that nobody sees it free.
fn lock(dir: &Path, host: &HostId) -> std::io::Result<std::fs::File> {
    std::fs::create_dir_all(dir)?;
    let new = tempfile::NamedTempFile::new_in(dir)?;
    flock(new.as_file(), FlockOperation::NonBlockingLockExclusive)?;
    let named = new.persist(lock_file(dir, host.as_str()))?;
    Ok(named)
}

/// The first seat that nobody has.
fn take_seat(dir: &Path) -> Result<(usize, std::fs::File), Error> {
    for seat in 0..MAX_HOSTS {
        let file = std::fs::File::create(seat_file(dir, seat))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok((seat, file));
        }
    }
    Err(Error::Full)
}

fn seat_file(dir: &Path, seat: usize) -> PathBuf {
    dir.join(format!("{SEAT}{seat}"))
}

fn is_free(file: impl AsFd) -> bool {
    flock(&file, FlockOperation::NonBlockingLockShared).is_ok()
}

/// Servers whose lock nobody holds, and the file of each.
fn the_dead(dir: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut dead = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(host) = name.strip_suffix(LOCK_ENDING) else { continue };
        if std::fs::File::open(entry.path()).is_ok_and(|file| is_free(&file)) {
            dead.push((host.to_owned(), entry.path()));
        }
    }
    Ok(dead)
}
