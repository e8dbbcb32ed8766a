//! Calls that are made on the thread that asks for them.
//!
//! A verdict takes some microseconds, and to have it from another thread costs as
//! much again. So a policy that can reach nothing is called right where it is asked,
//! but only for so long: the first tick that finds it at work for longer than
//! [`QUICK`] throws the call away. It is made anew on a thread for decisions, with
//! its whole budget, and for [`REST`] all calls of that policy go there at once. A
//! call that reaches nothing may be made twice.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Processor time that a call may use of the thread that asks.
pub(super) const QUICK: Duration = Duration::from_millis(1);

/// How long a policy that took longer is asked elsewhere.
const REST: Duration = Duration::from_secs(60);

/// Imports that answer at once and leave nothing behind, but for interfaces that
/// have types only.
const HARMLESS: [&str; 2] = ["lockhouse:types/", "lockhouse:host/settings@"];

/// Whether a policy is called where it is asked.
#[derive(Debug)]
pub(super) struct Pace {
    reaches_nothing: bool,
    slow_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// By the names of all that the component imports.
    pub(super) fn of<'a>(mut imports: impl Iterator<Item = &'a str>) -> Self {
        let harmless = |import: &str| HARMLESS.iter().any(|known| import.starts_with(known));
        Self { reaches_nothing: imports.all(harmless), slow_at: Mutex::default() }
    }

    pub(super) fn is_quick(&self) -> bool {
        let slow_at = *self.slow_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.reaches_nothing && slow_at.is_none_or(|at| at.elapsed() >= REST)
    }

    /// A call was thrown away.
    pub(super) fn was_slow(&self) {
        *self.slow_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURE: [&str; 2] = ["lockhouse:types/errors@0.1.0", "lockhouse:host/settings@0.1.0"];

    #[test]
    fn only_what_reaches_nothing_is_called_where_it_is_asked() {
        assert!(Pace::of(PURE.into_iter()).is_quick());
        assert!(!Pace::of(["lockhouse:host/kv@0.1.0"].into_iter()).is_quick());
        assert!(!Pace::of(["lockhouse:host/log@0.1.0"].into_iter()).is_quick());
        assert!(!Pace::of(["wasi:io/poll@0.2.12"].into_iter()).is_quick());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_slow_is_asked_elsewhere_for_a_while() {
        let pace = Pace::of(PURE.into_iter());
        pace.was_slow();
        assert!(!pace.is_quick());
        tokio::time::advance(REST).await;
        assert!(pace.is_quick());
    }
}
