//! A server as its people use it: something of everything that is kept.

use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::host::{Host, answer};
use crate::models::generating::generates;
use crate::plugins::fixture::with_section;

/// A file of the project `lab`.
pub(super) const A: &str = "print('hi')\n";

/// What the frozen policy says once it has kept a value.
pub(super) const KEPT: &str = "kept";

/// What that policy asks for.
const MANIFEST: &str = r#"
id = "fixture"
version = "1.0.0"
summary = "Remembers that it was asked."
roles = ["command-policy"]
imports = ["lockhouse:host/kv@0.1.0"]
grants = ["kv"]
"#;

/// Uses it; answers with the paths under which all that shows.
pub(super) async fn of(host: &Host) -> Vec<String> {
    let ada = host.token("ada", "learner", "write").await;
    let rex = host.token("rex", "reviewer", "write").await;
    people(host).await;
    plugins(host).await;
    project(host).await;
    jobs(host).await;
    deleted(host).await;
    let submission = review(host, &ada, &rex).await;
    let (run, _) = generates(host).await;
    let listed = LISTED.iter().map(|path| format!("/api/v1{path}"));
    let reviewed = ["", "/comments", "/files", "/files/a.py", "/diff"];
    let reviewed = reviewed.iter().map(|part| format!("{submission}{part}"));
    let run = ["", "/transcript"].map(|part| format!("/api/v1/runs/{run}{part}"));
    listed.chain(reviewed).chain(run).collect()
}

const LISTED: [&str; 21] = [
    "/projects",
    "/projects/lab/files?recursive=true",
    "/projects/lab/content/src/a.py",
    "/projects/greeter/content/app.py",
    "/deleted-projects",
    "/containers/lab/history",
    "/containers/lab/preview/links",
    "/jobs",
    "/jobs/mine",
    "/jobs/mine/files/d/b.py",
    "/jobs/broken",
    "/runs",
    "/submissions",
    "/admin/users",
    "/admin/tokens",
    "/admin/quotas",
    "/admin/drain",
    "/admin/bindings",
    "/admin/plugins/fixture",
    "/admin/audit?action=project.delete",
    "/admin/audit?actor=rex",
];

async fn sends(host: &Host, token: &str, method: Method, path: &str, body: Value) -> Value {
    let request = host.as_nobody(method, &format!("/api/v1{path}")).bearer_auth(token);
    let said = answer(request.json(&body)).await;
    assert!(said.status.is_success(), "{path}: {}", said.text);
    said.json
}

async fn posts(host: &Host, path: &str, body: Value) -> Value {
    let said = host.post(&format!("/api/v1{path}"), body).await;
    assert!(said.status.is_success(), "{path}: {}", said.text);
    said.json
}

/// Somebody who left, and somebody who may have one project.
async fn people(host: &Host) {
    host.token("eve", "learner", "read").await;
    assert_eq!(host.delete("/api/v1/admin/users/eve").await.status, 204);
    let quota = json!({ "user": "ada", "projects": 1, "runtimes": 2, "model_tokens": 100_000 });
    posts(host, "/admin/quotas", quota).await;
}

/// A policy that remembers, and one that looks on at one project.
async fn plugins(host: &Host) {
    let frozen = concat!(env!("CARGO_MANIFEST_DIR"), "/data/frozen/0.1.0/policy.wasm");
    let bytes = std::fs::read(frozen).unwrap();
    let part = multipart::Part::bytes(with_section(bytes, "lockhouse:manifest", MANIFEST));
    let form = multipart::Form::new().part("component", part).text("grants", "kv");
    let request = host.request(Method::PUT, "/api/v1/admin/plugins/fixture").multipart(form);
    let installed = answer(request).await;
    assert_eq!(installed.json["state"], "live", "{}", installed.text);
    posts(host, "/admin/policies/evaluate", json!({ "command": "ls" })).await;
}

/// One whose runtime ran commands, a process and a terminal, and is shown to others.
async fn project(host: &Host) {
    let create = json!({ "project_type": "python", "config": { "memory_limit": "256m" } });
    posts(host, "/containers/lab/create", create).await;
    let shadow = json!({ "plugin": "strict", "project": "lab", "change": { "mode": "shadow" } });
    posts(host, "/admin/bindings", shadow).await;
    host.writes("lab", "src/a.py", A).await;
    commands(host).await;
    let serve = json!({ "command": "python3 -m http.server 8000", "port": 8000 });
    posts(host, "/containers/lab/process", serve).await;
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("echo $((40+2))\n").await;
    terminal.shows("42").await;
    let lists = json!({ "allow": ["example.org"], "deny": ["example.com"] });
    let network = host.request(Method::PUT, "/api/v1/containers/lab/network").json(&lists);
    assert_eq!(answer(network).await.status, 200);
    posts(host, "/containers/lab/preview/links", json!({ "port": 8000 })).await;
}

/// One that ends well, one that does not, and one that may not begin.
async fn commands(host: &Host) {
    assert_eq!(host.run("lab", "python3 src/a.py").await.json["stdout"], "hi\n");
    assert_eq!(host.run("lab", "false").await.json["exit_code"], 1);
    assert_eq!(host.run("lab", "rm -rf /").await.json["code"], "command_denied");
    let body = json!({ "command": "true", "session": "mine" });
    let path = "/api/v1/containers/lab/exec";
    let once = host.request(Method::POST, path).header("idempotency-key", "once").json(&body);
    assert_eq!(answer(once.header("accept", "application/json")).await.status, 200);
}

async fn jobs(host: &Host) {
    posts(host, "/jobs/create", json!({ "project_name": "todo", "job_id": "mine" })).await;
    posts(host, "/jobs/mine/plan", json!({ "plan": { "files": ["d/b.py"] } })).await;
    posts(host, "/jobs/mine/files", json!({ "path": "d/b.py", "content": "b" })).await;
    posts(host, "/jobs/mine/complete", json!({})).await;
    posts(host, "/jobs/create", json!({ "project_name": "todo", "job_id": "broken" })).await;
    posts(host, "/jobs/broken/fail", json!({ "error": "no idea" })).await;
}

async fn deleted(host: &Host) {
    posts(host, "/projects", json!({ "name": "old", "description": "no more" })).await;
    host.writes("old", "kept.txt", "kept").await;
    assert_eq!(host.delete("/api/v1/projects/old").await.status, 204);
}

/// Ada hands her project in, and rex wants it otherwise; answers where that is.
async fn review(host: &Host, ada: &str, rex: &str) -> String {
    sends(host, ada, Method::POST, "/projects", json!({ "name": "todo" })).await;
    let file = json!({ "path": "a.py", "content": "1\n2\n" });
    sends(host, ada, Method::PUT, "/projects/todo/files/write", file).await;
    let wish = json!({ "message": "please" });
    let made = sends(host, ada, Method::POST, "/projects/todo/submissions", wish).await;
    let submission = format!("/submissions/{}", made["id"].as_str().unwrap());
    let remark = json!({ "file": "a.py", "line": 2, "body": "why?" });
    sends(host, rex, Method::POST, &format!("{submission}/comments"), remark).await;
    let wish = json!({ "verdict": "changes_requested", "body": "see there" });
    sends(host, rex, Method::POST, &format!("{submission}/verdict"), wish).await;
    format!("/api/v1{submission}")
}
