//! Two servers on one data directory: each reaches every runtime, and one at a
//! time changes it.

use lockhouse::runtimes::engine::{Engine as _, EngineState};
use lockhouse::runtimes::spec::Wishes;

use super::{Keeper, Yard};
use crate::host::eventually;

async fn two() -> (Yard, Keeper, Keeper) {
    let yard = Yard::new().await;
    let (one, other) = (yard.opens().await, yard.opens().await);
    (yard, one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn either_reaches_a_runtime_that_the_other_made() {
    let (yard, one, other) = two().await;
    one.runs(&yard).await;
    let links = [one.runtimes.link(&yard.project.id).await, other.reaches(&yard).await];
    for link in links {
        link.unwrap().ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_made_is_there_for_the_other_that_is_asked_for_it_again() {
    let (yard, one, other) = two().await;
    let made = one.runs(&yard).await;
    let found = other.runs(&yard).await;
    assert_eq!((found.generation, found.started_at), (made.generation, made.started_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_or_goes_changes_nothing() {
    let yard = Yard::new().await;
    let one = yard.opens().await;
    let made = one.runs(&yard).await;
    let other = yard.opens().await;
    other.reaches(&yard).await.unwrap();
    one.ends().await;
    yard.sweeps().await;
    let found = other.becomes(&yard, "running").await;
    assert_eq!((found.started_at, found.crashes), (made.started_at, 0));
    other.runtimes.link(&yard.project.id).await.unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_one_stopped_is_started_by_the_other() {
    let (yard, one, other) = two().await;
    one.runs(&yard).await;
    other.reaches(&yard).await.unwrap();
    one.runtimes.stop(&yard.permit().await, &yard.project).await.unwrap();
    let started = other.runtimes.start(&yard.permit().await, &yard.project).await.unwrap();
    assert_eq!((started.status.as_str(), started.crashes), ("running", 0));
    one.reaches(&yard).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_deleted_and_made_anew_is_reached_by_both() {
    let (yard, one, other) = two().await;
    one.runs(&yard).await;
    other.reaches(&yard).await.unwrap();
    one.runtimes.delete(&yard.permit().await, &yard.project).await.unwrap();
    one.runs(&yard).await;
    other.reaches(&yard).await.unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_by_itself_is_started_again_once() {
    let (yard, one, other) = two().await;
    one.runs(&yard).await;
    other.reaches(&yard).await.unwrap();
    yard.engine().stop(&yard.project.id, std::time::Duration::ZERO).await.unwrap();
    one.becomes(&yard, "restarting").await;
    yard.passes(1);
    let again = other.becomes(&yard, "running").await;
    assert_eq!(again.crashes, 1);
    yard.sweeps().await;
    let seen = yard.engine().inspect(&yard.project.id).await.unwrap().unwrap();
    assert_eq!(seen.state, EngineState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_both_at_once_end_in_what_one_of_them_asked() {
    let (yard, one, other) = two().await;
    one.runs(&yard).await;
    let permits = (yard.permit().await, yard.permit().await);
    let (stopped, created) = tokio::join!(
        one.runtimes.stop(&permits.0, &yard.project),
        other.runtimes.create(&permits.1, &yard.project, Wishes::default()),
    );
    let asked = [stopped.unwrap().status, created.unwrap().status].map(|status| status.as_str());
    assert_eq!(asked, ["stopped", "running"]);
    let left = one.runtimes.find(&yard.project.id).await.unwrap().unwrap();
    let seen = yard.engine().inspect(&yard.project.id).await.unwrap().unwrap();
    assert_eq!(left.status.as_str() == "running", seen.state == EngineState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_leaves_the_pool_to_the_other() {
    let yard = Yard::with(|config| config.pool.python = 2).await;
    let (one, other) = (yard.opens().await, yard.opens().await);
    let waiting = yard.holds(2).await;
    one.ends_in_order().await;
    assert_eq!(yard.holds(2).await, waiting);
    eventually("a claim of the other", async || match other.may_claim().await {
        Some(_) => Ok(()),
        None => Err("none is linked".to_owned()),
    })
    .await;
}

impl Keeper {
    /// The runtime's link, once its supervisor has heard of this server.
    async fn reaches(
        &self,
        yard: &Yard,
    ) -> Result<lockhouse_supervisor::client::Link, lockhouse::runtimes::Error> {
        self.runtimes.link(&yard.project.id).await
    }
}
