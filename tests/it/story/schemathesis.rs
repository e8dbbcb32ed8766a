//! The API, asked by a stranger who knows nothing but its description: thousands of
//! requests that fit it, and as many that do not. No answer is a failure of ours, and none
//! is other than it is described.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;

use crate::host::{Host, PATIENCE, engine, tail};

/// A stranger asks often.
const UNLIMITED: &[(&str, &str)] = &[
    ("LOCKHOUSE_LIMITS__GENERAL__PER_SECOND", "1000000"),
    ("LOCKHOUSE_LIMITS__GENERAL__BURST", "1000000"),
    ("LOCKHOUSE_LIMITS__CREATE__PER_SECOND", "1000000"),
    ("LOCKHOUSE_LIMITS__CREATE__BURST", "1000000"),
    ("LOCKHOUSE_LIMITS__EXEC__PER_SECOND", "1000000"),
    ("LOCKHOUSE_LIMITS__EXEC__BURST", "1000000"),
    ("LOCKHOUSE_LIMITS__SOCKET__PER_SECOND", "1000000"),
    ("LOCKHOUSE_LIMITS__SOCKET__BURST", "1000000"),
    ("LOCKHOUSE_LIMITS__WRITTEN_KIB__PER_SECOND", "1000000"),
    ("LOCKHOUSE_LIMITS__WRITTEN_KIB__BURST", "1000000"),
];

/// Left out, each for its reason: streams that have no end of their own; what would keep
/// the others from being asked (drains, sign-outs, the end of all runtimes); what asks
/// other machines; components, which this stranger can't write; and the founding
/// documents' paths, which are the same handlers.
const LEFT_OUT: &str = "^/(admin|api/containers|api/projects|projects)\\b|\
    /events$|/watch$|/admin/drain$|/sign-out$|/pull$|/session$|/orphans/cleanup$|/replay$|/logs$";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance";

/// Names that lead somewhere, so that not all is “not found”.
const CONFIGURATION: &str = "\
[parameters]\nproject = \"lab\"\nsession = \"main\"\nreport = \"usage\"\nport = 8000\n";

fn program() -> Result<PathBuf, String> {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tests/schemathesis/bin/st");
    if installed.exists() { Ok(installed) } else { Err(format!("no {}", installed.display())) }
}

/// Asks all that the description names, as whom this token belongs to.
async fn asks_everything(host: &Host, program: &Path, token: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), CONFIGURATION).unwrap();
    let mut command = tokio::process::Command::new(program);
    command.kill_on_drop(true).current_dir(folder.path()).stdin(Stdio::null());
    command.args(["run", &format!("{}/openapi.json", host.url)]);
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    command.args(["--checks", CHECKS, "--exclude-path-regex", LEFT_OUT]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "3"]);
    command.args(["--workers", "2", "--continue-on-failure"]);
    command.args(["--seed", "1", "--generation-deterministic"]);
    command.args(["--request-timeout", &PATIENCE.as_secs().to_string(), "--no-color"]);
    let output = command.env("NO_PROXY", "*").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", tail(host.data()));
}

#[tokio::test]
async fn a_stranger_with_an_administrators_token_finds_no_fault() {
    let program = need!(schemathesis, program());
    let host = Host::start_with(need!(local, engine("local").await), UNLIMITED).await;
    host.has_running_project("lab").await;
    asks_everything(&host, &program, &host.bearer().replace("Bearer ", "")).await;
}

#[tokio::test]
async fn a_stranger_with_a_users_token_finds_no_fault() {
    let program = need!(schemathesis, program());
    let host = Host::start_with(need!(local, engine("local").await), UNLIMITED).await;
    host.post("/api/v1/admin/users", json!({ "id": "ada" })).await;
    let token = json!({ "user": "ada", "name": "stranger" });
    let token = host.post("/api/v1/admin/tokens", token).await.json["secret"].clone();
    asks_everything(&host, &program, token.as_str().unwrap()).await;
}
