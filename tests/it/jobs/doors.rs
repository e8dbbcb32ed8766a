//! Jobs over HTTP, in the documented shapes.

use std::io::Cursor;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine, eventually};
use crate::objects::Server;

/// For `need!(local, …)`.
async fn door() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

#[tokio::test]
async fn a_job_goes_its_whole_way() {
    let host = need!(local, door().await);
    let new = json!({ "project_name": "todo", "job_id": "mine" });
    let job = host.post("/api/v1/jobs/create", new.clone()).await;
    assert_eq!(job.status, StatusCode::CREATED, "{}", job.text);
    assert_eq!(
        (&job.json["status"], &job.json["download_url"]),
        (&json!("generating"), &Value::Null)
    );
    assert_eq!(host.post("/api/v1/jobs/create", new).await.json["code"], "job_exists");
    host.post("/api/v1/jobs/mine/plan", json!({ "plan": { "files": ["a.py"] } })).await;
    let one = host.post("/api/v1/jobs/mine/files", json!({ "path": "a.py", "content": "1" })).await;
    assert_eq!(one.json, json!({ "success": true, "path": "a.py" }));
    let batch = json!([{ "path": "b.py", "content": "2" }, { "path": "d/c.py", "content": "3" }]);
    let many = host.post("/api/v1/jobs/mine/files/batch", batch).await;
    assert_eq!(many.json, json!({ "success": true, "files_written": 2 }));
    assert_eq!(host.get("/api/v1/jobs/mine/files/d/c.py").await.json["content"], "3");
    assert_eq!(
        host.get("/api/v1/jobs/mine/files").await.json["files"].as_array().unwrap().len(),
        4
    );
    let done = host.post("/api/v1/jobs/mine/complete", json!({})).await.json;
    let url = "/api/v1/jobs/mine/download";
    assert_eq!(done, json!({ "success": true, "status": "complete", "download_url": url }));
    assert_eq!(host.get("/api/v1/jobs/mine").await.json["plan"], json!({ "files": ["a.py"] }));
    assert_eq!(names_in_zip(&host, url).await, ["a.py", "b.py", "d/", "d/c.py"]);
    assert_eq!(host.delete("/api/v1/jobs/mine").await.status, StatusCode::NO_CONTENT);
    assert_eq!(host.get("/api/v1/jobs/mine").await.status, StatusCode::NOT_FOUND);
    assert_eq!(host.delete("/api/v1/jobs/mine").await.status, StatusCode::NO_CONTENT);
}

/// A complete job whose archive is kept.
async fn archived(host: &Host) -> (&'static str, String) {
    host.post("/api/v1/jobs/create", json!({ "project_name": "todo", "job_id": "mine" })).await;
    host.post("/api/v1/jobs/mine/files", json!({ "path": "a.py", "content": "1" })).await;
    host.post("/api/v1/jobs/mine/complete", json!({})).await;
    let url = "/api/v1/jobs/mine/download";
    let etag = eventually("the archive is kept", || async {
        let whole = host.get(url).await;
        assert_eq!(whole.status, StatusCode::OK, "{}", whole.text);
        let etag = whole.headers.get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        etag.ok_or_else(|| format!("{:?}", whole.headers))
    })
    .await;
    (url, etag)
}

async fn with(host: &Host, url: &str, name: &'static str, value: &str) -> Answer {
    answer(host.request(Method::GET, url).header(name, value)).await
}

#[tokio::test]
async fn a_download_that_broke_off_goes_on_where_it_did() {
    let host = need!(local, door().await);
    let (url, etag) = archived(&host).await;
    let whole = host.request(Method::GET, url).send().await.unwrap().bytes().await.unwrap();
    let rest =
        host.request(Method::GET, url).header("range", "bytes=10-").header("if-range", &etag);
    let rest = rest.send().await.unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes 10-{}/{}", whole.len() - 1, whole.len());
    assert_eq!(rest.headers()["content-range"], range.as_str());
    assert_eq!(rest.bytes().await.unwrap(), whole[10..]);
}

#[tokio::test]
async fn a_download_that_somebody_has_is_not_sent_again() {
    let host = need!(local, door().await);
    let (url, etag) = archived(&host).await;
    assert_eq!(with(&host, url, "if-none-match", &etag).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(with(&host, url, "if-none-match", "\"x\"").await.status, StatusCode::OK);
    let beyond = with(&host, url, "range", "bytes=9999999-").await;
    assert_eq!(beyond.json["code"], "invalid_range", "{}", beyond.text);
}

#[tokio::test]
async fn archives_live_in_a_bucket_where_one_is_configured() {
    let server = need!(s3, Server::start().await);
    let engine = need!(local, engine("local").await);
    let host = Host::start_with(engine, server.variables()).await;
    archived(&host).await;
    let kept = server.folder.path().join("jobs/jobs");
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 1);
    assert!(!host.data().join("objects").exists());
    assert_eq!(host.delete("/api/v1/jobs/mine").await.status, StatusCode::NO_CONTENT);
    assert_eq!(std::fs::read_dir(&kept).into_iter().flatten().count(), 0);
}

#[tokio::test]
async fn who_asks_for_an_expired_job_is_told_when_it_expired() {
    let engine = need!(local, engine("local").await);
    let host = Host::start_with(engine, &[("JOB_EXPIRY_HOURS", "0")]).await;
    let new = json!({ "project_name": "todo", "job_id": "mine" });
    let job = host.post("/api/v1/jobs/create", new).await.json;
    let gone = host.get("/api/v1/jobs/mine").await;
    assert_eq!((gone.status, &gone.json["code"]), (StatusCode::GONE, &json!("gone")));
    let micros =
        |time: &Value| time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(micros(&gone.json["expired_at"]), micros(&job["expires_at"]));
    host.post("/api/v1/jobs/admin/cleanup", json!({})).await;
    assert_eq!(host.get("/api/v1/jobs/mine/download").await.json["code"], "gone");
    assert_eq!(host.get("/api/v1/jobs/admin/stats").await.json["expired"], 1);
    assert_eq!(host.delete("/api/v1/jobs/mine").await.status, StatusCode::NO_CONTENT);
}

async fn names_in_zip(host: &Host, url: &str) -> Vec<String> {
    let response = host.request(Method::GET, url).send().await.unwrap();
    let named = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(named, "attachment; filename=\"todo.zip\"");
    let zip = zip::ZipArchive::new(Cursor::new(response.bytes().await.unwrap())).unwrap();
    zip.file_names().map(|name| name.unwrap().into_owned()).collect()
}

#[tokio::test]
async fn a_failed_job_says_why_and_can_t_be_downloaded() {
    let host = need!(local, door().await);
    let job = host.post("/api/v1/jobs/create", json!({ "project_name": "todo" })).await;
    let path = format!("/api/v1/jobs/{}", job.json["job_id"].as_str().unwrap());
    let failed = host.post(&format!("{path}/fail"), json!({ "error": "no idea" })).await;
    assert_eq!(failed.json["status"], "failed");
    assert_eq!(host.get(&path).await.json["error"], "no idea");
    let late = host.post(&format!("{path}/files"), json!({ "path": "a", "content": "" })).await;
    assert_eq!((late.status, &late.json["code"]), (StatusCode::CONFLICT, &json!("job_status")));
    assert_eq!(host.get(&format!("{path}/download")).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn nothing_of_a_batch_is_written_if_one_path_is_wrong() {
    let host = need!(local, door().await);
    host.post("/api/v1/jobs/create", json!({ "project_name": "todo", "job_id": "mine" })).await;
    let batch =
        json!({ "files": [{ "path": "a", "content": "" }, { "path": "../b", "content": "" }] });
    let refused = host.post("/api/v1/jobs/mine/files/batch", batch).await;
    assert_eq!(refused.json["code"], "invalid_path");
    assert_eq!(host.get("/api/v1/jobs/mine/files").await.json["files"], json!([]));
}

#[tokio::test]
async fn statistics_and_clean_up_are_the_administrators() {
    let host = need!(local, door().await);
    host.post("/api/v1/jobs/create", json!({ "project_name": "todo", "job_id": "mine" })).await;
    let stats = host.get("/api/v1/jobs/admin/stats").await.json;
    assert_eq!((&stats["total"], &stats["generating"]), (&json!(1), &json!(1)));
    assert_eq!((&stats["archives"], &stats["expired"]), (&json!(0), &json!(0)));
    assert_eq!(host.post("/api/v1/jobs/admin/cleanup", json!({})).await.json["removed"], 0);
    let nobody = answer(host.as_nobody(Method::GET, "/api/v1/jobs/admin/stats")).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn no_parameter_of_the_description_has_a_star() {
    let host = need!(local, door().await);
    let described = host.get("/openapi.json").await.json;
    let paths: Vec<_> = described["paths"].as_object().unwrap().keys().cloned().collect();
    assert!(paths.contains(&"/api/v1/projects/{project}/content/{path}".to_owned()));
    assert!(paths.iter().all(|path| !path.contains('*')), "{paths:?}");
}
