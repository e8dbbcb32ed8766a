//! `lockhouse:host/log`: lines for the operator's log.

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

/// How much a call may still log.
#[derive(Debug)]
pub(in crate::plugins) struct LogBudget {
    left: usize,
}

impl LogBudget {
    pub(in crate::plugins) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// What may be logged of `message`; nothing once the budget is spent. The
    /// line that spends it says so.
    fn take(&mut self, mut message: String) -> Option<String> {
        if self.left == 0 {
            return None;
        }
        // A line costs its text and, lest empty ones be free, one byte.
        if message.len() + 1 > self.left {
            message.truncate(message.floor_char_boundary(self.left));
            message.push_str("… (the plugin has logged as much as one call may)");
            self.left = 0;
        } else {
            self.left -= message.len() + 1;
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_logs_too_much_is_cut_once_and_then_silent() {
        let mut log = LogBudget::new(10);
        assert_eq!(log.take("abcd".to_owned()).as_deref(), Some("abcd"));
        let cut = log.take("efghijkl".to_owned()).unwrap();
        assert!(cut.starts_with("efghi… (the plugin has logged"), "{cut}");
        assert_eq!(log.take("m".to_owned()), None);
    }
}
