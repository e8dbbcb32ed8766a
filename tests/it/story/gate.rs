//! The way in: who is let through, and what is recorded.

use reqwest::Method;

use crate::host::{Host, answer, engine, eventually, lockhouse};

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

/// What anybody may ask for.
const OPEN: [&str; 4] = ["/health", "/health/ready", "/metrics", "/api/v1/session"];

#[tokio::test]
async fn every_route_turns_away_who_does_not_sign_in() {
    let host = need!(local, host().await);
    let mut routes = host.routes().await;
    routes.retain(|(_, path)| !OPEN.contains(&path.as_str()));
    assert!(routes.len() > 30, "the description lists the routes: {routes:?}");
    for (method, path) in routes {
        let path = path.replace(['{', '}'], "");
        let request =
            host.as_nobody(method.clone(), &path).header("content-type", "application/json");
        let refused = answer(request.body("{}")).await;
        assert_eq!(refused.status, 401, "{method} {path}: {}", refused.text);
    }
}

#[tokio::test]
async fn the_printed_url_signs_a_browser_in() {
    let host = need!(local, host().await);
    let path = host.sign_in_url.replacen(&host.url, "", 1);
    let welcome = answer(host.as_nobody(Method::GET, &path)).await;
    let cookie = welcome.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let session = host.as_nobody(Method::GET, "/api/v1/session").header("cookie", cookie);
    assert_eq!(answer(session).await.json["user"]["id"], "admin");
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_act_with_the_users_cookie() {
    let host = need!(local, host().await);
    let path = host.sign_in_url.replacen(&host.url, "", 1);
    let cookie = answer(host.as_nobody(Method::GET, &path)).await.headers["set-cookie"].clone();
    let foreign = host
        .as_nobody(Method::POST, "/api/v1/projects")
        .header("cookie", cookie)
        .header("origin", "http://elsewhere.example")
        .json(&serde_json::json!({ "name": "x" }));
    assert_eq!(answer(foreign).await.json["code"], "foreign_origin");
}

#[tokio::test]
async fn development_mode_refuses_an_address_that_others_can_reach() {
    let data = tempfile::tempdir().unwrap();
    let mut command = lockhouse();
    command.args(["serve", "--listen", "0.0.0.0:0", "--data"]).arg(data.path());
    let output = command.env("LOCKHOUSE_AUTH__MODE", "development").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("listen on 127.0.0.1"), "{said}");
}

#[tokio::test]
async fn a_misspelt_key_stops_the_start_and_names_the_one_that_was_meant() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("lockhouse.toml");
    std::fs::write(&file, "[terminals]\nmax_per_projekt = 3\n").unwrap();
    let output = lockhouse().args(["serve", "--config"]).arg(&file).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("did you mean “max_per_project”?"), "{said}");
}

#[tokio::test]
async fn every_answer_carries_its_request_id() {
    let host = need!(local, host().await);
    let missing = host.get("/api/v1/projects/nothing").await;
    let id = missing.headers["x-request-id"].to_str().unwrap();
    assert_eq!((missing.json["request_id"].as_str(), missing.status.as_u16()), (Some(id), 404));
}

#[tokio::test]
async fn requests_commands_and_decisions_are_counted() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    host.run("lab", "true").await;
    let metrics = host.get("/metrics").await.text;
    for name in [
        "http_requests_total",
        "exec_seconds",
        "policy_decisions_total",
        "runtime_transitions_total",
    ] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
}

#[tokio::test]
async fn what_was_done_is_recorded_and_the_record_verifies() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let before = host.get("/api/v1/admin/audit/verify").await.json;
    host.run("lab", "true").await;
    assert_eq!(before["intact"], true);
    // What an action came to is written a moment after its answer.
    eventually("the command began and finished", || async {
        let after = host.get("/api/v1/admin/audit/verify").await.json;
        assert_eq!(after["intact"], true);
        let both = after["entries"].as_u64() >= before["entries"].as_u64().map(|n| n + 2);
        both.then_some(()).ok_or_else(|| after.to_string())
    })
    .await;
}
