//! Gate: maintenance. While the installation drains, what runs goes on, and
//! nothing new begins.
//!
//! That it drains is in the database: it survives a restart, and every server there
//! sees it within a second.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::db::{self, Db};
use crate::ids::UserId;
use crate::tasks::Tasks;

/// How often the database is asked whether another server was told.
const PAUSE: Duration = Duration::from_secs(1);

/// Under this name it is kept.
const SETTING: &str = "drain";

/// The longest reason that is kept.
pub const MAX_REASON_BYTES: usize = 500;

/// Why nothing new begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draining {
    pub reason: String,
    pub since: Timestamp,
    /// Who asked for it.
    pub by: UserId,
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
struct Kept {
    reason: String,
    since: Timestamp,
    by: String,
}

/// Knows whether the installation drains. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    db: Option<Db>,
    now: Arc<RwLock<Option<Draining>>>,
}

impl Drain {
    /// As the database says.
    pub async fn open(db: Db) -> Result<Self, db::Error> {
        let drain = Self { db: Some(db), now: Arc::default() };
        drain.look().await?;
        Ok(drain)
    }

    pub fn current(&self) -> Option<Draining> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sees what other servers are told, until this one stops.
    pub async fn follow(self, tasks: Tasks) {
        let mut pause = tokio::time::interval(PAUSE);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut is_blind = false;
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = pause.tick() => {}
            }
            let looked = self.look().await;
            if let Err(error) = &looked
                && !is_blind
            {
                tracing::warn!(%error, "whether the installation drains can't be seen");
            }
            is_blind = looked.is_err();
        }
    }

    async fn look(&self) -> Result<(), db::Error> {
        let Some(db) = &self.db else { return Ok(()) };
        let kept = db.find_setting(SETTING).await?.filter(|text| !text.is_empty());
        self.set(kept.as_deref().map(parse).transpose()?);
        Ok(())
    }

    /// Nothing new begins from now on; `None` ends that.
    pub(crate) async fn change(&self, to: Option<Draining>) -> Result<(), db::Error> {
        let text = to.as_ref().map_or_else(|| Ok(String::new()), text)?;
        if let Some(db) = &self.db {
            db.replace_setting(SETTING, &text).await?;
        }
        self.set(to);
        Ok(())
    }

    fn set(&self, to: Option<Draining>) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

fn text(draining: &Draining) -> Result<String, db::Error> {
    let Draining { reason, since, by } = draining.clone();
    let kept = Kept { reason, since, by: by.to_string() };
    serde_json::to_string(&kept).map_err(|error| db::Error::Failed(error.to_string()))
}

fn parse(text: &str) -> Result<Draining, db::Error> {
    let unreadable = || db::Error::Failed("settings.drain is not readable".to_owned());
    let Kept { reason, since, by } = serde_json::from_str(text).map_err(|_| unreadable())?;
    Ok(Draining { reason, since, by: by.parse().map_err(|_| unreadable())? })
}
