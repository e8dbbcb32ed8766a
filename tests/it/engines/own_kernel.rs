//! Limits of runtimes that have a kernel of their own: what holds there in another way, and what
//! can't be changed while they run.

use std::time::Instant;

use lockhouse::runtimes::engine::{EngineState, Error, Limits};

use super::limits::{BUSY, MIB, ROOMY, forks, takes};
use super::stage::{GRACE, LIMITS, Runtime, Stage, eventually};

/// A fifth of a CPU: enough to start with.
const FIFTH: Limits = Limits { cpu_millis: 200, ..LIMITS };

const FEWER: Limits = Limits { pids: 32, ..ROOMY };

/// The part of one CPU that a busy runtime is given; its own kernel does not see when it is halted.
async fn share_of_cpu(stage: &Stage, runtime: &Runtime) -> f64 {
    let used = async || stage.engine.usage(runtime.id()).await.unwrap().cpu;
    let (before, start) = (used().await, Instant::now());
    runtime.python(BUSY).await;
    (used().await - before).as_secs_f64() / start.elapsed().as_secs_f64()
}

async fn starts_again(stage: &Stage, runtime: &mut Runtime) {
    stage.engine.start(runtime.id()).await.unwrap();
    runtime.connect().await;
}

pub(super) async fn a_busy_runtime_gets_no_more_cpu_than_its_limit(stage: &Stage) {
    let runtime = stage.running_with(FIFTH).await;
    let share = share_of_cpu(stage, &runtime).await;
    assert!(share < 0.3, "{share} of a CPU");
}

pub(super) async fn too_much_memory_ends_the_runtime_which_tells_why_and_starts_again(
    stage: &Stage,
) {
    let mut runtime = stage.running().await;
    assert!(takes(&runtime, LIMITS.memory_bytes / 4).await);
    let much = LIMITS.memory_bytes * 2;
    runtime.leaves(&format!("python3 -c \"bytearray(b'x') * {much}\"")).await;
    let ended = || async { stage.state(runtime.id()).await != Some(EngineState::Running) };
    eventually("the runtime ends", ended).await;
    let state = stage.state(runtime.id()).await;
    assert!(
        matches!(state, Some(EngineState::Stopped { out_of_memory: true, .. })),
        "it is {state:?}"
    );
    starts_again(stage, &mut runtime).await;
    assert_eq!(runtime.says("echo recovered").await, "recovered");
}

pub(super) async fn as_much_memory_is_seen_as_there_may_be(stage: &Stage) {
    let runtime = stage.running().await;
    let seen = runtime.says("sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo").await;
    assert_eq!(seen.parse::<u64>().unwrap() * 1024, LIMITS.memory_bytes);
}

pub(super) async fn memory_and_cpu_change_at_once(stage: &Stage) {
    let runtime = stage.running().await;
    let more = Limits { memory_bytes: LIMITS.memory_bytes * 2, ..FIFTH };
    stage.engine.update(runtime.id(), &more).await.unwrap();
    assert!(takes(&runtime, LIMITS.memory_bytes + 16 * MIB).await);
    let share = share_of_cpu(stage, &runtime).await;
    assert!(share < 0.3, "{share} of a CPU");
}

pub(super) async fn the_limit_of_processes_changes_from_the_next_start_on(stage: &Stage) {
    let mut runtime = stage.running_with(ROOMY).await;
    let refused = stage.engine.update(runtime.id(), &FEWER).await;
    assert!(matches!(refused, Err(Error::NotLive(why)) if why.contains("stop it first")));
    assert!(forks(&runtime).await >= 32);
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    stage.engine.update(runtime.id(), &FEWER).await.unwrap();
    starts_again(stage, &mut runtime).await;
    assert!(forks(&runtime).await < 32);
}

pub(super) async fn no_limit_changes_while_it_runs(stage: &Stage) {
    let runtime = stage.running().await;
    for limits in [FIFTH, FEWER] {
        let refused = stage.engine.update(runtime.id(), &limits).await;
        assert!(matches!(refused, Err(Error::NotLive(why)) if why.contains("stop it first")));
    }
    assert_eq!(runtime.says("echo still here").await, "still here");
}

pub(super) async fn memory_changes_from_the_next_start_on_and_processes_never(stage: &Stage) {
    let mut runtime = stage.running().await;
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    let refused = stage.engine.update(runtime.id(), &FEWER).await;
    assert!(matches!(refused, Err(Error::NotLive(_))), "{refused:?}");
    let more = Limits { memory_bytes: LIMITS.memory_bytes * 2, ..LIMITS };
    stage.engine.update(runtime.id(), &more).await.unwrap();
    starts_again(stage, &mut runtime).await;
    assert!(takes(&runtime, LIMITS.memory_bytes + 16 * MIB).await);
}
