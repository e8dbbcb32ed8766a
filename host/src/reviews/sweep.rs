//! Room reviews: what is left of submissions goes.

use std::time::Duration;

use super::{Error, Reviews};
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::leases::Leases;
use crate::tasks::Tasks;

/// How often it is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// How long one may be hidden: a younger one may still be arriving.
const GRACE: Duration = Duration::from_secs(3_600);

/// Submissions taken from the database at once.
const BATCH: u32 = 100;

impl Reviews {
    /// Removes all submissions of a project that is gone for good, and answers how many
    /// there were.
    pub async fn forget(&self, _permit: &Permit, project: &ProjectId) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let ids = self.store.of_project(project, BATCH).await?;
            if ids.is_empty() {
                return Ok(removed);
            }
            for id in ids {
                self.remove(&id).await?;
                removed += 1;
            }
        }
    }

    /// Removes those whose projects are gone for good, and those that were never there as
    /// a whole; answers how many there were.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let before = (self.clock.now() - GRACE).as_microsecond();
            let ids = self.store.left_over(before, BATCH).await?;
            if ids.is_empty() {
                return Ok(removed);
            }
            for id in ids {
                self.remove(&id).await?;
                removed += 1;
            }
        }
    }

    /// Sweeps now and then, until the server stops.
    pub fn sweep_always(&self, leases: Leases, tasks: &Tasks) {
        let (reviews, until) = (self.clone(), tasks.clone());
        tasks.run("submissions", async move {
            let mut due = tokio::time::interval(SWEEP_EVERY);
            loop {
                tokio::select! {
                    () = until.stopping() => return,
                    _ = due.tick() => {}
                }
                match leases.in_turn("reviews/sweep", reviews.sweep()).await {
                    None | Some(Ok(0)) => {}
                    Some(Ok(removed)) => tracing::info!(removed, "left-over submissions are gone"),
                    Some(Err(error)) => {
                        tracing::warn!(%error, "left-over submissions were not removed");
                    }
                }
            }
        });
    }
}
