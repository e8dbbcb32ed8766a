//! Which OCI runtime is used is the operator's choice, and one that is not there is no choice.

use std::path::Path;

use lockhouse::runtimes::engine::EngineState;

use super::stage::{Runtime, Stage};
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

/// As an OCI runtime leaves it that is killed while it starts a container.
async fn outlives_a_start_that_was_cut_short(stage: &Stage) {
    let runtime = stage.runtime();
    let begun = stage.data().join("runtimes/.oci").join(runtime.id().as_str());
    stage.engine.create(&runtime.spec).await.unwrap();
    std::fs::create_dir_all(&begun).unwrap();
    assert_eq!(stage.state(runtime.id()).await, Some(EngineState::Created));
    stage.engine.start(runtime.id()).await.unwrap();
    assert_eq!(stage.state(runtime.id()).await, Some(EngineState::Running));
    stage.engine.stop(runtime.id(), super::stage::GRACE).await.unwrap();
    std::fs::create_dir_all(&begun).unwrap();
    stage.engine.remove(runtime.id()).await.unwrap();
    assert!(!begun.exists());
}

#[tokio::test]
async fn a_start_in_which_an_oci_runtime_was_killed_is_begun_anew() {
    for stage in [Stage::local("").await, Stage::crun("").await] {
        let stage = need!(local, stage).unwrap();
        stage.play(outlives_a_start_that_was_cut_short(&stage)).await;
    }
}

/// A start as a killed server leaves it, which takes its time.
fn late_start(stage: &Stage, runtime: &Runtime) -> std::process::Child {
    let runtimes = stage.data().join("runtimes");
    let bundle = runtimes.join(runtime.id().as_str()).join("bundle");
    let slowly = r#"sleep 1; exec "$0" "$@""#;
    std::process::Command::new("bash")
        .args(["-c", slowly, "runc", "--root"])
        .arg(runtimes.join(".oci"))
        .args(["run", "--detach", "--bundle"])
        .arg(bundle)
        .arg(runtime.id().as_str())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_start_that_outlives_its_server_is_waited_for_by_whoever_removes_the_runtime() {
    let stage = need!(local, Stage::local("").await).unwrap();
    let runtime = stage.runtime();
    stage.engine.create(&runtime.spec).await.unwrap();
    let mut start = late_start(&stage, &runtime);
    stage.engine.remove(runtime.id()).await.unwrap();
    assert!(start.try_wait().unwrap().is_some_and(|ended| ended.success()));
    let runtimes = stage.data().join("runtimes");
    assert!(!runtimes.join(".oci").join(runtime.id().as_str()).exists());
    assert!(!runtimes.join(runtime.id().as_str()).join("bundle").exists());
}

#[tokio::test]
async fn a_start_that_outlives_its_server_is_taken_for_one_s_own() {
    let stage = need!(local, Stage::local("").await).unwrap();
    stage
        .play(async {
            let runtime = stage.running().await;
            stage.engine.stop(runtime.id(), super::stage::GRACE).await.unwrap();
            let mut start = late_start(&stage, &runtime);
            stage.engine.start(runtime.id()).await.unwrap();
            assert!(start.try_wait().unwrap().is_some_and(|ended| ended.success()));
            assert_eq!(stage.state(runtime.id()).await, Some(EngineState::Running));
        })
        .await;
}

#[tokio::test]
async fn runtimes_are_seen_while_a_container_goes_and_the_oci_runtime_lists_none() {
    let stage = need!(local, Stage::without_list().await);
    stage
        .play(async {
            let runtime = stage.running().await;
            let seen = stage.engine.list().await.unwrap();
            assert_eq!(seen.len(), 1);
            assert_eq!((&seen[0].id, seen[0].state), (runtime.id(), EngineState::Running));
        })
        .await;
}

#[tokio::test]
async fn the_local_engine_does_not_start_without_the_configured_one() {
    need!(local, root());
    let said = refusal("local", "LOCKHOUSE_ENGINES__LOCAL__RUNTIME").await;
    assert!(said.contains("“crun-of-nowhere”") && said.contains("install"), "{said}");
    assert!(said.contains("leave engines.local.runtime out"), "{said}");
}

/// A program that says of itself what a release of gVisor does.
fn runsc_of(dir: &Path, release: &str) -> String {
    let program = dir.join("runsc");
    std::fs::write(&program, format!("#!/bin/sh\necho runsc version {release}\n")).unwrap();
    super::stage::open_to_all(&program, 0o755);
    program.display().to_string()
}

#[tokio::test]
async fn a_gvisor_that_is_too_old_is_refused_with_the_release_that_is_needed() {
    need!(local, root());
    let dir = tempfile::tempdir().unwrap();
    for release in ["release-20221219.0", "0.0~20221219.0", "unknown"] {
        let runtime = runsc_of(dir.path(), release);
        let said = refused("local", "LOCKHOUSE_ENGINES__LOCAL__RUNTIME", &runtime).await;
        assert!(said.contains(release) && said.contains("20240729"), "{said}");
    }
}

#[tokio::test]
async fn docker_s_gvisor_is_refused_where_it_is_not_told_what_it_must_be() {
    need!(gvisor, super::stage::Stage::gvisor_on_docker("").await.map(drop));
    let said = refused("docker", "LOCKHOUSE_ENGINES__DOCKER__RUNTIME", "runsc-untold").await;
    assert!(said.contains("--host-uds=open") && said.contains("daemon.json"), "{said}");
}

#[tokio::test]
async fn docker_does_not_start_without_the_configured_one_nor_gives_way_to_another_engine() {
    need!(docker, super::strangers::stage().await.map(drop));
    for engine in ["docker", "auto"] {
        let said = refusal(engine, "LOCKHOUSE_ENGINES__DOCKER__RUNTIME").await;
        assert!(said.contains("“crun-of-nowhere”") && said.contains("daemon.json"), "{said}");
    }
}
