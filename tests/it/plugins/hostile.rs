//! A policy that breaks a limit is stopped, said by name, and denies; nobody
//! else notices.
//!
//! What sleeps, hoards handles, calls on after its deadline or traps as an agent
//! is in `hostile/calls.rs`; what leads out of a project in `imports.rs`; what is
//! malformed, truncated or enormous in `loading.rs`, and a core module there too.

mod calls;

use lockhouse::agents::{Agent as _, AgentError};
use lockhouse::plugins::{Agents, Config, Decisions, OwnLimits, Plugins};
use lockhouse::policy::{CommandPolicy as _, Decision, Risk};

use super::fixture::{self, ALLOW};
use super::harness::{brief, decide, host, host_with, load_agent, load_policy, refusal};

const SPIN: &str = "(loop $again (br $again)) (unreachable)";

/// What a policy decides, while another one on the same host is asked.
async fn decision_of(outside: &str, evaluate: &str) -> Decision {
    let host = host();
    let hostile = load_policy(&host, &fixture::policy(outside, evaluate)).await;
    beside_others(&host, decide(&hostile, "ls")).await
}

/// Waits for something hostile, and prints what decisions of another policy took
/// meanwhile.
pub(super) async fn beside_others<R>(host: &Plugins, hostile: impl Future<Output = R>) -> R {
    let answers = fixture::policy("", &format!("(i32.const {ALLOW})"));
    let answers = load_policy(host, &answers).await;
    let others = async {
        let mut waits = Vec::new();
        for _ in 0..20 {
            let answered = decide(&answers, "ls").await;
            assert!(answered.allow, "{}", answered.reason);
            waits.push(answered.took);
        }
        waits.sort();
        waits
    };
    let (ended, waits) = tokio::join!(hostile, others);
    println!("others' decisions meanwhile: p50 {:?}, worst {:?}", waits[10], waits[19]);
    ended
}

/// Denied by the chain, with the plugin's name and what stopped it.
pub(super) fn assert_denied(decision: &Decision, what: &str) {
    assert!(!decision.allow);
    assert_eq!((decision.risk, decision.rule.as_str()), (Risk::Blocked, "policy-unavailable"));
    assert!(decision.reason.contains("fixture 1.0.0 (sha256:"), "{}", decision.reason);
    assert!(decision.reason.contains(what), "{}", decision.reason);
}

#[tokio::test]
async fn a_policy_that_spins_is_stopped_at_its_budget() {
    let decision = decision_of("", SPIN).await;
    assert_denied(&decision, "was stopped after ");
    assert_denied(&decision, " ms, limit 50 ms");
}

#[tokio::test]
async fn a_policy_that_takes_all_memory_is_stopped_at_its_limit() {
    let grow = "(loop $again
        (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    assert_denied(&decision_of("", grow).await, "of memory, limit 32.0 MiB");
}

#[tokio::test]
async fn a_policy_that_takes_a_giant_table_is_stopped_at_its_limit() {
    let grow = "(loop $again
        (br_if $again
            (i32.ne (table.grow $t (ref.null func) (i32.const 5000)) (i32.const -1))))
        (unreachable)";
    let decision = decision_of("(table $t 1 funcref)", grow).await;
    assert_denied(&decision, "wanted a table of 20001 elements, limit 20000");
}

#[tokio::test]
async fn a_policy_that_traps_denies() {
    assert_denied(&decision_of("", "(unreachable)").await, "trapped: wasm trap");
}

#[tokio::test]
async fn a_policy_that_calls_itself_for_ever_runs_out_of_stack() {
    let deep = "(func $deep (param i32) (result i32)
        (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    let decision = decision_of(deep, "(call $deep (local.get $request))").await;
    assert_denied(&decision, "ran out of stack, limit 512.0 KiB");
}

#[tokio::test]
async fn a_giant_verdict_is_no_verdict() {
    // The reason becomes one mebibyte of zeros.
    let giant = format!(
        "(drop (memory.grow (i32.const 32)))
         (i32.store (i32.const {}) (i32.const 131072))
         (i32.store (i32.const {}) (i32.const 1048576))
         (i32.const {ALLOW})",
        ALLOW + 16,
        ALLOW + 20
    );
    assert_denied(&decision_of("", &giant).await, "answered with 1.0 MiB, limit 256.0 KiB");
}

#[tokio::test]
async fn a_verdict_too_large_to_hand_over_is_never_copied() {
    let giant = format!(
        "(drop (memory.grow (i32.const 200)))
         (i32.store (i32.const {}) (i32.const 131072))
         (i32.store (i32.const {}) (i32.const 12582912))
         (i32.const {ALLOW})",
        ALLOW + 16,
        ALLOW + 20
    );
    let decision = decision_of("", &giant).await;
    assert_denied(&decision, "handed more to the host in one call than its limit of 4.0 MiB");
}

#[tokio::test]
async fn a_policy_that_floods_the_log_is_cut_and_still_answers() {
    let log = r#"(import "lockhouse:host/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let flood = format!(
        "(local $n i32)
         (loop $again
            (call $log (i32.const 1) (i32.const 0) (i32.const 65536))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 100))))
         (i32.const {ALLOW})"
    );
    assert!(decision_of(log, &flood).await.allow);
}

#[tokio::test]
async fn nothing_of_one_call_is_left_for_the_next() {
    // Allows only where its memory is as new.
    let mark = format!(
        "(if (i32.load (i32.const 1024)) (then (unreachable)))
         (i32.store (i32.const 1024) (i32.const 1))
         (i32.const {ALLOW})"
    );
    let policy = load_policy(&host(), &fixture::policy("", &mark)).await;
    let mut allowed = Vec::new();
    for _ in 0..50 {
        allowed.push(decide(&policy, "ls").await.allow);
    }
    assert_eq!(allowed, [true; 50]);
}

#[tokio::test]
async fn others_are_judged_while_a_policy_spins() {
    let host = host();
    let spins = load_policy(&host, &fixture::policy("", SPIN)).await;
    let answers = fixture::policy("", &format!("(i32.const {ALLOW})"));
    let answers = load_policy(&host, &answers).await;
    let (spun, answered) = tokio::join!(decide(&spins, "ls"), decide(&answers, "ls"));
    assert_denied(&spun, "was stopped after ");
    assert!(answered.allow, "{}", answered.reason);
    assert!(answered.took < spun.took);
}

#[tokio::test]
async fn a_budget_is_as_the_operator_set_it() {
    let decisions = Decisions { budget_ms: 20, ..Decisions::default() };
    let host = host_with(Config { decisions, ..Config::default() });
    let policy = load_policy(&host, &fixture::policy("", SPIN)).await;
    assert_denied(&decide(&policy, "ls").await, " ms, limit 20 ms");
}

/// A host on which plugins called `fixture` have these limits.
fn host_of_fixture(own: OwnLimits) -> Plugins {
    let limits = [("fixture".to_owned(), own)].into();
    host_with(Config { limits, ..Config::default() })
}

/// Takes 40 MiB, then allows.
fn roomy() -> Vec<u8> {
    let grow = "(if (i32.eq (memory.grow (i32.const 640)) (i32.const -1)) (then (unreachable)))";
    fixture::policy("", &format!("{grow} (i32.const {ALLOW})"))
}

#[tokio::test]
async fn one_policy_may_be_given_more_than_all_others() {
    let memory_bytes = Some(64 * 1024 * 1024);
    let host = host_of_fixture(OwnLimits { memory_bytes, ..OwnLimits::default() });
    assert!(decide(&load_policy(&host, &roomy()).await, "ls").await.allow);
}

#[tokio::test]
async fn one_policy_may_be_given_less_than_all_others() {
    let host = host_of_fixture(OwnLimits { budget_ms: Some(20), ..OwnLimits::default() });
    let policy = load_policy(&host, &fixture::policy("", SPIN)).await;
    assert_denied(&decide(&policy, "ls").await, " ms, limit 20 ms");
}

#[tokio::test]
async fn a_manifest_asks_for_no_more_than_the_operator_gives_its_plugin() {
    let memory_bytes = Some(16 * 1024 * 1024);
    let host = host_of_fixture(OwnLimits { memory_bytes, ..OwnLimits::default() });
    let manifest = "id = \"fixture\"\nversion = \"1.0.0\"\nsummary = \"s\"\n\
        roles = [\"command-policy\"]\n[limits]\nmemory-mib = 64\n";
    let greedy = fixture::with_section(roomy(), "lockhouse:manifest", manifest);
    let decision = decide(&load_policy(&host, &greedy).await, "ls").await;
    assert_denied(&decision, "of memory, limit 16.0 MiB");
}

#[tokio::test]
async fn an_agent_that_spins_is_stopped_at_its_budget() {
    let agents = Agents { budget_ms: 100, ..Agents::default() };
    let host = host_with(Config { agents, ..Config::default() });
    let agent = load_agent(&host, &fixture::agent(SPIN)).await;
    let (progress, _reports) = tokio::sync::mpsc::channel(1);
    let error = agent.plan(&brief("a todo api"), &progress).await.unwrap_err();
    assert!(
        matches!(&error, AgentError::Fault(why) if why.contains("ms, limit 100 ms")),
        "{error}"
    );
}

#[tokio::test]
async fn an_agent_that_gets_no_answer_in_time_is_given_up() {
    let agents = Agents { wall_ms: 50, ..Agents::default() };
    let host = host_with(Config { agents, ..Config::default() });
    let agent = load_agent(&host, &fixture::agent(SPIN)).await;
    let (progress, _reports) = tokio::sync::mpsc::channel(1);
    let error = agent.plan(&brief("a todo api"), &progress).await.unwrap_err();
    assert!(matches!(&error, AgentError::Fault(why) if why.contains("was given up")), "{error}");
}

#[tokio::test]
async fn a_policy_that_hands_the_host_a_giant_text_is_stopped_before_it_is_copied() {
    let log = r#"(import "lockhouse:host/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let giant = format!(
        "(drop (memory.grow (i32.const 200)))
         (call $log (i32.const 1) (i32.const 131072) (i32.const 12582912))
         (i32.const {ALLOW})"
    );
    let what = "handed more to the host in one call than its limit of 4.0 MiB";
    assert_denied(&decision_of(log, &giant).await, what);
}

#[tokio::test]
async fn a_plugin_that_traps_when_it_is_loaded_is_refused() {
    let describes = refusal(&fixture::policy_that_traps_in("describe"), "{}").await.to_string();
    let validates = fixture::policy_that_traps_in("validate-settings");
    let validates = refusal(&validates, "{}").await.to_string();
    assert!(describes.contains("trapped: wasm trap"), "{describes}");
    assert!(validates.contains("trapped: wasm trap"), "{validates}");
}

#[tokio::test]
async fn a_policy_that_traps_when_it_is_asked_for_its_rules_is_named() {
    let policy = load_policy(&host(), &fixture::policy_that_traps_in("explain")).await;
    let fault = policy.explain().await.unwrap_err().to_string();
    assert!(fault.contains("fixture 1.0.0 (sha256:") && fault.contains("trapped"), "{fault}");
}

#[tokio::test]
async fn an_import_of_a_version_that_this_host_does_not_offer_is_refused_by_name() {
    let log = r#"(import "lockhouse:host/log@0.9.0" "write" (func $log (param i32 i32)))"#;
    let call = format!("(call $log (i32.const 0) (i32.const 0)) (i32.const {ALLOW})");
    let later = fixture::policy_of_world("test:fixture/later", log, &call);
    let error = refusal(&later, "{}").await.to_string();
    assert!(error.contains("lockhouse:host/log@0.9.0"), "{error}");
    assert!(error.contains("lockhouse:host/log@0.1.0"), "{error}");
}

#[tokio::test]
async fn an_import_that_the_manifest_does_not_ask_for_is_refused_with_what_to_write() {
    let log = r#"(import "lockhouse:host/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let call = "(call $log (i32.const 1) (i32.const 0) (i32.const 0)) (i32.const 192)";
    let manifest = r#"
        id = "fixture"
        version = "1.0.0"
        summary = "A fixture."
        roles = ["command-policy"]
        imports = []
        grants = []"#;
    let silent = fixture::policy(log, call);
    let silent = fixture::with_section(silent, "lockhouse:manifest", manifest);
    let error = refusal(&silent, "{}").await.to_string();
    assert!(error.contains(r#"add "lockhouse:host/log@0.1.0" to `imports`"#), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_of_a_policy_that_spins_leave_others_their_turn() {
    let host = host();
    let spins = load_policy(&host, &fixture::policy("", SPIN)).await;
    let answers = fixture::policy("", &format!("(i32.const {ALLOW})"));
    let answers = load_policy(&host, &answers).await;
    let flood: Vec<_> = (0..1_000)
        .map(|_| {
            let spins = spins.clone();
            tokio::spawn(async move { decide(&spins, "ls").await })
        })
        .collect();
    let mut waits = Vec::new();
    for _ in 0..100 {
        let answered = decide(&answers, "ls").await;
        assert!(answered.allow, "{}", answered.reason);
        waits.push(answered.took);
    }
    for spun in flood {
        assert_denied(&spun.await.unwrap(), ") was ");
    }
    waits.sort();
    println!("others' decisions during the flood: p50 {:?}, p99 {:?}", waits[50], waits[98]);
}

#[tokio::test]
async fn a_plugin_that_keeps_failing_is_left_alone_and_says_so() {
    let quarantine = lockhouse::plugins::QuarantineConfig {
        faults: 3.try_into().unwrap(),
        ..Default::default()
    };
    let host = host_with(Config { quarantine, ..Config::default() });
    let policy = load_policy(&host, &fixture::policy("", "(unreachable)")).await;
    for _ in 0..3 {
        assert_denied(&decide(&policy, "ls").await, "trapped");
    }
    assert_denied(&decide(&policy, "ls").await, "quarantined for ada alone after 3 faults");
}
