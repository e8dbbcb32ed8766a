//! What was judged, kept so that another policy can be tried on it.
//!
//! Keeping is done beside the decision, which does not wait for it: where the
//! database can't follow, commands go unkept and are counted, not delayed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::store::Store;
use super::{Decision, Request, Risk};
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::JudgementId;
use crate::tasks::Tasks;

/// Judgements that may wait to be written.
const WAITING: usize = 8_192;
/// Judgements written as one transaction.
const BATCH: usize = 1_024;
/// Between transactions, so that others get to write as well.
const PAUSE: Duration = Duration::from_millis(100);
/// The most that one page holds.
pub const MAX_PAGE: u32 = 1_000;

/// One command that was judged, and how.
#[derive(Debug, Clone)]
pub struct Judgement {
    pub id: JudgementId,
    pub at: Timestamp,
    pub request: Request,
    pub allow: bool,
    pub risk: Risk,
    /// The policy that decided.
    pub policy: String,
    pub rule: String,
}

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) id: JudgementId,
    pub(super) at_us: i64,
    pub(super) request: Request,
    pub(super) decision: Decision,
}

/// Keeps judgements. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Recorder {
    waiting: mpsc::Sender<Kept>,
    store: Store,
    clock: Clock,
}

impl Recorder {
    /// Keeps at most the newest `keep`.
    pub fn start(db: Db, clock: Clock, tasks: &Tasks, keep: u32) -> Self {
        let (waiting, queue) = mpsc::channel(WAITING);
        let store = Store::new(db, keep);
        tasks.run("judgements", write_all(store.clone(), queue));
        Self { waiting, store, clock }
    }

    pub(super) fn keep(&self, request: &Request, decision: &Decision) {
        let kept = Kept {
            id: JudgementId::generate(),
            at_us: self.clock.now_us(),
            request: request.clone(),
            decision: decision.clone(),
        };
        if self.waiting.try_send(kept).is_err() {
            metrics::counter!("policy_judgements_unkept_total").increment(1);
        }
    }

    /// What was judged at `since` or later, newest first and before `before`,
    /// at most [`MAX_PAGE`] of them.
    pub async fn page(
        &self,
        since: Timestamp,
        before: Option<&JudgementId>,
        limit: u32,
    ) -> Result<Vec<Judgement>, db::Error> {
        self.store.page(since.as_microsecond(), before, limit.min(MAX_PAGE)).await
    }
}

async fn write_all(store: Store, mut queue: mpsc::Receiver<Kept>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        if let Err(error) = store.insert(&batch).await {
            tracing::warn!(%error, judgements = batch.len(), "judgements were not kept");
        }
        batch.clear();
        tokio::time::sleep(PAUSE).await;
    }
}
