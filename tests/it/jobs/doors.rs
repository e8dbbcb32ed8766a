//! Jobs over HTTP, in the documented shapes.

use std::io::Cursor;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Host, answer, engine};

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
