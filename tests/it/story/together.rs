//! Two servers on one data directory and one engine: whoever is asked, it works.

use serde_json::json;

use crate::host::{DATABASE, Host, engine, eventually, lockhouse};

async fn two(engine: &'static str) -> (Host, Host) {
    let one = Host::start(engine).await;
    let other = one.beside().await;
    (one, other)
}

/// A page is served by the project's process, and `host` shows it.
async fn shows_its_page(host: &Host) {
    eventually("the page", async || {
        let page = host.get("/api/v1/preview/lab/hello.txt").await;
        if page.text == "hi" { Ok(()) } else { Err(page.text) }
    })
    .await;
}

async fn commands_run_by_way_of_either(engine: &'static str) {
    let (one, other) = two(engine).await;
    one.has_running_project("lab").await;
    assert_eq!(one.run("lab", "echo one > a").await.json["exit_code"], 0);
    let read = other.run("lab", "cat a").await;
    assert_eq!(read.json["stdout"], "one\n", "{}", read.text);
    assert_eq!(one.run("lab", "cat a").await.json["stdout"], "one\n");
}

#[tokio::test]
async fn commands_run_by_way_of_either_server() {
    commands_run_by_way_of_either(need!(local, engine("local").await)).await;
}

#[tokio::test]
async fn commands_run_in_a_container_by_way_of_either_server() {
    commands_run_by_way_of_either(need!(docker, engine("docker").await)).await;
}

#[tokio::test]
async fn one_terminal_is_shared_by_clients_of_both() {
    let (one, other) = two(need!(local, engine("local").await)).await;
    one.has_running_project("lab").await;
    let mut here = one.terminal("lab", None).await;
    let mut there = other.terminal("lab", None).await;
    here.types("echo $((40+2))4\n").await;
    there.shows("424").await;
    there.types("echo $((50+3))5\n").await;
    here.shows("535").await;
}

#[tokio::test]
async fn when_one_is_killed_the_other_goes_on_with_all_that_runs() {
    let (one, other) = two(need!(local, engine("local").await)).await;
    other.has_running_project("lab").await;
    other.writes("lab", "hello.txt", "hi").await;
    let serve = json!({ "command": "python3 -m http.server 8000", "port": 8000 });
    let started = other.post("/api/v1/containers/lab/process", serve).await;
    assert_eq!(started.json["status"], "running", "{}", started.text);
    let mut terminal = one.terminal("lab", None).await;
    terminal.types("echo $((40+2))4\n").await;
    terminal.shows("424").await;
    drop(other);
    shows_its_page(&one).await;
    assert_eq!(one.run("lab", "echo on").await.json["stdout"], "on\n");
    terminal.types("echo $((50+3))5\n").await;
    terminal.shows("535").await;
}

#[tokio::test]
async fn the_same_host_ports_lead_there_whoever_is_asked_and_whoever_is_left() {
    let (one, other) = two(need!(local, engine("local").await)).await;
    other.has_running_project("lab").await;
    other.writes("lab", "hello.txt", "hi").await;
    let serve = json!({ "command": "python3 -m http.server 8000", "port": 8000 });
    other.post("/api/v1/containers/lab/process", serve).await;
    let ports = |shown: crate::host::Answer| shown.json["port_mappings"].clone();
    let mapped = ports(other.get("/api/v1/containers/lab").await);
    assert_eq!(ports(one.get("/api/v1/containers/lab").await), mapped);
    drop(other);
    let url = format!("http://127.0.0.1:{}/hello.txt", mapped["8000"]);
    eventually("the page at its host port", async || {
        let now = ports(one.get("/api/v1/containers/lab").await);
        if now != mapped {
            return Err(now.to_string());
        }
        let request = one.elsewhere(reqwest::Method::GET, &url).send().await;
        request.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test]
async fn a_server_on_another_data_directory_is_refused() {
    let host = Host::start(need!(local, engine("local").await)).await;
    let other = tempfile::tempdir().unwrap();
    let mut command = lockhouse();
    command.args(["serve", "--listen", "127.0.0.1:0", "--engine", "local", "--data"]);
    command.arg(other.path()).env(DATABASE, host.database());
    let refused = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("--take-over"), "{said}");
}
