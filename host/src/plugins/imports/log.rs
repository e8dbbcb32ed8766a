//! `lockhouse:host/log`: lines for the operator's log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::plugins::bindings::policy::lockhouse::host::log::{Host, Level};
use crate::plugins::instance::State;

impl Host for State {
    fn write(&mut self, level: Level, message: String) {
        let Some(message) = self.log.take(message) else { return };
        let plugin = &self.plugin;
        match level {
            Level::Debug => tracing::debug!(%plugin, message, "plugin"),
            Level::Info => tracing::info!(%plugin, message, "plugin"),
            Level::Warn => tracing::warn!(%plugin, message, "plugin"),
            Level::Error => tracing::error!(%plugin, message, "plugin"),
        }
    }
}

/// How much a call may still log, by whichever way. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::plugins) struct LogBudget {
    left: Arc<AtomicUsize>,
}

impl LogBudget {
    pub(in crate::plugins) fn new(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// What may be logged of `message`; nothing once the budget is spent. The
    /// line that spends it says so.
    pub(super) fn take(&self, mut message: String) -> Option<String> {
        // A call is on one thread at a time.
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return None;
        }
        // A line costs its text and, lest empty ones be free, one byte.
        if message.len() + 1 > left {
            message.truncate(message.floor_char_boundary(left));
            message.push_str("… (the plugin has logged as much as one call may)");
        }
        self.left.store(left.saturating_sub(message.len() + 1), Ordering::Relaxed);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_logs_too_much_is_cut_once_and_then_silent() {
        let log = LogBudget::new(10);
        assert_eq!(log.take("abcd".to_owned()).as_deref(), Some("abcd"));
        let cut = log.take("efghijkl".to_owned()).unwrap();
        assert!(cut.starts_with("efghi… (the plugin has logged"), "{cut}");
        assert_eq!(log.take("m".to_owned()), None);
    }
}
