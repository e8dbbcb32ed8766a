//! What is refused is refused when it is loaded, in words its author can use.

use lockhouse::plugins::{CodeCacheUse, Config, Plugins, Role, Rooms};
use lockhouse::policy::CommandPolicy as _;

use super::fixture::{self, ALLOW};
use super::harness::{host, host_with, load_policy, refusal};

fn allows() -> Vec<u8> {
    fixture::policy("", &format!("(i32.const {ALLOW})"))
}

#[tokio::test]
async fn a_policy_is_known_by_what_it_calls_itself() {
    let plugin = host().load("fixture.wasm", &allows(), "{}").await.unwrap();
    assert_eq!(plugin.name(), "fixture@1.0.0");
    assert_eq!(plugin.roles(), [Role::CommandPolicy]);
    let policy = plugin.into_policy().unwrap();
    assert_eq!((policy.id(), policy.version()), ("fixture", "1.0.0"));
    assert_eq!(policy.summary(), "A fixture.");
    assert_eq!(policy.explain().await.unwrap(), "it does");
}

#[tokio::test]
async fn a_policy_is_no_agent() {
    let plugin = host().load("fixture.wasm", &allows(), "{}").await.unwrap();
    let error = plugin.into_agent().err().unwrap().to_string();
    assert_eq!(error, "fixture@1.0.0 plays command-policy, not planner, writer or fixer");
}

#[tokio::test]
async fn an_import_that_its_role_may_not_have_is_named() {
    let report = r#"(import "lockhouse:host/progress@0.1.0" "report"
        (func $report (param i32 i32 i32 i32)))"#;
    let strange = fixture::policy_of_world("strange", report, "(unreachable)");
    let error = refusal(&strange, "{}").await.to_string();
    assert!(error.contains("imports lockhouse:host/progress@0.1.0"), "{error}");
    assert!(error.contains("a plugin that plays command-policy may not"), "{error}");
}

#[tokio::test]
async fn a_truncated_component_is_refused() {
    let whole = allows();
    let error = refusal(&whole[..whole.len() / 2], "{}").await.to_string();
    assert!(error.contains("fixture.wasm is not a WebAssembly component"), "{error}");
}

#[tokio::test]
async fn what_is_no_wasm_at_all_is_refused() {
    let error = refusal(b"hello, world", "{}").await.to_string();
    assert!(error.contains("fixture.wasm is not a WebAssembly component"), "{error}");
}

#[tokio::test]
async fn a_core_module_is_told_how_to_become_a_component() {
    let error = refusal(b"\0asm\x01\0\0\0", "{}").await.to_string();
    assert!(error.contains("it is a core module"), "{error}");
}

#[tokio::test]
async fn a_component_over_the_size_limit_is_refused() {
    let host = host_with(Config { max_component_bytes: 1024, ..Config::default() });
    let error = host.load("big.wasm", &allows(), "{}").await.err().unwrap().to_string();
    assert!(error.contains("limit 1.0 KiB"), "{error}");
}

#[tokio::test]
async fn settings_that_are_no_json_object_are_refused() {
    let error = refusal(&allows(), "[1]").await.to_string();
    assert!(error.contains("refuses its settings: they must be one JSON object"), "{error}");
}

#[tokio::test]
async fn compiled_code_is_found_again_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let first = Plugins::start(Config::default(), Some(data.path()), Rooms::default()).unwrap();
    load_policy(&first, &allows()).await;
    assert_eq!(first.code_cache(), Some(CodeCacheUse { hits: 0, misses: 1 }));
    drop(first);
    let second = Plugins::start(Config::default(), Some(data.path()), Rooms::default()).unwrap();
    load_policy(&second, &allows()).await;
    assert_eq!(second.code_cache(), Some(CodeCacheUse { hits: 1, misses: 0 }));
}

#[tokio::test]
async fn what_was_chosen_for_the_machine_is_told() {
    let tuning = host().tuning();
    assert_eq!((tuning.decision_calls, tuning.agent_calls), (4, 8));
    assert_eq!(tuning.keep_resident_bytes > 0, tuning.pagemap_scan);
}
