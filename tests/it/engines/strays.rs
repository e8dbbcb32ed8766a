//! Runtimes of the local engine whose files are lost while they run.

use std::path::{Path, PathBuf};

use lockhouse::runtimes::engine::EngineState;

use super::stage::{Runtime, Stage};

/// The processes that the kernel counts to a runtime, in whatever hierarchy.
fn processes(stage: &Stage, runtime: &Runtime) -> Vec<String> {
    let top = Path::new("/sys/fs/cgroup");
    let hierarchies = std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path());
    let group = PathBuf::from("lockhouse").join(stage.instance.as_str());
    let list = group.join(runtime.id().as_str()).join("cgroup.procs");
    let lists = hierarchies.chain([top.to_owned()]).map(|hierarchy| hierarchy.join(&list));
    let lists = lists.filter_map(|list| std::fs::read_to_string(list).ok());
    lists.flat_map(|list| list.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn lose(stage: &Stage, of_runtimes: &str) {
    std::fs::remove_dir_all(stage.data().join("runtimes").join(of_runtimes)).unwrap();
}

async fn is_seen_and_ended_without_bundle_and_state(stage: &Stage) {
    let runtime = stage.running().await;
    lose(stage, &format!(".oci/{}", runtime.id()));
    lose(stage, &format!("{}/bundle", runtime.id()));
    let seen = stage.engine.list().await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0].id, seen[0].state), (runtime.id(), EngineState::Running));
    stage.engine.remove(runtime.id()).await.unwrap();
    assert_eq!(processes(stage, &runtime), [""; 0]);
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

async fn ends_before_another_takes_its_place(stage: &Stage) {
    let runtime = stage.running().await;
    let lost = processes(stage, &runtime);
    lose(stage, &format!(".oci/{}", runtime.id()));
    stage.engine.start(runtime.id()).await.unwrap();
    let now = processes(stage, &runtime);
    assert!(!now.is_empty() && now.iter().all(|process| !lost.contains(process)));
    stage.engine.remove(runtime.id()).await.unwrap();
    assert_eq!(processes(stage, &runtime), [""; 0]);
}

#[tokio::test]
async fn a_runtime_whose_bundle_is_lost_is_still_seen_and_can_be_removed() {
    for stage in [Stage::local("").await, Stage::crun("").await] {
        let stage = need!(local, stage).unwrap();
        stage.play(is_seen_and_ended_without_bundle_and_state(&stage)).await;
    }
}

#[tokio::test]
async fn a_runtime_that_its_oci_runtime_forgot_ends_before_it_is_started_again() {
    for stage in [Stage::local("").await, Stage::crun("").await] {
        let stage = need!(local, stage).unwrap();
        stage.play(ends_before_another_takes_its_place(&stage)).await;
    }
}
