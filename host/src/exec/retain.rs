//! Room exec: commands of long ago are forgotten.

use std::time::Duration;

use jiff::Timestamp;

use super::{Config, Exec};
use crate::db;
use crate::tasks::Tasks;

/// How often it is looked for commands that are too old.
const EVERY: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Exec {
    /// Forgets what is older than the operator wants it kept, until the server stops.
    pub async fn retain_always(self, config: Config, tasks: Tasks) {
        let mut due = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = due.tick() => {}
            }
            let before = self.clock.now() - DAY * config.keep_days;
            if let Err(error) = self.forget(before).await {
                tracing::error!(%error, "old commands were not forgotten");
            }
        }
    }

    /// A chunk at a time, so that whoever writes meanwhile waits for little.
    async fn forget(&self, before: Timestamp) -> Result<(), db::Error> {
        let mut forgotten = 0;
        loop {
            match self.store.delete_chunk(before).await? {
                0 => break,
                some => forgotten += some,
            }
        }
        if forgotten > 0 {
            tracing::info!(forgotten, "old commands are forgotten");
        }
        Ok(())
    }
}
