//! What workspaces take, kept in the database and measured anew where it may have
//! changed: so it can be told of all of them at once, and none is walked through
//! for that.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::db;
use crate::ids::ProjectId;
use crate::runtimes::{Error, Runtimes, reconcile};

/// How often it is looked for workspaces that may have changed.
const EVERY: Duration = Duration::from_secs(60);

/// How soon what was written is measured where its owner waits for room.
const SOON: Duration = Duration::from_secs(1);

/// Of its time the server spends at most this part on measuring.
const SHARE: u32 = 20;

/// How long the measure of a project that runs counts.
const FRESH_US: i64 = 10 * 60 * 1_000_000;

/// How long any measure counts: what is not seen to change may have.
const STALE_US: i64 = 24 * 3600 * 1_000_000;

/// Workspaces measured in one round.
const AT_ONCE: i64 = 100;

/// A project, and what it was found to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    pub project: ProjectId,
    pub name: String,
    pub owner: String,
    /// None where it was not measured yet.
    pub bytes: Option<u64>,
    pub measured_at: Option<Timestamp>,
}

/// All projects together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskTotal {
    pub projects: u64,
    pub measured: u64,
    pub bytes: u64,
    /// When the oldest measure was taken.
    pub oldest: Option<Timestamp>,
}

/// The last project of a page; -1 bytes are those of one that was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub bytes: i64,
    pub project: String,
}

impl Default for After {
    fn default() -> Self {
        Self { bytes: i64::MAX, project: String::new() }
    }
}

/// What the file system of the workspaces has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub free_bytes: u64,
    pub capacity_bytes: u64,
}

impl Runtimes {
    /// Measures what may have changed until the server stops.
    pub async fn keep_measures(self) {
        let mut due = reconcile::every(EVERY.as_secs());
        loop {
            let hurried = tokio::select! {
                () = self.inner.tasks.stopping() => break,
                () = self.inner.changed.hurried() => true,
                _ = due.tick() => false,
            };
            let began = Instant::now();
            if let Err(error) = self.measure_changed().await {
                tracing::warn!(%error, "what projects take on the disk was not measured");
            }
            if !hurried {
                self.alone("runtimes/measures", self.measure_due()).await;
            }
            tokio::select! {
                () = self.inner.tasks.stopping() => break,
                () = tokio::time::sleep(SOON.max(began.elapsed() * SHARE)) => {}
            }
        }
    }

    /// Those whose files were written here since.
    async fn measure_changed(&self) -> Result<(), Error> {
        for project in self.inner.changed.take() {
            // What was found before it was written to does not count.
            self.inner.disks.forget(&project);
            self.measure_one(&project).await?;
        }
        Ok(())
    }

    /// Measures projects that have no measure, or an old one; a bounded number.
    pub async fn measure_due(&self) -> Result<(), Error> {
        let now = self.inner.clock.now_us();
        let due = self.inner.measures.due((now - FRESH_US, now - STALE_US), AT_ONCE).await?;
        for project in due {
            self.measure_one(&project).await?;
        }
        Ok(())
    }

    async fn measure_one(&self, project: &ProjectId) -> Result<(), Error> {
        match self.disk_usage(project).await {
            Ok(usage) => {
                let at_us = usage.measured_at.as_microsecond();
                Ok(self.inner.measures.keep(project, usage.bytes, at_us).await?)
            }
            // It can't be measured, or was deleted meanwhile: the others can.
            Err(error) => {
                tracing::debug!(%project, %error, "a workspace was not measured");
                Ok(())
            }
        }
    }

    /// What projects take, the largest first.
    pub async fn disk_measures(
        &self,
        after: &After,
        limit: u32,
    ) -> Result<Vec<Measured>, db::Error> {
        self.inner.measures.page(after, limit).await
    }

    pub async fn disk_total(&self) -> Result<DiskTotal, db::Error> {
        self.inner.measures.total().await
    }

    /// What there is where the workspaces are.
    pub async fn space(&self) -> std::io::Result<Space> {
        let root = self.inner.projects.root();
        let found = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&root)).await;
        let found = found.map_err(std::io::Error::other)??;
        Ok(Space {
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            capacity_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }
}
