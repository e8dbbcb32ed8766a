//! Commands: streamed, judged, and bound by time.

use reqwest::Method;
use serde_json::json;

use crate::host::{Host, engine};

const EXEC: &str = "/api/v1/containers/lab/exec";

async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    Ok(host)
}

#[tokio::test]
async fn a_command_streams_both_outputs_and_ends_with_its_exit_code() {
    let host = need!(local, lab().await);
    let command = json!({ "command": "echo out; echo err >&2; exit 3" });
    let request = host.request(Method::POST, EXEC).json(&command);
    let events = host.events_until(request, |event| event["type"] == "exit").await;
    let of =
        |kind: &str| events.iter().find(|event| event["type"] == kind).unwrap()["data"].clone();
    assert_eq!(
        (of("stdout"), of("stderr"), of("exit")),
        (json!("out\n"), json!("err\n"), json!(3))
    );
}

#[tokio::test]
async fn a_refused_command_never_starts_and_says_why() {
    let host = need!(local, lab().await);
    host.writes("lab", "keep.txt", "kept").await;
    let refused = host.run("lab", "touch started; rm -rf /").await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(refused.json["code"], "command_denied");
    assert_eq!(refused.json["policy"], "layered@0.1.0");
    assert_eq!(host.run("lab", "ls").await.json["stdout"], "keep.txt\n");
}

#[tokio::test]
async fn a_command_over_its_time_ends_with_all_it_started() {
    let host = need!(local, lab().await);
    let command = json!({ "command": "sleep 300 & sleep 300", "timeout": 1 });
    let request = host.request(Method::POST, EXEC).json(&command);
    let events = host.events_until(request, |event| event["type"] == "exit").await;
    let exit = events.last().unwrap();
    assert_eq!((&exit["data"], &exit["reason"]), (&json!(124), &json!("timeout")));
    assert_eq!(host.run("lab", "pgrep -c sleep").await.json["stdout"], "0\n");
}

#[tokio::test]
async fn a_command_reads_what_it_is_given() {
    let host = need!(local, lab().await);
    let body = json!({ "argv": ["wc", "-c"], "stdin": "12345" });
    let request = host.request(Method::POST, EXEC).header("accept", "application/json").json(&body);
    assert_eq!(crate::host::answer(request).await.json["stdout"], "5\n");
}

#[tokio::test]
async fn nothing_leaves_a_runtime_but_to_registries() {
    let host = need!(local, lab().await);
    let fetch = "python3 -c \"import urllib.request as u; u.urlopen('http://example.org/')\"";
    let refused = host.run("lab", fetch).await;
    assert_ne!(refused.json["exit_code"], 0, "{}", refused.text);
    assert!(refused.json["stderr"].as_str().unwrap().contains("403"), "{}", refused.text);
}

#[tokio::test]
async fn a_file_saved_over_the_api_is_there_for_the_running_program_at_once() {
    let host = need!(local, lab().await);
    host.writes("lab", "site/index.html", "first").await;
    let serve = json!({ "command": "python3 -m http.server 8000 --directory site", "port": 8000 });
    let started = host.post("/api/v1/containers/lab/process", serve).await;
    assert_eq!(started.json["status"], "running", "{}", started.text);
    host.writes("lab", "site/index.html", "second").await;
    crate::host::eventually("the page shows what was saved", || async {
        let page = host.get("/api/v1/preview/lab/").await.text;
        if page == "second" { Ok(()) } else { Err(page) }
    })
    .await;
}
