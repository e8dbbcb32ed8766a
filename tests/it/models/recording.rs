//! `lockhouse plugin test`: what a plugin asks of its host is written down, and
//! answered from there.

use std::fs;
use std::path::Path;

use lockhouse::agents::ProviderName;
use tempfile::TempDir;

use super::generating::greets;
use super::provider::{KEY, Provider, Turn};
use crate::authors::workshop::{Printed, bash, root};
use crate::plugins::fixture;
use crate::plugins::harness::built;
use crate::plugins::imports::tells;

const PLAN: &str = "[[case]]\nname = \"it plans\"\nprompt = \"a page that greets\"\n\
    expect_files = [\"app.py\"]\n";

const TEST: &str = "lockhouse plugin test agent.wasm cases.toml";

/// A folder with an agent, its cases, and a model that a server would have here.
fn folder(agent: &[u8], cases: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("agent.wasm"), agent).unwrap();
    fs::write(folder.path().join("cases.toml"), cases).unwrap();
    folder
}

fn lends(folder: &Path, provider: &Provider) {
    let url = provider.base_url(ProviderName::OpenAi);
    let config = format!(
        "[models.default]\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = {url:?}\n\
         api_key = {KEY:?}\n"
    );
    fs::write(folder.join("lockhouse.toml"), config).unwrap();
}

fn model_agent() -> Result<Vec<u8>, String> {
    built("model-agent").ok_or("run `cargo run -p guests`".to_owned())
}

fn assert_printed(printed: &Printed, text: &str) {
    assert!(printed.text.contains(text), "“{text}” is not printed: {printed:?}");
}

/// A folder in which the plan was recorded, without the model.
async fn recorded(agent: &[u8]) -> TempDir {
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let folder = folder(agent, PLAN);
    lends(folder.path(), &provider);
    let printed = bash(folder.path(), &format!("{TEST} --record")).await;
    assert!(printed.succeeded, "{printed:?}");
    assert_printed(&printed, "cases.calls.json is written");
    folder
}

#[tokio::test]
async fn what_was_recorded_is_answered_without_the_model() {
    let agent = need!(plugins, model_agent());
    let folder = recorded(&agent).await;
    let calls = fs::read_to_string(folder.path().join("cases.calls.json")).unwrap();
    assert!(calls.contains("model.ask") && calls.contains("settings.get"), "{calls}");
    assert!(!calls.contains(KEY), "{calls}");
    let printed = bash(folder.path(), TEST).await;
    assert!(printed.succeeded, "{printed:?}");
    assert_printed(&printed, "1 cases: 1 hold, 0 fail");
}

#[tokio::test]
async fn a_call_that_differs_from_the_recorded_is_a_failure_that_says_which() {
    let agent = need!(plugins, model_agent());
    let folder = recorded(&agent).await;
    let changed = PLAN.replace("greets\"", "sings\"");
    fs::write(folder.path().join("cases.toml"), changed).unwrap();
    let printed = bash(folder.path(), TEST).await;
    assert!(!printed.succeeded, "{printed:?}");
    assert_printed(&printed, "FAIL  it plans");
    assert_printed(&printed, "it called model.ask {");
    assert_printed(&printed, "`--record` writes it down anew");
}

#[tokio::test]
async fn a_recording_with_other_settings_differs() {
    let agent = need!(plugins, model_agent());
    let folder = recorded(&agent).await;
    let script = format!("{TEST} --settings '{{\"model\": \"small\"}}'");
    let printed = bash(folder.path(), &script).await;
    assert!(!printed.succeeded, "{printed:?}");
    assert_printed(&printed, "it called settings.get");
}

#[tokio::test]
async fn the_cases_of_the_model_agent_hold() {
    let agent = need!(plugins, model_agent());
    let cases = fs::read_to_string(root().join("plugins/model-agent/cases.toml")).unwrap();
    let folder = folder(&agent, &cases);
    let printed = bash(folder.path(), TEST).await;
    assert!(printed.succeeded, "{printed:?}");
    assert_printed(&printed, " 0 fail");
}

/// An agent that says a secret, and asks for its grant.
fn teller() -> Vec<u8> {
    let manifest = "id = \"fixture\"\nversion = \"1.0.0\"\nsummary = \"A fixture.\"\n\
        roles = [\"planner\", \"writer\", \"fixer\"]\ngrants = [\"secret/API_KEY\"]\n\
        imports = [\"lockhouse:host/secrets@0.1.0\"]\n";
    fixture::with_section(tells(1024, 7), "lockhouse:manifest", manifest)
}

#[tokio::test]
async fn a_secret_is_stated_by_the_case_and_never_written_down() {
    let cases = "[[case]]\nprompt = \"x\"\nrefused = true\nhost.secrets = { API_KEY = \"hush\" }\n";
    let folder = folder(&teller(), cases);
    let printed = bash(folder.path(), &format!("{TEST} --record; {TEST}")).await;
    assert!(printed.succeeded, "{printed:?}");
    let calls = fs::read_to_string(folder.path().join("cases.calls.json")).unwrap();
    assert!(calls.contains("(the secret API_KEY)") && !calls.contains("hush"), "{calls}");
}

#[tokio::test]
async fn an_answer_that_a_case_states_and_nobody_asks_for_is_a_failure() {
    let cases = "[[case]]\nprompt = \"x\"\nrefused = true\nhost.secrets = { API_KEY = \"hush\" }\n\
        host.model = [{ answer = \"never\" }]\n";
    let printed = bash(folder(&teller(), cases).path(), TEST).await;
    assert!(!printed.succeeded, "{printed:?}");
    assert_printed(&printed, "1 answers of host.model were not asked for");
}

#[tokio::test]
async fn a_model_that_is_down_is_recorded_as_it_was() {
    let agent = need!(plugins, model_agent());
    let provider = Provider::start(|_, _| Turn::Fails(400, "No such model.", None)).await;
    let case = "[[case]]\nprompt = \"a page\"\nrefused = true\n";
    let folder = folder(&agent, case);
    lends(folder.path(), &provider);
    let printed = bash(folder.path(), &format!("{TEST} --record")).await;
    drop(provider);
    assert!(printed.succeeded, "{printed:?}");
    assert!(bash(folder.path(), TEST).await.succeeded);
}
