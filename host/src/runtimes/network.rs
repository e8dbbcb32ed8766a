//! What one project's runtime may reach: the mode that it was granted, and the
//! lists that an administrator wrote for it. Both count from the next connection
//! on.

mod store;

use super::egress::{Effective, Lists, MAX_LISTED, Origin};
use super::{Error, Runtimes};
use crate::db::Db;
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::policy::NetworkMode;
use crate::projects::Project;
use store::Store;

/// What a project may reach, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub mode: NetworkMode,
    pub effective: Effective,
}

#[derive(Debug)]
pub(super) struct Networks {
    store: Store,
}

impl Networks {
    pub(super) fn new(db: Db) -> Self {
        Self { store: Store::new(db) }
    }
}

impl Runtimes {
    /// What the project's runtime may reach now.
    pub async fn network(&self, project: &Project) -> Result<Network, Error> {
        let runtime = self.find(&project.id).await?.ok_or(Error::NotFound)?;
        let (kind, mode) = (project.kind, runtime.settings.network);
        let lists = self.inner.networks.store.find(&project.id).await?;
        self.learn_registries(kind).await;
        Ok(Network { mode, effective: self.inner.egress.effective(kind, mode, &lists) })
    }

    /// Replaces the project's own lists.
    pub async fn set_lists(
        &self,
        _permit: &Permit,
        project: &Project,
        lists: &Lists,
    ) -> Result<(), Error> {
        if lists.allow.len() > MAX_LISTED || lists.deny.len() > MAX_LISTED {
            return Err(Error::TooManyHosts(MAX_LISTED));
        }
        let now_us = self.inner.clock.now_us();
        Ok(self.inner.networks.store.put(&project.id, lists, now_us).await?)
    }

    /// Whose stream it is that a runtime's supervisor brings.
    pub(super) async fn origin(&self, project: &ProjectId) -> Result<Origin, Error> {
        let runtime = self.inner.store.find(project).await?.ok_or(Error::NotFound)?;
        let lists = self.inner.networks.store.find(project).await?;
        let Project { id, owner, name, kind, .. } = self.inner.projects.get(project).await?;
        let mode = runtime.settings.network;
        Ok(Origin { project: id, owner, name, kind, mode, lists })
    }
}
