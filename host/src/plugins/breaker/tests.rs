//! What the quarantine does, at times that the tests choose.

use proptest::prelude::*;

use super::*;

const CONFIG: Config =
    Config { faults: Count(3), within_seconds: 60, callers: Count(1), pause_seconds: 30 };

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn granted(breaker: &mut Breaker, now: i64) -> Pass {
    match breaker.admit(at(now)) {
        Admission::Granted(pass) => pass,
        Admission::Refused(quarantine) => panic!("refused at {now}: {quarantine:?}"),
    }
}

fn refused(breaker: &mut Breaker, now: i64) -> Quarantine {
    match breaker.admit(at(now)) {
        Admission::Refused(quarantine) => quarantine,
        Admission::Granted(_) => panic!("granted at {now}"),
    }
}

fn trap() -> Outcome {
    Outcome::Fault("trapped".to_owned())
}

fn fail(breaker: &mut Breaker, now: i64) -> bool {
    let pass = granted(breaker, now);
    breaker.tell(pass, (trap(), None), at(now))
}

/// In quarantine since second 2, until second 32.
fn open() -> Breaker {
    let mut breaker = Breaker::new(CONFIG);
    let changed = [0, 1, 2].map(|now| fail(&mut breaker, now));
    assert_eq!(changed, [false, false, true]);
    breaker
}

#[test]
fn faults_within_the_time_begin_a_quarantine_that_tells_of_the_last() {
    let mut breaker = open();
    let last_fault = "trapped".to_owned();
    let expected = Quarantine { since: at(2), last_fault, retry_at: at(32) };
    assert_eq!(refused(&mut breaker, 31), expected);
    assert_eq!(breaker.quarantine(), Some(&expected));
}

#[test]
fn faults_that_are_far_apart_do_not() {
    let mut breaker = Breaker::new(CONFIG);
    let changed = [0, 30, 61, 95, 130].map(|now| fail(&mut breaker, now));
    assert_eq!(changed, [false; 5]);
}

#[test]
fn one_call_is_let_through_after_the_pause_and_a_good_one_ends_it() {
    let mut breaker = open();
    let pass = granted(&mut breaker, 32);
    refused(&mut breaker, 33);
    assert!(breaker.tell(pass, (Outcome::Answered, None), at(34)));
    assert_eq!(breaker.quarantine(), None);
    assert!(!fail(&mut breaker, 35));
}

#[test]
fn each_further_fault_doubles_the_pause_up_to_ten_minutes() {
    let mut breaker = open();
    let mut pauses = Vec::new();
    let mut now = 32;
    for _ in 0..6 {
        assert!(fail(&mut breaker, now));
        let retry_at = breaker.quarantine().unwrap().retry_at;
        pauses.push(retry_at.duration_since(at(now)).as_secs());
        now = retry_at.as_second() - at(0).as_second();
    }
    assert_eq!(pauses, [60, 120, 240, 480, 600, 600]);
    assert_eq!(breaker.quarantine().unwrap().since, at(2));
}

#[test]
fn a_try_that_teaches_nothing_leaves_the_next_call_to_try() {
    let mut breaker = open();
    let pass = granted(&mut breaker, 40);
    assert!(!breaker.tell(pass, (Outcome::Unknown, None), at(41)));
    granted(&mut breaker, 42);
}

#[test]
fn calls_from_before_say_nothing_about_the_quarantine() {
    let mut breaker = Breaker::new(CONFIG);
    let old = granted(&mut breaker, 0);
    for now in 0..3 {
        fail(&mut breaker, now);
    }
    assert!(!breaker.tell(old, (Outcome::Answered, None), at(3)));
    refused(&mut breaker, 4);
}

#[test]
fn the_operator_ends_it() {
    let mut breaker = open();
    assert!(breaker.reset());
    assert!(!fail(&mut breaker, 3));
    assert!(!breaker.reset());
}

#[test]
fn a_clock_that_is_set_back_makes_no_pause_longer() {
    let mut breaker = open();
    granted(&mut breaker, -86_400);
}

#[test]
fn a_count_that_can_not_be_is_refused() {
    assert!(toml::from_str::<Config>("faults = 0").is_err());
    assert!(toml::from_str::<Config>("faults = 1001").is_err());
    let config: Config = toml::from_str("faults = 5").unwrap();
    assert_eq!((config.faults.get(), config.pause_seconds), (5, 30));
}

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Call,
    /// Ends the call that was let through so long ago.
    End(usize, Outcome),
    Reset,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![Just(Outcome::Answered), Just(Outcome::Unknown), Just(trap())];
    let step = prop_oneof![
        3 => (0_i64..100).prop_map(Step::Wait),
        6 => Just(Step::Call),
        6 => (0_usize..4, outcome).prop_map(|(n, outcome)| Step::End(n, outcome)),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn whatever_happens_it_is_bounded_and_never_stuck(steps in steps()) {
        let (mut breaker, mut now, mut open) = (Breaker::new(CONFIG), 0, Vec::new());
        let mut trying = 0;
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::Call => match breaker.admit(at(now)) {
                    Admission::Granted(pass) => {
                        trying += u32::from(breaker.quarantine().is_some());
                        open.push(pass);
                    }
                    Admission::Refused(held) => {
                        prop_assert!(held.retry_at <= at(now + 600));
                        prop_assert!(held.since <= at(now));
                    }
                },
                Step::End(back, outcome) => {
                    if let Some(n) = open.len().checked_sub(back + 1) {
                        breaker.tell(open.remove(n), (outcome, None), at(now));
                    }
                }
                Step::Reset => {
                    breaker.reset();
                }
            }
            if matches!(breaker.state, State::Closed { .. } | State::Open { .. }) {
                trying = 0;
            }
            prop_assert!(trying <= 1);
            if let State::Closed { faults } = &breaker.state {
                prop_assert!(faults.len() < CONFIG.faults.get() as usize);
            }
        }
        for pass in open {
            breaker.tell(pass, (Outcome::Unknown, None), at(now));
        }
        let later = breaker.admit(at(now + 600));
        prop_assert!(matches!(later, Admission::Granted(_)));
    }

    #[test]
    fn good_calls_alone_never_begin_a_quarantine(times in prop::collection::vec(0_i64..1000, 0..100)) {
        let mut breaker = Breaker::new(CONFIG);
        for now in times {
            let pass = granted(&mut breaker, now);
            prop_assert!(!breaker.tell(pass, (Outcome::Answered, None), at(now)));
        }
    }
}
