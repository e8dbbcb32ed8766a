//! What a server writes down of itself: lines for machines, and no secrets.

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Host, answer, engine, eventually};

const LOUD: &[(&str, &str)] =
    &[("LOCKHOUSE_LOG__FORMAT", "json"), ("LOCKHOUSE_LOG__FILTER", "lockhouse=debug,info")];

fn log(host: &Host) -> String {
    std::fs::read_to_string(host.data().join("server.log")).unwrap()
}

#[tokio::test]
async fn a_line_of_a_request_names_its_id_its_user_and_its_route() {
    let host = Host::start_with(need!(local, engine("local").await), LOUD).await;
    let listed = host.get("/api/v1/projects?limit=1").await;
    let id = listed.headers["x-request-id"].to_str().unwrap().to_owned();
    let line = eventually("the request's line", async || {
        let log = log(&host);
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["span"]["id"] == id.as_str()).ok_or(log.clone())
    });
    let line = line.await;
    assert_eq!(line["span"]["user"], "admin", "{line}");
    assert_eq!(line["span"]["route"], "/api/v1/projects", "{line}");
    assert_eq!(
        (&line["fields"]["message"], &line["fields"]["status"]),
        (&json!("answered"), &json!(200))
    );
}

const SECRETS: &[(&str, &str)] = &[
    ("LOCKHOUSE_LOG__FILTER", "lockhouse=trace,debug"),
    ("JWT_SECRET", "a-shared-secret-that-nobody-may-read"),
    ("ANTHROPIC_API_KEY", "a-key-that-nobody-may-read"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=a-header-that-nobody-may-read"),
];

#[tokio::test]
async fn no_secret_is_written_down_however_loud_the_log_is() {
    let host = Host::start_with(need!(local, engine("local").await), SECRETS).await;
    host.has_running_project("lab").await;
    let token = host.post("/api/v1/tokens", json!({ "name": "ci" })).await.json["secret"].clone();
    let token = token.as_str().expect("a new token").to_owned();
    let own = host.as_nobody(Method::GET, "/api/v1/session").bearer_auth(&token);
    assert_eq!(answer(own).await.status, 200);
    let entered = answer(host.elsewhere(Method::GET, &host.sign_in_url)).await;
    let cookie = entered.headers["set-cookie"].to_str().unwrap().to_owned();
    let session = cookie.split_once('=').unwrap().1.split(';').next().unwrap().to_owned();
    let command = json!({ "command": "true", "env": { "KEY": "an-entry-that-nobody-may-read" } });
    assert_eq!(host.post("/api/v1/containers/lab/exec", command).await.status, 200);
    let admin = host.bearer().replace("Bearer ", "");
    let log = log(&host);
    assert!(log.contains("answered"), "the log is silent: {log}");
    for secret in [token.as_str(), &session, &admin, "nobody-may-read"] {
        assert!(!log.contains(secret), "“{secret}” is in the log");
    }
}
