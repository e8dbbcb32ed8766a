//! The server is killed at every step of every change of a runtime, a hundred
//! times: afterwards the engine has what the database says, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lockhouse::ids::InstanceId;
use lockhouse::runtimes::engine::{Engine, EngineState};
use lockhouse::runtimes::local::{self, Local};
use reqwest::Method;
use serde_json::json;

use crate::engines::open_docker;
use crate::host::{Host, PATIENCE, engine, eventually};

/// The steps of a change are in the log.
const LOGGED: &[(&str, &str)] = &[
    ("LOCKHOUSE_LOG__FILTER", "info,lockhouse::runtimes=debug"),
    ("LOCKHOUSE_LOG__FORMAT", "json"),
];

/// A moment in a change: what the log says of it, and of which step.
#[derive(Debug, Clone, Copy)]
struct Moment(&'static str, &'static str);

const CREATE: [Moment; 5] = [
    Moment("step begins", "\"step\":\"Create\""),
    Moment("step ends", "\"step\":\"Create\""),
    Moment("step begins", "\"step\":\"Start\""),
    Moment("step ends", "\"step\":\"Start\""),
    // The supervisor may be faster than whoever waits for it.
    Moment("link up", "project"),
];
const START: [Moment; 3] = [CREATE[2], CREATE[3], CREATE[4]];
const STOP: [Moment; 2] =
    [Moment("step begins", "\"step\":\"Stop\""), Moment("step ends", "\"step\":\"Stop\"")];
const DELETE: [Moment; 2] =
    [Moment("step begins", "\"step\":\"Remove\""), Moment("step ends", "\"step\":\"Remove\"")];

/// A server that is killed again and again.
struct Victim {
    host: Host,
    engine: &'static str,
    kills: usize,
}

impl Victim {
    async fn start(name: &'static str) -> Result<Self, String> {
        let engine = engine(name).await?;
        let host = Host::start_with(engine, LOGGED).await;
        Ok(Self { host, engine, kills: 0 })
    }

    /// Asks for a change, kills the server at a moment of it, starts it again,
    /// and sees that all is well.
    async fn dies(mut self, method: Method, path: &str, moment: Moment) -> Self {
        let logged = log(self.host.data()).len();
        let body = json!({ "project_type": "python" });
        let request = self.host.request(method.clone(), path);
        let request = if path.ends_with("create") { request.json(&body) } else { request };
        // The answer never comes, or comes too late to matter.
        let asked = tokio::spawn(request.send());
        reaches(self.host.data(), logged, moment);
        self.host = self.host.starts_again_after_a_kill().await;
        asked.abort();
        self.kills += 1;
        agrees(self.host.data(), self.engine, moment).await;
        self
    }

    /// One project's life, killed at each of its moments.
    async fn dies_all_along(mut self, name: &str) -> Self {
        let at = |verb: &str| format!("/api/v1/containers/{name}{verb}");
        for (n, moment) in CREATE.into_iter().enumerate() {
            let path = format!("/api/v1/containers/{name}-{n}/create");
            self = self.dies(Method::POST, &path, moment).await;
            self.host.delete(&format!("/api/v1/projects/{name}-{n}")).await;
        }
        self.host.has_running_project(name).await;
        for moment in STOP {
            self.host.post(&at("/start"), json!({})).await;
            self = self.dies(Method::POST, &at("/stop"), moment).await;
        }
        for moment in START {
            self.host.post(&at("/stop"), json!({})).await;
            self = self.dies(Method::POST, &at("/start"), moment).await;
        }
        for moment in DELETE {
            self.host.has_running_project(name).await;
            self = self.dies(Method::DELETE, &at(""), moment).await;
        }
        self
    }

    /// So many lives, one after another.
    async fn dies_through(mut self, lives: usize) -> Self {
        for life in 0..lives {
            self = self.dies_all_along(&format!("p{life}")).await;
        }
        self
    }
}

/// Waits, without a pause, until the log tells of the moment.
fn reaches(data: &Path, from: usize, Moment(message, step): Moment) {
    let until = Instant::now() + PATIENCE;
    let reached = |log: &str| log.lines().any(|line| line.contains(message) && line.contains(step));
    while !reached(log(data).get(from..).unwrap_or_default()) {
        assert!(Instant::now() < until, "{message} {step}: never");
        std::thread::yield_now();
    }
}

fn log(data: &Path) -> String {
    std::fs::read_to_string(data.join("server.log")).unwrap_or_default()
}

/// Waits until the engine has what the database says should be.
async fn agrees(data: &Path, engine: &str, moment: Moment) {
    let db = crate::databases::opened(data).await;
    let instance = db.setting("instance", "").await.unwrap().parse().unwrap();
    let engine = opened(engine, data, &instance).await;
    eventually(&format!("agreement after {moment:?}"), || async {
        let sql = "SELECT project_id, desired, status FROM runtimes";
        let rows: Vec<(String, String, String)> =
            sqlx::query_as(sql).fetch_all(db.pool()).await.unwrap();
        let seen = engine.list().await.map_err(|error| error.to_string())?;
        let seen: BTreeMap<String, bool> = seen
            .into_iter()
            .map(|seen| (seen.id.to_string(), seen.state == EngineState::Running))
            .collect();
        let settled = rows.iter().all(|(id, desired, status)| {
            desired == status && (desired == "running") == (seen.get(id) == Some(&true))
        });
        let known = seen.keys().all(|id| rows.iter().any(|(row, ..)| row == id));
        if settled && known { Ok(()) } else { Err(format!("{rows:?}, {seen:?}")) }
    })
    .await;
    db.close().await;
}

/// The engine, as the server itself opens it.
async fn opened(name: &str, data: &Path, instance: &InstanceId) -> Arc<dyn Engine> {
    if name == "docker" {
        return open_docker(instance.clone()).await.unwrap();
    }
    Arc::new(Local::open(&local::Config::default(), data, instance).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_any_step_ends_with_what_the_database_says() {
    let victim = need!(local, Victim::start("local").await);
    let victim = victim.dies_through(5).await;
    assert_eq!(victim.kills, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn and_so_does_another_one_meanwhile() {
    let victim = need!(local, Victim::start("local").await);
    let victim = victim.dies_through(5).await;
    assert_eq!(victim.kills, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_leaves_dockers_containers_as_they_should_be() {
    let victim = need!(docker, Victim::start("docker").await);
    let victim = victim.dies_through(1).await;
    assert_eq!(victim.kills, 12);
}
