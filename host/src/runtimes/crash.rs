//! What becomes of a runtime that ended by itself: it is started again, later
//! each time, until it has ended so often in a row that it has failed. Pure.

use std::time::Duration;

use super::engine::EngineState;

/// How long the first restart waits; each further one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A runtime that ran for so long has recovered: its next end counts as the
/// first.
const STABLE: Duration = Duration::from_secs(600);

/// What happens after one more end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Restart { crashes: u32, wait: Duration },
    GiveUp { crashes: u32 },
}

/// Decides after an end that followed `crashes` others in a row, the runtime
/// having been ready for `ran`. At most `most` restarts come in a row.
pub(super) fn after(crashes: u32, ran: Duration, most: u32) -> After {
    let before = if ran >= STABLE { 0 } else { crashes };
    let crashes = before.saturating_add(1);
    if before >= most {
        return After::GiveUp { crashes };
    }
    let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(before)).min(LONGEST_WAIT);
    After::Restart { crashes, wait }
}

/// How it ended, for a person.
pub(super) fn how_it_ended(state: Option<EngineState>) -> String {
    match state {
        Some(EngineState::Stopped { out_of_memory: true, .. }) => {
            "it ran out of memory; raise memory_limit, or use less".to_owned()
        }
        Some(EngineState::Stopped { exit_code: Some(code), .. }) => {
            format!("it ended by itself with exit code {code}")
        }
        Some(EngineState::Stopped { .. } | EngineState::Created) => "it ended by itself".to_owned(),
        Some(EngineState::Running) => "its supervisor did not answer any more".to_owned(),
        None => "it was removed from outside".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_restart_waits_twice_as_long_as_the_one_before() {
        let wait = |crashes| match after(crashes, Duration::ZERO, 10) {
            After::Restart { wait, .. } => wait.as_secs(),
            After::GiveUp { .. } => 0,
        };
        assert_eq!([0, 1, 2, 3, 9].map(wait), [1, 2, 4, 8, 60]);
    }

    #[test]
    fn after_the_last_restart_it_has_failed() {
        assert_eq!(after(5, Duration::ZERO, 5), After::GiveUp { crashes: 6 });
    }

    #[test]
    fn a_runtime_that_ran_for_long_begins_anew() {
        let first = After::Restart { crashes: 1, wait: Duration::from_secs(1) };
        assert_eq!(after(5, STABLE, 5), first);
    }

    #[test]
    fn where_no_restart_is_allowed_the_first_end_is_the_last() {
        assert_eq!(after(0, STABLE, 0), After::GiveUp { crashes: 1 });
    }
}
