//! What counts as a use of a runtime, and keeps it from being stopped as idle.

use std::time::{Duration, Instant};

use futures::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, Socket, answer, engine, eventually};

/// Seconds without use after which the runtimes of these tests are stopped.
const IDLE: u64 = 3;

/// For so long they are used, far beyond that.
const USED: Duration = Duration::from_secs(2 * IDLE + 1);

const SWEEPS: &[(&str, &str)] = &[("LOCKHOUSE_RUNTIMES__SWEEP_INTERVAL", "1")];

const LAB: &str = "/api/v1/containers/lab";

async fn lab(engine: &'static str, config: Value) -> Host {
    let host = Host::start_with(engine, SWEEPS).await;
    let create = json!({ "project_type": "python", "config": config });
    let made = host.post(&format!("{LAB}/create"), create).await;
    assert_eq!(made.json["status"], "running", "{}", made.text);
    host
}

async fn lab_that_is_soon_idle(engine: &'static str) -> Host {
    lab(engine, json!({ "idle_timeout": IDLE })).await
}

async fn status(host: &Host) -> Value {
    host.get(LAB).await.json["status"].clone()
}

async fn is_stopped_as_idle(host: &Host) {
    eventually("it is stopped as idle", async || {
        let lab = host.get(LAB).await;
        let idle = lab.json["reason"].as_str().is_some_and(|why| why.contains("without use"));
        if lab.json["status"] == "stopped" && idle { Ok(()) } else { Err(lab.text) }
    })
    .await;
}

async fn last_use(host: &Host) -> String {
    let activity = host.get(&format!("{LAB}/activity")).await;
    activity.json["cause"].as_str().unwrap_or_else(|| panic!("{}", activity.text)).to_owned()
}

/// Starts a server in it and waits until a preview shows what it serves.
async fn serves(host: &Host, command: &str) {
    let process = json!({ "command": command, "port": 5000 });
    let started = host.post(&format!("{LAB}/process"), process).await;
    assert_eq!(started.json["status"], "running", "{}", started.text);
    eventually("the server listens", async || {
        let status = host.get(&format!("{LAB}/preview/5000/status")).await;
        if status.json["status"] == "running" { Ok(()) } else { Err(status.text) }
    })
    .await;
}

async fn each_use_is_told(engine: &'static str) {
    let host = lab(engine, json!({})).await;
    assert_eq!(last_use(&host).await, "start");
    host.run("lab", "true").await;
    assert_eq!(last_use(&host).await, "exec");
    serves(&host, "python3 -m http.server 5000").await;
    assert_eq!(last_use(&host).await, "process");
    host.writes("lab", "a.txt", "hi").await;
    eventually("the file that was saved", async || match last_use(&host).await.as_str() {
        "file" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
    assert_eq!(host.get("/api/v1/preview/lab/a.txt").await.text, "hi");
    assert_eq!(last_use(&host).await, "preview");
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("true\r").await;
    eventually("what was typed", async || match last_use(&host).await.as_str() {
        "terminal" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
}

async fn a_page_that_is_asked_for_again_and_again(engine: &'static str) {
    let host = lab_that_is_soon_idle(engine).await;
    serves(&host, "python3 -m http.server --protocol HTTP/1.1 5000").await;
    let until = Instant::now() + USED;
    while Instant::now() < until {
        let page = host.get("/api/v1/preview/lab/").await;
        assert_eq!(page.status, 200, "{}", page.text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status(&host).await, "running");
    is_stopped_as_idle(&host).await;
}

/// Takes a WebSocket, and hears what comes until the browser goes.
const LISTENS: &str = r#"
import base64, hashlib, socket
server = socket.create_server(("", 5000))
while True:
    peer, _ = server.accept()
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.recv(1) or exit()
    key = [l.split(b": ")[1] for l in head.split(b"\r\n") if l.lower().startswith(b"sec-websocket-key")]
    if key:
        made = base64.b64encode(hashlib.sha1(key[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + made + b"\r\n\r\n")
        while peer.recv(1024):
            pass
"#;

async fn socket(host: &Host) -> Socket {
    let path = "/api/v1/preview/lab/live";
    host.upgrades(path, &[("authorization", host.bearer().as_str())]).await.unwrap()
}

async fn what_a_page_says_by_its_websocket(engine: &'static str) {
    let host = lab_that_is_soon_idle(engine).await;
    host.writes("lab", "listens.py", LISTENS).await;
    serves(&host, "python3 listens.py").await;
    let mut page = socket(&host).await;
    let until = Instant::now() + USED;
    while Instant::now() < until {
        page.send(Message::text("here")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status(&host).await, "running");
    // It stays open and says nothing any more.
    is_stopped_as_idle(&host).await;
}

async fn a_command_that_nobody_follows(engine: &'static str) {
    let host = lab_that_is_soon_idle(engine).await;
    let command = format!("sleep {} && echo done > done.txt", USED.as_secs());
    let asked = host
        .request(reqwest::Method::POST, &format!("{LAB}/exec"))
        .header("accept", "application/json")
        .json(&json!({ "command": command, "detach": true }));
    assert_eq!(answer(asked).await.status, 202);
    is_stopped_as_idle(&host).await;
    let file = host.get("/api/v1/projects/lab/content/done.txt").await;
    assert!(file.text.contains("done"), "{}", file.text);
}

macro_rules! on_both_engines {
    ($($name:ident => [$local:ident, $docker:ident $(,)?],)*) => {$(
        #[tokio::test]
        async fn $local() {
            $name(need!(local, engine("local").await)).await;
        }

        #[tokio::test]
        async fn $docker() {
            $name(need!(docker, engine("docker").await)).await;
        }
    )*};
}

on_both_engines! {
    each_use_is_told => [
        each_use_is_told_with_its_cause,
        each_use_of_a_container_is_told_with_its_cause,
    ],
    a_page_that_is_asked_for_again_and_again => [
        a_page_that_is_asked_for_again_and_again_keeps_its_runtime,
        a_page_that_is_asked_for_again_and_again_keeps_its_container,
    ],
    what_a_page_says_by_its_websocket => [
        what_a_page_says_by_its_websocket_keeps_its_runtime,
        what_a_page_says_by_its_websocket_keeps_its_container,
    ],
    a_command_that_nobody_follows => [
        a_command_that_nobody_follows_keeps_its_runtime,
        a_command_that_nobody_follows_keeps_its_container,
    ],
}
