//! Several servers on one database: each puts to work what another has changed,
//! and nobody overwrites what he has not seen.
//!
//! ```text
//!   one server                      database                    another server
//!   change ──▶ only if still at 7 ─▶ generation 8 ◀── looks every second
//!                                    rows, bytes  ──▶ not 7 any more: assembles
//! ```

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::MutexGuard;

use super::store::Generation;
use super::{Error, Library, Status};
use crate::plugins::compile::blocking;
use crate::plugins::fault::Digest;

/// How often the database is asked whether another server has changed something.
const PAUSE: Duration = Duration::from_secs(1);

impl Library {
    /// Follows the changes of other servers until this one ends.
    pub async fn follow(self) {
        let mut pause = tokio::time::interval(PAUSE);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_blind = false;
        loop {
            pause.tick().await;
            let followed = self.follow_once().await;
            if let Err(error) = &followed
                && !is_blind
            {
                tracing::warn!(%error, "what other servers change about plugins can't be seen");
            }
            is_blind = followed.is_err();
        }
    }

    /// A change of our own needs no second look, so most looks wait for nobody.
    async fn follow_once(&self) -> Result<(), Error> {
        if self.inner.store.generation().await? == self.seen() {
            return Ok(());
        }
        let _one = self.inner.changing.lock().await;
        self.catch_up().await
    }

    /// The turn to change something, on what the database says now.
    pub(super) async fn turn(&self) -> Result<MutexGuard<'_, ()>, Error> {
        let one = self.inner.changing.lock().await;
        self.catch_up().await?;
        Ok(one)
    }

    /// What this server has put to work.
    pub(super) fn seen(&self) -> Generation {
        *self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn see(&self, generation: Generation) {
        *self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner) = generation;
    }

    /// Puts to work what another server has changed, if one has.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
        if self.inner.store.generation().await? == self.seen() {
            return Ok(());
        }
        let before = self.list();
        self.assemble().await?;
        let now = self.list();
        self.tell_differences(&before, &now);
        let kept: HashSet<_> = versions(&now).collect();
        versions(&before).filter(|old| !kept.contains(old)).for_each(|old| {
            self.inner.files.remove(old);
        });
        Ok(())
    }

    fn tell_differences(&self, before: &[Status], now: &[Status]) {
        for status in now {
            let name = &status.plugin.name;
            match before.iter().find(|old| old.plugin.name == *name) {
                Some(old) if old.plugin == status.plugin && old.bindings == status.bindings => {}
                _ => self.tell(name, status, "changed-elsewhere"),
            }
        }
        let is_gone = |old: &&Status| !now.iter().any(|one| one.plugin.name == old.plugin.name);
        for old in before.iter().filter(is_gone) {
            self.tell(&old.plugin.name, old, "removed");
        }
    }

    /// A component's bytes: from this server's disk, or else from the database.
    pub(super) async fn component(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let files = self.inner.files.clone();
        let read = blocking("components", move || files.read(digest)).await?;
        let lost = match read {
            Ok(bytes) => return Ok(bytes),
            Err(lost) => lost,
        };
        let Some(bytes) = self.inner.store.component(digest).await? else {
            return Err(lost.into());
        };
        let files = self.inner.files.clone();
        let keep = move || files.restore(digest, &bytes).map(|()| bytes);
        Ok(blocking("components", keep).await??)
    }

    /// Puts into the database what only this server's disk has: it was installed
    /// before components were kept there.
    pub(super) async fn share_components(&self) -> Result<(), Error> {
        for digest in self.inner.store.without_component().await? {
            if let Ok(bytes) = self.inner.files.read(digest) {
                self.inner.store.put_component(digest, &bytes).await?;
            }
        }
        Ok(())
    }
}

fn versions(statuses: &[Status]) -> impl Iterator<Item = Digest> {
    statuses.iter().flat_map(|status| &status.versions).map(|version| version.digest)
}
