//! Gate: how often a caller may act.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use serde::Deserialize;

use crate::ids::UserId;

/// Callers above which idle ones are forgotten.
const REMEMBERED_CALLERS: usize = 10_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// State-changing requests a second that one caller may keep up.
    pub writes_per_second: NonZeroU32,
    /// How many may come at once.
    pub writes_burst: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        let of = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self { writes_per_second: of(2_000), writes_burst: of(4_000) }
    }
}

/// The caller must wait this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    pub retry_after: Duration,
}

/// Counts what callers do. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Limits {
    writes: Arc<DefaultKeyedRateLimiter<UserId>>,
}

impl Limits {
    pub fn new(config: &Config) -> Self {
        let quota = Quota::per_second(config.writes_per_second).allow_burst(config.writes_burst);
        Self { writes: Arc::new(DefaultKeyedRateLimiter::keyed(quota)) }
    }

    /// Counts one state-changing request.
    pub fn count_write(&self, caller: &UserId) -> Result<(), TooOften> {
        if self.writes.len() > REMEMBERED_CALLERS {
            self.writes.retain_recent();
        }
        self.writes.check_key(caller).map_err(|until| TooOften {
            retry_after: until.wait_time_from(DefaultClock::default().now()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_over_the_burst_is_told_when_to_come_back() {
        let one = NonZeroU32::MIN;
        let limits = Limits::new(&Config { writes_per_second: one, writes_burst: one });
        let ada = "ada".parse().unwrap();
        assert!(limits.count_write(&ada).is_ok());
        assert!(
            limits.count_write(&ada).is_err_and(|wait| wait.retry_after <= Duration::from_secs(1))
        );
    }

    #[test]
    fn one_caller_over_the_limit_does_not_stop_another() {
        let one = NonZeroU32::MIN;
        let limits = Limits::new(&Config { writes_per_second: one, writes_burst: one });
        let _ = limits.count_write(&"ada".parse().unwrap());
        assert!(limits.count_write(&"bob".parse().unwrap()).is_ok());
    }
}
