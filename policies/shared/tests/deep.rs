//! However deep a text nests, the parser's stack suffices: it runs on a small one here.

#![expect(clippy::expect_used, reason = "a stack that overflows fails its test")]

use std::{
    thread,
    time::{Duration, Instant},
};

use command_analysis::{Decision, Request, Settings, Verdict, judge};
use proptest::prelude::*;

/// A guest has 64 KiB beside its host's 512 KiB; an unoptimised native build needs more for each
/// level than both.
const STACK_BYTES: usize = 512 * 1024;
/// Far above what any text takes on a busy machine, far below what an exponential parse would.
const PATIENCE: Duration = Duration::from_secs(30);

/// What opens a level, and what closes it.
const LEVELS: &[(&str, &str)] = &[
    ("$(", ")"),
    ("$((", "))"),
    ("$[", "]"),
    ("${x:-", "}"),
    ("\"$(", ")\""),
    ("\"${x:-", "}\""),
    ("echo \"`", "`\""),
    ("(", ")"),
    ("( ", " )"),
    ("((", "))"),
    ("{ ", "; }"),
    ("! ", ""),
    ("time ", ""),
    ("if ", "; then a; fi"),
    ("if a; then ", "; fi"),
    ("if a; then b; else ", "; fi"),
    ("if a; then b; elif ", "; then c; fi"),
    ("while ", "; do a; done"),
    ("until a; do ", "; done"),
    ("for i in a b; do ", "; done"),
    ("for ((i=0;i<1;i++)); do ", "; done"),
    ("select i in a; do ", "; done"),
    ("case x in a) ", ";; esac"),
    ("case x in (a) ", " esac"),
    ("case x in esac) fi) ", " esac"),
    ("f() { ", "; }"),
    ("function f ", ""),
    ("function f { ", "; }"),
    ("f() ", ""),
    ("coproc ", ""),
    ("coproc x { ", "; }"),
    ("[[ ( ", " ) ]]"),
    ("[[ ! ", " ]]"),
    ("[[ a && ", " ]]"),
    ("[[ a =~ (", ") ]]"),
    ("cat <( ", " )"),
    ("cat > >( ", " )"),
    ("a=( ", " )"),
    ("a[", "]=1"),
    ("a[\"$(", ")\"]=1"),
    ("@(", ")"),
    ("{a,", "}"),
    ("{1..9}", ""),
    ("cat <<E\n$(", ")\nE\n"),
    ("cat <<E\n", "\nE\n"),
    ("sh -c '", "'"),
    ("eval ", ""),
    ("env ", ""),
    ("echo `", "`"),
    ("'", "'"),
    ("\"", "\""),
    ("\\", ""),
    ("$'", "'"),
    ("<", ">"),
    ("a | ", ""),
    ("a && ", ""),
    ("# ", "\n"),
];

fn on_a_small_stack(text: String) -> (Verdict, Duration) {
    let judged = move || {
        let begun = Instant::now();
        let request = Request { command: text, ..Request::default() };
        let verdict = judge(&request, &Settings::default());
        (verdict, begun.elapsed())
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(judged);
    thread.map(|thread| thread.join().expect("the stack sufficed")).expect("a thread")
}

fn nested(levels: &[(&str, &str)]) -> String {
    let opening: String = levels.iter().map(|(open, _)| *open).collect();
    let closing: String = levels.iter().rev().map(|(_, close)| *close).collect();
    format!("{opening}x{closing}")
}

#[test]
fn each_construct_is_judged_at_any_depth() {
    for level in LEVELS {
        for depth in [1, 2, 5, 8, 12, 15, 16, 17, 18, 40, 1_000] {
            let (verdict, time) = on_a_small_stack(nested(&vec![*level; depth]));
            assert!(time < PATIENCE, "{level:?} × {depth} took {time:?}: {verdict:?}");
        }
    }
}

#[test]
fn openings_alone_are_judged_at_any_depth() {
    for (open, _) in LEVELS {
        for depth in [1, 8, 15, 16, 17, 40, 1_000, 6_000] {
            let (verdict, time) = on_a_small_stack(open.repeat(depth));
            assert!(time < PATIENCE, "{open:?} × {depth} took {time:?}: {verdict:?}");
        }
    }
}

#[test]
fn what_nests_too_deep_is_refused_for_that() {
    for level in ["$(", "(", "{ ", "if ", "case x in a) ", "${x:-", "while ", "[[ ! "] {
        let (verdict, _) = on_a_small_stack(level.repeat(1_000));
        assert_eq!((verdict.decision, verdict.rule), (Decision::Deny, "too-complex"), "{level}");
    }
}

#[test]
fn ordinary_depth_is_let_through() {
    let text = "f() { for i in a; do if a; then case x in a) (cd x && echo \"$(ls $(pwd))\") ;; \
                esac; fi; done; }; f";
    assert_eq!(on_a_small_stack(text.to_owned()).0.decision, Decision::Allow);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn mixed_constructs_are_judged_at_any_depth(
        levels in prop::collection::vec(prop::sample::select(LEVELS), 0..30),
        cut in 0..400_usize,
    ) {
        let text = nested(&levels);
        let (verdict, time) = on_a_small_stack(text.clone());
        prop_assert!(time < PATIENCE, "{text:?} took {time:?}: {verdict:?}");
        let short: String = text.chars().take(cut).collect();
        let (verdict, time) = on_a_small_stack(short.clone());
        prop_assert!(time < PATIENCE, "{short:?} took {time:?}: {verdict:?}");
    }
}
