//! Room files: many changes whose contents are staged, so that what is left to do is quick.

use std::path::PathBuf;

use super::batch::{self, Act, Changed, Record};
use super::disk::{self, Disk};
use super::root::Root;
use super::staging::Staging;
use super::{Error, Files};
use crate::projects::Project;

/// Changes that wait for leave; nothing of them is seen yet.
pub(super) struct Prepared {
    pub(super) root: Root,
    pub(super) staging: Staging,
    pub(super) acts: Vec<Act>,
    /// What they will take on the disk.
    pub(super) cost: u64,
}

impl Files {
    /// Carries out what was prepared, all or none, where there is room on the disk for it.
    pub(super) async fn carry_out(
        &self,
        project: &Project,
        prepared: Prepared,
    ) -> Result<Vec<Changed>, Error> {
        let taken = match self.projects.take_disk(project, prepared.cost).await {
            Ok(taken) => taken,
            Err(error) => {
                self.disk.discard(prepared).await?;
                return Err(error.into());
            }
        };
        let dir = self.projects.workspace(&project.id);
        let changed = self.disk.apply(dir, self.record(project), prepared).await;
        match &changed {
            Ok(changed) => {
                taken.keep();
                self.disk.quotas().forget(&project.id);
                self.publish_all(project, changed);
            }
            Err(_) => taken.give_back().await,
        }
        changed
    }
}

impl Disk {
    async fn apply(
        &self,
        dir: PathBuf,
        record: Record,
        prepared: Prepared,
    ) -> Result<Vec<Changed>, Error> {
        let locks = self.locks();
        self.run(move || {
            let Prepared { root, staging, acts, .. } = prepared;
            batch::apply(&root, staging, &record, &acts, disk::lock(&locks, &dir))
        })
        .await
    }

    /// Clears away what was staged, which may be much.
    async fn discard(&self, prepared: Prepared) -> Result<(), Error> {
        self.run(move || {
            drop(prepared);
            Ok(())
        })
        .await
    }
}
