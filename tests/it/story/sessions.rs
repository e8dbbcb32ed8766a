//! Shell sessions: one command begins where the one before it ended.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine, eventually};

const EXEC: &str = "/api/v1/containers/lab/exec";

async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    Ok(host)
}

impl Host {
    async fn runs_in(&self, session: &str, body: Value) -> Answer {
        let mut body = body;
        body["session"] = session.into();
        let request = self.request(Method::POST, EXEC).header("accept", "application/json");
        answer(request.json(&body)).await
    }

    /// What a line of shell prints in a session.
    async fn says_in(&self, session: &str, command: &str) -> String {
        let ran = self.runs_in(session, json!({ "command": command })).await;
        ran.json["stdout"].as_str().unwrap_or_else(|| panic!("{}", ran.text)).to_owned()
    }
}

#[tokio::test]
async fn a_session_keeps_its_directory_and_what_was_exported() {
    let host = need!(local, lab().await);
    let made =
        json!({ "command": "mkdir -p src/app; cd src/app; export COLOUR='a b'; X=1; exit 3" });
    let made = host.runs_in("s", made).await.json;
    assert_eq!(made["exit_code"], 3);
    assert_eq!(made["session"], json!({ "name": "s", "cwd": "src/app", "kept": true }));
    assert_eq!(host.says_in("s", "pwd; echo \"$COLOUR|$X\"").await, "/workspace/src/app\na b|\n");
    assert_eq!(host.says_in("s", "cd -; unset COLOUR").await, "/workspace\n");
    assert_eq!(host.says_in("s", "echo \"${COLOUR-none}\"").await, "none\n");
    assert_eq!(host.says_in("other", "pwd").await, "/workspace\n");
}

#[tokio::test]
async fn a_session_outlives_a_killed_server() {
    let host = need!(local, lab().await);
    host.says_in("s", "mkdir d; cd d; export A=1").await;
    let host = host.starts_again_after_a_kill().await;
    let said = eventually("the runtime is found again", || async {
        let ran = host.runs_in("s", json!({ "command": "pwd; echo $A" })).await;
        if ran.status == 200 { Ok(ran) } else { Err(ran.text) }
    })
    .await;
    assert_eq!(said.json["stdout"], "/workspace/d\n1\n");
}

#[tokio::test]
async fn a_command_is_judged_where_its_session_is() {
    let host = need!(local, lab().await);
    host.says_in("s", "mkdir d; cd d").await;
    assert_eq!(host.says_in("s", "cd ..; pwd").await, "/workspace\n");
    host.says_in("s", "cd /tmp").await;
    let refused = host.runs_in("s", json!({ "command": "cat ../etc/passwd" })).await;
    assert_eq!(refused.json["code"], "command_denied", "{}", refused.text);
}

#[tokio::test]
async fn what_one_command_was_given_is_not_left_to_the_next() {
    let host = need!(local, lab().await);
    let once = json!({ "command": "echo $ONCE", "env": { "ONCE": "1" }, "cwd": "." });
    assert_eq!(host.runs_in("s", once).await.json["stdout"], "1\n");
    assert_eq!(host.says_in("s", "echo \"${ONCE-none}\"").await, "none\n");
}

#[tokio::test]
async fn a_command_that_replaces_its_shell_leaves_the_session_as_it_was_and_that_is_said() {
    let host = need!(local, lab().await);
    host.says_in("s", "export A=1").await;
    let replaced = host.runs_in("s", json!({ "command": "export A=2; exec true" })).await.json;
    assert_eq!(replaced["session"]["kept"], false, "{replaced}");
    assert_eq!(host.says_in("s", "echo $A").await, "1\n");
}

#[tokio::test]
async fn a_program_begins_where_its_session_is() {
    let host = need!(local, lab().await);
    host.says_in("s", "mkdir d; cd d; export A=1").await;
    let ran = host.runs_in("s", json!({ "argv": ["sh", "-c", "pwd; echo $A"] })).await;
    assert_eq!(ran.json["stdout"], "/workspace/d\n1\n");
    assert_eq!(ran.json["session"]["kept"], true);
}

#[tokio::test]
async fn a_session_runs_one_command_at_a_time() {
    let host = need!(local, lab().await);
    let long = json!({ "command": "sleep 1000", "session": "s", "detach": true });
    let request = host.request(Method::POST, EXEC).header("accept", "application/json");
    assert_eq!(answer(request.json(&long)).await.status, StatusCode::ACCEPTED);
    let busy = host.runs_in("s", json!({ "command": "true" })).await;
    assert_eq!((busy.status, &busy.json["code"]), (StatusCode::CONFLICT, &json!("session_busy")));
}
