//! Every kind of project: a prompt becomes one, it runs, and it is previewed.

use reqwest::Method;
use serde_json::json;

use crate::host::{Host, engine_for};

/// Room to compile in: the usual half of a CPU would do, in a few minutes.
const ROOM: (&str, f64) = ("1g", 2.0);

async fn a_page_is_generated_run_and_previewed(host: Host, kind: &str) {
    let (memory, cpus) = ROOM;
    let config = json!({ "memory_limit": memory, "cpu_limit": cpus });
    let new = json!({ "project_type": kind, "config": config });
    let created = host.post("/api/v1/containers/hello/create", new).await;
    assert_eq!(created.json["status"], "running", "{}", created.text);
    let prompt = json!({ "prompt": "a site for Ann's Bread with menu", "run": true });
    let begun = host.post("/api/v1/projects/hello/generate", prompt).await;
    let events = format!("/api/v1/runs/{}/events", begun.json["run_id"].as_str().unwrap());
    let ended = |event: &serde_json::Value| event["type"] == "done" || event["type"] == "failed";
    let events = host.events_until(host.request(Method::GET, &events), ended).await;
    assert_eq!(events.last().unwrap()["type"], "done", "{events:#?}");
    let page = host.get("/api/v1/preview/hello/").await;
    assert!(page.text.contains("<html"), "{} {}", page.status, page.text);
}

macro_rules! kinds {
    ($($name:ident $kind:literal)*) => {$(
        #[tokio::test]
        async fn $name() {
            let engine = need!(kinds, engine_for($kind, "local").await);
            a_page_is_generated_run_and_previewed(Host::start(engine).await, $kind).await;
        }
    )*};
}

kinds! {
    a_python_project_is_generated_run_and_previewed "python"
    a_node_project_is_generated_run_and_previewed "node"
    a_java_project_is_generated_run_and_previewed "java"
    a_go_project_is_generated_run_and_previewed "go"
    a_rust_project_is_generated_run_and_previewed "rust"
    a_ruby_project_is_generated_run_and_previewed "ruby"
    a_php_project_is_generated_run_and_previewed "php"
    a_static_project_is_generated_run_and_previewed "static"
}
