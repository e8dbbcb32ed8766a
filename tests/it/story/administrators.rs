//! What administrators see and do: all runtimes, the disk, left-overs, maintenance,
//! quotas.

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Host, answer, engine, eventually};

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

impl Host {
    /// Says whether new work is refused.
    async fn drains(&self, on: bool) {
        let wish = json!({ "on": on, "reason": "new disks" });
        let answer = self.post("/api/v1/admin/drain", wish).await;
        assert_eq!(answer.json["on"], on, "{}", answer.text);
    }

    async fn readiness(&self) -> Value {
        self.get("/health/ready").await.json["status"].clone()
    }
}

#[tokio::test]
async fn all_projects_are_listed_with_the_states_of_their_runtimes() {
    let host = need!(local, host().await);
    host.post("/api/v1/projects", json!({ "name": "idle" })).await;
    host.has_running_project("lab").await;
    let first = host.get("/api/v1/admin/runtimes?limit=1").await.json;
    assert_eq!(first["runtimes"][0]["status"], "absent", "{first}");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = host.get(&format!("/api/v1/admin/runtimes?limit=1&cursor={cursor}")).await.json;
    assert_eq!(second["runtimes"][0]["project"], "lab", "{second}");
    let running = host.get("/admin/runtimes?status=running").await.json;
    assert_eq!(running["runtimes"], second["runtimes"]);
    let refused = host.get("/admin/runtimes?status=asleep").await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (400, &json!("invalid_query")));
}

#[tokio::test]
async fn an_administrator_ends_and_removes_anybodys_runtime() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let id = host.get("/api/v1/projects/lab").await.json["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/admin/runtimes/{id}");
    let stopped = host.post(&format!("{path}/stop"), json!({})).await;
    assert_eq!(stopped.json["status"], "stopped", "{}", stopped.text);
    assert_eq!(host.post(&format!("{path}/stop"), json!({})).await.json["status"], "stopped");
    assert_eq!(host.delete(&path).await.status, 204);
    assert_eq!(host.get("/api/v1/containers/lab").await.status, 404);
    assert_eq!(host.delete(&path).await.status, 204);
    assert_eq!(host.get("/api/v1/projects/lab").await.status, 200);
    let page = host.get("/admin/audit?project=lab&action=runtime.force-remove").await;
    assert_eq!(page.json["entries"][0]["target"], "project/lab", "{}", page.text);
}

#[tokio::test]
async fn an_administrator_sees_how_the_server_is() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let health = host.get("/api/v1/admin/health").await.json;
    assert_eq!((&health["status"], &health["runtimes"]["running"]), (&json!("ready"), &json!(1)));
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"), "{health}");
    assert!(health["memory_bytes"].as_u64() > Some(1 << 20), "{health}");
    assert!(health["uptime_seconds"].is_u64() && health["engine"]["ready"] == true, "{health}");
}

#[tokio::test]
async fn what_projects_take_on_the_disk_is_told_with_when_it_was_measured() {
    let host = need!(local, host().await);
    host.post("/api/v1/projects", json!({ "name": "lab" })).await;
    host.writes("lab", "big", &"x".repeat(1 << 20)).await;
    let path = "/api/v1/admin/disk";
    let disk = host.get(path).await.json;
    assert_eq!(
        (&disk["projects"][0]["project"], &disk["total"]["projects"]),
        (&json!("lab"), &json!(1))
    );
    assert!(disk["free_bytes"].as_u64() > Some(0), "{disk}");
    assert!(disk["capacity_bytes"].as_u64() >= disk["free_bytes"].as_u64(), "{disk}");
}

#[tokio::test]
async fn left_overs_are_told_of_first_and_cleaned_up_when_asked_for() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let forgotten = "DELETE FROM runtimes WHERE status = 'running' RETURNING 1";
    assert_eq!(host.rows(forgotten).await, 1);
    let found = host.get("/api/v1/admin/orphans").await;
    assert_eq!(found.json["orphans"][0]["sort"], "runtime", "{}", found.text);
    let dry = host.post("/api/v1/admin/orphans/cleanup?dry_run=true", json!({})).await;
    assert_eq!(dry.json, found.json);
    let done = host.post("/admin/orphans/cleanup", json!({})).await;
    assert_eq!(done.json["orphans"][0]["cleaned_up"], true, "{}", done.text);
    assert_eq!(host.get("/api/v1/admin/orphans").await.json["orphans"], json!([]));
}

#[tokio::test]
async fn while_it_drains_nothing_begins_and_what_runs_goes_on() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    let mut terminal = host.terminal("lab", None).await;
    host.drains(true).await;
    let refused = host.run("lab", "true").await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (503, &json!("draining")));
    assert!(refused.headers.contains_key("retry-after") && refused.text.contains("new disks"));
    let made = host.post("/api/v1/projects/lab/generate", json!({ "prompt": "a page" })).await;
    assert_eq!(made.json["code"], "draining", "{}", made.text);
    terminal.types("echo $((40+2))\n").await;
    terminal.shows("42").await;
    host.writes("lab", "a", "saved").await;
    assert_eq!(host.readiness().await, "draining");
}

#[tokio::test]
async fn that_it_drains_survives_a_restart_and_can_be_ended() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    host.drains(true).await;
    let host = host.starts_again_after_a_kill().await;
    assert_eq!(host.run("lab", "true").await.json["code"], "draining");
    assert_eq!(host.get("/api/v1/admin/drain").await.json["reason"], "new disks");
    assert_eq!(host.delete("/api/v1/admin/drain").await.status, 204);
    assert_eq!(host.run("lab", "true").await.json["exit_code"], 0);
    assert_eq!(host.readiness().await, "ready");
}

#[tokio::test]
async fn every_server_of_the_database_drains() {
    let one = need!(local, host().await);
    let other = one.beside().await;
    one.drains(true).await;
    let settled = async |wanted: &'static str| {
        eventually(wanted, || async {
            let status = other.readiness().await;
            if status == wanted { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
    };
    settled("draining").await;
    one.drains(false).await;
    settled("ready").await;
}

#[tokio::test]
async fn the_documents_paths_at_the_root_lead_to_the_same() {
    let host = need!(local, host().await);
    host.post("/api/v1/projects", json!({ "name": "lab" })).await;
    let new = json!({ "path": "src/a.txt", "content": "hi" });
    let created = host.post("/projects/lab/files/create", new).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let read = host.get("/projects/lab/files/read?path=src/a.txt").await;
    assert_eq!(read.json["content"], "hi", "{}", read.text);
    assert_eq!(host.get("/projects/lab/files?path=src").await.json["files"][0]["name"], "a.txt");
    let nobody = answer(host.as_nobody(Method::GET, "/admin/users")).await;
    assert_eq!(nobody.json["code"], "unauthenticated", "{}", nobody.text);
    assert_eq!(host.get("/admin/users").await.json, host.get("/api/v1/admin/users").await.json);
}

#[tokio::test]
async fn each_operation_of_the_description_has_a_name_of_its_own() {
    let host = need!(local, host().await);
    let paths = host.get("/openapi.json").await.json["paths"].clone();
    let items =
        paths.as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<_> = items.map(|operation| operation["operationId"].to_string()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[tokio::test]
async fn nobody_has_more_projects_or_runs_more_than_his_quota() {
    let host = need!(local, host().await);
    let quota = json!({ "user": "admin", "projects": 2, "runtimes": 1 });
    assert_eq!(host.post("/api/v1/admin/quotas", quota).await.json["runtimes"], 1);
    host.has_running_project("one").await;
    let create = json!({ "project_type": "python" });
    let second = host.post("/api/v1/containers/two/create", create).await;
    assert_eq!(second.json["quota"], "runtimes", "{}", second.text);
    let third = host.post("/api/v1/projects", json!({ "name": "three" })).await;
    assert_eq!((third.status.as_u16(), &third.json["code"]), (403, &json!("quota_exceeded")));
    host.post("/api/v1/containers/one/stop", json!({})).await;
    host.has_running_project("two").await;
    assert_eq!(host.delete("/api/v1/admin/quotas/admin").await.status, 204);
    assert_eq!(host.post("/api/v1/projects", json!({ "name": "three" })).await.status, 201);
    assert_eq!(host.get("/admin/quotas").await.json["quotas"], json!([]));
}

#[tokio::test]
async fn those_who_have_no_quota_of_their_own_have_the_usual() {
    const ONE: &[(&str, &str)] = &[("LOCKHOUSE_QUOTAS__PROJECTS", "1")];
    let host = Host::start_with(need!(local, engine("local").await), ONE).await;
    assert_eq!(host.get("/admin/quotas").await.json["usual"]["projects"], 1);
    let create = |n: u32| {
        let wish = json!({ "name": format!("lab{n}") });
        answer(host.request(Method::POST, "/api/v1/projects").json(&wish))
    };
    let answers = futures::future::join_all((0..9).map(create)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(host.get("/api/v1/projects").await.json["projects"].as_array().unwrap().len(), 1);
}
