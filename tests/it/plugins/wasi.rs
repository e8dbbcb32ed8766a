//! Components whose language brings WASI along: they run, and find it empty.

use lockhouse::plugins::{Config, Decisions, Granted};

use super::fixture::{self, ALLOW};
use super::harness::{decide, host, host_with, load_policy, refusal};
use super::rooms::Reachable;

const EMPTY: &str = r#"
    (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
    (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
    (data (i32.const 1024) "there is nothing")
    (data (i32.const 1040) "\00\04\00\00\10\00\00\00")"#;

/// Traps where there is a variable, an argument or a directory.
const LOOK: &str = "
    (call $environment (i32.const 2048))
    (call $arguments (i32.const 2056))
    (call $directories (i32.const 2064))
    (if (i32.or (i32.load (i32.const 2052))
            (i32.or (i32.load (i32.const 2060)) (i32.load (i32.const 2068))))
        (then unreachable))";

#[tokio::test]
async fn a_policy_sees_no_environment_arguments_or_directories() {
    let looks = format!("{LOOK} (i32.const {ALLOW})");
    let policy = fixture::policy_of_world("looking-policy", EMPTY, &looks);
    assert!(decide(&load_policy(&host(), &policy).await, "ls").await.allow);
}

#[tokio::test]
async fn an_agent_sees_no_environment_arguments_or_directories() {
    let looks = format!("{LOOK} {} (unreachable)", fixture::says(1040, 1044));
    let agent = fixture::agent_of_world("looking-agent", EMPTY, &looks);
    let said = Reachable::start().await.says(&agent, &Granted::default()).await;
    assert_eq!(said, "there is nothing");
}

#[tokio::test]
async fn a_plugin_gets_no_socket() {
    let socket = r#"(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket"
        (func $socket (param i32 i32)))"#;
    // An error, and that is “access-denied”.
    let connects = format!(
        "(call $socket (i32.const 0) (i32.const 2048))
         (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const 2052)) (i32.const 1)) (then unreachable))
         (i32.const {ALLOW})"
    );
    let policy = fixture::policy_of_world("connecting-policy", socket, &connects);
    let decision = decide(&load_policy(&host(), &policy).await, "ls").await;
    assert!(decision.allow, "{}", decision.reason);
}

#[tokio::test]
async fn a_policy_that_sleeps_gives_its_thread_back_when_its_time_is_over() {
    let clock = r#"
        (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
            (func $wait (param i64) (result i32)))
        (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#;
    let sleeps =
        format!("(call $block (call $wait (i64.const 3600000000000))) (i32.const {ALLOW})");
    let decisions = Decisions { threads: 1, wall_ms: 500, ..Decisions::default() };
    let host = host_with(Config { decisions, ..Config::default() });
    let sleepy = fixture::policy_of_world("sleeping-policy", clock, &sleeps);
    let sleepy = load_policy(&host, &sleepy).await;
    let awake = fixture::policy("", &format!("(i32.const {ALLOW})"));
    let awake = load_policy(&host, &awake).await;
    decide(&sleepy, "ls").await;
    let decision = decide(&awake, "ls").await;
    assert!(decision.allow, "{}", decision.reason);
}

#[tokio::test]
async fn a_wasi_of_another_time_is_refused_with_the_one_that_is_offered() {
    let later = r#"(import "wasi:cli/environment@0.3.0" "get-arguments"
        (func $arguments (param i32)))"#;
    let policy = fixture::policy_of_world("later-policy", later, "(unreachable)");
    let error = refusal(&policy, "{}").await.to_string();
    assert!(error.contains("imports wasi:cli/environment@0.3.0"), "{error}");
    assert!(error.contains("offers wasi:cli/environment@0.2."), "{error}");
}
