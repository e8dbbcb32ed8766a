//! Every kind of project: a prompt becomes one, it runs, and it is previewed.

use reqwest::Method;
use serde_json::json;

use crate::host::{Host, engine_for};

/// Room to compile in: the usual half of a CPU would do, in a few minutes.
const ROOM: (&str, f64) = ("1g", 2.0);

async fn a_page_is_generated_run_and_previewed(host: Host, kind: &str) {
    has_a_generated_page(&host, kind).await;
}

async fn has_a_generated_page(host: &Host, kind: &str) {
    let (memory, cpus) = ROOM;
    let config = json!({ "memory_limit": memory, "cpu_limit": cpus });
    let new = json!({ "project_type": kind, "config": config });
    let created = host.post("/api/v1/containers/hello/create", new).await;
    assert_eq!(created.json["status"], "running", "{}", created.text);
    let prompt = json!({ "prompt": "a site for Ann's Bread with menu", "run": true });
    let begun = host.post("/api/v1/projects/hello/generate", prompt).await;
    let events = format!("/api/v1/runs/{}/events", begun.json["run_id"].as_str().unwrap());
    let ended = |event: &serde_json::Value| event["type"] == "done" || event["type"] == "failed";
    let events = host.events_until(host.request(Method::GET, &events), ended).await;
    assert_eq!(events.last().unwrap()["type"], "done", "{events:#?}");
    let page = host.get("/api/v1/preview/hello/").await;
    assert!(page.text.contains("<html"), "{} {}", page.status, page.text);
}

macro_rules! kinds {
    ($($name:ident $kind:literal)*) => {$(
        #[tokio::test]
        async fn $name() {
            let engine = need!(kinds, engine_for($kind, "local").await);
            a_page_is_generated_run_and_previewed(Host::start(engine).await, $kind).await;
        }
    )*};
}

kinds! {
    a_python_project_is_generated_run_and_previewed "python"
    a_node_project_is_generated_run_and_previewed "node"
    a_java_project_is_generated_run_and_previewed "java"
    a_go_project_is_generated_run_and_previewed "go"
    a_rust_project_is_generated_run_and_previewed "rust"
    a_ruby_project_is_generated_run_and_previewed "ruby"
    a_php_project_is_generated_run_and_previewed "php"
    a_static_project_is_generated_run_and_previewed "static"
}

/// Whether projects of this kind have nginx here.
async fn has_nginx(host: &Host) -> Result<(), String> {
    let found = host.run("hello", "nginx -v").await;
    if found.json["exit_code"] == 0 { Ok(()) } else { Err("nginx is not installed".to_owned()) }
}

async fn a_static_project_is_served_by_nginx(engine: &'static str) {
    let host = Host::start(engine).await;
    has_a_generated_page(&host, "static").await;
    need!(nginx, has_nginx(&host).await);
    let page = host.get("/api/v1/preview/hello/style.css").await;
    assert!(page.headers["server"].to_str().unwrap().starts_with("nginx"), "{page:?}");
    assert_eq!(page.headers["content-type"], "text/css; charset=utf-8");
    let missing = host.get("/api/v1/preview/hello/nowhere").await;
    assert!(missing.status == 404 && missing.text.contains("<html"), "{missing:?}");
}

#[tokio::test]
async fn a_static_project_is_served_by_nginx_on_this_machine() {
    a_static_project_is_served_by_nginx(need!(kinds, engine_for("static", "local").await)).await;
}

#[tokio::test]
async fn a_static_project_is_served_by_nginx_in_a_container() {
    a_static_project_is_served_by_nginx(need!(static_image, engine_for("static", "docker").await))
        .await;
}
