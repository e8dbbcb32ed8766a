//! Runtimes that end by themselves are started again, and not for ever.

use std::time::Duration;

use lockhouse::runtimes::engine::Engine as _;

use super::Yard;
use crate::host::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_ended_by_itself_is_started_again() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.engine().stop(&yard.project.id, Duration::ZERO).await.unwrap();
    let waiting = keeper.becomes(&yard, "restarting").await;
    assert_eq!(waiting.reason.unwrap(), "it ended by itself; it is started again in 1 s");
    yard.passes(1);
    assert_eq!(keeper.becomes(&yard, "running").await.crashes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_keeps_ending_has_failed_and_starts_again_when_asked() {
    let yard = Yard::with(|config| config.max_restarts = 0).await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.engine().stop(&yard.project.id, Duration::ZERO).await.unwrap();
    let failed = keeper.becomes(&yard, "failed").await;
    assert_eq!(failed.reason.unwrap(), "it ended by itself, 1 times in a row; start it again");
    let started = keeper.runtimes.start(&yard.permit().await, &yard.project).await.unwrap();
    assert_eq!((started.status.as_str(), started.crashes), ("running", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_removed_is_made_again() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.engine().remove(&yard.project.id).await.unwrap();
    let waiting = keeper.becomes(&yard, "restarting").await;
    assert!(waiting.reason.unwrap().starts_with("it was removed from outside"));
    yard.passes(1);
    assert_eq!(keeper.becomes(&yard, "running").await.generation, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_fails_is_tried_again_later() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let workspace = yard.projects.workspace(&yard.project.id);
    let away = workspace.with_extension("away");
    std::fs::rename(&workspace, &away).unwrap();
    yard.engine().stop(&yard.project.id, Duration::ZERO).await.unwrap();
    keeper.becomes(&yard, "restarting").await;
    yard.passes(1);
    let reason = eventually("the second attempt is planned", || async {
        let runtime = keeper.runtimes.find(&yard.project.id).await.unwrap().unwrap();
        let planned = runtime.crashes == 2 && runtime.status.as_str() == "restarting";
        if planned { Ok(runtime.reason.unwrap()) } else { Err(format!("{runtime:?}")) }
    })
    .await;
    assert!(reason.starts_with("it could not be started again ("), "{reason}");
    assert!(reason.ends_with("; it is started again in 2 s"), "{reason}");
    std::fs::rename(&away, &workspace).unwrap();
    yard.passes(2);
    keeper.becomes(&yard, "running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_that_a_killed_server_had_planned_is_made_up_for() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.engine().stop(&yard.project.id, Duration::ZERO).await.unwrap();
    keeper.becomes(&yard, "restarting").await;
    keeper.ends().await;
    yard.opens().await.becomes(&yard, "running").await;
}
