//! The main job, and what is shown of a runtime and to operators, in a real browser.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::host::{Host, engine, tail};

/// The browser and what drives it.
fn browser() -> Result<(), String> {
    let browser = std::env::var("CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
    if !Path::new(&browser).exists() {
        return Err(format!("{browser} is not there: install chromium"));
    }
    let driver = web().join("node_modules/playwright-core");
    if driver.exists() { Ok(()) } else { Err("run `npm ci` in web/".to_owned()) }
}

fn web() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../web")
}

/// Walks through the pages by one of the scripts.
async fn walks(host: &Host, script: &str, pictures: &str) {
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let walk = Command::new("node")
        .arg(script)
        .current_dir(web())
        .env("LOCKHOUSE_URL", &host.sign_in_url)
        .env("LOCKHOUSE_PROJECT", "lab")
        .env("LOCKHOUSE_STEP_TIMEOUT_MS", "60000")
        .env("SCREENSHOTS", screenshots.join(pictures))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let walk = walk.await.unwrap();
    let said = String::from_utf8_lossy(&walk.stdout) + String::from_utf8_lossy(&walk.stderr);
    assert!(walk.status.success(), "{said}\n{}", tail(host.data()));
}

#[tokio::test]
async fn the_main_job_is_walked_in_a_real_browser() {
    need!(browser, browser());
    let host = Host::start(need!(local, engine("local").await)).await;
    walks(&host, "e2e/main-job.mjs", "").await;
}

#[tokio::test]
async fn a_stock_terminal_on_a_page_of_another_origin_works_in_a_real_browser() {
    need!(browser, browser());
    let host = Host::start(need!(local, engine("local").await)).await;
    host.has_running_project("lab").await;
    walks(&host, "e2e/stock-terminal.mjs", "stock-terminal").await;
}

#[tokio::test]
async fn a_runtime_is_watched_and_changed_and_reports_are_read_in_a_real_browser() {
    need!(browser, browser());
    let host = Host::start(need!(local, engine("local").await)).await;
    walks(&host, "e2e/panels.mjs", "panels").await;
}
