//! Room agents: runs that other servers on the database carry out.
//!
//! Whoever is asked tells of them, ends them and keeps to one run a project. Of a server
//! that ended in the midst of a run, another says so in its place.

use std::time::Duration;

use super::{Agents, Error, Inner, Run, lease_name};
use crate::gate::Gate;
use crate::ids::{ProjectId, RunId};
use crate::leases::Lease;
use crate::runtimes;

/// How often it is looked whether somebody asked another server to end a run of this one.
const HEED_EVERY: Duration = Duration::from_secs(1);

/// How often runs are looked for whose server ended.
const RECOVER_EVERY: Duration = Duration::from_secs(5);

/// How often it is looked what became of another server's run.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the run before may take to leave its place.
const TURN_PATIENCE: Duration = Duration::from_secs(5);

impl Agents {
    /// Looks after runs that other servers were asked about, and after those that other
    /// servers left, until the server stops.
    pub async fn keep(self, gate: Gate) {
        let mut heed = tokio::time::interval(HEED_EVERY);
        let mut recover = tokio::time::interval(RECOVER_EVERY);
        loop {
            let kept = tokio::select! {
                () = self.inner.parts.tasks.stopping() => return,
                _ = heed.tick() => self.heed().await,
                _ = recover.tick() => self.recover(&gate).await,
            };
            if let Err(error) = kept {
                tracing::warn!(%error, "runs of other servers could not be looked after");
            }
        }
    }

    /// Ends those runs of this server that somebody asked another one to end.
    async fn heed(&self) -> Result<(), Error> {
        if self.is_idle() {
            return Ok(());
        }
        for run in self.inner.store.asked_to_end().await? {
            self.ask_to_end(&run);
        }
        Ok(())
    }

    /// Has another server end a run, and waits until it has.
    pub(super) async fn cancel_elsewhere(&self, run: &RunId) -> Result<(), Error> {
        let Inner { store, parts, .. } = &*self.inner;
        store.ask_to_end(run, parts.clock.now_us()).await?;
        while store.find(run).await?.is_some_and(|run| !run.state.is_final()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// The right to carry out a run of the project: one at a time among all servers.
    pub(super) async fn turn(&self, project: &ProjectId) -> Result<Lease, Error> {
        let Inner { store, parts, .. } = &*self.inner;
        if let Some(active) = store.unfinished_of(project).await? {
            return Err(Error::Active(active));
        }
        // Whoever ended a moment ago gives its place back behind its last word.
        match parts.leases.take(&lease_name(project), TURN_PATIENCE).await? {
            Some(lease) => Ok(lease),
            None => match store.unfinished_of(project).await? {
                Some(active) => Err(Error::Active(active)),
                None => Err(runtimes::Error::Busy.into()),
            },
        }
    }

    /// The run as it is, where it has not ended and its server has; with the right to say so.
    pub(super) async fn abandoned(&self, run: &Run) -> Result<Option<(Run, Lease)>, Error> {
        let Inner { store, parts, .. } = &*self.inner;
        let Some(lease) = parts.leases.try_take(&lease_name(&run.project)).await? else {
            return Ok(None);
        };
        // It may have ended since it was listed.
        let now = store.find(&run.id).await?.filter(|run| !run.state.is_final());
        Ok(now.map(|run| (run, lease)))
    }
}
