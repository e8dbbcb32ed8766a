//! Which OCI runtime is used is the operator's choice, and one that is not there is no choice.

use crate::host::lockhouse;
use crate::need::root;

/// Starts a server that can't start; answers with what it says.
async fn refusal(engine: &str, variable: &str) -> String {
    refused(engine, variable, "crun-of-nowhere").await
}

async fn refused(engine: &str, variable: &str, runtime: &str) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut command = lockhouse();
    command.args(["serve", "--listen", "127.0.0.1:0", "--engine", engine, "--data"]);
    let ended = command.arg(data.path()).env(variable, runtime).output();
    let ended = tokio::time::timeout(crate::host::PATIENCE, ended).await;
    let ended = ended.expect("it refuses to start").unwrap();
    assert!(!ended.status.success());
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test]
async fn the_local_engine_does_not_start_without_the_configured_one() {
    need!(local, root());
    let said = refusal("local", "LOCKHOUSE_ENGINES__LOCAL__RUNTIME").await;
    assert!(said.contains("“crun-of-nowhere”") && said.contains("install"), "{said}");
    assert!(said.contains("leave engines.local.runtime out"), "{said}");
}

#[tokio::test]
async fn gvisor_which_no_supervisor_can_work_on_is_refused_by_name() {
    need!(local, root());
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("runsc");
    std::fs::write(&program, "#!/bin/sh\necho runsc version release-20221219.0\n").unwrap();
    super::stage::open_to_all(&program, 0o755);
    let runtime = program.to_str().unwrap();
    let said = refused("local", "LOCKHOUSE_ENGINES__LOCAL__RUNTIME", runtime).await;
    assert!(said.contains("gVisor") && said.contains("name runc or crun"), "{said}");
}

#[tokio::test]
async fn docker_does_not_start_without_the_configured_one_nor_gives_way_to_another_engine() {
    need!(docker, super::strangers::stage().await.map(drop));
    for engine in ["docker", "auto"] {
        let said = refusal(engine, "LOCKHOUSE_ENGINES__DOCKER__RUNTIME").await;
        assert!(said.contains("“crun-of-nowhere”") && said.contains("daemon.json"), "{said}");
    }
}
