//! Gate: the append-only record of who did what.
//!
//! Each entry's hash covers the hash before it, so that editing, removing or
//! reordering entries shows. An action leaves two: `begun` before its effect,
//! and `finished` (or `interrupted`) after. One task appends; it takes what
//! waits as one transaction, so that many callers cost one disk flush.

mod store;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::{AuditId, RequestId, UserId};
use crate::tasks::Tasks;
use store::Store;

/// Entries that may wait for the appender.
const WAITING_ENTRIES: usize = 4096;

/// Entries written as one transaction.
const BATCH: usize = 256;

/// The hash before the first entry.
const GENESIS: &str = "lockhouse";

/// What is recorded of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: AuditId,
    pub phase: Phase,
    pub at_us: i64,
    pub actor: UserId,
    pub action: &'static str,
    pub target: String,
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
}

impl Audit {
    pub fn start(db: Db, clock: Clock, tasks: &Tasks) -> Self {
        let (waiting, queue) = mpsc::channel(WAITING_ENTRIES);
        let store = Store::new(db);
        tasks.run("audit", append_all(store.clone(), queue));
        Self { waiting, store, clock }
    }

    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// Writes an entry and waits until it is safe.
    pub async fn append(&self, entry: Entry) -> Result<(), Unavailable> {
        let (done, written) = oneshot::channel();
        let gone = || Unavailable("the server is stopping".to_owned());
        self.waiting.send(Append { entry, done: Some(done) }).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }

    /// Writes an entry soon; used where the effect has happened already.
    pub fn append_soon(&self, entry: Entry) {
        if let Err(error) = self.waiting.try_send(Append { entry, done: None }) {
            tracing::error!(%error, "an audit entry was not written");
        }
    }

    /// Checks the whole chain; answers with the number of entries, or the
    /// first entry that does not follow from the ones before.
    pub async fn verify(&self) -> Result<Verification, db::Error> {
        self.store.verify().await
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    Intact { entries: u64 },
    Broken { seq: i64 },
}

async fn append_all(store: Store, mut queue: mpsc::Receiver<Append>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let entries: Vec<&Entry> = batch.iter().map(|append| &append.entry).collect();
        let written = store.append(&entries).await.map_err(|error| {
            tracing::error!(%error, entries = entries.len(), "audit entries were not written");
            Unavailable(error.to_string())
        });
        for append in batch.drain(..) {
            if let Some(done) = append.done {
                // The caller may have gone; its entry is written all the same.
                let _ = done.send(written.clone());
            }
        }
    }
}

/// The hash of an entry, given the one before it.
fn hash(previous: &str, seq: i64, fields: [&str; 8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seq.to_be_bytes());
    for field in [previous].iter().chain(fields.iter()) {
        hasher.update(&(field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
