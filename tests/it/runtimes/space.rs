//! Workspaces that are measured: one over its limit keeps nobody else from writing.

use lockhouse::runtimes::Error;
use lockhouse::runtimes::spec::Wishes;

use super::{Keeper, Yard};

const MIB: usize = 1024 * 1024;

/// A project that may hold 1 MiB, and runs.
async fn small() -> (Yard, Keeper) {
    let yard = Yard::with(|config| config.defaults.disk_bytes = MIB as u64).await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    (yard, keeper)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_over_its_disk_limit_is_stopped_and_says_why() {
    let (yard, keeper) = small().await;
    yard.fills(2 * MIB);
    let stopped = keeper.becomes(&yard, "stopped").await;
    assert!(stopped.reason.unwrap().contains("more than 1048576 bytes"));
    assert!(yard.projects.is_full(&yard.project.id));
    yard.records("runtime.full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_again_once_something_is_deleted() {
    let (yard, keeper) = small().await;
    let big = yard.fills(2 * MIB);
    keeper.becomes(&yard, "stopped").await;
    let refused = keeper.runtimes.start(&yard.permit().await, &yard.project).await;
    assert!(matches!(refused, Err(Error::NoRoom(_))), "{refused:?}");
    std::fs::remove_file(big).unwrap();
    let started = keeper.runtimes.start(&yard.permit().await, &yard.project).await.unwrap();
    assert_eq!(started.status.as_str(), "running");
    assert!(!yard.projects.is_full(&yard.project.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_higher_limit_makes_room() {
    let (yard, keeper) = small().await;
    yard.fills(2 * MIB);
    keeper.becomes(&yard, "stopped").await;
    let wishes = Wishes { disk_bytes: Some(4 * MIB as u64), ..Wishes::default() };
    keeper.runtimes.update(&yard.permit().await, &yard.project, wishes).await.unwrap();
    let started = keeper.runtimes.start(&yard.permit().await, &yard.project).await.unwrap();
    assert_eq!(started.status.as_str(), "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_full_when_a_server_starts_is_found() {
    let (yard, keeper) = small().await;
    keeper.ends().await;
    yard.fills(2 * MIB);
    let keeper = yard.opens().await;
    keeper.becomes(&yard, "stopped").await;
}
