//! The server is killed at every step of every change of a runtime, a hundred
//! times: afterwards the engine has what the database says, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use lockhouse::db::{self, Db};
use lockhouse::runtimes::engine::{Engine as _, EngineState};
use lockhouse::runtimes::local::{self, Local};
use reqwest::Method;
use serde_json::json;

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
    kills: usize,
}

impl Victim {
    async fn start() -> Result<Self, String> {
        let host = Host::start_with(engine("local").await?, LOGGED).await;
        Ok(Self { host, kills: 0 })
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
        agrees(self.host.data(), moment).await;
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
async fn agrees(data: &Path, moment: Moment) {
    let db = Db::open(&db::Config::default(), data).await.unwrap();
    let instance = db.setting("instance", "").await.unwrap().parse().unwrap();
    let local = Local::open(&local::Config::default(), data, &instance).await.unwrap();
    eventually(&format!("agreement after {moment:?}"), || async {
        let sql = "SELECT project_id, desired, status FROM runtimes";
        let rows: Vec<(String, String, String)> =
            sqlx::query_as(sql).fetch_all(db.pool()).await.unwrap();
        let seen = local.list().await.map_err(|error| error.to_string())?;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_any_step_ends_with_what_the_database_says() {
    let victim = need!(local, Victim::start().await);
    let victim = victim.dies_through(5).await;
    assert_eq!(victim.kills, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn and_so_does_another_one_meanwhile() {
    let victim = need!(local, Victim::start().await);
    let victim = victim.dies_through(5).await;
    assert_eq!(victim.kills, 60);
}
