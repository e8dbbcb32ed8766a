//! Entries that are old enough are cut off, in whole chunks, behind a sealed
//! checkpoint.

use std::time::Duration;

use super::seal::Seal;
use super::{Audit, Config, Entry, Phase};
use crate::db;
use crate::ids::{AuditId, RequestId};
use crate::origin::Origin;
use crate::tasks::Tasks;

/// How often it is looked for entries that are too old.
const EVERY: Duration = Duration::from_secs(3600);

const DAY_US: i64 = 24 * 3600 * 1_000_000;

impl Audit {
    /// Cuts off what is older than the operator wants it kept, until the server
    /// stops.
    pub async fn retain_always(self, config: Config, tasks: Tasks) {
        let Some(days) = config.keep_days else { return };
        let mut due = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = due.tick() => {}
            }
            let before = self.clock.now_us() - i64::from(days) * DAY_US;
            if let Err(error) = self.cut(before).await {
                tracing::error!(%error, "old audit entries were not cut off");
            }
        }
    }

    /// Cuts off whole chunks of which every entry is from before `before_us`;
    /// answers with the number of the last entry that is gone, if any went.
    /// Entries that do not follow from each other stay as they are.
    pub async fn cut(&self, before_us: i64) -> Result<Option<i64>, db::Error> {
        let Some(seal) = &self.seal else { return Ok(None) };
        let mut last = None;
        while let Some(cut) = self.cut_chunk(seal, before_us).await? {
            last = Some(cut);
        }
        if let Some(seq) = last {
            tracing::info!(seq, "old audit entries are cut off");
            self.append_soon(self.own_entry("audit.cut", format!("entries up to {seq}")));
        }
        Ok(last)
    }

    async fn cut_chunk(&self, seal: &Seal, before_us: i64) -> Result<Option<i64>, db::Error> {
        let now = self.clock.now_us();
        self.store.cut_chunk(before_us, |mark| seal.checkpoint(mark, now)).await
    }

    fn own_entry(&self, action: &'static str, outcome: String) -> Entry {
        Entry {
            id: AuditId::generate(),
            phase: Phase::Finished,
            at_us: self.clock.now_us(),
            actor: super::server_itself(),
            action,
            target: "installation".to_owned(),
            origin: Origin::default(),
            duration_us: None,
            request_id: RequestId::generate(),
            outcome,
        }
    }
}
