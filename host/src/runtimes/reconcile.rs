//! What is, brought back to what should be: when the server starts, and ever
//! after, without anybody asking.
//!
//! Each runtime is looked at every `check_interval`, whatever links and engine
//! have told: their news may be lost. Every `sweep_interval` deadlines are
//! enforced and left-overs removed. Of several servers on one database one does
//! either at a time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::activity::Cause;
use super::converge::Wanted;
use super::deadlines;
use super::engine::EngineState;
use super::state::{Attention, Desired, Look, attention};
use super::{Error, Runtime, Runtimes};
use crate::events::{Events, What};
use crate::ids::ProjectId;

/// Hints of the engine that may wait.
const WAITING_HINTS: usize = 256;

/// Runtimes worked on at once.
const AT_ONCE: usize = 8;

/// A state that nobody has written for so long is nobody's work any more: no
/// change takes longer.
const STALE: SignedDuration = SignedDuration::from_mins(5);

impl Runtimes {
    /// Reconciles, then looks after all runtimes until the server stops.
    pub async fn keep(self) {
        self.reconcile().await;
        let mut check = every(self.inner.config.check_interval);
        let mut sweep = every(self.inner.config.sweep_interval);
        let (changed, mut news) = mpsc::channel(WAITING_HINTS);
        let _watching = self.inner.tasks.spawn("engine", watch(self.clone(), changed));
        loop {
            tokio::select! {
                () = self.inner.tasks.stopping() => break,
                Some(project) = news.recv() => self.look_again(&project).await,
                _ = check.tick() => {
                    self.listen_to_all().await;
                    self.alone("runtimes/check", self.check()).await;
                }
                _ = sweep.tick() => self.alone("runtimes/sweep", self.sweep()).await,
            }
        }
        if let Err(error) = self.save_activity().await {
            tracing::warn!(%error, "the latest uses of runtimes were not written down");
        }
    }

    /// Does it unless another server does.
    pub(super) async fn alone(&self, name: &str, work: impl Future<Output = Result<(), Error>>) {
        if let Err(error) = self.save_activity().await {
            tracing::warn!(%error, "the latest uses of runtimes were not written down");
        }
        match self.inner.leases.try_take(name).await {
            Ok(Some(lease)) => {
                tokio::select! {
                    done = work => {
                        if let Err(error) = done {
                            tracing::warn!(name, %error, "runtimes could not be looked after");
                        }
                    }
                    () = lease.lost() => {}
                }
                lease.give_back().await;
            }
            Ok(None) => tracing::debug!(name, "another server looks after the runtimes"),
            Err(error) => tracing::warn!(name, %error, "runtimes could not be looked after"),
        }
    }

    /// Brings every runtime to what the database says. Requests are served
    /// meanwhile; each project waits for its own runtime alone.
    async fn reconcile(&self) {
        let runtimes = match self.inner.store.list().await {
            Ok(runtimes) => runtimes,
            Err(error) => return tracing::error!(%error, "runtimes could not be reconciled"),
        };
        // Every supervisor can report before the first one is waited for.
        self.listen_to_all().await;
        self.settle_all(runtimes.into_iter().map(|runtime| (runtime, Attention::Settle))).await;
        if let Err(error) = self.remove_orphans().await {
            tracing::warn!(%error, "left-over runtimes could not be removed");
        }
    }

    /// Takes note of what another server made or changed, before anybody here asks
    /// for it: a link to each that runs, and what each may reach.
    async fn listen_to_all(&self) {
        let (runtimes, waiting) = tokio::join!(self.inner.store.list(), self.inner.pool.ids());
        let runtimes = runtimes.unwrap_or_default();
        for runtime in &runtimes {
            self.inner.egress.hold(&runtime.project, runtime.settings.network);
        }
        let running = runtimes.into_iter().filter(|runtime| runtime.desired == Desired::Running);
        let ids = running.map(|runtime| runtime.project).chain(waiting.unwrap_or_default());
        for project in ids.filter(|id| self.inner.links.find(id).is_none()) {
            if let Err(error) = self.listen(&project).await {
                tracing::error!(%project, %error, "no link can be made");
            }
        }
    }

    /// The engine has told of a change of this one.
    async fn look_again(&self, project: &ProjectId) {
        let looked = async {
            let Some(runtime) = self.inner.store.find(project).await? else { return Ok(()) };
            let seen = self.inner.engine.inspect(project).await?;
            let look = self.look(&runtime, seen.map(|seen| seen.state), self.inner.clock.now());
            match attention(look) {
                Some(Attention::Crashed) => self.crashed(project).await,
                // All else has time until the next check.
                _ => Ok(()),
            }
        };
        if let Err(error) = looked.await {
            tracing::warn!(%project, %error, "a runtime that changed was not looked at");
        }
    }

    /// Looks at every runtime, and sees to what needs it.
    async fn check(&self) -> Result<(), Error> {
        let seen = self.inner.engine.list().await?;
        let seen: HashMap<_, _> = seen.into_iter().map(|seen| (seen.id, seen.state)).collect();
        let now = self.inner.clock.now();
        let runtimes = self.inner.store.list().await?;
        self.settle_all(runtimes.into_iter().filter_map(|runtime| {
            let look = self.look(&runtime, seen.get(&runtime.project).copied(), now);
            attention(look).map(|attention| (runtime, attention))
        }))
        .await;
        Ok(())
    }

    fn look(&self, runtime: &Runtime, observed: Option<EngineState>, now: Timestamp) -> Look {
        Look {
            desired: runtime.desired,
            status: runtime.status,
            observed,
            linked: self.inner.links.find(&runtime.project).is_some(),
            retry_due: runtime.retry_at.map(|at| at <= now),
            stale: now.duration_since(runtime.updated_at) > STALE,
        }
    }

    async fn settle_all(&self, needs: impl Iterator<Item = (Runtime, Attention)>) {
        let attending = needs.map(|(runtime, attention)| self.see_to(runtime.project, attention));
        stream::iter(attending).buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    async fn see_to(&self, project: ProjectId, attention: Attention) {
        if let Err(error) = self.attend(&project, attention).await {
            tracing::warn!(%project, %error, "a runtime is not as it should be");
        }
    }

    async fn attend(&self, project: &ProjectId, attention: Attention) -> Result<(), Error> {
        let wanted = match attention {
            Attention::Crashed => return self.crashed(project).await,
            Attention::Settle => Wanted::Settled,
            Attention::Revive => Wanted::Revived,
        };
        let project = self.inner.projects.get(project).await?;
        match self.settle(&project, wanted).await {
            // It was deleted meanwhile.
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Stops what is past a deadline, and removes what belongs to nobody.
    async fn sweep(&self) -> Result<(), Error> {
        let now = self.inner.clock.now();
        for runtime in self.inner.store.list().await? {
            if deadlines::due(&runtime, self.latest_activity(&runtime), now).is_none() {
                continue;
            }
            if let Err(error) = self.stop_in_time(&runtime.project).await {
                tracing::warn!(project = %runtime.project, %error, "a runtime was not stopped in time");
            }
        }
        self.remove_orphans().await
    }

    async fn stop_in_time(&self, project: &ProjectId) -> Result<(), Error> {
        let project = self.inner.projects.get(project).await?;
        self.settle(&project, Wanted::Expired).await.map(drop)
    }

    async fn save_activity(&self) -> Result<(), Error> {
        for (project, activity) in self.inner.activities.take_unsaved() {
            self.inner.store.note_activity(&project, activity).await?;
        }
        Ok(())
    }

    /// Removes this instance's runtimes of which the database knows nothing.
    async fn remove_orphans(&self) -> Result<(), Error> {
        let seen = self.inner.engine.list().await?;
        let known = self.inner.store.list().await?;
        let mut known: HashSet<ProjectId> = known.into_iter().map(|r| r.project).collect();
        known.extend(self.inner.pool.ids().await?);
        for orphan in seen.into_iter().filter(|seen| !known.contains(&seen.id)) {
            if let Err(error) = self.in_turn(&orphan.id, self.remove_orphan(&orphan.id)).await {
                tracing::warn!(project = %orphan.id, %error, "a left-over runtime stays");
            }
        }
        Ok(self.inner.engine.remove_duplicates().await?)
    }

    pub(super) async fn remove_orphan(&self, orphan: &ProjectId) -> Result<(), Error> {
        // It may have been created since the list was read.
        if self.inner.store.find(orphan).await?.is_some() || self.inner.pool.holds(orphan).await? {
            return Ok(());
        }
        tracing::info!(project = %orphan, "removing a runtime that belongs to no project");
        self.inner.engine.remove(orphan).await?;
        self.inner.links.forget(orphan);
        Ok(self.inner.place.remove(orphan).await?)
    }
}

/// Hears what the engine tells; one that is lost is heard again when it is back.
async fn watch(room: Runtimes, changed: mpsc::Sender<ProjectId>) {
    let mut again = every(room.inner.config.check_interval);
    loop {
        again.tick().await;
        if let Err(error) = room.inner.engine.watch(&changed).await {
            tracing::warn!(%error, "the engine tells nothing now");
        }
    }
}

/// Files that are written count as a use of their project's runtime.
pub(super) async fn hear_files(room: Runtimes, events: Events) {
    let mut news = events.subscribe(None);
    while let Some(event) = news.next().await {
        if let What::File { project, .. } = event.what {
            room.touch(&project, Cause::File);
            room.inner.written.note(&project);
            room.inner.changed.note(&project);
            // Whoever may fill so much and no more waits for the room that he made.
            if let Some(about) = event.about
                && room.inner.projects.has_disk_bound(&about.owner).await
            {
                room.inner.changed.hurry();
            }
        }
    }
}

pub(super) fn every(seconds: u64) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(Duration::from_secs(seconds.max(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
