//! A plugin that keeps failing is left alone for a while; and one that takes too
//! long to compile is not waited for.

use std::time::Duration;

use lockhouse::clock::Clock;
use lockhouse::plugins::{
    CodeCacheUse, Config, Error, Plugin, Plugins, PolicyPlugin, QuarantineConfig, Rooms,
};
use lockhouse::policy::{CommandPolicy as _, Request};

use super::fixture::{self, ALLOW};
use super::harness::{host_with, request};

const PAUSE: Duration = Duration::from_secs(30);

/// Three faults within a minute begin a pause of half a minute: for one caller,
/// or for everybody where they are three callers'.
fn config() -> Config {
    let quarantine = QuarantineConfig { faults: 3.try_into().unwrap(), ..Default::default() };
    Config { quarantine, ..Config::default() }
}

fn host_by(clock: &Clock) -> Plugins {
    Plugins::start(config(), None, Rooms { clock: clock.clone(), ..Rooms::default() }).unwrap()
}

/// Traps on `fail` and nothing else: it looks at the command's first letter.
fn moody() -> Vec<u8> {
    let body = format!(
        "(if (i32.eq (i32.load8_u (i32.load (local.get $request))) (i32.const 102))
            (then (unreachable)))
         (i32.const {ALLOW})"
    );
    fixture::policy("", &body)
}

async fn load(host: &Plugins) -> (Plugin, PolicyPlugin) {
    let plugin = host.load("fixture.wasm", &moody(), "{}").await.unwrap();
    (plugin.clone(), plugin.into_policy().unwrap())
}

/// What the policy has against a command of this caller.
async fn against(policy: &PolicyPlugin, caller: &str, command: &str) -> Option<String> {
    let request = Request { caller: caller.parse().unwrap(), ..request(command) };
    policy.evaluate(&request).await.err().map(|fault| fault.to_string())
}

async fn fails_for(policy: &PolicyPlugin, callers: [&str; 3]) {
    for caller in callers {
        assert!(against(policy, caller, "fail").await.unwrap().contains("trapped"));
    }
}

const THREE: [&str; 3] = ["ada", "bob", "cy"];

#[tokio::test]
async fn a_policy_that_keeps_failing_is_not_asked_and_says_for_how_long() {
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let (plugin, policy) = load(&host_by(&clock)).await;
    fails_for(&policy, THREE).await;
    clock.advance(Duration::from_secs(9));
    let why = against(&policy, "ada", "ls").await.unwrap();
    assert!(why.contains("quarantined after 3 faults in 60 s; the last: it trapped"), "{why}");
    assert!(why.ends_with("tried again in 21 s"), "{why}");
    assert!(plugin.quarantine().unwrap().last_fault.contains("unreachable"));
}

#[tokio::test]
async fn after_the_pause_one_good_answer_ends_the_quarantine() {
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let host = host_by(&clock);
    let mut changes = host.quarantine_changes();
    let (plugin, policy) = load(&host).await;
    fails_for(&policy, THREE).await;
    clock.advance(PAUSE);
    assert_eq!(against(&policy, "ada", "ls").await, None);
    assert_eq!(plugin.quarantine(), None);
    assert!(changes.recv().await.unwrap().quarantine.is_some());
    let ended = changes.recv().await.unwrap();
    assert_eq!((ended.plugin.id.as_str(), ended.quarantine), ("fixture", None));
}

#[tokio::test]
async fn one_bad_answer_after_the_pause_doubles_it() {
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let (_, policy) = load(&host_by(&clock)).await;
    fails_for(&policy, THREE).await;
    clock.advance(PAUSE);
    assert!(against(&policy, "ada", "fail").await.unwrap().contains("trapped"));
    let why = against(&policy, "ada", "ls").await.unwrap();
    assert!(why.ends_with("tried again in 60 s"), "{why}");
}

#[tokio::test]
async fn the_same_bytes_are_in_quarantine_for_all_who_loaded_them() {
    let host = host_by(&Clock::manual(jiff::Timestamp::UNIX_EPOCH));
    let ((_, first), (other, second)) = (load(&host).await, load(&host).await);
    fails_for(&first, THREE).await;
    assert!(against(&second, "ada", "ls").await.unwrap().contains("quarantined"));
    other.end_quarantine();
    assert_eq!(against(&first, "ada", "ls").await, None);
}

#[tokio::test]
async fn good_answers_between_faults_do_not_hide_them() {
    let host = host_by(&Clock::manual(jiff::Timestamp::UNIX_EPOCH));
    let (plugin, policy) = load(&host).await;
    for (caller, command) in THREE.into_iter().flat_map(|of| [(of, "fail"), (of, "ls")]) {
        against(&policy, caller, command).await;
    }
    assert!(plugin.quarantine().is_some());
}

#[tokio::test]
async fn a_caller_whose_commands_make_a_policy_fail_stops_nobody_elses() {
    let host = host_by(&Clock::manual(jiff::Timestamp::UNIX_EPOCH));
    let mut changes = host.quarantine_changes();
    let (plugin, policy) = load(&host).await;
    fails_for(&policy, ["mallory"; 3]).await;
    let why = against(&policy, "mallory", "ls").await.unwrap();
    assert!(why.contains("quarantined for mallory alone after 3 faults in 60 s"), "{why}");
    assert_eq!(against(&policy, "ada", "ls").await, None);
    assert_eq!(plugin.quarantine(), None);
    assert_eq!(changes.recv().await.unwrap().caller, Some("mallory".parse().unwrap()));
}

#[tokio::test]
async fn the_operator_frees_who_is_held_alone() {
    let (plugin, policy) = load(&host_by(&Clock::manual(jiff::Timestamp::UNIX_EPOCH))).await;
    fails_for(&policy, ["mallory"; 3]).await;
    plugin.end_quarantine();
    assert_eq!(against(&policy, "mallory", "ls").await, None);
}

#[tokio::test]
async fn who_waits_too_long_for_a_compilation_is_told() {
    let host = host_with(Config { compile_seconds: 0, ..Config::default() });
    let error = host.load("slow.wasm", &moody(), "{}").await.err().unwrap();
    assert!(matches!(error, Error::CompileTimeout { .. }));
    assert!(error.to_string().starts_with("slow.wasm was not compiled within 0 s"), "{error}");
}

#[tokio::test]
async fn the_same_bytes_asked_for_at_once_are_compiled_once() {
    let data = tempfile::tempdir().unwrap();
    let host = Plugins::start(Config::default(), Some(data.path()), Rooms::default()).unwrap();
    let bytes = moody();
    let loads = [(); 4].map(|()| host.load("fixture.wasm", &bytes, "{}"));
    let loaded = futures::future::try_join_all(loads).await.unwrap();
    assert_eq!(loaded.len(), 4);
    assert_eq!(host.code_cache(), Some(CodeCacheUse { hits: 0, misses: 1 }));
}
