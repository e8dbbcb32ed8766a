//! Gate: how much a user may have. Rooms ask before they make more.

mod disk;
mod store;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::ids::UserId;
use disk::Known;
use store::Store;

pub use disk::{Share, Taken, disk_cost};

/// What everybody may have who has no quota of his own; without bound where nothing
/// is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub projects: Option<u32>,
    /// Runtimes that run at once.
    pub runtimes: Option<u32>,
    /// Tokens of models in a day (UTC), questions and answers together.
    pub model_tokens: Option<u64>,
    /// Bytes on the disk that one's projects take together.
    pub disk_bytes: Option<u64>,
}

/// How much one may have; no bound where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    pub projects: Option<u32>,
    pub runtimes: Option<u32>,
    /// In a day.
    pub model_tokens: Option<u64>,
    /// Of all projects together.
    pub disk_bytes: Option<u64>,
}

/// The quota of somebody who has one of his own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnQuota {
    pub user: UserId,
    /// What is not said is as usual.
    pub quota: Quota,
    pub updated_at: Timestamp,
}

/// He has as much as he may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    #[error("{0} projects are as many as you may have; delete one, or ask an administrator")]
    Projects(u32),
    #[error("{0} runtimes are as many as you may run at once; stop one, or ask an administrator")]
    Runtimes(u32),
    #[error(
        "your projects take {} of the {} bytes of the disk that they may take together; delete \
         files or projects, or ask an administrator",
        .0.taken,
        .0.most
    )]
    Disk(Share),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no user “{0}”; make him known first")]
    NoUser(UserId),
    #[error(transparent)]
    Over(#[from] Over),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Knows how much everybody may have. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Quotas {
    store: Store,
    clock: Clock,
    usual: Quota,
    known: Arc<Known>,
}

impl Quotas {
    pub fn new(db: Db, clock: Clock, config: &Config) -> Self {
        let Config { projects, runtimes, model_tokens, disk_bytes } = *config;
        let usual = Quota { projects, runtimes, model_tokens, disk_bytes };
        Self { store: Store::new(db), clock, usual, known: Arc::default() }
    }

    /// What those may have who have no quota of their own.
    pub fn usual(&self) -> Quota {
        self.usual
    }

    pub async fn of(&self, user: &UserId) -> Result<Quota, db::Error> {
        let own = self.store.find(user).await?.unwrap_or_default();
        Ok(Quota {
            projects: own.projects.or(self.usual.projects),
            runtimes: own.runtimes.or(self.usual.runtimes),
            model_tokens: own.model_tokens.or(self.usual.model_tokens),
            disk_bytes: own.disk_bytes.or(self.usual.disk_bytes),
        })
    }

    /// A page of those who have one of their own.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<OwnQuota>, db::Error> {
        self.store.list(after.unwrap_or_default(), limit).await
    }

    /// Gives somebody a quota of his own.
    pub async fn set(&self, user: &UserId, quota: Quota) -> Result<OwnQuota, Error> {
        let updated_at = self.clock.now();
        let own = OwnQuota { user: user.clone(), quota, updated_at };
        let set = self.store.put(&own).await?;
        self.known.forget(user);
        if set { Ok(own) } else { Err(Error::NoUser(user.clone())) }
    }

    /// He may have what is usual again.
    pub async fn remove(&self, user: &UserId) -> Result<(), db::Error> {
        self.store.delete(user).await?;
        self.known.forget(user);
        Ok(())
    }
}
