//! Gate quotas: how much of the disk somebody's projects may take together.
//!
//! What each takes is measured now and then, and kept. What is written through the server
//! is added to that before it lands, so that the sum holds between two measurements and
//! for all servers of the database. What programs in runtimes write counts as soon as it
//! is measured.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::store::Store;
use super::{Error, Over, Quotas};
use crate::db;
use crate::ids::{ProjectId, UserId};

/// How long it is believed how much somebody may have: another server may have changed it.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// Users of whom that is remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Files take so many bytes at once.
const BLOCK_BYTES: u64 = 4096;

/// What each name costs at least, as it is measured.
const LEAST_ENTRY_BYTES: u64 = 1024;

/// What a file of so many bytes takes on the disk, or a directory, which has none.
pub fn disk_cost(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES).max(LEAST_ENTRY_BYTES)
}

/// What somebody's projects take of the disk, and may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub most: u64,
    pub taken: u64,
}

impl Share {
    pub fn left(self) -> u64 {
        self.most.saturating_sub(self.taken)
    }
}

/// How much users may have, as it was a moment ago.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<UserId, (Option<u64>, Timestamp)>>);

impl Known {
    fn find(&self, user: &UserId, now: Timestamp) -> Option<Option<u64>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (most, since) = *known.get(user)?;
        (now.duration_since(since).abs() < FRESH).then_some(most)
    }

    fn keep(&self, user: &UserId, most: Option<u64>, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // They are asked for anew, which is all that is lost.
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(user.clone(), (most, now));
    }

    pub(super) fn forget(&self, user: &UserId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(user);
    }
}

/// Room on the disk that was taken for a write.
#[derive(Debug)]
#[must_use = "what a write did not take must be given back"]
pub struct Taken {
    bytes: u64,
    from: Option<(Store, ProjectId)>,
}

impl Taken {
    /// Where there is no bound.
    pub fn nothing() -> Self {
        Self { bytes: 0, from: None }
    }

    /// Nothing came of the write.
    pub async fn give_back(self) {
        self.settle(0).await;
    }

    /// The write left so many bytes more than there were.
    pub async fn settle(self, grown: i64) {
        let Some((store, project)) = self.from else { return };
        let change = grown.saturating_sub_unsigned(self.bytes);
        if change != 0
            && let Err(error) = store.change_disk(&project, change).await
        {
            tracing::warn!(%project, %error, "a project counts as larger until it is measured");
        }
    }

    /// The write may have replaced something: that is known when it is measured.
    pub fn keep(self) {
        drop(self);
    }
}

impl Quotas {
    /// What somebody's projects take, where that has a bound.
    pub async fn disk_share(&self, user: &UserId) -> Result<Option<Share>, db::Error> {
        let Some(most) = self.disk_most(user).await? else { return Ok(None) };
        Ok(Some(Share { most, taken: self.disk_taken(user).await? }))
    }

    /// What somebody's projects take, as it is known.
    pub async fn disk_taken(&self, user: &UserId) -> Result<u64, db::Error> {
        let taken = self.store.disk_taken(user.as_str(), user.as_str()).await?;
        Ok(taken.get(user.as_str()).copied().unwrap_or_default())
    }

    /// The same of all from `first` to `last`, by their ids; who takes nothing is not in it.
    pub async fn disk_taken_of(
        &self,
        first: &UserId,
        last: &UserId,
    ) -> Result<BTreeMap<String, u64>, db::Error> {
        self.store.disk_taken(first.as_str(), last.as_str()).await
    }

    /// Takes room for what is about to be written into a project of this user's.
    ///
    /// # Errors
    /// `Over` where his projects would take more than they may; then nothing is taken.
    pub async fn take_disk(
        &self,
        user: &UserId,
        project: &ProjectId,
        bytes: u64,
    ) -> Result<Taken, Error> {
        let Some(most) = self.disk_most(user).await?.filter(|_| bytes > 0) else {
            return Ok(Taken::nothing());
        };
        if self.store.take_disk((user, project), bytes, most).await? {
            return Ok(Taken { bytes, from: Some((self.store.clone(), project.clone())) });
        }
        let taken = self.disk_taken(user).await?;
        Err(Over::Disk(Share { most, taken }).into())
    }

    /// How much of the disk somebody's projects may take together.
    pub async fn disk_most(&self, user: &UserId) -> Result<Option<u64>, db::Error> {
        let now = self.clock.now();
        if let Some(most) = self.known.find(user, now) {
            return Ok(most);
        }
        let most = self.of(user).await?.disk_bytes;
        self.known.keep(user, most, now);
        Ok(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_take_whole_blocks_and_empty_ones_are_not_for_nothing() {
        assert_eq!([0, 1, 4096, 4097].map(disk_cost), [1024, 4096, 4096, 8192]);
    }

    #[test]
    fn whoever_takes_more_than_he_may_has_nothing_left() {
        assert_eq!(Share { most: 10, taken: 4 }.left(), 6);
        assert_eq!(Share { most: 10, taken: 11 }.left(), 0);
    }
}
