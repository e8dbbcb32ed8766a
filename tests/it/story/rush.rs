//! Many projects at once: what waits in the pool is handed out, the rest is made.

use std::collections::BTreeSet;
use std::path::Path;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use serde_json::json;

use crate::host::{Host, engine, eventually};

const PROJECTS: usize = 100;

/// So many of them find a runtime that waits.
const WAITING: usize = 10;
const POOL: &[(&str, &str)] = &[("LOCKHOUSE_RUNTIMES__POOL__PYTHON", "10")];

#[tokio::test]
async fn a_hundred_projects_at_once_get_a_runtime_each_and_leave_nothing() {
    let host = Host::start_with(need!(local, engine("local").await), POOL).await;
    host.holds_only_its_pool().await;
    let names: Vec<String> = (0..PROJECTS).map(|number| format!("rush-{number}")).collect();
    let ids = join_all(names.iter().map(|name| host.opens_project(name))).await;
    let runtimes: BTreeSet<&String> = ids.iter().filter(|id| host.has_runtime(id)).collect();
    assert_eq!(runtimes.len(), PROJECTS, "each has a runtime of its own");
    assert!(host.served_from_the_pool().await >= WAITING);
    stream::iter(&names).for_each_concurrent(8, |name| host.deletes_project(name)).await;
    host.holds_only_its_pool().await;
}

impl Host {
    /// Makes a project with a runtime; answers with its id.
    async fn opens_project(&self, name: &str) -> String {
        let path = format!("/api/v1/containers/{name}/create");
        let made = self.post(&path, json!({ "project_type": "python" })).await;
        assert_eq!(made.json["status"], "running", "{}", made.text);
        made.json["project_id"].as_str().unwrap().to_owned()
    }

    async fn deletes_project(&self, name: &str) {
        let deleted = self.delete(&format!("/api/v1/projects/{name}?purge=true")).await;
        assert_eq!(deleted.status, 204, "{}", deleted.text);
    }

    fn has_runtime(&self, id: &str) -> bool {
        self.data().join("runtimes").join(id).join("bundle").exists()
    }

    /// Waits until there are no directories, runtimes or rows but those of a full pool.
    async fn holds_only_its_pool(&self) {
        let ready = "SELECT count(*) FROM pool_entries WHERE state = 'ready'";
        let others = "SELECT (SELECT count(*) FROM pool_entries WHERE state <> 'ready') \
                      + (SELECT count(*) FROM runtimes) + (SELECT count(*) FROM projects)";
        eventually("there is a full pool and nothing else", async || {
            let rows = (self.rows(ready).await, self.rows(others).await);
            let workspaces = entries(&self.data().join("projects"), "");
            let runtimes = entries(&self.data().join("runtimes"), "bundle");
            let there = (rows, workspaces, runtimes);
            if there == ((10, 0), WAITING, WAITING) { Ok(()) } else { Err(format!("{there:?}")) }
        })
        .await;
    }

    /// How many projects took over a runtime that waited.
    async fn served_from_the_pool(&self) -> usize {
        let metrics = self.get("/metrics").await.text;
        let warm = |line: &&str| {
            line.starts_with("runtime_pool_claims_total") && line.contains(r#"start="warm""#)
        };
        let line = metrics.lines().find(warm).unwrap_or_default();
        line.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// How many directories of `dir` have an entry of that name.
fn entries(dir: &Path, name: &str) -> usize {
    let listed = std::fs::read_dir(dir).into_iter().flatten().flatten();
    listed.filter(|entry| entry.path().join(name).exists()).count()
}
