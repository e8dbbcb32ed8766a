//! The server is killed and started again, and finds everything.

use serde_json::json;

use crate::host::{Host, engine, eventually};

async fn what_runs_outlives_the_server(engine: &'static str) {
    let host = Host::start(engine).await;
    host.has_running_project("lab").await;
    let count = "i=0; while true; do i=$((i+1)); echo line-$i; sleep 0.05; done";
    host.writes("lab", "count.sh", count).await;
    let started =
        host.post("/api/v1/containers/lab/process", json!({ "command": "sh count.sh" })).await;
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("for i in $(seq 60); do echo tick-$i-; sleep 0.1; done\r").await;
    terminal.shows("tick-3-").await;
    let seen = terminal.next;

    let host = host.starts_again_after_a_kill().await;

    let mut again = reopened(&host, seen).await;
    again.next = seen;
    again.shows("tick-60-").await;
    let whole = format!("{}{}", terminal.shown, again.shown);
    assert!((1..=60).all(|n| whole.matches(&format!("tick-{n}-")).count() == 1), "{whole}");
    let process = host.get("/api/v1/containers/lab/process").await;
    assert_eq!(process.json["pid"], started.json["pid"], "it is the same process");
    assert!(log_is_complete(&host).await);
}

/// The terminal, as soon as the runtime's supervisor has dialled again.
async fn reopened(host: &Host, since: u64) -> crate::host::Terminal {
    eventually("the runtime is back", || async {
        let runtime = host.get("/api/v1/containers/lab/terminals").await;
        if runtime.status == 200 { Ok(()) } else { Err(runtime.text) }
    })
    .await;
    host.terminal("lab", Some(since)).await
}

/// Whether the lines of the process are all there, each once.
async fn log_is_complete(host: &Host) -> bool {
    let log = host.get("/api/v1/containers/lab/process/logs").await.text;
    let lines: Vec<&str> = log.lines().collect();
    let expected = (1..=lines.len()).map(|n| format!("line-{n}"));
    !lines.is_empty() && lines.iter().zip(expected).all(|(line, expected)| *line == expected)
}

#[tokio::test]
async fn a_killed_server_finds_its_process_and_terminal_again_on_the_local_engine() {
    what_runs_outlives_the_server(need!(local, engine("local").await)).await;
}

#[tokio::test]
async fn a_killed_server_finds_its_process_and_terminal_again_on_docker() {
    what_runs_outlives_the_server(need!(docker, engine("docker").await)).await;
}
