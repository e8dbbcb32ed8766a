//! The life of a runtime, on every engine.

use lockhouse::ids::{InstanceId, Kind, ProjectId};
use lockhouse::runtimes::engine::{EngineState, Error};

use super::stage::{GRACE, LIMITS, Stage, eventually};

fn is_stopped(state: Option<EngineState>) -> bool {
    matches!(state, Some(EngineState::Stopped { .. }))
}

pub(super) async fn creating_twice_is_no_error(stage: &Stage) {
    let runtime = stage.runtime();
    stage.engine.create(&runtime.spec).await.unwrap();
    stage.engine.create(&runtime.spec).await.unwrap();
    assert_eq!(stage.engine.list().await.unwrap().len(), 1);
}

pub(super) async fn a_runtime_is_created_then_runs_then_is_stopped_then_gone(stage: &Stage) {
    let mut runtime = stage.runtime();
    let id = runtime.id().clone();
    assert_eq!(stage.state(&id).await, None);
    stage.engine.create(&runtime.spec).await.unwrap();
    assert_eq!(stage.state(&id).await, Some(EngineState::Created));
    stage.engine.start(&id).await.unwrap();
    runtime.connect().await;
    assert_eq!(stage.state(&id).await, Some(EngineState::Running));
    stage.engine.stop(&id, GRACE).await.unwrap();
    assert!(is_stopped(stage.state(&id).await));
    stage.engine.remove(&id).await.unwrap();
    assert_eq!(stage.state(&id).await, None);
}

pub(super) async fn starting_what_runs_and_stopping_what_is_stopped_is_no_error(stage: &Stage) {
    let runtime = stage.running().await;
    stage.engine.start(runtime.id()).await.unwrap();
    assert_eq!(runtime.says("echo still linked").await, "still linked");
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    assert!(is_stopped(stage.state(runtime.id()).await));
}

pub(super) async fn removing_what_is_gone_is_no_error(stage: &Stage) {
    let runtime = stage.running().await;
    stage.engine.remove(runtime.id()).await.unwrap();
    stage.engine.remove(runtime.id()).await.unwrap();
    stage.engine.remove(&ProjectId::generate()).await.unwrap();
}

pub(super) async fn what_does_not_exist_can_neither_start_nor_stop(stage: &Stage) {
    let unknown = ProjectId::generate();
    assert!(matches!(stage.engine.start(&unknown).await, Err(Error::NotFound)));
    assert!(matches!(stage.engine.stop(&unknown, GRACE).await, Err(Error::NotFound)));
    assert!(matches!(stage.engine.usage(&unknown).await, Err(Error::NotFound)));
    assert!(matches!(stage.engine.update(&unknown, &LIMITS).await, Err(Error::NotFound)));
}

pub(super) async fn a_later_generation_takes_the_place_of_an_earlier_one(stage: &Stage) {
    let runtime = stage.running().await;
    let mut later = runtime.spec.clone();
    later.generation += 1;
    stage.engine.create(&later).await.unwrap();
    let seen = stage.engine.list().await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].generation, seen[0].state), (later.generation, EngineState::Created));
}

pub(super) async fn a_runtime_outlives_the_engine_that_started_it(stage: &Stage) {
    let runtime = stage.running().await;
    let after = stage.open_again(&stage.instance).await;
    let seen = after.list().await.unwrap();
    assert_eq!((&seen[0].id, seen[0].state), (runtime.id(), EngineState::Running));
    assert_eq!(runtime.says("echo never gone").await, "never gone");
    after.stop(runtime.id(), GRACE).await.unwrap();
    assert!(is_stopped(stage.state(runtime.id()).await));
}

pub(super) async fn only_the_runtimes_of_this_instance_are_listed(stage: &Stage) {
    let runtime = stage.running().await;
    let other = stage.open_again(&InstanceId::generate()).await;
    assert_eq!(other.list().await.unwrap(), []);
    assert_eq!(other.inspect(runtime.id()).await.unwrap(), None);
    other.remove(runtime.id()).await.unwrap();
    assert_eq!(stage.state(runtime.id()).await, Some(EngineState::Running));
}

pub(super) async fn a_stopped_runtime_starts_again_with_its_files(stage: &Stage) {
    let mut runtime = stage.running().await;
    runtime.says("echo kept > file").await;
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    stage.engine.start(runtime.id()).await.unwrap();
    runtime.connect().await;
    assert_eq!(runtime.says("cat file").await, "kept");
}

pub(super) async fn a_supervisor_that_ends_leaves_its_runtime_stopped(stage: &Stage) {
    let mut runtime = stage.running().await;
    runtime.ends_itself().await;
    eventually("the runtime is stopped", || async { is_stopped(stage.state(runtime.id()).await) })
        .await;
    stage.engine.start(runtime.id()).await.unwrap();
    runtime.connect().await;
    assert_eq!(runtime.says("echo again").await, "again");
}

pub(super) async fn a_running_runtime_can_be_removed(stage: &Stage) {
    let runtime = stage.running().await;
    stage.engine.remove(runtime.id()).await.unwrap();
    runtime.link().closed().await;
    assert_eq!(stage.engine.list().await.unwrap(), []);
    assert!(runtime.spec.workspace.exists());
}

pub(super) async fn a_running_runtime_uses_something_and_a_stopped_one_nothing(stage: &Stage) {
    let runtime = stage.running().await;
    runtime.says("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done").await;
    let used = stage.engine.usage(runtime.id()).await.unwrap();
    assert!(used.memory_bytes > 0 && used.pids >= 1 && !used.cpu.is_zero(), "{used:?}");
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    assert_eq!(stage.engine.usage(runtime.id()).await.unwrap().pids, 0);
}

pub(super) async fn an_image_can_be_asked_what_it_is(stage: &Stage) {
    let script = "python3 -c 'print(1 + 1)'; echo aside >&2; exit 3";
    let answer = stage.engine.ask(Kind::Python, &["sh", "-c", script]).await.unwrap();
    assert_eq!((answer.exit_code, answer.stdout.trim()), (3, "2"));
    assert_eq!(answer.stderr.trim(), "aside");
    assert_eq!(stage.engine.list().await.unwrap(), []);
}
