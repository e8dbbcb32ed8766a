//! Whether the record is as it was written.

use futures::TryStreamExt as _;

use super::chain::{BROKEN, Mark, Record};
use super::seal::Seal;
use super::store::{Checkpoint, Store};
use crate::db::{self, Db};

/// Verifications of a record that was cut meanwhile are begun anew so often.
const TRIES: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// How many entries follow from each other, after those that were cut.
    Intact { entries: u64, cut: i64 },
    /// The first entry that is wrong or missing.
    Broken { seq: i64, fault: Fault },
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it was edited, moved or put in, or follows one that was removed")]
    Unfollowing,
    #[error("it is not the one that a server wrote under this number: all was rewritten")]
    Rewritten,
    #[error("it is gone, with all that came after it: the end was cut off")]
    Gone,
    #[error("a server noticed that the record was not as it had left it")]
    Noticed,
    #[error(
        "the checkpoint before it is not sealed with this server's key; if another server cut \
         the record, give this one its audit/key"
    )]
    Unsealed,
}

/// Reads entries in their order, and says of each whether it follows.
#[derive(Debug, Clone)]
pub struct Follower {
    last: Mark,
    entries: u64,
}

impl Default for Follower {
    fn default() -> Self {
        Self::from(Mark::genesis())
    }
}

impl From<Mark> for Follower {
    fn from(last: Mark) -> Self {
        Self { last, entries: 0 }
    }
}

impl Follower {
    /// The next one.
    ///
    /// # Errors
    /// The number that is wrong, and what is.
    pub fn read(&mut self, record: &Record) -> Result<(), (i64, Fault)> {
        if !record.follows(&self.last) {
            return Err((self.last.seq + 1, Fault::Unfollowing));
        }
        if record.action == BROKEN {
            return Err((record.seq, Fault::Noticed));
        }
        self.last = record.mark();
        self.entries += 1;
        Ok(())
    }

    /// The last entry that was read.
    pub fn last(&self) -> &Mark {
        &self.last
    }

    pub fn entries(&self) -> u64 {
        self.entries
    }
}

/// Checks the record of a database that no server may be using.
pub async fn verify(db: Db, seal: Option<&Seal>) -> Result<Verification, db::Error> {
    verify_store(&Store::new(db), seal).await
}

pub(super) async fn verify_store(
    store: &Store,
    seal: Option<&Seal>,
) -> Result<Verification, db::Error> {
    for _ in 1..TRIES {
        let before = store.checkpoint().await?;
        let found = verify_from(store, seal, before.as_ref()).await?;
        if matches!(found, Verification::Intact { .. }) || store.checkpoint().await? == before {
            return Ok(found);
        }
    }
    verify_from(store, seal, store.checkpoint().await?.as_ref()).await
}

async fn verify_from(
    store: &Store,
    seal: Option<&Seal>,
    checkpoint: Option<&Checkpoint>,
) -> Result<Verification, db::Error> {
    let begin = checkpoint.map_or_else(Mark::genesis, Checkpoint::mark);
    let cut = begin.seq;
    if checkpoint.is_some_and(|checkpoint| !seal.is_some_and(|seal| seal.made(checkpoint))) {
        return Ok(Verification::Broken { seq: cut + 1, fault: Fault::Unsealed });
    }
    // Before the entries, which may be more by then and never fewer.
    let unread = |error: std::io::Error| db::Error::Failed(format!("<data>/audit: {error}"));
    let mut heads = seal.map_or(Ok(Vec::new()), Seal::heads).map_err(unread)?;
    heads.retain(|head| head.seq > cut);
    let mut follower = Follower::from(begin);
    let mut records = store.records();
    while let Some(record) = records.try_next().await? {
        if let Err((seq, fault)) = follower.read(&record) {
            return Ok(Verification::Broken { seq, fault });
        }
        let rewritten = |head: &Mark| head.seq == record.seq && head.hash != record.hash;
        if heads.iter().any(rewritten) {
            return Ok(Verification::Broken { seq: record.seq, fault: Fault::Rewritten });
        }
    }
    let end = follower.last().seq;
    if heads.iter().any(|head| head.seq > end) {
        return Ok(Verification::Broken { seq: end + 1, fault: Fault::Gone });
    }
    Ok(Verification::Intact { entries: follower.entries(), cut })
}
