//! The offline agent, as the host runs it: it plans, then writes step by step.

use std::collections::BTreeSet;

use lockhouse::agents::{
    Agent as _, AgentError, Edit, ExistingFile, Failure, Plan, Progress, Role, Stage, WriteContext,
};
use lockhouse::ids::Kind;
use lockhouse::plugins::AgentPlugin;

use super::harness::{brief, built, host, load_agent};

const PROMPT: &str = "a flask todo api with tests";

async fn scaffold() -> AgentPlugin {
    load_agent(&host(), &built("scaffold").unwrap()).await
}

/// The paths that the agent writes for every step of its plan.
async fn write_all(agent: &AgentPlugin, plan: &Plan) -> BTreeSet<String> {
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let context = WriteContext { brief: brief(PROMPT), existing: Vec::new() };
    let mut written = BTreeSet::new();
    for step in 0..u32::try_from(plan.files.len()).unwrap() {
        let edits = agent.write(plan, step, &context, &progress).await.unwrap();
        written.extend(edits.into_iter().map(|edit| match edit {
            Edit::Write { path, .. } | Edit::Delete { path } => path,
        }));
    }
    written
}

#[tokio::test]
async fn a_prompt_becomes_a_plan() {
    need!(plugins, built("scaffold").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let plan = scaffold().await.plan(&brief(PROMPT), &progress).await.unwrap();
    assert_eq!(plan.kind, Kind::Python);
    assert!(plan.start.is_some() && plan.port.is_some(), "{plan:?}");
    assert!(plan.install.iter().any(|command| command.contains("pip install")), "{plan:?}");
}

#[tokio::test]
async fn every_file_of_the_plan_is_written() {
    need!(plugins, built("scaffold").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let agent = scaffold().await;
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let plan = agent.plan(&brief(PROMPT), &progress).await.unwrap();
    let planned: BTreeSet<_> = plan.files.iter().map(|file| file.path.clone()).collect();
    let written = write_all(&agent, &plan).await;
    assert!(planned.is_subset(&written), "planned {planned:?}, written {written:?}");
}

#[tokio::test]
async fn progress_is_told_while_it_writes() {
    need!(plugins, built("scaffold").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let agent = scaffold().await;
    let (progress, mut reports) = tokio::sync::mpsc::channel(16);
    let plan = agent.plan(&brief(PROMPT), &progress).await.unwrap();
    let context = WriteContext { brief: brief(PROMPT), existing: Vec::new() };
    agent.write(&plan, 0, &context, &progress).await.unwrap();
    let Progress { total, .. } = reports.try_recv().unwrap();
    assert_eq!(total as usize, plan.files.len());
}

#[tokio::test]
async fn a_prompt_that_says_nothing_is_the_users_to_mend() {
    need!(plugins, built("scaffold").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let error = scaffold().await.plan(&brief(""), &progress).await.unwrap_err();
    assert!(matches!(error, AgentError::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn what_was_forgotten_is_repaired() {
    need!(plugins, built("scaffold").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let agent = scaffold().await;
    assert!(agent.plays(Role::Fixer));
    let (progress, _reports) = tokio::sync::mpsc::channel(16);
    let plan = agent.plan(&brief(PROMPT), &progress).await.unwrap();
    let failure = Failure {
        what: plan.start.clone().unwrap(),
        plan,
        stage: Stage::Start,
        code: Some(1),
        output: "ModuleNotFoundError: No module named 'requests'\n".to_owned(),
        attempt: 0,
    };
    let path = "requirements.txt".to_owned();
    let file = ExistingFile { path: path.clone(), content: Some("Flask\n".to_owned()) };
    let context = WriteContext { brief: brief(PROMPT), existing: vec![file] };
    let edits = agent.fix(&failure, &context, &progress).await.unwrap();
    let content = "Flask\nrequests\n".into();
    assert_eq!(edits, [Edit::Write { path, content, executable: false }]);
}
