//! A dev server in a real browser: what is saved is shown without a reload.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

use super::listens;
use crate::host::{Host, answer, engine, tail};

const PORT: u16 = 5173;

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web")
}

/// The browser, what drives it, and the dev server's package.
fn browser() -> Result<(), String> {
    let browser = std::env::var("CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
    if !Path::new(&browser).exists() {
        return Err(format!("{browser} is not there: install chromium"));
    }
    let there = ["playwright-core", "vite"]
        .iter()
        .all(|name| web().join("node_modules").join(name).exists());
    if there { Ok(()) } else { Err("run `npm ci` in web/".to_owned()) }
}

/// Runs one of the browser's walks.
async fn walks(script: &str, arguments: &[&str], host: &Host) {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let walk = Command::new("node")
        .arg(script)
        .args(arguments)
        .current_dir(web())
        .env("LOCKHOUSE_URL", &host.sign_in_url)
        .env("SCREENSHOTS", pictures.join("previews"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let walk = walk.await.unwrap();
    let said = String::from_utf8_lossy(&walk.stdout) + String::from_utf8_lossy(&walk.stderr);
    assert!(walk.status.success(), "{said}\n{}", tail(host.data()));
}

/// A project with Vite in it, which runs.
async fn vite(host: &Host) {
    let kind =
        json!({ "project_type": "node", "config": { "memory_limit": "1g", "cpu_limit": 2.0 } });
    let made = host.post("/api/v1/containers/live/create", kind).await;
    assert_eq!(made.json["status"], "running", "{}", made.text);
    let workspace = host.data().join("projects").join(made.json["project_id"].as_str().unwrap());
    installs_vite(host, workspace.to_str().unwrap()).await;
    let command = format!("node node_modules/vite/bin/vite.js --port {PORT} --strictPort");
    let process = json!({ "command": command, "port": PORT });
    let started = host.post("/api/v1/containers/live/process", process).await;
    assert_eq!(started.json["status"], "running", "{}", started.text);
    listens(host, "live", PORT).await;
}

/// From the registry, as a user would, or from this machine where the runtime can't
/// reach that.
async fn installs_vite(host: &Host, workspace: &str) {
    walks("e2e/vite-project.mjs", &[workspace], host).await;
    let installed = host.run("live", "npm install --no-audit --no-fund").await;
    if installed.json["exit_code"] != 0 {
        eprintln!("npm can't install vite here, so it is copied: {}", installed.text);
        walks("e2e/vite-project.mjs", &[workspace, "copied"], host).await;
    }
}

#[tokio::test]
async fn what_is_saved_is_shown_by_a_dev_server_without_a_reload() {
    need!(browser, browser());
    let host = Host::start(need!(local, engine("local").await)).await;
    vite(&host).await;
    let page = host.request(Method::GET, "/api/v1/containers/live/preview/open");
    assert_eq!(answer(page).await.status, 303);
    walks("e2e/live-preview.mjs", &[], &host).await;
}
