//! How long a runtime may be idle, and how long it may run at all. Pure: times
//! in, a decision out; the times are in the database, so that no restart of the
//! server moves them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Runtime;
use super::activity::{Activity, Cause};
use super::state::{Desired, Status};

/// Why a runtime must be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Due {
    #[error(
        "stopped after {} s without use, the last by {}; start it again when it is needed",
        .0.as_secs(), .1.map_or("nothing", Cause::as_str)
    )]
    Idle(Duration, Option<Cause>),
    #[error("stopped after {} s, the longest that it may run; start it again", .0.as_secs())]
    Lifetime(Duration),
}

impl Due {
    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Self::Idle(..))
    }
}

/// When a runtime that runs will be stopped, if nothing uses it until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    pub idle: Timestamp,
    pub lifetime: Timestamp,
}

/// When it ends; `None` while it does not run.
pub fn ends(runtime: &Runtime, activity: Option<Activity>) -> Option<Ends> {
    let runs = runtime.desired == Desired::Running && runtime.status == Status::Running;
    let started = runtime.started_at.filter(|_| runs)?;
    let used = activity.map_or(started, |activity| activity.at.max(started));
    Some(Ends {
        idle: after(used, runtime.settings.idle_timeout),
        lifetime: after(started, runtime.settings.max_lifetime),
    })
}

/// Whether a deadline is over.
pub(super) fn due(runtime: &Runtime, activity: Option<Activity>, now: Timestamp) -> Option<Due> {
    let ends = ends(runtime, activity)?;
    if now >= ends.lifetime {
        return Some(Due::Lifetime(Duration::from_secs(runtime.settings.max_lifetime)));
    }
    let idle = Duration::from_secs(runtime.settings.idle_timeout);
    (now >= ends.idle).then(|| Due::Idle(idle, activity.map(|activity| activity.by)))
}

/// A time that is too far away to be told is the last one there is.
fn after(start: Timestamp, seconds: u64) -> Timestamp {
    let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    start.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::spec::Settings;
    use super::*;
    use crate::ids::ProjectId;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Started at 1,000; idle for 60 s at most, and alive for 600.
    fn runtime() -> Runtime {
        Runtime {
            project: ProjectId::generate(),
            engine: "fake".to_owned(),
            desired: Desired::Running,
            status: Status::Running,
            reason: None,
            generation: 1,
            settings: Settings { idle_timeout: 60, max_lifetime: 600, ..Settings::default() },
            created_at: second(1_000),
            updated_at: second(1_000),
            started_at: Some(second(1_000)),
            activity: None,
            crashes: 0,
            retry_at: None,
        }
    }

    #[test]
    fn a_runtime_that_nobody_used_is_idle_from_its_start() {
        assert_eq!(due(&runtime(), None, second(1_059)), None);
        assert_eq!(
            due(&runtime(), None, second(1_060)),
            Some(Due::Idle(Duration::from_secs(60), None))
        );
    }

    #[test]
    fn a_use_puts_off_the_idle_deadline() {
        let used = Some(Activity { at: second(1_050), by: Cause::Exec });
        assert_eq!(due(&runtime(), used, second(1_109)), None);
        assert!(matches!(due(&runtime(), used, second(1_110)), Some(Due::Idle(..))));
    }

    #[test]
    fn no_use_puts_off_the_end_of_its_lifetime() {
        let used = Some(Activity { at: second(1_599), by: Cause::Preview });
        assert_eq!(
            due(&runtime(), used, second(1_600)),
            Some(Due::Lifetime(Duration::from_secs(600)))
        );
    }

    #[test]
    fn a_use_of_an_earlier_life_does_not_count() {
        let used = Some(Activity { at: second(10), by: Cause::Exec });
        assert_eq!(ends(&runtime(), used).unwrap().idle, second(1_060));
    }

    #[test]
    fn what_does_not_run_has_no_deadline() {
        let stopped = Runtime { status: Status::Stopped, ..runtime() };
        assert_eq!(due(&stopped, None, second(9_999)), None);
    }

    #[test]
    fn the_reason_says_what_used_it_last() {
        let text = Due::Idle(Duration::from_secs(60), Some(Cause::Terminal)).to_string();
        assert_eq!(
            text,
            "stopped after 60 s without use, the last by terminal; start it again when it is needed"
        );
    }
}
