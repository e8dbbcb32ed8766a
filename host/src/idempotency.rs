//! Gate: a request that is sent again with the same key is not carried out
//! again; it gets the first answer.
//!
//! While the first one is carried out its key is leased, so that a second one
//! at the same time is told to wait, and a server that is killed blocks nobody.
//! Shape and behaviour follow the IETF draft "The Idempotency-Key HTTP Header
//! Field".

mod store;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::UserId;
use crate::leases::{Lease, Leases};
use crate::tasks::Tasks;
use store::Store;

/// How long an answer is kept.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// The longest key.
pub const MAX_KEY_BYTES: usize = 255;

/// The longest answer that is kept.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    /// As they were sent: `content-type` and `location`.
    pub headers: Vec<(String, String)>,
    /// `None` where it could not be kept: it was a stream, or too long.
    pub body: Option<String>,
}

/// Whether a request is to be carried out.
#[derive(Debug)]
pub enum Turn {
    First(Ticket),
    /// It was carried out; this was the answer.
    Again(Answer),
    /// The key came with another request before.
    Differs,
    /// The first request with this key is being carried out.
    Busy,
}

/// Leave to carry a request out. Dropped without an answer it leaves the key
/// free, so that the request may be tried again.
#[derive(Debug)]
pub struct Ticket {
    key: String,
    request: String,
    store: Store,
    clock: Clock,
    lease: Lease,
}

/// The answers that are kept. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Idempotency {
    store: Store,
    clock: Clock,
    leases: Leases,
}

impl Idempotency {
    pub fn new(db: Db, clock: Clock, leases: Leases) -> Self {
        Self { store: Store::new(db), clock, leases }
    }

    /// Takes a key of this user's for a request, which `request` stands for.
    pub async fn begin(
        &self,
        user: &UserId,
        key: &str,
        request: String,
    ) -> Result<Turn, db::Error> {
        let key = format!("{user}/{key}");
        let Some(lease) = self.leases.try_take(&format!("idempotency/{key}")).await? else {
            return Ok(Turn::Busy);
        };
        let oldest = self.clock.now_us().saturating_sub(micros(KEPT_FOR));
        match self.store.find(&key, oldest).await? {
            None => {
                let (store, clock) = (self.store.clone(), self.clock.clone());
                Ok(Turn::First(Ticket { key, request, store, clock, lease }))
            }
            Some((first, _)) if first != request => Ok(Turn::Differs),
            Some((_, answer)) => Ok(Turn::Again(answer)),
        }
    }

    /// Forgets old answers now and then until the server stops.
    pub async fn sweep_always(self, tasks: Tasks) {
        let mut due = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = due.tick() => {}
            }
            let oldest = self.clock.now_us().saturating_sub(micros(KEPT_FOR));
            if let Err(error) = self.store.delete_before(oldest).await {
                tracing::warn!(%error, "old answers were not forgotten");
            }
        }
    }
}

impl Ticket {
    /// Keeps the answer for whoever asks again.
    pub async fn keep(self, answer: &Answer) -> Result<(), db::Error> {
        self.store.put(&self.key, &self.request, answer, self.clock.now_us()).await?;
        self.lease.give_back().await;
        Ok(())
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
