//! What a runtime is, what it should be, and the one step between them.
//!
//! ```text
//!            create             start           link up
//!  absent ──────────▶ creating ───────▶ creating ───────▶ running
//!    ▲                    │                                │  ▲
//!    │ remove             │ a step fails            stop   │  │ start, link up
//!  deleting ◀── any    failed ──▶ (retried on     stopping ▼  │
//!               state                demand)      ────────▶ stopped
//! ```
//!
//! `desired` is what the user asked for; the engine and the link tell what is.
//! [`next`] names the step that closes the gap; it is pure, so that it can be
//! tried on every combination. Whoever takes the step writes the state before
//! and after it, and gives it no longer than its patience. [`attention`] says
//! what a runtime needs that nobody asked about.

use std::fmt;
use std::time::Duration;

use super::engine::EngineState;
use super::spec::Config;

/// What an engine needs beyond the time that a step itself waits.
const MARGIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desired {
    Running,
    Stopped,
    Absent,
}

/// What a client is shown, and may offer next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Absent,
    Creating,
    Running,
    Stopping,
    Stopped,
    Restarting,
    Failed,
    Deleting,
}

/// One step towards what is desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Create,
    Start,
    /// It runs; its supervisor has not reported yet.
    AwaitLink,
    Stop,
    Remove,
    /// Nothing is left to do.
    Settled(Status),
}

/// The step from what is observed towards what is desired.
pub fn next(desired: Desired, observed: Option<EngineState>, linked: bool) -> Step {
    use EngineState::{Created, Running, Stopped};
    match (desired, observed) {
        (Desired::Running, None) => Step::Create,
        (Desired::Running, Some(Created | Stopped { .. })) => Step::Start,
        (Desired::Running, Some(Running)) if linked => Step::Settled(Status::Running),
        (Desired::Running, Some(Running)) => Step::AwaitLink,
        (Desired::Stopped, Some(Running)) => Step::Stop,
        (Desired::Stopped, Some(Created | Stopped { .. })) => Step::Settled(Status::Stopped),
        (Desired::Stopped, None) => Step::Settled(Status::Stopped),
        (Desired::Absent, Some(_)) => Step::Remove,
        (Desired::Absent, None) => Step::Settled(Status::Absent),
    }
}

/// What a runtime needs without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// It is not as it should be.
    Settle,
    /// It ended by itself.
    Crashed,
    /// The time of its restart has come.
    Revive,
}

/// What is known of a runtime that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub desired: Desired,
    pub status: Status,
    pub observed: Option<EngineState>,
    pub linked: bool,
    /// Whether a restart is due; `None` where none is planned.
    pub retry_due: Option<bool>,
    /// Nobody has written its state for longer than any step may take.
    pub stale: bool,
}

pub fn attention(look: Look) -> Option<Attention> {
    use EngineState::Running;
    let runs = look.observed == Some(Running);
    match (look.desired, look.status) {
        (Desired::Running, Status::Running) if !runs => Some(Attention::Crashed),
        (Desired::Running, Status::Running) => (!look.linked).then_some(Attention::Settle),
        (Desired::Running, Status::Restarting) if look.retry_due.is_some() => {
            (look.retry_due == Some(true)).then_some(Attention::Revive)
        }
        // It is tried again when somebody asks.
        (Desired::Running, Status::Failed) => None,
        (Desired::Stopped, Status::Stopped) => runs.then_some(Attention::Settle),
        // A change goes on, or its server ended.
        _ => look.stale.then_some(Attention::Settle),
    }
}

impl Step {
    /// How long it may take before it has failed.
    pub(super) fn patience(self, config: &Config) -> Duration {
        let beyond = |seconds: u64| Duration::from_secs(seconds) + MARGIN;
        match self {
            // A first create may have to prove or fetch what it runs on.
            Self::Create => Duration::from_secs(120),
            Self::Start | Self::Remove => Duration::from_secs(60),
            Self::AwaitLink => beyond(config.start_timeout),
            Self::Stop => beyond(config.stop_grace),
            Self::Settled(_) => MARGIN,
        }
    }

    /// As metrics and traces name it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::AwaitLink => "await-link",
            Self::Stop => "stop",
            Self::Remove => "remove",
            Self::Settled(_) => "settled",
        }
    }

    /// What is shown while the step is taken.
    pub fn status(self) -> Status {
        match self {
            Self::Create | Self::Start | Self::AwaitLink => Status::Creating,
            Self::Stop => Status::Stopping,
            Self::Remove => Status::Deleting,
            Self::Settled(status) => status,
        }
    }
}

impl Desired {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Absent => "absent",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Stopped, Self::Absent].into_iter().find(|d| d.as_str() == text)
    }
}

impl Status {
    pub const ALL: [Self; 8] = [
        Self::Absent,
        Self::Creating,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Restarting,
        Self::Failed,
        Self::Deleting,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn engine_states() -> impl Strategy<Value = Option<EngineState>> {
        prop_oneof![
            Just(None),
            Just(Some(EngineState::Created)),
            Just(Some(EngineState::Running)),
            Just(Some(EngineState::Stopped { exit_code: Some(1), out_of_memory: false })),
        ]
    }

    fn desires() -> impl Strategy<Value = Desired> {
        prop_oneof![Just(Desired::Running), Just(Desired::Stopped), Just(Desired::Absent)]
    }

    /// What an engine that works makes of a step.
    fn take(step: Step, observed: Option<EngineState>) -> (Option<EngineState>, bool) {
        match step {
            Step::Create => (Some(EngineState::Created), false),
            Step::Start => (Some(EngineState::Running), false),
            Step::AwaitLink => (Some(EngineState::Running), true),
            Step::Stop => {
                (Some(EngineState::Stopped { exit_code: Some(0), out_of_memory: false }), false)
            }
            Step::Remove => (None, false),
            Step::Settled(_) => (observed, false),
        }
    }

    proptest! {
        #[test]
        fn every_gap_closes_in_four_steps(
            desired in desires(), start in engine_states(), linked: bool
        ) {
            let (mut observed, mut linked) = (start, linked);
            for _ in 0..4 {
                let step = next(desired, observed, linked);
                if matches!(step, Step::Settled(_)) { break; }
                (observed, linked) = take(step, observed);
            }
            prop_assert!(matches!(next(desired, observed, linked), Step::Settled(_)));
        }

        #[test]
        fn what_should_be_gone_is_removed_from_every_state(start in engine_states()) {
            let step = next(Desired::Absent, start, true);
            prop_assert_eq!(step == Step::Remove, start.is_some());
        }

        #[test]
        fn nothing_counts_as_running_before_its_supervisor_reports(start in engine_states()) {
            let step = next(Desired::Running, start, false);
            prop_assert_ne!(step, Step::Settled(Status::Running));
        }
    }

    fn looks() -> impl Strategy<Value = Look> {
        let statuses = proptest::sample::select(Status::ALL.to_vec());
        let retry = proptest::option::of(any::<bool>());
        (desires(), statuses, engine_states(), any::<bool>(), retry, any::<bool>()).prop_map(
            |(desired, status, observed, linked, retry_due, stale)| Look {
                desired,
                status,
                observed,
                linked,
                retry_due,
                stale,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_as_it_should_be_is_left_alone(look in looks()) {
            let Step::Settled(status) = next(look.desired, look.observed, look.linked) else {
                return Ok(());
            };
            let at_rest = Look { status, stale: false, ..look };
            prop_assert_eq!(attention(at_rest), None);
        }

        #[test]
        fn no_change_is_forgotten_for_ever(look in looks()) {
            let gap = !matches!(next(look.desired, look.observed, look.linked), Step::Settled(_));
            let waits = look.desired == Desired::Running
                && matches!(look.status, Status::Failed | Status::Restarting);
            let stale = Look { stale: true, ..look };
            prop_assert!(!gap || waits || attention(stale).is_some());
        }
    }

    #[test]
    fn every_status_reads_back_from_its_name() {
        assert!(Status::ALL.iter().all(|status| Status::parse(status.as_str()) == Some(*status)));
    }
}
