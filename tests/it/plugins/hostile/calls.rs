//! Hostile towards what the host offers: it waits there, hoards its handles, and
//! goes on calling when its time is over. And it traps wherever it is asked.

use lockhouse::agents::{Agent as _, AgentError, Plan, WriteContext};
use lockhouse::ids::Kind;
use lockhouse::plugins::{Agents, Config, Decisions, Grant, Granted};

use super::super::fixture::{self, ALLOW};
use super::super::harness::{brief, decide, host, host_with, load_agent, load_policy};
use super::super::rooms::{Reachable, granted};
use super::{assert_denied, beside_others};
use crate::host::eventually;

const CLOCK: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
        (func $wait (param i64) (result i32)))
    (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#;

/// Waits for an hour, again and again.
const SLEEP: &str = "(local $hour i32)
    (local.set $hour (call $wait (i64.const 3600000000000)))
    (loop $again (call $block (local.get $hour)) (br $again)) (unreachable)";

/// One hour after the other is begun, and none of them let go.
const HOARD: &str = "(loop $again
    (drop (call $wait (i64.const 3600000000000)))
    (br $again)) (unreachable)";

fn sleeping(evaluate: &str) -> Vec<u8> {
    fixture::policy_of_world("sleeping-policy", CLOCK, evaluate)
}

#[tokio::test]
async fn a_policy_that_sleeps_in_the_host_is_given_up_and_its_thread_comes_back() {
    let decisions = Decisions { threads: 2, wall_ms: 300, ..Decisions::default() };
    let host = host_with(Config { decisions, ..Config::default() });
    let sleeps = load_policy(&host, &sleeping(SLEEP)).await;
    let decision = beside_others(&host, decide(&sleeps, "ls")).await;
    assert_denied(&decision, "was given up after ");
    assert_denied(&decision, " ms, limit 300 ms: it was blocked in the host");
    // Only one of the two threads is for its calls, so this needs the same again.
    assert_denied(&decide(&sleeps, "ls").await, "was given up after ");
}

#[tokio::test]
async fn an_agent_that_sleeps_in_the_host_is_given_up() {
    let agents = Agents { wall_ms: 300, ..Agents::default() };
    let host = host_with(Config { agents, ..Config::default() });
    let sleeps = fixture::agent_of_world("sleeping-agent", CLOCK, SLEEP);
    let agent = load_agent(&host, &sleeps).await;
    let error = beside_others(&host, plans(&agent)).await;
    assert!(error.contains("was given up after ") && error.contains("limit 300 ms"), "{error}");
}

#[tokio::test]
async fn a_policy_that_hoards_handles_is_stopped_at_its_limit() {
    let host = host();
    let hoards = load_policy(&host, &sleeping(HOARD)).await;
    let decision = beside_others(&host, decide(&hoards, "ls")).await;
    assert_denied(&decision, "held more handles at once than its limit of 1000");
}

#[tokio::test]
async fn an_agent_that_hoards_handles_is_stopped_at_its_limit() {
    let open = r#"(import "lockhouse:host/project-files@0.1.0" "open" (func $open (param i32)))"#;
    let hoard = "(loop $again
        (call $open (i32.const 2048))
        (br_if $again (i32.eqz (i32.load8_u (i32.const 2048))))) (unreachable)";
    let said = Reachable::start()
        .await
        .says(&fixture::agent_with(open, hoard), &granted(Grant::ProjectFiles))
        .await;
    assert!(said.contains("held more handles at once than its limit of 1000"), "{said}");
}

/// Keeps one number after the other, for as long as it runs.
fn counts() -> Vec<u8> {
    let kv = r#"
        (import "lockhouse:host/kv@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
        (data (i32.const 1024) "key")"#;
    let count = "(loop $again
        (i32.store (i32.const 1040)
            (i32.add (i32.load (i32.const 1040)) (i32.const 1)))
        (call $set (i32.const 1024) (i32.const 3) (i32.const 1040) (i32.const 4)
            (i32.const 2048))
        (br $again)) (unreachable)";
    fixture::policy(kv, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_goes_on_calling_after_its_deadline_has_no_effect_any_more() {
    let decisions =
        Decisions { threads: 1, budget_ms: 60_000, wall_ms: 300, ..Decisions::default() };
    let reachable = Reachable::start_with(Config { decisions, ..Config::default() }).await;
    let counts = reachable.policy(&counts(), &granted(Grant::Kv)).await;
    assert_denied(&decide(&counts, "ls").await, " ms, limit 300 ms: it was blocked in the host");
    // Its thread, the only one, is free again long before its processor time is spent.
    let answers = fixture::policy("", &format!("(i32.const {ALLOW})"));
    let answers = reachable.policy(&answers, &Granted::default()).await;
    eventually("a free thread", async || {
        let decision = decide(&answers, "ls").await;
        if decision.allow { Ok(()) } else { Err(decision.reason) }
    })
    .await;
    let kept = reachable.kept("fixture", "key").await;
    assert!(decide(&answers, "ls").await.allow);
    assert_eq!(reachable.kept("fixture", "key").await, kept);
}

/// What becomes of a plan that is asked for.
async fn plans(agent: &lockhouse::plugins::AgentPlugin) -> String {
    let (progress, _reports) = tokio::sync::mpsc::channel(1);
    agent.plan(&brief("a todo api"), &progress).await.unwrap_err().to_string()
}

#[tokio::test]
async fn an_agent_that_traps_is_named_whatever_it_is_asked() {
    let agent = load_agent(&host(), &fixture::agent("(unreachable)")).await;
    let (progress, _reports) = tokio::sync::mpsc::channel(1);
    let context = WriteContext { brief: brief("a todo api"), existing: Vec::new() };
    let writes = agent.write(&plan(), 0, &context, &progress).await.map(drop);
    let failure = lockhouse::agents::Failure {
        plan: plan(),
        what: "pytest".to_owned(),
        stage: lockhouse::agents::Stage::Check,
        code: Some(1),
        output: String::new(),
        attempt: 0,
    };
    let fixes = agent.fix(&failure, &context, &progress).await.map(drop);
    assert_trapped(&plans(&agent).await);
    assert_trapped(&said(writes));
    assert_trapped(&said(fixes));
}

fn said(answer: Result<(), AgentError>) -> String {
    answer.unwrap_err().to_string()
}

fn assert_trapped(said: &str) {
    assert!(said.contains("fixture 1.0.0 (sha256:") && said.contains("trapped: wasm"), "{said}");
}

fn plan() -> Plan {
    Plan {
        kind: Kind::Python,
        summary: String::new(),
        files: Vec::new(),
        install: Vec::new(),
        start: None,
        port: None,
        checks: Vec::new(),
        notes: String::new(),
    }
}
