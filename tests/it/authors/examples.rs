//! The examples: the same policy in three languages, built by the ordinary tools.

use std::fs;

use lockhouse::plugins::{Config, PolicyPlugin};
use lockhouse::policy::{CommandPolicy as _, Request, Verdict};
use serde::Deserialize;

use super::workshop::{Workshop, commands, root, tools};
use crate::plugins::harness::{host_with, request};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// What is asked; what is expected is judged by `plugin test`.
#[derive(Deserialize)]
struct Case {
    command: Option<String>,
    argv: Option<Vec<String>>,
    #[serde(default)]
    settings: serde_json::Map<String, serde_json::Value>,
}

impl Case {
    fn request(&self) -> Request {
        Request { argv: self.argv.clone(), ..request(self.command.as_deref().unwrap_or_default()) }
    }

    fn settings(&self) -> String {
        serde_json::Value::Object(self.settings.clone()).to_string()
    }
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(root().join("examples/policies/cases.toml")).unwrap();
    toml::from_str::<Cases>(&text).unwrap().case
}

/// Follows the example's README and gives the component.
async fn build(language: &str, heading: &str) -> Vec<u8> {
    let commands = commands("examples/policies/README.md", heading);
    let sources = ["examples/policies", "wit"];
    let workshop = Workshop::open(&format!("example-{language}"), &sources, &commands);
    workshop.bring("examples/policies", ".");
    let printed = workshop.follows(&commands).await;
    assert!(printed.contains(" 0 fail"), "{printed}");
    fs::read(workshop.folder.join(format!("{language}.wasm"))).unwrap()
}

async fn verdicts(bytes: &[u8]) -> Vec<(Verdict, String)> {
    // Other tests compile meanwhile: a call may have to wait for the processor.
    let mut config = Config::default();
    config.decisions.wall_ms = 30_000;
    let host = host_with(config);
    let mut verdicts = Vec::new();
    for case in cases() {
        let plugin = host.load("example.wasm", bytes, &case.settings()).await.unwrap();
        let policy: PolicyPlugin = plugin.into_policy().unwrap();
        let verdict = policy.evaluate(&case.request()).await.unwrap();
        verdicts.push((verdict, policy.explain().await.unwrap()));
    }
    verdicts
}

#[tokio::test]
async fn one_policy_gives_the_same_verdicts_in_every_language() {
    need!(plugins, tools("rust").await);
    need!(plugins, tools("javascript").await);
    need!(plugins, tools("python").await);
    let rust = verdicts(&build("rust", "## Rust").await).await;
    assert_eq!(rust, verdicts(&build("javascript", "## JavaScript").await).await);
    assert_eq!(rust, verdicts(&build("python", "## Python").await).await);
}

#[tokio::test]
async fn the_agent_plans_a_page_and_writes_it() {
    need!(plugins, tools("javascript").await);
    let commands = commands("examples/agents/README.md", "# An agent in JavaScript");
    let workshop = Workshop::open("agent-javascript", &["examples/agents", "wit"], &commands);
    workshop.bring("examples/agents", ".");
    let printed = workshop.follows(&commands).await;
    assert!(printed.contains("4 cases: 4 hold, 0 fail"), "{printed}");
    assert!(printed.contains("\"start\": \"python3 -m http.server"), "{printed}");
}
