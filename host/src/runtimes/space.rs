//! Workspaces that are measured, where the kernel does not limit them.
//!
//! Every `disk_interval` those that may have grown are measured. One that is
//! over its limit is marked as full, which refuses saves, and its runtime is
//! stopped and not started again before there is room. Deleting files or a
//! higher limit makes room.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::converge::Wanted;
use super::disk::measure::{Size, measure};
use super::engine::Enforcement;
use super::state::{Desired, Status};
use super::{Error, Runtime, Runtimes};
use crate::ids::ProjectId;
use crate::projects::{self, Project};

/// Of its time the server spends at most this part on measuring.
const SHARE: u32 = 20;

/// Why a workspace has no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    #[error(
        "the project's files take more than {0} bytes, the most that they may; delete some, or \
         raise disk_limit, and start it again"
    )]
    Full(u64),
    #[error("the project's files can't be measured: {0}; delete that, and start it again")]
    Unknown(&'static str),
}

/// Workspaces that were written to from outside since they were measured.
#[derive(Debug, Default)]
pub(super) struct Written {
    projects: Mutex<HashSet<ProjectId>>,
    hurry: Notify,
}

impl Written {
    pub(super) fn note(&self, project: &ProjectId) {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).insert(project.clone());
    }

    /// Says that they should be measured before long.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    /// Until somebody says so.
    pub(super) async fn hurried(&self) {
        self.hurry.notified().await;
    }

    pub(super) fn take(&self) -> HashSet<ProjectId> {
        std::mem::take(&mut *self.projects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Runtimes {
    /// Measures workspaces until the server stops.
    pub async fn keep_space(self) {
        let interval = Duration::from_secs(self.inner.config.disk_interval.max(1));
        loop {
            let began = Instant::now();
            if let Err(error) = self.measure_all().await {
                tracing::warn!(%error, "workspaces could not be measured");
            }
            tokio::select! {
                () = self.inner.tasks.stopping() => break,
                () = tokio::time::sleep(interval.max(began.elapsed() * SHARE)) => {}
            }
        }
    }

    async fn measure_all(&self) -> Result<(), Error> {
        let mut grown = self.inner.written.take();
        grown.extend(self.inner.projects.full());
        for runtime in self.inner.store.list().await? {
            let runs = runtime.desired == Desired::Running && runtime.status == Status::Running;
            if runs || grown.contains(&runtime.project) {
                grown.insert(runtime.project);
            }
        }
        for project in grown {
            if let Err(error) = self.see_to_space(&project).await {
                tracing::warn!(%project, %error, "a workspace could not be measured");
            }
        }
        Ok(())
    }

    async fn see_to_space(&self, project: &ProjectId) -> Result<(), Error> {
        let project = match self.inner.projects.get(project).await {
            // It was deleted meanwhile.
            Err(projects::Error::NotFound(_)) => {
                self.inner.projects.set_full(project, false);
                return Ok(());
            }
            found => found?,
        };
        let runtime = self.inner.store.find(&project.id).await?;
        if self.room(&project.id, runtime.as_ref()).await?.is_err()
            && runtime.is_some_and(|runtime| runtime.desired == Desired::Running)
        {
            self.settle(&project, Wanted::Still).await?;
        }
        Ok(())
    }

    /// Measures a workspace and marks it as full or not.
    async fn room(
        &self,
        project: &ProjectId,
        runtime: Option<&Runtime>,
    ) -> Result<Result<(), NoRoom>, Error> {
        let workspace = self.inner.projects.workspace(project);
        if self.inner.disk.enforcement(&workspace) == Enforcement::Hard {
            return Ok(Ok(()));
        }
        let settings = runtime.map_or(&self.inner.config.defaults, |runtime| &runtime.settings);
        let most = settings.disk_bytes;
        let now_us = self.inner.clock.now_us();
        let measured = tokio::task::spawn_blocking(move || measure(&workspace, most)).await;
        let size = measured.map_err(|_| Error::Stopping)??;
        if let Size::Bytes(bytes) = size {
            self.inner.measures.keep(project, bytes, now_us).await?;
        }
        let room = match size {
            Size::Bytes(bytes) if bytes <= most => Ok(()),
            Size::Bytes(_) => Err(NoRoom::Full(most)),
            Size::Unknown(why) => Err(NoRoom::Unknown(why)),
        };
        self.inner.projects.set_full(project, room.is_err());
        Ok(room)
    }

    /// A workspace that was full is measured again before its runtime starts.
    pub(super) async fn check_room(&self, runtime: &Runtime) -> Result<(), Error> {
        if self.inner.projects.is_full(&runtime.project) {
            self.room(&runtime.project, Some(runtime)).await??;
        }
        Ok(())
    }

    /// Stops it if it is still full when its turn comes.
    pub(super) async fn make_still(
        &self,
        project: &Project,
        runtime: Runtime,
    ) -> Result<Runtime, Error> {
        let Err(why) = self.room(&project.id, Some(&runtime)).await? else { return Ok(runtime) };
        self.inner.gate.record("runtime.full", &project.target(), why.to_string());
        self.converge_for(project, runtime, Desired::Stopped, Some(why.to_string())).await
    }
}
