//! Data of earlier releases: today's server finds all of it, and goes on with it.
//!
//! A release freezes what a server of its own kept that was used by way of its API:
//! `RELEASE=0.1.0 cargo nextest run --workspace -E 'test(/^releases::used/)'` writes it to
//! `tests/data/releases`, next to what the API said of it. It is never written again.

mod data;
mod usage;

use data::{Frozen, VARIABLES};
use lockhouse::agents::ProviderName;
use reqwest::Method;
use serde_json::{Value, json};

use crate::databases;
use crate::host::{Host, answer, engine, eventually};
use crate::models::generating::{Provider, grants, greets, model};

/// What is told of a moment, of files as they lie on this disk, or of who reads.
const PASSING: [&str; 6] =
    ["runtime", "modified", "etag", "expires_at", "last_used_at", "next_cursor"];

/// A server that is used as people use one, and the paths where all that shows.
async fn used(url: &str) -> (Host, Vec<String>) {
    let provider = Provider::start(|_, asked| greets(asked)).await;
    let mut variables = model(&provider, ProviderName::Anthropic);
    variables.extend([(crate::host::DATABASE, &*url.to_owned().leak())]);
    variables.extend(VARIABLES);
    let host = Host::start_with("local", variables.leak()).await;
    grants(&host).await;
    let paths = usage::of(&host).await;
    (host, paths)
}

/// What the server says there.
async fn look(host: &Host, paths: &[String]) -> Value {
    let mut seen = serde_json::Map::new();
    for path in paths {
        let there = host.get(path).await;
        assert_eq!(there.status, 200, "{path}: {}", there.text);
        let said = if there.json.is_null() { there.text.into() } else { there.json };
        seen.insert(path.clone(), said);
    }
    Value::Object(seen)
}

/// Whether all that was said is still said; more may be.
fn holds(was: &Value, now: &Value) -> bool {
    match (was, now) {
        (Value::Object(was), Value::Object(now)) => {
            let lasting = was.iter().filter(|(name, _)| !PASSING.contains(&name.as_str()));
            let mut lasting = lasting.map(|(name, was)| (was, now.get(name)));
            lasting.all(|(was, now)| holds(was, now.unwrap_or(&Value::Null)))
        }
        (Value::Array(was), Value::Array(now)) => {
            let mut rest = now.iter();
            was.iter().all(|was| rest.any(|now| holds(was, now)))
        }
        _ => was == now,
    }
}

async fn finds_all(host: &Host, seen: &Value) {
    let paths: Vec<String> = seen.as_object().unwrap().keys().cloned().collect();
    let now = look(host, &paths).await;
    for path in paths {
        let (was, now) = (&seen[&path], &now[&path]);
        assert!(holds(was, now), "{path}: {was:#}\nis now {now:#}");
    }
    let spent = "SELECT CAST(SUM(input_tokens) AS BIGINT) FROM model_spend";
    assert_eq!(host.rows(spent).await, 80);
    // The policy says what it kept, and would say nothing the first time.
    let asked = json!({ "command": "ls" });
    let judged = host.post("/api/v1/admin/policies/evaluate", asked).await;
    assert_eq!(judged.json["policies"][1]["reason"], usage::KEPT, "{}", judged.text);
    assert_eq!(host.get("/api/v1/admin/audit/verify").await.json["intact"], true);
}

/// What is there goes on, and what is new is added to it.
async fn goes_on(host: &Host) {
    host.has_running_project("lab").await;
    let read = host.run("lab", "cat src/a.py").await;
    assert_eq!(read.json["stdout"], usage::A, "{}", read.text);
    let restored = host.post("/api/v1/projects/old/restore", json!({})).await;
    assert_eq!(restored.status, 200, "{}", restored.text);
    assert_eq!(host.get("/api/v1/projects/old/content/kept.txt").await.text, "kept");
    let token = host.token("ada", "learner", "write").await;
    let path = "/api/v1/projects/todo/submissions";
    let again = answer(host.as_nobody(Method::POST, path).bearer_auth(token).json(&json!({})));
    assert_eq!(again.await.json["number"], 2);
    let job = json!({ "project_name": "more", "job_id": "more" });
    assert_eq!(host.post("/api/v1/jobs/create", job).await.status, 201);
    refuses_what_is_over_the_quota(host).await;
    assert_eq!(host.get("/api/v1/admin/audit/verify").await.json["intact"], true);
}

/// Ada has one project, and may have no more.
async fn refuses_what_is_over_the_quota(host: &Host) {
    let token = host.token("ada", "learner", "write").await;
    let new = host.as_nobody(Method::POST, "/api/v1/projects").bearer_auth(token);
    let refused = answer(new.json(&json!({ "name": "more" }))).await;
    assert_eq!(refused.json["quota"], "projects", "{}", refused.text);
}

/// No project's runtime is left as if it ran: this machine has never had it.
async fn says_what_runs(host: &Host) {
    eventually("all runtimes are looked after", async || {
        let listed = host.get("/api/v1/admin/runtimes?status=running").await;
        match listed.json["runtimes"].as_array().map(Vec::is_empty) {
            Some(true) => Ok(()),
            _ => Err(listed.text),
        }
    })
    .await;
}

async fn is_gone_on_with(frozen: Frozen) {
    let seen = frozen.seen();
    let host = frozen.is_started().await;
    says_what_runs(&host).await;
    finds_all(&host, &seen).await;
    goes_on(&host).await;
}

async fn freezes(database: &'static str, url: &str) {
    let (host, paths) = used(url).await;
    let seen = look(&host, &paths).await;
    finds_all(&host, &seen).await;
    if let Ok(release) = std::env::var("RELEASE") {
        data::freeze(&host, &seen, &Frozen { release, database });
    }
}

#[tokio::test]
async fn used_on_sqlite_a_server_tells_all_that_would_be_frozen() {
    need!(local, engine("local").await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frozen.db");
    freezes("sqlite", &format!("sqlite:{}?mode=rwc", file.display())).await;
}

#[tokio::test]
async fn used_on_postgresql_a_server_tells_all_that_would_be_frozen() {
    need!(local, engine("local").await);
    let folder = tempfile::tempdir().unwrap();
    let url = need!(postgres, databases::postgres_url(folder.path()).await);
    freezes("postgres", &url).await;
}

#[tokio::test]
async fn a_server_goes_on_with_the_data_of_0_1_0_on_sqlite() {
    need!(local, engine("local").await);
    is_gone_on_with(Frozen { release: "0.1.0".to_owned(), database: "sqlite" }).await;
}

#[tokio::test]
async fn a_server_goes_on_with_the_data_of_0_1_0_on_postgresql() {
    need!(local, engine("local").await);
    need!(postgres, databases::has_postgres().await);
    is_gone_on_with(Frozen { release: "0.1.0".to_owned(), database: "postgres" }).await;
}
