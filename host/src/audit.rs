//! Gate: the append-only record of who did what.
//!
//! Each entry's hash covers the hash before it, so that editing, removing or
//! reordering entries shows. An action leaves two: `begun` before its effect,
//! and `finished` (or `interrupted`) after. One task appends; it takes what
//! waits as one transaction, so that many callers cost one disk flush.
//!
//! # What shows, and what does not
//!
//! Somebody with the database alone can recompute all hashes, cut the end off, or
//! put an older copy in its place. So each server also keeps, in its data
//! directory, the last entry that it wrote (its *head*, [`seal`]): whatever was
//! done to that entry or any before it shows, as does its absence. A server looks
//! before each append, and where its head is gone it says so in the record
//! (`audit.broken`), which no verification passes over. Entries that are too old
//! go in whole chunks, and the last one cut is kept under a seal whose key is not
//! in the database either.
//!
//! What does not show: entries that a server wrote within the last moment before a
//! power cut, since heads are not flushed; those of a server whose data directory
//! is gone; and what somebody does who can write both database and data directory.

mod chain;
mod page;
mod retain;
pub mod seal;
mod store;
mod verify;

use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::{AuditId, RequestId, UserId};
use crate::origin::Origin;
use crate::secret::Secret;
use crate::tasks::Tasks;
use seal::Seal;
use store::Store;

pub use chain::{Mark, Record};
pub use page::{MAX_PAGE, Outcome, Wanted};
pub use store::Checkpoint;
pub use verify::{Fault, Follower, Verification, verify};

/// Entries that may wait for the appender.
const WAITING_ENTRIES: usize = 4096;

/// Entries written as one transaction.
const BATCH: usize = 256;

/// How long what has happened already may wait to be written with something else.
const LINGER: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many days entries are kept; for ever where nothing is said.
    pub keep_days: Option<u32>,
    /// What seals are made with; without it, a key that is kept in the data
    /// directory. Servers that share a database share it.
    pub key: Option<Secret>,
}

/// What is recorded of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: AuditId,
    pub phase: Phase,
    pub at_us: i64,
    pub actor: UserId,
    pub action: &'static str,
    pub target: String,
    pub origin: Origin,
    /// Since it began, where this is its end.
    pub duration_us: Option<i64>,
    pub request_id: RequestId,
    pub outcome: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Begun,
    Finished,
    Interrupted,
    Denied,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Denied => "denied",
        }
    }
}

/// The record could not be written, so the action must not happen.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the audit record can't be written now: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    fn stopping() -> Self {
        Self("the server is stopping".to_owned())
    }
}

/// An entry on its way.
#[derive(Debug)]
pub struct Written(oneshot::Receiver<Result<(), Unavailable>>);

impl Written {
    /// Waits until it is safe.
    pub async fn safe(self) -> Result<(), Unavailable> {
        self.0.await.map_err(|_| Unavailable::stopping())?
    }
}

#[derive(Debug)]
struct Append {
    entry: Entry,
    done: Option<oneshot::Sender<Result<(), Unavailable>>>,
}

/// Writes the record. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Audit {
    waiting: mpsc::Sender<Append>,
    store: Store,
    clock: Clock,
    seal: Option<Seal>,
}

impl Audit {
    /// A record whose heads nobody keeps.
    pub fn start(db: Db, clock: Clock, tasks: &Tasks) -> Self {
        Self::build(db, clock, tasks, None)
    }

    /// The same, with its head kept where `seal` says.
    pub fn start_sealed(db: Db, clock: Clock, tasks: &Tasks, seal: Seal) -> Self {
        Self::build(db, clock, tasks, Some(seal))
    }

    fn build(db: Db, clock: Clock, tasks: &Tasks, seal: Option<Seal>) -> Self {
        let (waiting, queue) = mpsc::channel(WAITING_ENTRIES);
        let store = Store::new(db);
        tasks.run("audit", append_all(store.clone(), seal.clone(), queue));
        Self { waiting, store, clock, seal }
    }

    /// Entries that are not written yet.
    pub fn waiting(&self) -> usize {
        self.waiting.max_capacity() - self.waiting.capacity()
    }

    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// Writes an entry and waits until it is safe.
    pub async fn append(&self, entry: Entry) -> Result<(), Unavailable> {
        self.begin(entry).await?.safe().await
    }

    /// Writes an entry, for whoever has something else to do until it is safe.
    pub async fn begin(&self, entry: Entry) -> Result<Written, Unavailable> {
        let (done, written) = oneshot::channel();
        let append = Append { entry, done: Some(done) };
        self.waiting.send(append).await.map_err(|_| Unavailable::stopping())?;
        Ok(Written(written))
    }

    /// Writes an entry soon; used where the effect has happened already.
    pub fn append_soon(&self, entry: Entry) {
        if let Err(error) = self.waiting.try_send(Append { entry, done: None }) {
            tracing::error!(%error, "an audit entry was not written");
        }
    }

    /// Checks the whole record.
    pub async fn verify(&self) -> Result<Verification, db::Error> {
        verify::verify_store(&self.store, self.seal.as_ref()).await
    }

    /// A page of entries, newest first, and where the next one begins.
    pub async fn page(&self, wanted: &Wanted) -> Result<(Vec<Record>, Option<i64>), db::Error> {
        self.store.page(wanted).await
    }

    /// Entries after `seq` in the order in which they were written, a bounded
    /// number of them.
    pub async fn after(&self, seq: i64) -> Result<Vec<Record>, db::Error> {
        self.store.after(seq).await
    }

    /// The last entry that was cut off, if any was.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, db::Error> {
        self.store.checkpoint().await
    }
}

/// As whom the record itself speaks: as the server.
fn server_itself() -> UserId {
    // The text is a valid id.
    "lockhouse".parse().unwrap_or_else(|_| UserId::generate())
}

/// Entries that nobody waits for go with one that somebody waits for, if that comes soon:
/// whoever does one thing after the other then waits for one flush each time, not two.
async fn gather(queue: &mut mpsc::Receiver<Append>, batch: &mut Vec<Append>) {
    let until = Instant::now() + LINGER;
    while batch.len() < BATCH && batch.iter().all(|append| append.done.is_none()) {
        let more = queue.recv_many(batch, BATCH - batch.len());
        if !matches!(tokio::time::timeout_at(until.into(), more).await, Ok(1..)) {
            return;
        }
    }
}

async fn append_all(store: Store, seal: Option<Seal>, mut queue: mpsc::Receiver<Append>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut head = seal.as_ref().and_then(Seal::own_head);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        gather(&mut queue, &mut batch).await;
        let entries: Vec<&Entry> = batch.iter().map(|append| &append.entry).collect();
        let began = Instant::now();
        let written = match store.append(&entries, head.as_ref()).await {
            Ok(last) => {
                if let Some(seal) = &seal {
                    seal.keep_head(&last);
                }
                head = Some(last);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, entries = entries.len(), "audit entries were not written");
                Err(Unavailable(error.to_string()))
            }
        };
        metrics::histogram!("audit_write_seconds").record(began.elapsed());
        for append in batch.drain(..) {
            if let Some(done) = append.done {
                // The caller may have gone; its entry is written all the same.
                let _ = done.send(written.clone());
            }
        }
    }
}
