//! Two servers on one PostgreSQL, one data directory and one engine: requests to either
//! work, each goes on without the other, and nothing is done twice.

use std::convert::Infallible;

use lockhouse::agents::ProviderName;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::databases;
use crate::host::{DATABASE, Host, answer, engine, eventually};
use crate::models::generating::{Provider, Turn, grants, model};

type Variables = Vec<(&'static str, &'static str)>;

/// For `need!(postgres, …)`. The other is dropped first.
async fn two(variables: Variables) -> Result<(Host, Host), String> {
    let data = tempfile::tempdir().unwrap();
    let url = databases::postgres_url(data.path()).await?;
    let variables = [variables, vec![(DATABASE, &*url.leak())]].concat().leak();
    let one = Host::start_on(data, "local", variables).await;
    let other = one.beside().await;
    Ok((one, other))
}

#[tokio::test]
async fn what_is_made_by_way_of_one_is_worked_with_by_way_of_the_other() {
    need!(local, engine("local").await);
    let (one, other) = need!(postgres, two(Vec::new()).await);
    one.has_running_project("lab").await;
    other.writes("lab", "hello.txt", "hi").await;
    assert_eq!(other.run("lab", "cat hello.txt").await.json["stdout"], "hi");
    let serve = json!({ "command": "python3 -m http.server 8000", "port": 8000 });
    assert_eq!(one.post("/api/v1/containers/lab/process", serve).await.json["status"], "running");
    eventually("the page", async || {
        let page = other.get("/api/v1/preview/lab/hello.txt").await;
        if page.text == "hi" { Ok(()) } else { Err(page.text) }
    })
    .await;
    assert_eq!(other.delete("/api/v1/projects/lab").await.status, StatusCode::NO_CONTENT);
    assert_eq!(one.get("/api/v1/projects/lab").await.status, StatusCode::NOT_FOUND);
    assert_eq!(one.post("/api/v1/projects/lab/restore", json!({})).await.json["name"], "lab");
}

/// Saves again and again: who watches may begin to at any moment.
async fn keeps_saving(host: &Host) -> Infallible {
    loop {
        host.writes("lab", "a.txt", "hi").await;
    }
}

#[tokio::test]
async fn what_is_saved_by_way_of_one_is_told_to_those_who_watch_by_way_of_the_other() {
    need!(local, engine("local").await);
    let (one, other) = need!(postgres, two(Vec::new()).await);
    one.post("/api/v1/projects", json!({ "name": "lab" })).await;
    let watch = one.request(Method::GET, "/api/v1/projects/lab/watch");
    let heard = tokio::select! {
        heard = one.events_until(watch, |event| event["path"] == "a.txt") => heard,
        never = keeps_saving(&other) => match never {},
    };
    assert_eq!(heard.last().unwrap()["path"], "a.txt", "{heard:?}");
}

#[tokio::test]
async fn what_happens_by_way_of_one_is_told_once_to_who_listens_by_way_of_the_other() {
    need!(local, engine("local").await);
    let (one, other) = need!(postgres, two(Vec::new()).await);
    one.post("/api/v1/projects", json!({ "name": "lab" })).await;
    let news = one.request(Method::GET, "/api/v1/events");
    let heard = Notify::new();
    let listening = one.events_until(news, |event| {
        heard.notify_one();
        event["project"] == "last"
    });
    let happening = async {
        // Until the other listens: who does not yet would miss it.
        tokio::select! {
            () = heard.notified() => {}
            never = keeps_saving(&other) => match never {},
        }
        for name in ["first", "last"] {
            other.post("/api/v1/projects", json!({ "name": name })).await;
        }
    };
    let (events, ()) = tokio::join!(listening, happening);
    let of_first: Vec<_> = events.iter().filter(|event| event["project"] == "first").collect();
    assert_eq!(of_first.len(), 1, "{events:?}");
    assert_eq!(
        (&of_first[0]["type"], &of_first[0]["change"]),
        (&json!("project"), &json!("created"))
    );
}

#[tokio::test]
async fn a_job_goes_its_way_by_way_of_both() {
    need!(local, engine("local").await);
    let (one, other) = need!(postgres, two(Vec::new()).await);
    let new = json!({ "project_name": "todo", "job_id": "mine" });
    assert_eq!(one.post("/api/v1/jobs/create", new.clone()).await.status, StatusCode::CREATED);
    assert_eq!(other.post("/api/v1/jobs/create", new).await.json["code"], "job_exists");
    other.post("/api/v1/jobs/mine/files", json!({ "path": "a.py", "content": "1" })).await;
    assert_eq!(one.get("/api/v1/jobs/mine/files/a.py").await.json["content"], "1");
    let done = one.post("/api/v1/jobs/mine/complete", json!({})).await;
    assert_eq!(done.json["status"], "complete", "{}", done.text);
    assert_eq!(other.get("/api/v1/jobs/mine/download").await.status, StatusCode::OK);
    assert_eq!(other.delete("/api/v1/jobs/mine").await.status, StatusCode::NO_CONTENT);
    assert_eq!(one.get("/api/v1/jobs/mine").await.status, StatusCode::NOT_FOUND);
}

/// Two servers whose model never answers, and a run that waits for it on the second.
async fn a_run_goes_on(provider: &Provider) -> Result<(Host, Host, String), String> {
    let (one, other) = two(model(provider, ProviderName::Anthropic)).await?;
    grants(&other).await;
    let begun = other.post(GENERATE, json!({ "prompt": "a page" })).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let run = format!("/api/v1/runs/{}", begun.json["run_id"].as_str().unwrap());
    Ok((one, other, run))
}

const GENERATE: &str = "/api/v1/projects/lab/generate";

#[tokio::test]
async fn a_run_of_one_is_followed_and_cancelled_by_way_of_the_other() {
    need!(local, engine("local").await);
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let (one, _other, run) = need!(postgres, a_run_goes_on(&provider).await);
    provider.hangs(1).await;
    let second = one.post(GENERATE, json!({ "prompt": "a page" })).await;
    assert_eq!(second.json["code"], "run_active", "{}", second.text);
    let is_last = |event: &Value| event["type"] == "cancelled";
    let events = one.request(Method::GET, &format!("{run}/events"));
    let cancel = format!("{run}/cancel");
    let (events, cancelled) =
        tokio::join!(one.events_until(events, is_last), one.post(&cancel, json!({})));
    assert_eq!(cancelled.json["state"], "cancelled", "{}", cancelled.text);
    assert!(is_last(events.last().unwrap()), "{events:?}");
}

#[tokio::test]
async fn a_run_whose_server_was_killed_is_said_by_the_other_to_have_failed() {
    need!(local, engine("local").await);
    let provider = Provider::start(|_, _| Turn::Hangs).await;
    let (one, other, run) = need!(postgres, a_run_goes_on(&provider).await);
    provider.hangs(1).await;
    drop(other);
    let is_last = |event: &Value| event["type"] == "failed";
    let events = one.request(Method::GET, &format!("{run}/events"));
    let events = one.events_until(events, is_last).await;
    assert!(events.last().unwrap()["error"].as_str().unwrap().contains("restarted"), "{events:?}");
    let failures = "SELECT COUNT(*) FROM run_steps WHERE event LIKE '%restarted%'";
    assert_eq!(one.rows(failures).await, 1);
    let next = one.post(GENERATE, json!({ "prompt": "a page" })).await;
    assert_eq!(next.status, StatusCode::ACCEPTED, "{}", next.text);
}

/// Waits until so many runtimes wait for a project, and there are no others of the pool.
async fn holds(host: &Host, count: i64) {
    let ready = "SELECT COUNT(*) FROM pool_entries WHERE state = 'ready'";
    let all = "SELECT COUNT(*) FROM pool_entries";
    eventually("a full pool", async || {
        let there = (host.rows(ready).await, host.rows(all).await);
        if there == (count, count) { Ok(()) } else { Err(format!("{there:?}")) }
    })
    .await;
}

#[tokio::test]
async fn the_pool_is_filled_once_for_both_and_by_whoever_is_left() {
    need!(local, engine("local").await);
    let pool = vec![("LOCKHOUSE_RUNTIMES__POOL__PYTHON", "2")];
    let (one, other) = need!(postgres, two(pool).await);
    holds(&one, 2).await;
    tokio::join!(one.has_running_project("here"), other.has_running_project("there"));
    holds(&one, 2).await;
    drop(other);
    one.has_running_project("later").await;
    holds(&one, 2).await;
    let left = one.get("/api/v1/admin/orphans").await;
    assert_eq!(left.json["orphans"], json!([]), "{}", left.text);
}

#[tokio::test]
async fn what_has_expired_goes_once() {
    need!(local, engine("local").await);
    let at_once = vec![("JOB_EXPIRY_HOURS", "0")];
    let (one, other) = need!(postgres, two(at_once).await);
    for _ in 0..20 {
        one.post("/api/v1/jobs/create", json!({ "project_name": "todo" })).await;
    }
    const CLEAN_UP: &str = "/api/v1/jobs/admin/cleanup";
    let (here, there) =
        tokio::join!(one.post(CLEAN_UP, json!({})), other.post(CLEAN_UP, json!({})));
    let removed = [here, there].map(|answer| answer.json["removed"].as_u64().unwrap());
    assert_eq!(removed[0] + removed[1], 20, "{removed:?}");
    assert_eq!(one.rows("SELECT COUNT(*) FROM expired_jobs").await, 20);
    assert_eq!(one.rows("SELECT COUNT(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn a_runtime_that_nobody_uses_is_stopped_by_one_of_them() {
    need!(local, engine("local").await);
    let often = vec![
        ("LOCKHOUSE_RUNTIMES__SWEEP_INTERVAL", "1"),
        ("LOCKHOUSE_RUNTIMES__CHECK_INTERVAL", "1"),
    ];
    let (one, other) = need!(postgres, two(often).await);
    let wish = json!({ "project_type": "python", "config": { "idle_timeout": 1 } });
    other.post("/api/v1/containers/lab/create", wish).await;
    eventually("it is stopped", async || {
        let runtime = one.get("/api/v1/containers/lab").await;
        if runtime.json["status"] == "stopped" { Ok(()) } else { Err(runtime.text) }
    })
    .await;
    // It is written down once more when another runtime goes the same way.
    let wish = json!({ "project_type": "python", "config": { "idle_timeout": 1 } });
    one.post("/api/v1/containers/bar/create", wish).await;
    let ended = "SELECT COUNT(*) FROM audit_entries WHERE action = 'runtime.expire'";
    eventually("both are in the record", async || match one.rows(ended).await {
        2 => Ok(()),
        other => Err(other.to_string()),
    })
    .await;
}

#[tokio::test]
async fn one_that_ends_in_order_leaves_what_runs_to_the_other() {
    need!(local, engine("local").await);
    let (one, other) = need!(postgres, two(Vec::new()).await);
    other.has_running_project("lab").await;
    let waits = "until [ -e go ]; do sleep 0.05; done; exit 7";
    let wish = json!({ "command": waits, "detach": true });
    let begun = other.request(Method::POST, "/api/v1/containers/lab/exec").json(&wish);
    let begun = answer(begun.header("accept", "application/json")).await;
    let at = format!("/api/v1/containers/lab/exec/{}", begun.json["id"].as_str().unwrap());
    let mut terminal = one.terminal("lab", None).await;
    other.ends_in_order().await;
    terminal.types("echo $((40+2))4\n").await;
    terminal.shows("424").await;
    one.writes("lab", "go", "").await;
    eventually("the command's end", async || {
        let exec = one.get(&at).await;
        if exec.json["exit_code"] == 7 { Ok(()) } else { Err(exec.text) }
    })
    .await;
    assert_eq!(one.run("lab", "echo on").await.json["stdout"], "on\n");
}
