//! A project as a client has it: made, used and removed over HTTP, by the clock.

use std::time::{Duration, Instant};

use lockhouse::ids::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Host, tail};

/// What a new project took.
pub(crate) struct Created {
    pub(crate) id: String,
    /// Until the request to create it was answered.
    pub(crate) answered_ms: f64,
    /// Until a command had run in it.
    pub(crate) ready_ms: f64,
}

/// Makes a project with a runtime, and runs a first command in it.
pub(crate) async fn create(host: &Host, name: &str) -> Created {
    let began = Instant::now();
    let (id, answered_ms) = (make(host, name).await, ms(began.elapsed()));
    exec(host, name).await;
    Created { id, answered_ms, ready_ms: ms(began.elapsed()) }
}

/// Makes a project with a runtime; answers with its id.
pub(crate) async fn make(host: &Host, name: &str) -> String {
    let path = format!("/api/v1/containers/{name}/create");
    let made = host.post(&path, json!({ "project_type": "python" })).await;
    assert_eq!(made.json["status"], "running", "{}\n{}", made.text, tail(host.data()));
    made.json["project_id"].as_str().unwrap().to_owned()
}

/// Waits until a server that has just started has asked each image which registries it uses,
/// which takes a processor for half a minute.
pub(crate) async fn calm(host: Host) -> Host {
    for kind in Kind::ALL.map(|kind| kind.to_string()) {
        let path = format!("/api/v1/containers/calm-{kind}");
        let made = host.post(&format!("{path}/create"), json!({ "project_type": kind })).await;
        // There may be no image of this kind, and nothing to ask.
        if made.status.is_success() {
            let asked = host.get(&format!("{path}/network")).await;
            assert!(asked.status.is_success(), "{}", asked.text);
        }
        remove(&host, &format!("calm-{kind}")).await;
    }
    host
}

/// Runs `true` by the shell; answers with the milliseconds from the request to its exit event.
pub(crate) async fn exec(host: &Host, name: &str) -> f64 {
    run(host, name, json!({ "command": "true" })).await
}

/// The same without a shell, as Docker's API runs it.
pub(crate) async fn exec_directly(host: &Host, name: &str) -> f64 {
    run(host, name, json!({ "argv": ["true"] })).await
}

async fn run(host: &Host, name: &str, command: Value) -> f64 {
    let path = format!("/api/v1/containers/{name}/exec");
    let request = host.request(Method::POST, &path).json(&command);
    let began = Instant::now();
    let mut answer = request.send().await.unwrap();
    let (mut text, mut took) = (String::new(), None);
    while let Some(bytes) = answer.chunk().await.unwrap() {
        text += &String::from_utf8_lossy(&bytes);
        if took.is_none() && text.contains(r#""type":"exit","data":0"#) {
            took = Some(began.elapsed());
        }
    }
    ms(took.unwrap_or_else(|| panic!("the command did not end well: {text}")))
}

/// Removes all of it.
pub(crate) async fn remove(host: &Host, name: &str) {
    let removed = host.delete(&format!("/api/v1/containers/{name}?delete_files=true")).await;
    assert!(removed.status.is_success(), "{}", removed.text);
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
