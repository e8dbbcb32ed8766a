//! Any text gets a verdict, in both policies, soon; and what is sanitised is judged the same.

#![no_main]

use std::time::{Duration, Instant};

use command_analysis::{Decision, Request, Settings, judge};
use libfuzzer_sys::fuzz_target;

/// Far above what any text takes, even with the fuzzer's own counters in it.
const PATIENCE: Duration = Duration::from_secs(2);

fuzz_target!(|text: &str| {
    let begun = Instant::now();
    let request = Request { command: text.to_owned(), ..Request::default() };
    let verdict = judge(&request, &Settings::default());
    let strict = judge(&request, &Settings { strict: true, ..Settings::default() });
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
    // Strict mode only ever refuses more.
    assert!(verdict.decision == Decision::Allow || strict.decision == Decision::Deny);
    if let Some(sanitised) = verdict.sanitised {
        let again = judge(&Request { command: sanitised, ..request }, &Settings::default());
        assert_eq!((again.decision, again.risk, again.rule), (verdict.decision, verdict.risk, verdict.rule));
    }
});
