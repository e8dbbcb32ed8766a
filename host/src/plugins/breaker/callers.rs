//! Faults by whose calls they happened in: one caller's are that caller's own
//! affair first, and only several callers' together are everybody's.
//!
//! Calls on nobody's behalf, such as for a policy's rules, count together, and
//! are never held alone.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Admission, Breaker, Config, Outcome, Pass, Quarantine};
use crate::ids::UserId;

/// Callers with faults that are remembered; those of others count for everybody.
const MAX_CALLERS: usize = 1_000;

/// Everybody's breaker and each caller's, of one plugin.
#[derive(Debug)]
pub(in crate::plugins) struct Breakers {
    config: Config,
    everybodys: Breaker,
    /// Only of those who had faults.
    callers: HashMap<UserId, Breaker>,
}

/// Belongs to one call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plugins) struct CallersPass {
    everybodys: Pass,
    /// Of a caller who had no fault so far: what a new breaker would give.
    callers: Pass,
}

/// Why a call may not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plugins) enum Held {
    ForEverybody(Quarantine),
    ForTheCaller(Quarantine),
}

/// Which quarantines began, ended or were prolonged by a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::plugins) struct Changed {
    pub(in crate::plugins) everybodys: bool,
    pub(in crate::plugins) callers: bool,
}

impl Breakers {
    pub(in crate::plugins) fn new(config: Config) -> Self {
        Self { config, everybodys: Breaker::of_all(config), callers: HashMap::new() }
    }

    /// What holds for everybody, if anything.
    pub(in crate::plugins) fn quarantine(&self) -> Option<&Quarantine> {
        self.everybodys.quarantine()
    }

    /// What holds for one caller alone.
    pub(in crate::plugins) fn of_caller(&self, caller: &UserId) -> Option<&Quarantine> {
        self.callers.get(caller).and_then(Breaker::quarantine)
    }

    /// Asks for one call. A caller who is held alone never gets to try for all.
    pub(in crate::plugins) fn admit(
        &mut self,
        caller: Option<&UserId>,
        now: Timestamp,
    ) -> Result<CallersPass, Held> {
        let own = caller.and_then(|caller| self.callers.get_mut(caller));
        let callers = match own.map(|own| own.admit(now)) {
            None => Pass { era: 0 },
            Some(Admission::Granted(pass)) => pass,
            Some(Admission::Refused(held)) => {
                let everybodys = self.everybodys.quarantine().cloned();
                return Err(everybodys.map_or(Held::ForTheCaller(held), Held::ForEverybody));
            }
        };
        match self.everybodys.admit(now) {
            Admission::Granted(everybodys) => Ok(CallersPass { everybodys, callers }),
            Admission::Refused(held) => {
                self.tell_own(callers, (Outcome::Unknown, caller), now);
                Err(Held::ForEverybody(held))
            }
        }
    }

    /// Tells how a call ended.
    pub(in crate::plugins) fn tell(
        &mut self,
        pass: CallersPass,
        (outcome, caller): (Outcome, Option<&UserId>),
        now: Timestamp,
    ) -> Changed {
        let callers = self.tell_own(pass.callers, (outcome.clone(), caller), now);
        let everybodys = self.everybodys.tell(pass.everybodys, (outcome, caller), now);
        Changed { everybodys, callers }
    }

    fn tell_own(
        &mut self,
        pass: Pass,
        (outcome, caller): (Outcome, Option<&UserId>),
        now: Timestamp,
    ) -> bool {
        let Some(caller) = caller else { return false };
        if !self.callers.contains_key(caller) {
            if !matches!(outcome, Outcome::Fault(_)) || !self.has_room(now) {
                return false;
            }
            self.callers.insert(caller.clone(), Breaker::new(self.config));
        }
        let own = self.callers.get_mut(caller);
        own.is_some_and(|own| own.tell(pass, (outcome, Some(caller)), now))
    }

    /// Whether one more caller can be remembered; forgets those long without a fault.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.callers.len() >= MAX_CALLERS {
            self.callers.retain(|_, own| own.matters(now));
        }
        self.callers.len() < MAX_CALLERS
    }

    /// Forgets every fault; whether there was a quarantine for everybody, and
    /// who was held alone.
    pub(in crate::plugins) fn reset(&mut self) -> (bool, Vec<UserId>) {
        let held = |(caller, own): (UserId, Breaker)| own.quarantine().is_some().then_some(caller);
        let alone = std::mem::take(&mut self.callers).into_iter().filter_map(held).collect();
        (self.everybodys.reset(), alone)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Count, tests::at};
    use super::*;

    /// Six faults, of at least three callers: two each.
    const CONFIG: Config =
        Config { faults: Count(6), within_seconds: 60, callers: Count(3), pause_seconds: 30 };

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    /// What a call of this caller that fails changes; `None` where it is held.
    fn fail(breakers: &mut Breakers, caller: &str, now: i64) -> Option<Changed> {
        let caller = user(caller);
        let pass = breakers.admit(Some(&caller), at(now)).ok()?;
        let fault = Outcome::Fault("trapped".to_owned());
        Some(breakers.tell(pass, (fault, Some(&caller)), at(now)))
    }

    fn fail_often(breakers: &mut Breakers, caller: &str, times: usize) {
        for _ in 0..times {
            fail(breakers, caller, 0);
        }
    }

    #[test]
    fn a_caller_whose_commands_fail_is_held_alone() {
        let mut breakers = Breakers::new(CONFIG);
        fail_often(&mut breakers, "mallory", 6);
        let held = breakers.admit(Some(&user("mallory")), at(1)).unwrap_err();
        assert!(matches!(held, Held::ForTheCaller(_)));
        assert!(breakers.admit(Some(&user("ada")), at(1)).is_ok());
        assert_eq!(breakers.quarantine(), None);
    }

    #[test]
    fn two_callers_together_are_not_everybody() {
        let mut breakers = Breakers::new(CONFIG);
        fail_often(&mut breakers, "mallory", 6);
        fail_often(&mut breakers, "eve", 6);
        assert!(breakers.admit(Some(&user("ada")), at(1)).is_ok());
    }

    #[test]
    fn the_faults_of_enough_callers_hold_everybody() {
        let mut breakers = Breakers::new(CONFIG);
        for caller in ["ada", "bob", "cy"] {
            fail_often(&mut breakers, caller, 2);
        }
        let held = breakers.admit(Some(&user("dan")), at(1)).unwrap_err();
        assert!(matches!(held, Held::ForEverybody(_)));
    }

    #[test]
    fn a_caller_who_is_held_alone_does_not_try_for_all() {
        let mut breakers = Breakers::new(CONFIG);
        fail_often(&mut breakers, "mallory", 6);
        // Her pause is twice as long now, while that of all begins.
        assert!(fail(&mut breakers, "mallory", 30).is_some_and(|changed| changed.callers));
        for caller in ["ada", "bob", "ada", "bob"] {
            fail(&mut breakers, caller, 31);
        }
        assert!(breakers.admit(Some(&user("mallory")), at(61)).is_err());
        assert!(breakers.admit(Some(&user("ada")), at(61)).is_ok());
    }

    #[test]
    fn a_call_that_all_are_held_from_leaves_its_callers_own_try_to_the_next() {
        let mut breakers = Breakers::new(CONFIG);
        fail_often(&mut breakers, "mallory", 6);
        for caller in ["ada", "bob"] {
            fail_often(&mut breakers, caller, 2);
        }
        let mallory = user("mallory");
        let first = breakers.admit(None, at(30)).unwrap();
        assert!(matches!(breakers.admit(Some(&mallory), at(30)), Err(Held::ForEverybody(_))));
        breakers.tell(first, (Outcome::Answered, None), at(31));
        assert!(breakers.admit(Some(&mallory), at(31)).is_ok());
    }

    #[test]
    fn the_operator_frees_everybody() {
        let mut breakers = Breakers::new(CONFIG);
        fail_often(&mut breakers, "mallory", 6);
        assert_eq!(breakers.reset(), (false, vec![user("mallory")]));
        assert!(breakers.admit(Some(&user("mallory")), at(1)).is_ok());
    }

    #[test]
    fn no_more_callers_are_remembered_than_the_bound() {
        let mut breakers = Breakers::new(CONFIG);
        for n in 0..2 * MAX_CALLERS {
            fail(&mut breakers, &format!("user-{n}"), 0);
            breakers.everybodys.reset();
        }
        assert_eq!(breakers.callers.len(), MAX_CALLERS);
        fail(&mut breakers, "later", 61);
        assert_eq!(breakers.callers.len(), 1);
    }

    proptest! {
        #[test]
        fn fewer_callers_than_it_takes_never_hold_everybody(
            faults in prop::collection::vec((0_usize..2, 0_i64..3), 0..200),
        ) {
            let (mut breakers, mut now) = (Breakers::new(CONFIG), 0);
            for (caller, wait) in faults {
                now += wait;
                fail(&mut breakers, ["mallory", "eve"][caller], now);
                prop_assert_eq!(breakers.quarantine(), None);
            }
        }
    }
}
