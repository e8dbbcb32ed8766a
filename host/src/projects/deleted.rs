//! Room projects: those that were deleted, until they are gone for good.
//!
//! ```text
//!   there ──retire──► deleted ──restore──► there
//!                        └──expires──► gone, with its files
//! ```
//!
//! What a deleted project did (its commands and runs) is forgotten at once; its
//! files and what is known of it come back.

use std::time::Duration;

use jiff::Timestamp;

use super::{Error, MAX_PAGE, Project, Projects};
use crate::auth::Caller;
use crate::events::{Change, What};
use crate::gate::Permit;
use crate::ids::{ProjectId, ProjectName, UserId};
use crate::leases::Leases;
use crate::quotas::Over;
use crate::tasks::Tasks;

/// How long a deleted project can be taken back.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often it is looked for those that can't be any more.
const SWEEP_EVERY: Duration = Duration::from_secs(300);

/// Projects that go at once.
const SWEEP_BATCH: u32 = 100;

/// A project that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    pub project: Project,
    pub deleted_at: Timestamp,
    /// When its files go.
    pub expires_at: Timestamp,
    /// What it took of the disk when it was deleted, as far as that is known.
    pub disk_bytes: u64,
}

impl Projects {
    /// Deletes it, so that it can be taken back until it expires. Its runtime must
    /// be gone by then.
    pub async fn retire(&self, _permit: &Permit, project: &Project) -> Result<(), Error> {
        let now = self.clock.now();
        let (project, expires_at) = (project.clone(), now + KEPT);
        // What it takes is written down with it.
        let deleted = Deleted { project, deleted_at: now, expires_at, disk_bytes: 0 };
        self.store.retire(&deleted).await?;
        let about = deleted.project.about();
        self.events.publish(about, What::Project { change: Change::Deleted });
        Ok(())
    }

    /// A page of the caller's deleted projects, oldest first; an administrator's
    /// holds everybody's.
    pub async fn list_deleted(
        &self,
        caller: &Caller,
        after: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Deleted>, Error> {
        let owner = (!caller.is_admin()).then_some(&caller.user.id);
        let now = self.clock.now_us();
        Ok(self.store.list_deleted(owner, after, (now, limit.min(MAX_PAGE))).await?)
    }

    /// The caller's deleted project with that id, or the last one of that name; an
    /// administrator finds anyone's by its id.
    pub async fn find_deleted(&self, caller: &Caller, name_or_id: &str) -> Result<Deleted, Error> {
        let missing = || Error::NotFound(name_or_id.chars().take(80).collect());
        let now = self.clock.now_us();
        if let Ok(name) = name_or_id.parse::<ProjectName>()
            && let Some(found) = self.store.find_deleted_name(&caller.user.id, &name, now).await?
        {
            return Ok(found);
        }
        let id = name_or_id.parse::<ProjectId>().map_err(|_| missing())?;
        let found = self.store.find_deleted(&id, now).await?;
        let visible = |user: &UserId| caller.is_admin() || *user == caller.user.id;
        found.filter(|found| visible(&found.project.owner)).ok_or_else(missing)
    }

    /// Takes it back.
    ///
    /// # Errors
    /// `Taken` where another project has its name by now; `Quota` where its owner would have
    /// more than he may.
    pub async fn restore(&self, _permit: &Permit, deleted: Deleted) -> Result<Project, Error> {
        let Deleted { project, disk_bytes, .. } = deleted;
        if let Some(most) = self.quota(&project.owner).await?.projects
            && self.store.count(&project.owner).await? >= i64::from(most)
        {
            return Err(Over::Projects(most).into());
        }
        if let Some(share) = self.disk_share(&project.owner).await?
            && share.left() < disk_bytes
        {
            return Err(Over::Disk(share).into());
        }
        match self.store.restore(&project).await {
            Ok(true) => {}
            Ok(false) => return Err(Error::NotFound(project.id.to_string())),
            Err(crate::db::Error::Conflict) => return Err(Error::Taken(project.name)),
            Err(error) => return Err(error.into()),
        }
        self.events.publish(project.about(), What::Project { change: Change::Created });
        Ok(project)
    }

    /// Removes it for good before it expires.
    pub async fn purge(&self, _permit: &Permit, deleted: &Deleted) -> Result<(), Error> {
        self.forget(&deleted.project.id).await.map(drop)
    }

    /// The row last: what a crash leaves is found again. Answers whether it was there.
    async fn forget(&self, id: &ProjectId) -> Result<bool, Error> {
        self.remove_workspace(id).await?;
        Ok(self.store.forget_deleted(id).await?)
    }

    /// Removes what can't be taken back any more, and answers how many there were.
    pub async fn sweep_deleted(&self) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let expired = self.store.list_expired(self.clock.now_us(), SWEEP_BATCH).await?;
            if expired.is_empty() {
                return Ok(removed);
            }
            for id in expired {
                // One that was taken back a moment ago had not expired.
                removed += u64::from(self.forget(&id).await?);
            }
        }
    }

    /// Sweeps now and then, until the server stops.
    pub fn sweep_deleted_always(&self, leases: Leases, tasks: &Tasks) {
        let (projects, until) = (self.clone(), tasks.clone());
        tasks.run("deleted projects", async move {
            let mut due = tokio::time::interval(SWEEP_EVERY);
            loop {
                tokio::select! {
                    () = until.stopping() => return,
                    _ = due.tick() => {}
                }
                match leases.in_turn("projects/sweep", projects.sweep_deleted()).await {
                    None | Some(Ok(0)) => {}
                    Some(Ok(removed)) => {
                        tracing::info!(removed, "deleted projects are gone for good")
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, "deleted projects were not removed");
                    }
                }
            }
        });
    }
}
