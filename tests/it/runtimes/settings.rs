//! Settings that are changed while a runtime is there.

use lockhouse::policy::NetworkMode;
use lockhouse::runtimes::Error;
use lockhouse::runtimes::spec::Wishes;

use super::Yard;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_the_engine_and_keeps_what_it_does_not_name() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    let before = keeper.runs(&yard).await.settings;
    let wishes = Wishes { pids: Some(99), idle_timeout: Some(7), ..Wishes::default() };
    let after = keeper.runtimes.update(&yard.permit().await, &yard.project, wishes).await.unwrap();
    let spec = yard.world.spec(&yard.project.id).await.unwrap();
    assert_eq!((spec.limits.pids, spec.limits.memory_bytes), (99, before.memory_bytes));
    assert_eq!((after.settings.idle_timeout, after.settings.network), (7, NetworkMode::Registries));
    assert_eq!(after.status.as_str(), "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_over_the_ceiling_changes_nothing() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    let before = keeper.runs(&yard).await.settings;
    let wishes = Wishes { pids: Some(1_000_000), ..Wishes::default() };
    let refused = keeper.runtimes.update(&yard.permit().await, &yard.project, wishes).await;
    assert!(matches!(refused, Err(Error::OverCeiling(_))), "{refused:?}");
    let found = keeper.runtimes.find(&yard.project.id).await.unwrap().unwrap();
    assert_eq!(found.settings, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_idle_time_counts_from_the_last_use() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.passes(60);
    let wishes = Wishes { idle_timeout: Some(30), ..Wishes::default() };
    keeper.runtimes.update(&yard.permit().await, &yard.project, wishes).await.unwrap();
    let stopped = keeper.becomes(&yard, "stopped").await;
    assert!(stopped.reason.unwrap().contains("30 s without use"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_changed() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    let wishes = Wishes { pids: Some(99), ..Wishes::default() };
    let refused = keeper.runtimes.update(&yard.permit().await, &yard.project, wishes).await;
    assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
}
