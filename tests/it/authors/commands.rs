//! The commands of an author on plugins that need no compiler: a fixture, and
//! what is built in.

use std::fs;

use super::workshop::{Printed, bash, root};
use crate::plugins::fixture::{self, ALLOW};

const MANIFEST: &str = r#"id = "fixture"
version = "1.0.0"
summary = "A fixture."
roles = ["command-policy"]
"#;

/// A folder with a plugin that allows everything, and what is done there.
async fn with_fixture(files: &[(&str, &str)], script: &str) -> Printed {
    let folder = tempfile::tempdir().unwrap();
    let policy = fixture::policy("", &format!("(i32.const {ALLOW})"));
    fs::write(folder.path().join("component.wasm"), policy).unwrap();
    fs::write(folder.path().join("plugin.toml"), MANIFEST).unwrap();
    fs::write(folder.path().join("request.json"), r#"{"command": "ls"}"#).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    bash(folder.path(), script).await
}

#[tokio::test]
async fn what_is_packed_carries_its_manifest_once() {
    let script = "lockhouse plugin pack component.wasm
        lockhouse plugin pack fixture.wasm --output again.wasm
        cmp fixture.wasm again.wasm
        lockhouse plugin inspect again.wasm";
    let printed = with_fixture(&[], script).await;
    assert!(printed.succeeded, "{printed:?}");
    assert!(printed.text.contains("section    lockhouse:manifest"), "{printed:?}");
    assert!(printed.text.contains("    id = \"fixture\""), "{printed:?}");
    assert!(printed.text.contains("exports    lockhouse:plugin/lifecycle@0.1.0"), "{printed:?}");
}

const LS: &str = "[[case]]\ncommand = \"ls\"\ndecision = \"allow\"\n";

#[tokio::test]
async fn what_is_packed_carries_the_cases_beside_its_manifest() {
    let script = "lockhouse plugin pack component.wasm
        lockhouse plugin inspect fixture.wasm
        lockhouse plugin check fixture.wasm";
    let printed = with_fixture(&[("cases.toml", LS)], script).await;
    assert!(printed.succeeded, "{printed:?}");
    assert!(printed.text.contains("section    lockhouse:cases"), "{printed:?}");
    assert!(printed.text.contains("ok  cases      all 1 inside hold"), "{printed:?}");
}

#[tokio::test]
async fn more_cases_than_a_plugin_carries_are_refused_with_what_to_do() {
    let many = LS.repeat(1_001);
    let files = [("cases.toml", many.as_str()), ("few.toml", LS)];
    let script = "! lockhouse plugin pack component.wasm
        lockhouse plugin pack component.wasm --cases few.toml";
    let printed = with_fixture(&files, script).await;
    assert!(printed.succeeded, "{printed:?}");
    let why = "there are 1001 cases, and a plugin carries at most 1000";
    assert!(printed.text.contains(why) && printed.text.contains("--cases FILE"), "{printed:?}");
}

#[tokio::test]
async fn a_plugin_that_fails_its_own_case_does_not_pass_the_check() {
    let cases = LS.replace("allow", "deny");
    let script = "lockhouse plugin pack component.wasm
        ! lockhouse plugin check fixture.wasm";
    let printed = with_fixture(&[("cases.toml", &cases)], script).await;
    let why = "fails its own case “command = \"ls\"”: expected deny, got allow";
    assert!(printed.succeeded && printed.text.contains(why), "{printed:?}");
}

#[tokio::test]
async fn a_plugin_answers_a_question() {
    let printed = with_fixture(&[], "lockhouse plugin run component.wasm").await;
    let answer: serde_json::Value = serde_json::from_str(&printed.text).unwrap();
    assert_eq!((&answer["decision"], &answer["rule"]), (&"allow".into(), &"a-rule".into()));
}

#[tokio::test]
async fn a_misspelt_key_of_a_question_is_told_with_the_one_that_was_meant() {
    let request = [("request.json", r#"{"comand": "ls"}"#)];
    let printed = with_fixture(&request, "lockhouse plugin run component.wasm").await;
    assert!(!printed.succeeded);
    assert!(printed.text.contains("did you mean “command”?"), "{printed:?}");
}

#[tokio::test]
async fn a_case_that_does_not_hold_is_shown_beside_what_was_expected() {
    let cases = "[[case]]\ncommand = \"ls\"\ndecision = \"allow\"\n
        [[case]]\ncommand = \"reboot\"\ndecision = \"deny\"\nrule = \"no-reboot\"\n";
    let script = "lockhouse plugin test component.wasm cases.toml";
    let printed = with_fixture(&[("cases.toml", cases)], script).await;
    assert!(!printed.succeeded, "{printed:?}");
    for expected in [
        "FAIL  command = \"reboot\"",
        "expected  deny, rule no-reboot",
        "got       allow, risk safe, rule a-rule: it does",
        "2 cases: 1 hold, 1 fail; wrongly allowed 1 of 1 (100.0 %), wrongly refused 0 of 1 (0.0 %)",
    ] {
        assert!(printed.text.contains(expected), "“{expected}” is not printed: {printed:?}");
    }
}

#[tokio::test]
async fn a_core_module_is_told_how_to_become_a_plugin() {
    let module = [("module.wasm", "\0asm\u{1}\0\0\0")];
    let printed = with_fixture(&module, "lockhouse plugin check module.wasm").await;
    assert!(!printed.succeeded);
    assert!(printed.text.contains("`lockhouse plugin pack` makes a plugin of it"), "{printed:?}");
}

#[tokio::test]
async fn figures_of_a_benchmark_stand_beside_their_limits() {
    let script = "lockhouse plugin bench component.wasm --calls 20";
    let printed = with_fixture(&[], script).await;
    assert!(printed.succeeded, "{printed:?}");
    for row in ["instantiate", "call ", "50 ms", "memory", "32.0 MiB", "calls/s, 4 callers"] {
        assert!(printed.text.contains(row), "“{row}” is not printed: {printed:?}");
    }
}

#[tokio::test]
async fn the_cases_of_the_built_in_policy_hold_from_the_command_line() {
    let cases = root().join("policies/layered/cases");
    let script =
        format!("lockhouse policy test {0}/documented.toml {0}/ordinary.toml", cases.display());
    let printed = with_fixture(&[], &script).await;
    assert!(printed.succeeded && printed.text.contains(" 0 fail"), "{printed:?}");
}

#[tokio::test]
async fn a_folder_that_is_there_already_is_left_alone() {
    let script = "mkdir guard; touch guard/mine
        ! lockhouse plugin new guard --role command-policy --lang python
        ls guard";
    let printed = with_fixture(&[], script).await;
    assert!(printed.succeeded && printed.text.contains("guard can't be made"), "{printed:?}");
    assert!(printed.text.ends_with("mine\n"), "{printed:?}");
}
