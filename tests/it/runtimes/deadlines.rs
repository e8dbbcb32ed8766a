//! Deadlines: idle runtimes stop, and so do those that have run for too long.

use lockhouse::runtimes::activity::Cause;

use super::Yard;

const HOUR: u64 = 3600;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_runtime_is_stopped_and_says_why() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.passes(HOUR);
    let stopped = keeper.becomes(&yard, "stopped").await;
    let reason = stopped.reason.unwrap();
    assert!(reason.starts_with("stopped after 3600 s without use, the last by start"), "{reason}");
    yard.records("runtime.expire").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_begins_its_idle_time_anew() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.passes(HOUR - 1);
    keeper.runtimes.touch(&yard.project.id, Cause::Preview);
    yard.passes(HOUR - 1);
    yard.sweeps().await;
    let runtime = keeper.becomes(&yard, "running").await;
    assert_eq!(keeper.runtimes.latest_activity(&runtime).unwrap().by, Cause::Preview);
    yard.passes(1);
    keeper.becomes(&yard, "stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_runs_keeps_its_runtime() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let command = keeper.runtimes.begin_use(&yard.project.id, Cause::Exec);
    yard.passes(5 * HOUR);
    yard.sweeps().await;
    keeper.becomes(&yard, "running").await;
    drop(command);
    yard.passes(HOUR);
    keeper.becomes(&yard, "stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_lifetime_ends_it_though_it_is_used() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let _terminal = keeper.runtimes.begin_use(&yard.project.id, Cause::Terminal);
    yard.passes(24 * HOUR);
    let reason = keeper.becomes(&yard, "stopped").await.reason.unwrap();
    assert!(reason.contains("the longest that it may run"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_moves_no_deadline() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    keeper.ends().await;
    yard.passes(HOUR);
    yard.opens().await.becomes(&yard, "stopped").await;
}
