//! How much of the disk somebody's projects may take, as clients see it.

use reqwest::Method;
use serde_json::json;

use crate::host::{Answer, Host, answer, engine, eventually};

/// The disk is measured, and often.
const SETTINGS: &[(&str, &str)] =
    &[("LOCKHOUSE_RUNTIMES__DISK", "watch"), ("LOCKHOUSE_RUNTIMES__DISK_INTERVAL", "1")];

const QUARTER_MIB: u64 = 256 * 1024;

/// A host whose administrator's projects may take a quarter of a mebibyte.
async fn host() -> Result<Host, String> {
    let host = Host::start_with(engine("local").await?, SETTINGS).await;
    let quota = json!({ "user": "admin", "disk_bytes": QUARTER_MIB });
    let set = host.post("/api/v1/admin/quotas", quota).await;
    assert_eq!(set.json["disk_bytes"], QUARTER_MIB, "{}", set.text);
    Ok(host)
}

impl Host {
    async fn saves_kib(&self, project: &str, path: &str, kib: usize) -> Answer {
        let path = format!("/api/v1/projects/{project}/content/{path}");
        answer(self.request(Method::PUT, &path).body(vec![b'x'; kib * 1024])).await
    }

    /// What the caller's projects take, and may take.
    async fn own_disk(&self) -> (u64, u64) {
        let disk = self.get("/api/v1/session").await.json["disk"].clone();
        (disk["bytes"].as_u64().unwrap(), disk["quota_bytes"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn whose_projects_take_all_that_they_may_saves_again_when_something_is_deleted() {
    let host = need!(local, host().await);
    host.post("/api/v1/projects", json!({ "name": "one" })).await;
    host.post("/api/v1/projects", json!({ "name": "two" })).await;
    assert_eq!(host.saves_kib("one", "big", 200).await.status, 201);
    let refused = host.saves_kib("two", "more", 100).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (507, &json!("no_space")));
    assert_eq!(refused.json["quota"], "disk_bytes", "{}", refused.text);
    assert!(refused.text.contains("delete files or projects"), "{}", refused.text);
    assert_eq!(host.delete("/api/v1/projects/one/content/big").await.status, 204);
    eventually("there is room", || async {
        let saved = host.saves_kib("two", "more", 100).await;
        if saved.status.is_success() { Ok(()) } else { Err(saved.text) }
    })
    .await;
}

#[tokio::test]
async fn a_deleted_project_makes_room_at_once() {
    let host = need!(local, host().await);
    host.post("/api/v1/projects", json!({ "name": "one" })).await;
    assert_eq!(host.saves_kib("one", "big", 200).await.status, 201);
    assert_eq!(host.delete("/api/v1/projects/one").await.status, 204);
    host.post("/api/v1/projects", json!({ "name": "two" })).await;
    assert_eq!(host.saves_kib("two", "more", 200).await.status, 201);
    let back = host.post("/api/v1/projects/one/restore", json!({})).await;
    assert_eq!((back.status.as_u16(), &back.json["quota"]), (507, &json!("disk_bytes")));
}

#[tokio::test]
async fn what_a_runtime_writes_counts_when_it_is_measured() {
    let host = need!(local, host().await);
    host.has_running_project("lab").await;
    host.run("lab", "head -c 400000 /dev/zero > big").await;
    eventually("it is measured", || async {
        let (taken, most) = host.own_disk().await;
        if taken > most { Ok(()) } else { Err(format!("{taken} of {most} bytes")) }
    })
    .await;
    assert_eq!(host.saves_kib("lab", "small", 1).await.status, 507);
    let users = host.get("/api/v1/admin/users").await;
    assert!(users.json["users"][0]["disk_bytes"].as_u64() > Some(QUARTER_MIB), "{}", users.text);
}
