//! Limits that bite, on every engine that has them, and changing them under a runtime that runs.

use std::path::Path;

use lockhouse::runtimes::engine::{Enforcement, Error, Limits};

use super::stage::{GRACE, LIMITS, Runtime, Stage, eventually};

pub(super) const MIB: u64 = 1024 * 1024;

/// Memory for as many processes as there may be.
pub(super) const ROOMY: Limits = Limits { memory_bytes: 512 * MIB, ..LIMITS };

/// How many processes there can be beside those that are there.
pub(super) async fn forks(runtime: &Runtime) -> usize {
    let most = LIMITS.pids * 2;
    let script = format!(
        "import os, signal\nmade = []\ntry:\n  for _ in range({most}):\n    pid = os.fork()\n    \
         if pid == 0: signal.pause()\n    made.append(pid)\nexcept BlockingIOError: pass\n\
         for pid in made: os.kill(pid, 9)\nprint(len(made))"
    );
    runtime.python(&script).await.parse().unwrap()
}

/// Whether a program can have so much memory.
pub(super) async fn takes(runtime: &Runtime, bytes: u64) -> bool {
    runtime.run(&format!("python3 -c \"bytearray(b'x') * {bytes}\"")).await.code == Some(0)
}

/// Two processes do nothing but count for a while; prints how much of one CPU they were given.
pub(super) const BUSY: &str = "import os, time\nstart = time.monotonic()\nfor _ in range(2):\n  \
    if os.fork() == 0:\n    while time.monotonic() < start + 3: pass\n    os._exit(0)\n\
    os.wait(); os.wait(); t = os.times()\n\
    print((t.children_user + t.children_system) / (time.monotonic() - start))";

/// A twentieth of a CPU; so little that more is had even on a machine where many others work.
const LITTLE_CPU: Limits = Limits { cpu_millis: 50, ..LIMITS };

async fn share_of_cpu(runtime: &Runtime) -> f64 {
    runtime.python(BUSY).await.parse().unwrap()
}

pub(super) async fn the_limit_of_cpu_holds(stage: &Stage) {
    if unenforced(&stage.engine.enforced().cpu) {
        return;
    }
    let runtime = stage.running_with(LITTLE_CPU).await;
    let share = share_of_cpu(&runtime).await;
    assert!(share < 0.1, "{share} of a CPU");
}

pub(super) async fn the_limit_of_processes_holds(stage: &Stage) {
    if unenforced(&stage.engine.enforced().pids) {
        return;
    }
    let runtime = stage.running_with(ROOMY).await;
    let made = forks(&runtime).await;
    assert!(made < LIMITS.pids as usize, "{made} processes");
    assert_eq!(runtime.says("echo recovered").await, "recovered");
}

pub(super) async fn the_limit_of_memory_holds(stage: &Stage) {
    if unenforced(&stage.engine.enforced().memory) {
        return;
    }
    let runtime = stage.running().await;
    assert!(takes(&runtime, LIMITS.memory_bytes / 4).await);
    assert!(!takes(&runtime, LIMITS.memory_bytes * 2).await);
    assert_eq!(runtime.says("echo recovered").await, "recovered");
}

pub(super) async fn the_limit_of_open_files_holds(stage: &Stage) {
    let runtime = stage.running().await;
    assert_eq!(stage.engine.enforced().open_files, Enforcement::Hard);
    assert_eq!(runtime.says("ulimit -n; ulimit -Hn").await, "512\n512");
    assert_ne!(runtime.run("ulimit -n 513").await.code, Some(0));
    let opened = "import os\ncount = 3\ntry:\n  while True: os.open('/', 0); count += 1\n\
                  except OSError as full: print(count, full.errno)";
    assert_eq!(runtime.python(opened).await, format!("512 {}", libc::EMFILE));
}

pub(super) async fn tmp_and_shared_memory_are_bounded(stage: &Stage) {
    let runtime = stage.running().await;
    assert_eq!(stage.engine.enforced().tmp, Enforcement::Hard);
    let bounds = [("/tmp", LIMITS.tmp_bytes), ("/dev/shm", 64 * MIB)];
    for (dir, bound) in bounds {
        let more = bound + MIB;
        let filled = runtime.run(&format!("head -c {more} /dev/zero > {dir}/file")).await;
        assert_ne!(filled.code, Some(0), "{dir}");
        let size = runtime.says(&format!("stat -c %s {dir}/file; rm {dir}/file")).await;
        assert!(size.parse::<u64>().unwrap() <= bound, "{dir}: {size}");
    }
}

pub(super) async fn a_changed_limit_of_processes_holds_at_once_and_after_a_new_start(
    stage: &Stage,
) {
    if unenforced(&stage.engine.enforced().pids) {
        return;
    }
    let mut runtime = stage.running().await;
    let fewer = Limits { pids: 32, ..LIMITS };
    stage.engine.update(runtime.id(), &fewer).await.unwrap();
    assert!(forks(&runtime).await < 32);
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    stage.engine.start(runtime.id()).await.unwrap();
    runtime.connect().await;
    assert!(forks(&runtime).await < 32);
    stage.engine.update(runtime.id(), &LIMITS).await.unwrap();
    assert!(forks(&runtime).await >= 32);
}

pub(super) async fn a_changed_limit_of_memory_holds_at_once(stage: &Stage) {
    if unenforced(&stage.engine.enforced().memory) {
        return;
    }
    let runtime = stage.running().await;
    let (half, twice) = (LIMITS.memory_bytes / 2, LIMITS.memory_bytes * 2);
    let with = |memory_bytes| Limits { memory_bytes, ..LIMITS };
    stage.engine.update(runtime.id(), &with(half)).await.unwrap();
    assert!(!takes(&runtime, half + 16 * MIB).await);
    stage.engine.update(runtime.id(), &with(twice)).await.unwrap();
    assert!(takes(&runtime, LIMITS.memory_bytes + 16 * MIB).await);
}

pub(super) async fn a_changed_limit_of_cpu_holds_at_once(stage: &Stage) {
    if unenforced(&stage.engine.enforced().cpu) {
        return;
    }
    let runtime = stage.running().await;
    stage.engine.update(runtime.id(), &LITTLE_CPU).await.unwrap();
    let share = share_of_cpu(&runtime).await;
    assert!(share < 0.1, "{share} of a CPU");
}

/// Version 2 of control groups ends programs instead, so there is nothing to refuse.
pub(super) async fn less_memory_than_is_in_use_is_refused(stage: &Stage) {
    if !Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists()
        || unenforced(&stage.engine.enforced().memory)
    {
        return;
    }
    let runtime = stage.running().await;
    let hold = format!("held = b'x' * {}; open('held', 'w'); input()", 100 * MIB);
    runtime.leaves(&format!("mkfifo never; python3 -c \"{hold}\" <> never")).await;
    let held = runtime.spec.workspace.join("held");
    eventually("memory is held", || async { held.exists() }).await;
    let less = Limits { memory_bytes: 32 * MIB, ..LIMITS };
    let refused = stage.engine.update(runtime.id(), &less).await;
    assert!(matches!(refused, Err(Error::NotLive(_))), "{refused:?}");
    assert_eq!(runtime.says("echo still here").await, "still here");
}

pub(super) async fn a_runtime_whose_limits_changed_is_still_the_same(stage: &Stage) {
    let mut runtime = stage.running().await;
    let more = Limits { memory_bytes: 256 * MIB, cpu_millis: 500, pids: 80, ..LIMITS };
    stage.engine.update(runtime.id(), &more).await.unwrap();
    assert_eq!(runtime.says("echo the same").await, "the same");
    stage.engine.stop(runtime.id(), GRACE).await.unwrap();
    stage.engine.update(runtime.id(), &LIMITS).await.unwrap();
    stage.engine.start(runtime.id()).await.unwrap();
    runtime.connect().await;
    assert_eq!(stage.engine.list().await.unwrap()[0].generation, 1);
}

/// Says so where a limit can't hold: then there is nothing to try, and the engine says why.
fn unenforced(limit: &Enforcement) -> bool {
    if let Enforcement::None(why) = limit {
        assert!(!why.is_empty());
        println!("not enforced here: {why}");
        return true;
    }
    false
}
