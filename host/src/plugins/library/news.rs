//! What is told of plugins while the server runs.

use tokio::sync::broadcast::error::RecvError;

use super::Library;
use crate::events::What;
use crate::plugins::QuarantineChange;

impl Library {
    /// Tells of quarantines until the server ends.
    pub async fn tell_quarantines(self) {
        let mut changes = self.inner.parts.plugins.quarantine_changes();
        loop {
            match changes.recv().await {
                Ok(change) => self.inner.parts.events.publish_installation(told_as(change)),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "quarantines went untold");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// How a quarantine is news. One of a single caller says whose it is.
fn told_as(news: QuarantineChange) -> What {
    let QuarantineChange { plugin, caller, quarantine } = news;
    let change = match (&caller, &quarantine) {
        (None, Some(_)) => "quarantined",
        (None, None) => "released",
        (Some(_), Some(_)) => "quarantined-for-one",
        (Some(_), None) => "released-for-one",
    };
    let last_fault = quarantine.map(|held| held.last_fault);
    let reason = match (caller, last_fault) {
        (Some(caller), Some(last_fault)) => Some(format!("{caller}: {last_fault}")),
        (Some(caller), None) => Some(caller.to_string()),
        (None, last_fault) => last_fault,
    };
    let version = plugin.version.clone().unwrap_or_default();
    What::Plugin { name: plugin.id.clone(), version, change, reason }
}
