//! Components that were built against the interfaces of a release keep
//! running, and answer as they did: none of them is ever built again.

use std::path::PathBuf;

use lockhouse::agents::{Agent as _, Edit, ExistingFile, Failure, Plan, Stage, WriteContext};
use lockhouse::plugins::{Grant, Granted};
use serde::Deserialize;

use super::harness::{brief, decide, host, load_agent, load_policy};
use super::rooms::{Reachable, granted};

/// What the components of one release answered when they were frozen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    policy: Said,
    agent: Said,
    layered: Vec<Decided>,
    scaffold: Planned,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    says: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    command: String,
    allow: bool,
    risk: String,
    rule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    prompt: String,
    summary: String,
    files: Vec<String>,
    install: Vec<String>,
    start: String,
    port: u16,
    /// What is written for the first file.
    written: String,
    /// What a command printed, and what `requirements.txt` then becomes.
    output: String,
    requirements: String,
    repaired: String,
}

fn frozen(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data/frozen/0.1.0"))
}

fn answers() -> Answers {
    toml::from_str(&std::fs::read_to_string(folder().join("answers.toml")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_policy_of_0_1_0_keeps_its_values() {
    let reachable = Reachable::start().await;
    let policy = reachable.policy(&frozen("policy.wasm"), &granted(Grant::Kv)).await;
    let said = [decide(&policy, "ls").await.reason, decide(&policy, "ls").await.reason];
    assert_eq!(said.as_slice(), answers().policy.says);
}

#[tokio::test]
async fn an_agent_of_0_1_0_reads_its_projects_files() {
    let reachable = Reachable::start().await;
    reachable.writes("src/app.py", "print('hi')");
    let read = reachable.says(&frozen("agent.wasm"), &granted(Grant::ProjectFiles)).await;
    let asked = Granted::new([Grant::ProjectFiles], []);
    let denied = reachable.says(&frozen("agent.wasm"), &asked).await;
    assert_eq!(read, answers().agent.says[0]);
    assert!(denied.contains(&answers().agent.says[1]), "{denied}");
}

#[tokio::test]
async fn the_default_policy_of_0_1_0_decides_as_it_did() {
    let policy = load_policy(&host(), &frozen("layered.wasm")).await;
    for case in answers().layered {
        let decision = decide(&policy, &case.command).await;
        let decided = (decision.allow, decision.risk.as_str(), decision.rule.as_str());
        assert_eq!(
            decided,
            (case.allow, case.risk.as_str(), case.rule.as_str()),
            "{}",
            case.command
        );
    }
}

#[tokio::test]
async fn the_offline_agent_of_0_1_0_plans_and_writes_as_it_did() {
    let (agent, was) = (load_agent(&host(), &frozen("scaffold.wasm")).await, answers().scaffold);
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let plan = agent.plan(&brief(&was.prompt), &progress).await.unwrap();
    let files: Vec<_> = plan.files.iter().map(|file| file.path.clone()).collect();
    assert_eq!((&plan.summary, &files, &plan.install), (&was.summary, &was.files, &was.install));
    assert_eq!((plan.start.as_deref(), plan.port), (Some(was.start.as_str()), Some(was.port)));
    let context = WriteContext { brief: brief(&was.prompt), existing: Vec::new() };
    let edits = agent.write(&plan, 0, &context, &progress).await.unwrap();
    assert_eq!(content(&edits), was.written);
}

#[tokio::test]
async fn the_offline_agent_of_0_1_0_repairs_as_it_did() {
    let (agent, was) = (load_agent(&host(), &frozen("scaffold.wasm")).await, answers().scaffold);
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let plan = agent.plan(&brief(&was.prompt), &progress).await.unwrap();
    let file = ExistingFile {
        path: "requirements.txt".to_owned(),
        content: Some(was.requirements.clone()),
    };
    let context = WriteContext { brief: brief(&was.prompt), existing: vec![file] };
    let edits = agent.fix(&failure(plan, &was.output), &context, &progress).await.unwrap();
    assert_eq!(content(&edits), was.repaired);
}

fn failure(plan: Plan, output: &str) -> Failure {
    Failure {
        what: plan.install[0].clone(),
        plan,
        stage: Stage::Install,
        code: Some(1),
        output: output.to_owned(),
        attempt: 0,
    }
}

/// The text of the one file that is written.
fn content(edits: &[Edit]) -> String {
    match edits {
        [Edit::Write { content, .. }] => String::from_utf8(content.clone()).unwrap(),
        other => panic!("not one file: {other:?}"),
    }
}
