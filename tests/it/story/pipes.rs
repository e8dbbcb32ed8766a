//! The command line, where nobody reads what it prints.

use std::process::Stdio;

use serde_json::json;

use crate::host::{Host, engine, eventually, lockhouse};

/// As a shell tells of what SIGPIPE ended.
const BROKEN_PIPE: Option<i32> = Some(141);

/// A pipe whose reader has gone.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[tokio::test]
async fn a_command_whose_output_nobody_reads_ends_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = lockhouse();
    command.args(["plugin", "new", "mine", "--role", "command-policy", "--lang", "rust"]);
    let output = command.current_dir(dir.path()).stdout(nobody()).stderr(Stdio::piped());
    let output = output.spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), BROKEN_PIPE, "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[tokio::test]
async fn a_failure_of_which_nobody_is_told_is_one() {
    let mut command = lockhouse();
    command.args(["user", "list", "--url", "http://127.0.0.1:1", "--token", "x"]);
    let mut silent = command.stdout(nobody()).stderr(nobody()).spawn().unwrap();
    assert_eq!(silent.wait().await.unwrap().code(), Some(1));
}

#[tokio::test]
async fn a_command_in_a_runtime_ends_when_its_reader_has_enough() {
    let host = Host::start(need!(local, engine("local").await)).await;
    host.has_running_project("lab").await;
    let program = lockhouse().as_std().get_program().to_owned();
    let mut shell = tokio::process::Command::new("bash");
    let line = r#""$0" exec --data "$1" lab 'yes' | head -n 1; exit "${PIPESTATUS[0]}""#;
    shell.args(["-c", line]).arg(program).arg(host.data());
    let output = shell.stderr(Stdio::piped()).output().await.unwrap();
    assert_eq!(output.status.code(), BROKEN_PIPE, "{output:?}");
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"y\n"[..], &b""[..]));
    eventually("the command has ended", || async {
        let history = host.get("/api/v1/containers/lab/history").await;
        let ended = history.json["commands"][0]["status"] != json!("running");
        if ended { Ok(()) } else { Err(history.text) }
    })
    .await;
}
