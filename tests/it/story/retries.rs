//! Requests that are sent again with the same key.

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine, eventually};

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

/// A POST with an `Idempotency-Key`.
async fn posts(host: &Host, key: &str, path: &str, body: Value) -> Answer {
    let request = host.request(Method::POST, path).json(&body);
    answer(request.header("idempotency-key", key)).await
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_as_the_first_time() {
    let host = need!(local, host().await);
    let new = json!({ "project_name": "todo" });
    let first = posts(&host, "k1", "/api/v1/jobs/create", new.clone()).await;
    let again = posts(&host, "k1", "/api/v1/jobs/create", new.clone()).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = posts(&host, "k2", "/api/v1/jobs/create", new).await;
    assert_ne!(first.json["job_id"], other.json["job_id"]);
}

#[tokio::test]
async fn a_refusal_is_repeated_as_well() {
    let host = need!(local, host().await);
    let wrong = json!({ "name": "Not A Name", "kind": "python" });
    let first = posts(&host, "k1", "/api/v1/projects", wrong.clone()).await;
    let again = posts(&host, "k1", "/api/v1/projects", wrong).await;
    assert!(first.status.is_client_error(), "{}", first.text);
    assert_eq!((first.status, first.text), (again.status, again.text));
}

#[tokio::test]
async fn what_one_token_may_not_do_another_one_may_with_the_same_key() {
    let host = need!(local, host().await);
    let read = json!({ "name": "looker", "scope": "read" });
    let token = host.post("/api/v1/tokens", read).await.json["secret"].as_str().unwrap().to_owned();
    let new = json!({ "project_name": "todo" });
    let request = host.as_nobody(Method::POST, "/api/v1/jobs/create").json(&new);
    let refused = answer(request.bearer_auth(token).header("idempotency-key", "k1")).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    // The key is free again a moment after the refusal.
    eventually("the other token may", async || {
        let made = posts(&host, "k1", "/api/v1/jobs/create", new.clone()).await;
        if made.status == 201 { Ok(()) } else { Err(made.text) }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_came_with_another_request_is_refused() {
    let host = need!(local, host().await);
    posts(&host, "k1", "/api/v1/jobs/create", json!({ "project_name": "todo" })).await;
    let other = posts(&host, "k1", "/api/v1/jobs/create", json!({ "project_name": "done" })).await;
    assert_eq!(
        (other.status.as_u16(), &other.json["code"]),
        (422, &json!("idempotency_key_reused"))
    );
}

#[tokio::test]
async fn of_two_requests_at_once_one_is_carried_out() {
    let host = need!(local, host().await);
    let new = json!({ "project_name": "todo" });
    let (one, other) = tokio::join!(
        posts(&host, "k1", "/api/v1/jobs/create", new.clone()),
        posts(&host, "k1", "/api/v1/jobs/create", new.clone()),
    );
    let busy = |answer: &Answer| answer.json["code"] == "idempotency_key_busy";
    assert!(busy(&one) || busy(&other) || one.text == other.text, "{} {}", one.text, other.text);
    let jobs = host.get("/api/v1/jobs").await;
    assert_eq!(jobs.json["jobs"].as_array().unwrap().len(), 1, "{}", jobs.text);
}

#[tokio::test]
async fn answers_outlive_a_killed_server() {
    let host = need!(local, host().await);
    let new = json!({ "project_name": "todo" });
    let first = posts(&host, "k1", "/api/v1/jobs/create", new.clone()).await;
    let host = host.starts_again_after_a_kill().await;
    assert_eq!(posts(&host, "k1", "/api/v1/jobs/create", new).await.text, first.text);
}

#[tokio::test]
async fn a_stream_is_told_again_and_its_command_not_run_again() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let command = json!({ "command": "echo x >> log" });
    let first = posts(&host, "k1", "/api/v1/containers/lab/exec", command.clone()).await;
    let again = posts(&host, "k1", "/api/v1/containers/lab/exec", command).await;
    assert_eq!(again.headers["location"], first.headers["location"], "{}", again.text);
    assert!(again.text.contains("\"type\":\"exit\""), "{}", again.text);
    assert_eq!(host.run("lab", "cat log").await.json["stdout"], "x\n");
}
