//! Quarantine: a plugin that keeps failing is left alone for a while.
//!
//! ```text
//!            N faults within M seconds              the pause is over
//!   closed ───────────────────────────────▶ open ──────────────────────▶ trying
//!     ▲                                      ▲                             │ one call
//!     │                                      └──── fault: twice the pause ─┤
//!     └───────────────────────────────────── success ──────────────────────┘
//! ```
//!
//! Decisions are pure: the time is handed in. While it is open, calls are
//! answered at once; while one call tries, the others are as well. Only what a
//! plugin does itself counts, not what the host could not do for it.
//!
//! Whoever finds a command that makes a policy fail could stop everybody's with
//! it. So each caller has a breaker first, and of one caller's faults only some
//! count for everybody's (`breaker/callers.rs`).

mod callers;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::ids::UserId;

pub(super) use callers::{Breakers, CallersPass, Held};

/// A plugin that stays broken is tried at least this often.
const MAX_PAUSE: Duration = Duration::from_secs(600);

/// The `[plugins.quarantine]` part of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// So many faults …
    pub faults: Count,
    /// … within so many seconds begin a quarantine: for their caller alone, or for
    /// everybody where they are the faults …
    pub within_seconds: u32,
    /// … of at least so many callers (or of as many as there are faults, if that is
    /// fewer), none of whom counts for more than his share of them.
    pub callers: Count,
    /// How long the first pause lasts; each that follows without a good call
    /// between them is twice as long, up to 10 minutes.
    pub pause_seconds: u32,
}

/// From 1 to 1,000: each is remembered by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Count(u32);

/// A plugin that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    pub since: Timestamp,
    /// What the plugin did last.
    pub last_fault: String,
    /// When one call is let through.
    pub retry_at: Timestamp,
}

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may; what becomes of it must be told.
    Granted(Pass),
    /// It may not: it is answered at once.
    Refused(Quarantine),
}

/// Belongs to one call, and says what its outcome means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    /// Rises with each change of state: what was let through before says nothing
    /// about the state after.
    era: u64,
}

/// How a call that was let through ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    /// By the plugin's own doing.
    Fault(String),
    /// The plugin was not to blame, or nobody waited for the end.
    Unknown,
}

/// The state of one plugin's quarantine.
#[derive(Debug)]
pub(super) struct Breaker {
    config: Config,
    /// How many faults of one caller count.
    share: usize,
    era: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// When its faults were and whose, oldest first; never as many as begin a
    /// quarantine.
    Closed {
        faults: VecDeque<(Timestamp, Option<UserId>)>,
    },
    Open {
        quarantine: Quarantine,
        pause: Duration,
    },
    /// One call is on its way.
    Trying {
        quarantine: Quarantine,
        pause: Duration,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self { faults: Count(10), within_seconds: 60, callers: Count(3), pause_seconds: 30 }
    }
}

impl Count {
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Count {
    type Error = &'static str;

    fn try_from(count: u32) -> Result<Self, Self::Error> {
        if (1..=1_000).contains(&count) { Ok(Self(count)) } else { Err("must be from 1 to 1000") }
    }
}

impl Breaker {
    /// For one caller, all of whose faults count.
    pub(super) fn new(config: Config) -> Self {
        let share = config.faults.0 as usize;
        Self { config, share, era: 0, state: State::Closed { faults: VecDeque::new() } }
    }

    /// For all callers together.
    pub(super) fn of_all(config: Config) -> Self {
        let share = config.faults.0.div_ceil(config.callers.0) as usize;
        Self { share, ..Self::new(config) }
    }

    /// What holds now, if anything.
    pub(super) fn quarantine(&self) -> Option<&Quarantine> {
        match &self.state {
            State::Closed { .. } => None,
            State::Open { quarantine, .. } | State::Trying { quarantine, .. } => Some(quarantine),
        }
    }

    /// Asks for one call.
    pub(super) fn admit(&mut self, now: Timestamp) -> Admission {
        match &self.state {
            State::Closed { .. } => Admission::Granted(Pass { era: self.era }),
            State::Open { quarantine, pause } if is_over(quarantine, *pause, now) => {
                let (quarantine, pause) = (quarantine.clone(), *pause);
                Admission::Granted(self.enter(State::Trying { quarantine, pause }))
            }
            State::Open { quarantine, .. } | State::Trying { quarantine, .. } => {
                Admission::Refused(quarantine.clone())
            }
        }
    }

    /// Tells how a call ended. Whether the quarantine began, ended or was
    /// prolonged by it.
    pub(super) fn tell(
        &mut self,
        pass: Pass,
        (outcome, caller): (Outcome, Option<&UserId>),
        now: Timestamp,
    ) -> bool {
        if pass.era != self.era {
            return false;
        }
        match (&mut self.state, outcome) {
            (State::Closed { faults }, Outcome::Fault(last_fault)) => {
                let within = SignedDuration::from_secs(self.config.within_seconds.into());
                faults.retain(|(at, _)| now.duration_since(*at).abs() < within);
                if faults.iter().filter(|(_, of)| of.as_ref() == caller).count() >= self.share {
                    return false;
                }
                faults.push_back((now, caller.cloned()));
                let full = faults.len() >= self.config.faults.0 as usize;
                if full {
                    let pause = Duration::from_secs(self.config.pause_seconds.into());
                    self.open(now, now, last_fault, pause.min(MAX_PAUSE));
                }
                full
            }
            (State::Trying { quarantine, pause }, Outcome::Fault(last_fault)) => {
                let (since, pause) = (quarantine.since, pause.saturating_mul(2).min(MAX_PAUSE));
                self.open(since, now, last_fault, pause);
                true
            }
            (State::Trying { .. }, Outcome::Answered) => {
                self.enter(State::Closed { faults: VecDeque::new() });
                true
            }
            // Nothing was learned, so the next call tries.
            (State::Trying { quarantine, pause }, Outcome::Unknown) => {
                let (quarantine, pause) = (quarantine.clone(), *pause);
                self.enter(State::Open { quarantine, pause });
                false
            }
            (State::Closed { .. } | State::Open { .. }, _) => false,
        }
    }

    /// Forgets every fault; whether there was a quarantine to end.
    pub(super) fn reset(&mut self) -> bool {
        let held = self.quarantine().is_some();
        self.enter(State::Closed { faults: VecDeque::new() });
        held
    }

    /// Whether it holds, or remembers a fault that still counts.
    fn matters(&self, now: Timestamp) -> bool {
        let within = SignedDuration::from_secs(self.config.within_seconds.into());
        match &self.state {
            State::Closed { faults } => {
                faults.iter().any(|(at, _)| now.duration_since(*at).abs() < within)
            }
            State::Open { .. } | State::Trying { .. } => true,
        }
    }

    fn open(&mut self, since: Timestamp, now: Timestamp, last_fault: String, pause: Duration) {
        let retry_at = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        self.enter(State::Open { quarantine: Quarantine { since, last_fault, retry_at }, pause });
    }

    fn enter(&mut self, state: State) -> Pass {
        self.state = state;
        self.era += 1;
        Pass { era: self.era }
    }
}

/// A clock that was set back must not make a pause longer than it is.
fn is_over(quarantine: &Quarantine, pause: Duration, now: Timestamp) -> bool {
    let left = quarantine.retry_at.duration_since(now);
    !left.is_positive() || left.unsigned_abs() > pause
}

#[cfg(test)]
mod tests;
