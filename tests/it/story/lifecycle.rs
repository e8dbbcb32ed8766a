//! Runtimes: stopped, started, deleted, and asked for twice.

use serde_json::json;

use crate::host::{Answer, Host, engine};

const LAB: &str = "/api/v1/containers/lab";

async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    Ok(host)
}

#[tokio::test]
async fn a_stopped_runtime_starts_again_with_its_files() {
    let host = need!(local, lab().await);
    host.writes("lab", "a.txt", "hi").await;
    assert_eq!(host.post(&format!("{LAB}/stop"), json!({})).await.json["status"], "stopped");
    let refused = host.run("lab", "true").await;
    assert_eq!(refused.json["code"], "runtime_not_running", "{}", refused.text);
    assert_eq!(host.post(&format!("{LAB}/start"), json!({})).await.json["status"], "running");
    assert_eq!(host.run("lab", "cat a.txt").await.json["stdout"], "hi");
}

/// Asks on and on what the runtime has to answer, until that is the server's fault.
async fn fault(host: &Host) -> String {
    let [terminals, resize, process, ports] =
        ["terminals", "terminals/main/resize", "process", "ports"].map(|of| format!("{LAB}/{of}"));
    loop {
        let answers = tokio::join!(
            host.get(&terminals),
            host.post(&resize, json!({ "cols": 90, "rows": 30 })),
            host.post(&process, json!({ "command": "sleep 60" })),
            host.get(&process),
            host.get(&ports),
            host.run("lab", "true"),
        );
        let answers: [Answer; 6] = answers.into();
        if let Some(fault) = answers.iter().find(|answer| answer.status.is_server_error()) {
            return format!("{}: {}", fault.status, fault.text);
        }
    }
}

#[tokio::test]
async fn who_asks_while_it_starts_anew_is_answered_or_told_that_it_does_not_run() {
    let host = need!(local, lab().await);
    let restarts = async {
        for _ in 0..5 {
            let restarted = host.post(&format!("{LAB}/restart"), json!({})).await;
            assert_eq!(restarted.json["status"], "running", "{}", restarted.text);
        }
    };
    tokio::select! {
        () = restarts => {}
        fault = fault(&host) => panic!("{fault}"),
    }
}

#[tokio::test]
async fn asking_twice_for_the_same_is_no_error() {
    let host = need!(local, lab().await);
    host.has_running_project("lab").await;
    assert_eq!(host.post(&format!("{LAB}/start"), json!({})).await.json["status"], "running");
    assert_eq!(host.post(&format!("{LAB}/stop"), json!({})).await.json["status"], "stopped");
    assert_eq!(host.post(&format!("{LAB}/stop"), json!({})).await.json["status"], "stopped");
}

#[tokio::test]
async fn deleting_a_runtime_keeps_the_files() {
    let host = need!(local, lab().await);
    host.writes("lab", "a.txt", "hi").await;
    let deleted = host.delete(LAB).await;
    assert_eq!(deleted.json, json!({ "success": true, "message": "Container deleted" }));
    host.has_running_project("lab").await;
    assert_eq!(host.run("lab", "cat a.txt").await.json["stdout"], "hi");
}

#[tokio::test]
async fn deleting_a_project_for_good_leaves_nothing() {
    let host = need!(local, lab().await);
    assert_eq!(host.delete("/api/v1/projects/lab?purge=true").await.status, 204);
    assert_eq!(host.get("/api/v1/projects/lab").await.status, 404);
    assert_eq!(std::fs::read_dir(host.data().join("projects")).unwrap().count(), 0);
    assert_eq!(host.delete("/api/v1/projects/lab").await.status, 204);
}

#[tokio::test]
async fn a_request_cannot_raise_a_limit_over_the_operators_ceiling() {
    let host = need!(local, lab().await);
    let wish = json!({ "project_type": "python", "config": { "memory_limit": "999g" } });
    let refused = host.post("/api/v1/containers/big/create", wish).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (400, &json!("over_ceiling")));
}

#[tokio::test]
async fn a_request_cannot_name_what_it_may_not_set() {
    let host = need!(local, lab().await);
    let wish = json!({ "project_type": "python", "config": { "privileged": true } });
    let refused = host.post("/api/v1/containers/big/create", wish).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
}
