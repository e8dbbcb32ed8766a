//! The paths of the founding documents, used as a client written against them does.

use reqwest::Method;
use serde_json::json;

use crate::host::{Host, Terminal, answer, engine, upgrades_at};

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

#[tokio::test]
async fn a_client_of_the_python_platform_works_unchanged() {
    let host = need!(local, host().await);
    let project = host.post("/api/projects/", json!({ "name": "todo" })).await;
    assert_eq!((project.status.as_u16(), &project.json["name"]), (201, &json!("todo")));
    let id = project.json["id"].as_str().unwrap();
    let created = host.post("/api/containers/", json!({ "project": "todo" })).await;
    assert_eq!((created.status.as_u16(), &created.json["status"]), (200, &json!("running")));
    let file = host.request(Method::PUT, &format!("/api/projects/{id}/files/src/hello.py"));
    let saved = answer(file.json(&json!({ "content": "print('hello')" }))).await;
    assert!(saved.status.is_success(), "{}", saved.text);
    let execute = host.request(Method::POST, &format!("/api/containers/{id}/execute"));
    let execute = execute.header("accept", "application/json");
    let ran = answer(execute.json(&json!({ "command": "python3 src/hello.py" }))).await;
    assert_eq!((&ran.json["stdout"], &ran.json["exit_code"]), (&json!("hello\n"), &json!(0)));
    assert_eq!(host.get(&format!("/api/projects/{id}")).await.json["name"], "todo");
    assert_eq!(host.get(&format!("/api/containers/{id}")).await.json["status"], "running");
    let deleted = host.delete(&format!("/api/containers/{id}")).await;
    assert_eq!(deleted.json, json!({ "success": true, "message": "Container deleted" }));
}

#[tokio::test]
async fn the_documented_socket_is_the_projects_terminal() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let bearer = host.bearer();
    let headers =
        [("authorization", bearer.as_str()), ("sec-websocket-protocol", "lockhouse.terminal.v1")];
    let socket = upgrades_at(&host.url, "/ws/lab", &headers).await.unwrap();
    let mut terminal = Terminal::over(socket);
    terminal.types("echo it-is-$((6*7))\r").await;
    terminal.shows("it-is-42").await;
    assert_eq!(terminal.state()["session"], "main");
}

#[tokio::test]
async fn what_a_documented_path_does_not_know_it_says() {
    let host = need!(local, host().await);
    let answer = host.post("/api/containers/", json!({ "project": "todo", "memory": 1 })).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.text.contains("memory"), "{}", answer.text);
}
