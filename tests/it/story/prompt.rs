//! From a prompt to a page that answers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Host, answer, engine};

/// Generates a project and answers with all that was told of the run.
async fn generates(host: &Host, prompt: &str, name: &str) -> Vec<Value> {
    let path = format!("/api/v1/projects/{name}/generate");
    let begun = host.post(&path, json!({ "prompt": prompt, "run": true })).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let run = begun.json["run_id"].as_str().unwrap();
    let events = host.request(Method::GET, &format!("/api/v1/runs/{run}/events"));
    host.events_until(events, |event| event["type"] == "done" || event["type"] == "failed").await
}

fn states(events: &[Value]) -> Vec<&str> {
    let mut states: Vec<&str> = events
        .iter()
        .filter(|e| e["type"] == "state")
        .filter_map(|e| e["state"].as_str())
        .collect();
    states.dedup();
    states
}

fn output(events: &[Value]) -> String {
    let output = events.iter().filter(|event| event["type"] == "output");
    output.filter_map(|event| event["data"].as_str()).collect()
}

async fn a_prompt_becomes_a_previewed_project(host: &Host) {
    let events = generates(host, "a flask todo api with tests", "todo").await;
    let last = events.last().unwrap();
    assert_eq!(last["type"], "done", "{events:#?}");
    assert!(output(&events).contains(" passed"), "its own tests ran: {}", output(&events));
    let page = host.get("/api/v1/preview/todo/").await;
    assert!(page.text.contains("<title>Todos</title>"), "{}", page.text);
    let added = host.post("/api/v1/preview/todo/api/todos", json!({ "title": "milk" })).await;
    assert_eq!(added.status, 201, "{}", added.text);
}

#[tokio::test]
async fn a_prompt_becomes_a_running_previewed_project_on_the_local_engine() {
    let host = Host::start(need!(local, engine("local").await)).await;
    a_prompt_becomes_a_previewed_project(&host).await;
}

#[tokio::test]
async fn a_prompt_becomes_a_running_previewed_project_on_docker() {
    let host = Host::start(need!(docker, engine("docker").await)).await;
    a_prompt_becomes_a_previewed_project(&host).await;
}

#[tokio::test]
async fn a_run_tells_each_step_and_what_it_tells_is_kept() {
    let host = Host::start(need!(local, engine("local").await)).await;
    let events = generates(&host, "a command line tool for notes", "notes").await;
    let steps = ["planning", "planned", "writing", "installing", "checking"];
    assert_eq!(states(&events), steps, "{events:#?}");
    let again = host.get("/api/v1/runs?project=notes").await;
    assert_eq!(again.json["runs"][0]["state"], "done", "{}", again.text);
}

#[tokio::test]
async fn a_static_site_is_shown_as_it_was_written() {
    let host = Host::start(need!(local, engine("local").await)).await;
    generates(&host, "a static site about canal boats", "boats").await;
    let page = host.get("/api/v1/preview/boats/").await;
    assert!(page.text.to_lowercase().contains("canal boats"), "{}", page.text);
}

#[tokio::test]
async fn an_empty_prompt_is_refused_with_what_to_write() {
    let host = Host::start(need!(local, engine("local").await)).await;
    let refused = host.post("/api/v1/projects/x/generate", json!({ "prompt": " " })).await;
    assert!(refused.status.is_client_error(), "{}", refused.text);
    assert_eq!(host.get("/api/v1/projects/x").await.status, 404);
}

#[tokio::test]
async fn the_previews_page_reloads_itself_while_nothing_listens() {
    let host = Host::start(need!(local, engine("local").await)).await;
    host.has_running_project("quiet").await;
    let request = host.request(Method::GET, "/api/v1/preview/quiet:5000/");
    let page = answer(request.header("accept", "text/html")).await;
    assert_eq!(page.status, 502);
    assert!(page.text.contains("http-equiv=\"refresh\""), "{}", page.text);
}
