//! Commands that were begun before: found again, followed, spoken to, ended; and what they
//! left behind.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine, eventually};

const EXEC: &str = "/api/v1/containers/lab/exec";
const HISTORY: &str = "/api/v1/containers/lab/history";

async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    Ok(host)
}

/// Until a file is there that a test makes.
const WAITS: &str = "until [ -e go ]; do sleep 0.02; done";

impl Host {
    /// Begins a command that goes on by itself; answers with where it is found.
    async fn detaches(&self, mut body: Value) -> String {
        body["detach"] = json!(true);
        let begun = self.json(EXEC, body).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
        assert_eq!(begun.json["status"], "running", "{}", begun.text);
        begun.headers["location"].to_str().unwrap().to_owned()
    }

    /// A POST that wants one answer.
    async fn json(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).header("accept", "application/json");
        answer(request.json(&body)).await
    }

    /// What a command prints from a place on, to its end.
    async fn follows(&self, at: &str, since: &str) -> Vec<Value> {
        let request = self.request(Method::GET, at).header("accept", "text/event-stream");
        let request =
            if since.is_empty() { request } else { request.header("last-event-id", since) };
        self.events_until(request, |event| event["type"] == "exit").await
    }

    async fn ends(&self, at: &str) -> Answer {
        eventually("the command ends", || async {
            let now = self.get(at).await;
            if now.json["status"] == "running" { Err(now.text) } else { Ok(now) }
        })
        .await
    }
}

fn stdout(events: &[Value]) -> String {
    let of = events.iter().filter(|event| event["type"] == "stdout");
    of.map(|event| event["data"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn of_a_long_output_beginning_and_end_are_answered_and_the_rest_is_counted() {
    let host = need!(local, lab().await);
    let ran = host.run("lab", "echo begin; seq 1 1000000; echo end; echo err >&2").await.json;
    let text = ran["stdout"].as_str().unwrap();
    assert!(text.starts_with("begin\n1\n2\n") && text.ends_with("1000000\nend\n"));
    assert_eq!((&ran["truncated"], &ran["stderr"]), (&json!(true), &json!("err\n")));
    let left_out = ran["left_out_bytes"].as_u64().unwrap();
    let line = format!("\n[… {left_out} bytes left out …]\n");
    assert_eq!(text.len() as u64 - line.len() as u64 + left_out, 6_888_896 + 10);
    assert!(text.contains(&line));
}

#[tokio::test]
async fn a_detached_command_is_found_again_and_followed_to_its_end() {
    let host = need!(local, lab().await);
    let at =
        host.detaches(json!({ "command": format!("echo one; {WAITS}; echo two; exit 3") })).await;
    host.writes("lab", "go", "").await;
    let events = host.follows(&at, "").await;
    assert_eq!(stdout(&events), "one\ntwo\n");
    assert_eq!(events.last().unwrap()["data"], 3);
    let ended = host.ends(&at).await.json;
    assert_eq!((&ended["status"], &ended["exit_code"]), (&json!("exited"), &json!(3)));
    assert_eq!(at, format!("{EXEC}/{}", ended["id"].as_str().unwrap()));
}

#[tokio::test]
async fn leaving_a_command_that_somebody_else_began_does_not_end_it() {
    let host = need!(local, lab().await);
    let body = json!({ "command": format!("echo one; {WAITS}; echo two") });
    let first = host.request(Method::POST, EXEC).json(&body).send().await.unwrap();
    let at = first.headers()["location"].to_str().unwrap().to_owned();
    let look = host.request(Method::GET, &at).header("accept", "text/event-stream");
    host.events_until(look, |event| event["type"] == "stdout").await;
    host.writes("lab", "go", "").await;
    assert!(first.text().await.unwrap().contains("two"));
}

#[tokio::test]
async fn who_comes_back_gets_every_byte_once_and_no_character_in_two() {
    let host = need!(local, lab().await);
    let halves = format!("printf 'a\\303'; echo b >&2; {WAITS}; printf '\\274c'");
    let at = host.detaches(json!({ "command": halves })).await;
    let look = host.request(Method::GET, &at).header("accept", "text/event-stream");
    let (place, seen) = seen_until(look.send().await.unwrap(), "\"stderr\"").await;
    host.writes("lab", "go", "").await;
    let rest = host.follows(&at, &place).await;
    assert_eq!(stdout(&seen) + &stdout(&rest), "aüc", "from {place}");
    assert!(rest.iter().all(|event| event["type"] != "stderr"), "{rest:?}");
}

/// The events up to the first that has a text in it, and its `id`.
async fn seen_until(mut response: reqwest::Response, wanted: &str) -> (String, Vec<Value>) {
    let mut read = String::new();
    loop {
        let piece = response.chunk().await.unwrap().expect("the stream goes on");
        read += std::str::from_utf8(&piece).unwrap();
        let whole = read.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let events: Vec<&str> = whole.split("\n\n").collect();
        if let Some(last) = events.iter().position(|event| event.contains(wanted)) {
            let part = |event: &str, name| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|part| part.trim().to_owned())
            };
            let data = |event: &&str| serde_json::from_str(&part(event, "data:")?).ok();
            return (
                part(events[last], "id:").unwrap(),
                events[..=last].iter().filter_map(data).collect(),
            );
        }
    }
}

#[tokio::test]
async fn a_command_outlives_a_killed_server_and_is_followed_from_where_it_was() {
    let host = need!(local, lab().await);
    let at =
        host.detaches(json!({ "command": format!("echo one; {WAITS}; echo two; exit 4") })).await;
    let host = host.starts_again_after_a_kill().await;
    let running = eventually("the command is found", || async {
        let found = host.get(&at).await;
        if found.json["output"]["end"] == 4 { Ok(found) } else { Err(found.text) }
    })
    .await;
    assert_eq!(running.json["status"], "running");
    host.writes("lab", "go", "").await;
    assert_eq!(stdout(&host.follows(&at, "4").await), "two\n");
    assert_eq!(host.ends(&at).await.json["exit_code"], 4);
}

#[tokio::test]
async fn an_end_that_nobody_saw_is_in_the_history() {
    let host = need!(local, lab().await);
    let at = host.detaches(json!({ "command": format!("{WAITS}; exit 5") })).await;
    host.writes("lab", "go", "").await;
    let code = "SELECT COALESCE(MAX(exit_code), -1) FROM commands WHERE command LIKE '%exit 5'";
    eventually("the end is written down", || async {
        match host.rows(code).await {
            5 => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
    assert_eq!(host.get(&at).await.json["exit_code"], 5);
}

#[tokio::test]
async fn a_command_whose_runtime_ended_first_is_lost() {
    let host = need!(local, lab().await);
    let at = host.detaches(json!({ "command": "sleep 1000" })).await;
    host.post("/api/v1/containers/lab/stop", json!({})).await;
    let lost = host.ends(&at).await.json;
    let followed = host.follows(&at, "").await;
    assert!(["lost", "exited"].contains(&lost["status"].as_str().unwrap()), "{lost}");
    assert_eq!(followed.last().unwrap()["success"], false, "{followed:?}");
    assert_eq!(host.delete(&at).await.status, 200);
}

#[tokio::test]
async fn a_signal_reaches_a_command_that_runs() {
    let host = need!(local, lab().await);
    let command = "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 0.02; done";
    let at = host.detaches(json!({ "command": command })).await;
    let look = host.request(Method::GET, &at).header("accept", "text/event-stream");
    host.events_until(look, |event| event["type"] == "stdout").await;
    let wrong = host.post(&format!("{at}/signal"), json!({ "signal": "SEGV" })).await;
    assert_eq!(wrong.json["code"], "invalid_signal", "{}", wrong.text);
    let sent = host.post(&format!("{at}/signal"), json!({ "signal": "INT" })).await;
    assert_eq!(sent.json, json!({ "success": true }), "{}", sent.text);
    assert_eq!(stdout(&host.follows(&at, "").await), "ready\ncaught\n");
    let late = host.post(&format!("{at}/signal"), json!({ "signal": "INT" })).await;
    assert_eq!((late.status, &late.json["code"]), (StatusCode::CONFLICT, &json!("exec_ended")));
}

#[tokio::test]
async fn input_comes_in_pieces_until_its_end() {
    let host = need!(local, lab().await);
    let at = host.detaches(json!({ "argv": ["cat"], "stdin": "one ", "stdin_open": true })).await;
    let stdin = format!("{at}/stdin");
    let two = answer(host.request(Method::POST, &stdin).body("two ")).await;
    assert_eq!(two.json, json!({ "success": true, "written_bytes": 4 }), "{}", two.text);
    let last = host.request(Method::POST, &format!("{stdin}?end=true")).body("three");
    assert_eq!(answer(last).await.status, StatusCode::OK);
    assert_eq!(stdout(&host.follows(&at, "").await), "one two three");
    let late = answer(host.request(Method::POST, &stdin).body("four")).await;
    assert_eq!(late.json["code"], "exec_ended", "{}", late.text);
}

#[tokio::test]
async fn a_command_that_was_given_no_way_for_input_takes_none() {
    let host = need!(local, lab().await);
    let at = host.detaches(json!({ "command": "sleep 1000" })).await;
    let refused = answer(host.request(Method::POST, &format!("{at}/stdin")).body("x")).await;
    assert_eq!((refused.status, &refused.json["code"]), (StatusCode::CONFLICT, &json!("no_input")));
}

#[tokio::test]
async fn ending_a_command_ends_all_that_it_started_and_once_more_is_no_error() {
    let host = need!(local, lab().await);
    let at = host.detaches(json!({ "command": "sleep 300 & sleep 300" })).await;
    let ended = host.delete(&at).await;
    assert_eq!(
        (&ended.json["status"], &ended.json["reason"]),
        (&json!("exited"), &json!("cancelled"))
    );
    assert_eq!(host.run("lab", "pgrep -c sleep").await.json["stdout"], "0\n");
    assert_eq!(host.delete(&at).await.json["reason"], "cancelled");
    assert_eq!(host.delete(&format!("{EXEC}/nothing")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_start_that_is_sent_again_with_its_key_is_answered_by_the_same_command() {
    let host = need!(local, lab().await);
    let body = json!({ "command": format!("echo one >> log; {WAITS}; cat log"), "detach": true });
    let keyed = || host.request(Method::POST, EXEC).header("idempotency-key", "k1").json(&body);
    let first = keyed().send().await.unwrap();
    let again = keyed().send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(first.headers()["location"], again.headers()["location"]);
    host.writes("lab", "go", "").await;
    assert!(again.text().await.unwrap().contains("{\"type\":\"stdout\",\"data\":\"one\\n\"}"));
}

#[tokio::test]
async fn the_history_shows_the_newest_first_and_is_searched_as_it_is_written() {
    let host = need!(local, lab().await);
    for command in ["echo 100%", "echo A_b", "rm -rf /", "echo axb"] {
        host.run("lab", command).await;
    }
    let all = host.get(&format!("{HISTORY}?limit=3")).await.json;
    let commands = |answer: &Value| -> Vec<String> {
        let list = answer["commands"].as_array().unwrap();
        list.iter().map(|entry| entry["command"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(commands(&all), ["echo axb", "rm -rf /", "echo A_b"]);
    assert_eq!(all["commands"][1]["status"], "refused");
    let cursor = all["next_cursor"].as_str().unwrap();
    let rest = host.get(&format!("{HISTORY}?limit=3&cursor={cursor}")).await.json;
    assert_eq!(
        (commands(&rest), &rest["next_cursor"]),
        (vec!["echo 100%".to_owned()], &Value::Null)
    );
    let found = host.get(&format!("{HISTORY}?q=a_B")).await.json;
    assert_eq!(commands(&found), ["echo A_b"]);
    assert_eq!(commands(&host.get(&format!("{HISTORY}?q=0%25")).await.json), ["echo 100%"]);
}

#[tokio::test]
async fn commands_of_long_ago_are_forgotten_and_newer_ones_are_not() {
    let host = need!(local, lab().await);
    host.run("lab", "echo old").await;
    host.run("lab", "echo new").await;
    let aged = "UPDATE commands SET started_at = 0 WHERE command = 'echo old' RETURNING started_at";
    assert_eq!(host.rows(aged).await, 0);
    let host = host.starts_again_after_a_kill().await;
    eventually("the old one is gone", || async {
        let history = host.get(HISTORY).await;
        let commands = history.json["commands"].as_array().unwrap();
        let is_new = |entry: &Value| entry["command"] == "echo new";
        if commands.len() == 1 && is_new(&commands[0]) { Ok(()) } else { Err(history.text) }
    })
    .await;
}

#[tokio::test]
async fn files_that_a_command_changed_are_told_with_its_end() {
    let host = need!(local, lab().await);
    host.writes("lab", "old.txt", "1").await;
    host.writes("lab", "gone.txt", "1").await;
    let command = "mkdir d; echo 2 > old.txt; rm gone.txt; echo 3 > d/new.txt; echo 4 > t; rm t";
    let ran = host.json(EXEC, json!({ "command": command, "changed_files": true })).await.json;
    let changed = json!([
        { "path": "d/new.txt", "change": "created" },
        { "path": "gone.txt", "change": "deleted" },
        { "path": "old.txt", "change": "changed" },
    ]);
    assert_eq!((&ran["changed_files"], &ran["changed_files_complete"]), (&changed, &json!(true)));
    let kept = host.get(&format!("{EXEC}/{}", ran["id"].as_str().unwrap())).await.json;
    assert_eq!(kept["changed_files"], changed);
}

#[tokio::test]
async fn more_changed_files_than_can_be_told_are_said_to_be_more() {
    let host = need!(local, lab().await);
    let command = "for i in $(seq 1 600); do echo $i > f$i; done";
    let ran = host.json(EXEC, json!({ "command": command, "changed_files": true })).await.json;
    assert_eq!(ran["changed_files_complete"], false, "{ran}");
    assert!(ran["changed_files"].as_array().unwrap().len() <= 256);
    let none = host.json(EXEC, json!({ "command": "echo > x", "changed_files": false })).await.json;
    assert_eq!(none.get("changed_files"), None);
}

#[tokio::test]
async fn somebody_elses_commands_are_not_there() {
    let host = need!(local, lab().await);
    let at = host.detaches(json!({ "command": "sleep 1000" })).await;
    let other = host.post("/api/v1/admin/users", json!({ "id": "eve", "role": "learner" })).await;
    assert_eq!(other.status, StatusCode::CREATED, "{}", other.text);
    let wish = json!({ "user": "eve", "name": "t", "scope": "write" });
    let token = host.post("/api/v1/admin/tokens", wish).await.json["secret"].clone();
    let eve = |method, path: &str| {
        host.as_nobody(method, path)
            .bearer_auth(token.as_str().unwrap())
            .json(&json!({ "signal": "KILL" }))
    };
    for (method, path) in [
        (Method::GET, at.clone()),
        (Method::DELETE, at.clone()),
        (Method::POST, format!("{at}/signal")),
        (Method::POST, format!("{at}/stdin")),
        (Method::GET, HISTORY.to_owned()),
    ] {
        assert_eq!(answer(eve(method, &path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_command_line_leaves_a_command_running_and_says_its_id() {
    let host = need!(local, lab().await);
    let mut command = crate::host::lockhouse();
    command.args(["exec", "--data"]).arg(host.data());
    let line = ["--detach", "lab", "until [ -e go ]; do sleep 0.02; done; exit 9"];
    let output = command.args(line).output().await.unwrap();
    let id = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    host.writes("lab", "go", "").await;
    assert_eq!(host.ends(&format!("{EXEC}/{}", id.trim())).await.json["exit_code"], 9);
}

#[tokio::test]
async fn files_are_reached_under_the_containers_name_as_documented() {
    let host = need!(local, lab().await);
    const FILES: &str = "/api/v1/containers/lab/files";
    let one = host.post(FILES, json!({ "path": "d/a.txt", "content": "1" })).await;
    assert_eq!(one.json, json!({ "success": true, "path": "d/a.txt" }));
    let read = host.get(&format!("{FILES}/d/a.txt")).await.json;
    assert_eq!((&read["path"], &read["content"]), (&json!("d/a.txt"), &json!("1")));
    let many = json!([{ "path": "b.txt", "content": "2" }, { "path": "c.txt", "content": "3" }]);
    let many = host.post(&format!("{FILES}/batch"), many).await.json;
    assert_eq!((&many["success"], &many["files_written"]), (&json!(true), &json!(2)));
    let listed = host.get(FILES).await.json;
    assert_eq!(listed["files"].as_array().unwrap().len(), 3);
}
