//! The guide, followed literally in a clean folder, once for each language.

use std::fs;
use std::path::Path;

use super::workshop::{Workshop, bash, commands, tools};
use crate::host::{Host, engine, eventually};

/// What the guide makes is made of.
const SOURCES: [&str; 2] = ["plugins/templates", "wit"];

const GUIDE: &str = "plugins/README.md";

/// This machine is busy with other tests, and its server was built without
/// optimisation: compilers and plugins get more time than they need.
const PATIENT: &[(&str, &str)] = &[
    ("LOCKHOUSE_PLUGINS__COMPILE_SECONDS", "600"),
    ("LOCKHOUSE_PLUGINS__CASES_SECONDS", "120"),
    ("LOCKHOUSE_PLUGINS__DECISIONS__WALL_MS", "30000"),
];

/// What the guide's commands print for one language, and where they were followed.
async fn follow(language: &str, heading: &str) -> (String, Workshop) {
    let commands = commands(GUIDE, heading);
    let workshop = Workshop::open(&format!("guide-{language}"), &SOURCES, &commands);
    (workshop.follows(&commands).await, workshop)
}

/// Follows the guide's part on servers, with what was made in `guard`.
async fn give_to_a_server(guard: &Path, engine: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    for file in ["guard.wasm", "plugin.toml", "cases.toml"] {
        fs::copy(guard.join(file), folder.path().join(file)).unwrap();
    }
    let commands = commands(GUIDE, "## Give it to a server");
    // The server is for a second terminal.
    let (before, after) = commands.split_once("lockhouse serve\n").unwrap();
    let key = bash(folder.path(), before).await;
    assert!(key.succeeded, "{}", key.text);
    let host = Host::start_in(folder.path(), engine, PATIENT).await;
    let script = format!("export LOCKHOUSE_DATA={}\n{after}", host.data().display());
    let printed = bash(folder.path(), &script).await;
    assert!(printed.succeeded, "{}", printed.text);
    assert_is_loaded_and_decides(&printed.text);
    eventually("the component in its directory", async || {
        let found = host.get("/api/v1/admin/plugins/guard").await;
        if found.json["state"] == "live" { Ok(()) } else { Err(found.text) }
    })
    .await;
}

fn assert_is_loaded_and_decides(printed: &str) {
    for expected in [
        "guard@0.1.0                  live      command-policy",
        "deny, risk blocked, guard@0.1.0 refused-program",
        "removed guard",
    ] {
        assert!(printed.contains(expected), "“{expected}” is not printed:\n{printed}");
    }
}

fn assert_leads_to_a_policy(printed: &str) {
    for expected in [
        "guard.wasm can be loaded by this host",
        r#""rule": "refused-program""#,
        "7 cases: 7 hold, 0 fail",
        "guard@0.1.0, 500 calls, each in a fresh instance",
    ] {
        assert!(printed.contains(expected), "“{expected}” is not printed:\n{printed}");
    }
}

#[tokio::test]
async fn the_guide_leads_to_a_policy_in_rust() {
    need!(plugins, tools("rust").await);
    let (printed, workshop) = follow("rust", "### Rust").await;
    assert_leads_to_a_policy(&printed);
    let engine = need!(local, engine("local").await);
    give_to_a_server(&workshop.folder.join("guard"), engine).await;
}

#[tokio::test]
async fn the_guide_leads_to_a_policy_in_javascript() {
    need!(plugins, tools("javascript").await);
    let (printed, workshop) = follow("javascript", "### JavaScript").await;
    assert_leads_to_a_policy(&printed);
    let engine = need!(local, engine("local").await);
    give_to_a_server(&workshop.folder.join("guard"), engine).await;
}

#[tokio::test]
async fn the_guide_leads_to_a_policy_in_python() {
    need!(plugins, tools("python").await);
    let (printed, workshop) = follow("python", "### Python").await;
    assert_leads_to_a_policy(&printed);
    let engine = need!(local, engine("local").await);
    give_to_a_server(&workshop.folder.join("guard"), engine).await;
}
