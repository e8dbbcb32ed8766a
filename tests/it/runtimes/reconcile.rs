//! What is, is brought back to what should be, whoever changed it.

use lockhouse::ids::InstanceId;
use lockhouse::runtimes::engine::{Engine as _, EngineState};
use lockhouse::runtimes::fake::Fake;

use super::Yard;
use crate::host::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_started_behind_its_back_is_stopped() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    keeper.runtimes.stop(&yard.permit().await, &yard.project).await.unwrap();
    yard.engine().start(&yard.project.id).await.unwrap();
    eventually("it is stopped", || async {
        let seen = yard.engine().inspect(&yard.project.id).await.unwrap().unwrap();
        if seen.state == EngineState::Running { Err(format!("{seen:?}")) } else { Ok(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_belongs_to_no_project_is_removed() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    yard.sweeps().await;
    keeper.becomes(&yard, "running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_another_installation_is_left_alone() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let other = Fake::new(yard.world.clone(), InstanceId::generate());
    let foreign = yard.copy_of_runtime(&other).await;
    yard.sweeps().await;
    assert!(other.inspect(&foreign).await.unwrap().is_some());
    other.remove(&foreign).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_finds_its_runtime_as_it_left_it() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    let before = keeper.runs(&yard).await;
    keeper.ends().await;
    let again = yard.opens().await;
    again.runtimes.link(&yard.project.id).await.unwrap();
    let after = again.becomes(&yard, "running").await;
    assert_eq!((after.generation, after.started_at), (before.generation, before.started_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_a_killed_server_had_begun_is_finished() {
    let yard = Yard::new().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    keeper.ends().await;
    yard.sets("UPDATE runtimes SET desired = 'absent', status = 'deleting'").await;
    let again = yard.opens().await;
    eventually("it is gone", || async {
        let left = again.runtimes.find(&yard.project.id).await.unwrap();
        left.map_or(Ok(()), |runtime| Err(format!("{runtime:?}")))
    })
    .await;
    assert_eq!(yard.engine().list().await.unwrap(), []);
}

impl Yard {
    /// The database as a server would have left it.
    async fn sets(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.db.pool()).await.unwrap();
    }
}
