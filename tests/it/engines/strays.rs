//! Runtimes of the local engine whose files are lost while they run.

use std::path::{Path, PathBuf};

use lockhouse::runtimes::engine::EngineState;

use super::stage::{GRACE, Runtime, Stage};

/// A runtime's control groups, in whatever hierarchy.
fn groups(stage: &Stage, runtime: &Runtime) -> Vec<PathBuf> {
    let top = Path::new("/sys/fs/cgroup");
    let hierarchies = std::fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path());
    let group = PathBuf::from("lockhouse").join(stage.instance.as_str());
    let group = group.join(runtime.id().as_str());
    let groups = hierarchies.chain([top.to_owned()]).map(|hierarchy| hierarchy.join(&group));
    groups.filter(|group| group.is_dir()).collect()
}

/// The processes that the kernel counts to it.
fn processes(stage: &Stage, runtime: &Runtime) -> Vec<String> {
    let lists = groups(stage, runtime).into_iter().map(|group| group.join("cgroup.procs"));
    let lists = lists.filter_map(|list| std::fs::read_to_string(list).ok());
    lists.flat_map(|list| list.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn lose(stage: &Stage, of_runtimes: &str) {
    std::fs::remove_dir_all(stage.data().join("runtimes").join(of_runtimes)).unwrap();
}

/// Loses the bundle, and what `also` says.
async fn is_seen_and_ended_without_bundle(stage: &Stage, also: impl Fn(&Runtime)) {
    let runtime = stage.running().await;
    lose(stage, &format!("{}/bundle", runtime.id()));
    also(&runtime);
    let seen = stage.engine.list().await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0].id, seen[0].state), (runtime.id(), EngineState::Running));
    stage.engine.remove(runtime.id()).await.unwrap();
    assert!(groups(stage, &runtime).is_empty());
    assert!(!stage.data().join(format!("runtimes/.oci/{}", runtime.id())).exists());
    assert_eq!(stage.engine.list().await.unwrap(), []);
}

async fn stops_without_state(stage: &Stage) {
    let runtime = stage.running().await;
    lose(stage, &format!(".oci/{}", runtime.id()));
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    assert_eq!(processes(stage, &runtime), [""; 0]);
}

/// Somebody else's runtime runs a program with the words by which a start is known.
async fn starts_whatever_others_call_themselves(stage: &Stage) {
    let (runtime, other) = (stage.running().await, stage.running().await);
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    let state = stage.data().join("runtimes/.oci");
    other.leaves(&format!("sh -c 'sleep 60; true' run {} {}", runtime.id(), state.display())).await;
    stage.engine.start(runtime.id()).await.unwrap();
    assert_eq!(stage.state(runtime.id()).await, Some(EngineState::Running));
}

async fn is_passed_over_where_it_cannot_be_understood(stage: &Stage) {
    let (runtime, other) = (stage.running().await, stage.running().await);
    let record = stage.data().join(format!("runtimes/{}/bundle/runtime.json", other.id()));
    let text = std::fs::read(&record).unwrap();
    std::fs::write(&record, "{").unwrap();
    let seen = stage.engine.list().await.unwrap();
    assert!(seen.iter().any(|seen| seen.id == *runtime.id()));
    let refused = stage.engine.remove(other.id()).await.unwrap_err();
    assert!(refused.to_string().contains("can't be understood"), "{refused}");
    std::fs::write(&record, text).unwrap();
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

macro_rules! on_runc_and_crun {
    ($($name:ident: $test:expr,)*) => {$(
        #[tokio::test]
        async fn $name() {
            for stage in [Stage::local("").await, Stage::crun("").await] {
                let stage = need!(local, stage).unwrap();
                stage.play($test(&stage)).await;
            }
        }
    )*};
}

on_runc_and_crun! {
    a_runtime_whose_bundle_is_lost_is_still_seen_and_can_be_removed:
        |stage| is_seen_and_ended_without_bundle(stage, |_| {}),
    a_runtime_of_which_nothing_but_its_processes_is_left_can_be_removed:
        async |stage| is_seen_and_ended_without_bundle(stage, |runtime| {
            lose(stage, &format!(".oci/{}", runtime.id()));
        }).await,
    a_runtime_that_its_oci_runtime_forgot_ends_before_it_is_started_again:
        ends_before_another_takes_its_place,
    a_runtime_that_its_oci_runtime_forgot_stops: stops_without_state,
    a_runtime_starts_whatever_programs_of_others_call_themselves:
        starts_whatever_others_call_themselves,
    a_runtime_that_cannot_be_understood_hides_no_other:
        is_passed_over_where_it_cannot_be_understood,
}
