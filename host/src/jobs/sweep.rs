//! Room jobs: what has expired goes, and what there is is counted.

use std::time::Duration;

use jiff::Timestamp;

use super::{Error, Job, Jobs, Status};
use crate::files::{self, Precondition, RelPath};
use crate::leases::Leases;
use crate::tasks::Tasks;

/// How often expired jobs are looked for. The deadline itself stands in the
/// database; this is only how late a directory may go.
const SWEEP_EVERY: Duration = Duration::from_secs(5 * 60);

/// Expired jobs taken from the database at once.
const SWEEP_BATCH: u32 = 100;

/// How long it is remembered that a job has expired.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many are remembered at most, the newest.
const MAX_REMEMBERED: u32 = 100_000;

/// What all jobs amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Jobs in each state, expired ones that are not swept yet included.
    pub jobs: Vec<(Status, u64)>,
    pub files: u64,
    pub bytes: u64,
    /// Archives that are kept, and their bytes.
    pub archives: u64,
    pub archive_bytes: u64,
    /// When the oldest one was made that has not expired.
    pub oldest: Option<Timestamp>,
    /// Jobs that have expired, as far as that is remembered.
    pub expired: u64,
}

impl Jobs {
    /// Sweeps now and then until the server stops.
    pub fn sweep_always(&self, leases: Leases, tasks: &Tasks) {
        let (jobs, until) = (self.clone(), tasks.clone());
        tasks.run("jobs sweep", async move {
            let mut due = tokio::time::interval(SWEEP_EVERY);
            loop {
                tokio::select! {
                    () = until.stopping() => return,
                    _ = due.tick() => {}
                }
                leases.in_turn("jobs/sweep", jobs.sweep_now()).await;
            }
        });
    }

    async fn sweep_now(&self) {
        match self.sweep().await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "expired jobs are gone"),
            Err(error) => tracing::warn!(%error, "expired jobs were not removed"),
        }
        // What a server that was killed, or a service that was away, left to do.
        if let Err(error) = self.archive_all().await {
            tracing::warn!(%error, "archives of jobs were not kept; tried again later");
        }
    }

    /// Removes every expired job and answers how many there were.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let expired = self.store.list_expired(self.clock.now_us(), SWEEP_BATCH).await?;
            if expired.is_empty() {
                let forgotten = self.clock.now() - REMEMBERED;
                self.store.purge_expired(forgotten.as_microsecond(), MAX_REMEMBERED).await?;
                return Ok(removed);
            }
            for job in expired {
                self.clear(&job).await?;
                // Another server may have been faster.
                removed += u64::from(self.store.retire(&job).await?);
            }
        }
    }

    pub(super) async fn remove(&self, job: &Job) -> Result<(), Error> {
        self.clear(job).await?;
        Ok(self.store.delete(job).await?)
    }

    /// The files first: a job whose row is there is tried again.
    async fn clear(&self, job: &Job) -> Result<(), Error> {
        let directory: RelPath = job.directory.as_str().parse().map_err(files::Error::from)?;
        self.disk.remove(self.root.clone(), directory, true, Precondition::None).await?;
        self.remove_archive(job).await
    }

    /// How many jobs are in each state.
    pub async fn count_by_status(&self) -> Result<Vec<(Status, u64)>, Error> {
        Ok(self.store.count_by_status().await?)
    }

    /// Counts jobs and what they hold; for an administrator, since it walks
    /// through all files.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let counted = self.store.count_by_status().await?;
        let count = |status| counted.iter().find(|(of, _)| *of == status).map_or(0, |(_, n)| *n);
        let (files, bytes) = match self.disk.usage(self.root.clone()).await {
            // No job has been made yet.
            Err(files::Error::NotFound(_)) => (0, 0),
            usage => usage?,
        };
        let (archives, archive_bytes) = self.store.count_archives().await?;
        let now_us = self.clock.now_us();
        Ok(Stats {
            jobs: Status::ALL.map(|status| (status, count(status))).to_vec(),
            files,
            bytes,
            archives,
            archive_bytes,
            oldest: self.store.oldest(now_us).await?,
            expired: self.store.count_expired(now_us).await?,
        })
    }
}
