//! What is left over is found, told of, and brought in order when asked for.

use std::path::PathBuf;

use lockhouse::ids::{InstanceId, ProjectId};
use lockhouse::runtimes::engine::Engine as _;
use lockhouse::runtimes::fake::Fake;
use lockhouse::runtimes::orphans::{Orphan, Sort};

use super::{Keeper, Yard};

/// A server that looks after nothing by itself for as long as a test takes.
async fn unswept() -> Yard {
    Yard::with(|config| {
        config.check_interval = 3_600;
        config.sweep_interval = 3_600;
    })
    .await
}

impl Keeper {
    async fn finds(&self) -> Vec<Orphan> {
        self.runtimes.orphans().await.unwrap()
    }

    /// Brings all of it in order; what is done is not found again.
    async fn cleans_up(&self, yard: &Yard) {
        let permit = yard.permit().await;
        for orphan in self.finds().await {
            assert!(self.runtimes.clean_up(&permit, &orphan).await.unwrap(), "{orphan:?}");
        }
        assert_eq!(self.finds().await, []);
    }
}

impl Yard {
    /// A directory of the server's, as a killed server may have left it.
    fn leaves(&self, place: &str) -> (ProjectId, PathBuf) {
        let id = ProjectId::generate();
        let dir = self.data.path().join(place).join(id.as_str());
        std::fs::create_dir_all(dir.join("run")).unwrap();
        (id, dir)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_in_order_nothing_is_found() {
    let yard = unswept().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    assert_eq!(keeper.finds().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_nobody_asked_for_is_removed() {
    let yard = unswept().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let id = yard.copy_of_runtime(&yard.engine()).await;
    assert_eq!(keeper.finds().await, [Orphan { sort: Sort::Runtime, id: id.clone() }]);
    keeper.cleans_up(&yard).await;
    assert_eq!(yard.engine().inspect(&id).await.unwrap(), None);
    keeper.becomes(&yard, "running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_of_another_installation_is_not_told_of() {
    let yard = unswept().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let other = Fake::new(yard.world.clone(), InstanceId::generate());
    let foreign = yard.copy_of_runtime(&other).await;
    assert_eq!(keeper.finds().await, []);
    other.remove(&foreign).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_no_project_and_places_of_no_runtime_are_removed() {
    let yard = unswept().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    let (files, workspace) = yard.leaves("projects");
    let (socket, place) = yard.leaves("runtimes");
    let found = keeper.finds().await;
    let of_files = Orphan { sort: Sort::Workspace, id: files };
    assert_eq!(found, [of_files, Orphan { sort: Sort::LinkDirectory, id: socket }]);
    keeper.cleans_up(&yard).await;
    assert!(!workspace.exists() && !place.exists());
    assert!(yard.projects.workspace(&yard.project.id).exists());
    keeper.becomes(&yard, "running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_project_that_can_be_taken_back_stay() {
    let yard = unswept().await;
    let keeper = yard.opens().await;
    yard.projects.retire(&yard.permit().await, &yard.project).await.unwrap();
    assert_eq!(keeper.finds().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_name_of_ours_or_was_made_a_moment_ago_is_left_alone() {
    let mut yard = unswept().await;
    let keeper = yard.opens().await;
    std::fs::create_dir(yard.data.path().join("projects/lost+found")).unwrap();
    assert_eq!(keeper.finds().await, []);
    keeper.ends().await;
    yard.clock = lockhouse::clock::Clock::system();
    yard.leaves("projects");
    assert_eq!(yard.opens().await.finds().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_that_another_installation_used_first_are_left_alone() {
    let mut yard = unswept().await;
    yard.opens().await.ends().await;
    let (_, workspace) = yard.leaves("projects");
    yard.instance = InstanceId::generate();
    let keeper = yard.opens().await;
    assert_eq!(keeper.finds().await, []);
    assert!(keeper.runtimes.foreign_directories().is_some());
    assert!(workspace.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_is_gone_is_made_again() {
    let yard = unswept().await;
    let keeper = yard.opens().await;
    keeper.runs(&yard).await;
    keeper.ends().await;
    yard.engine().remove(&yard.project.id).await.unwrap();
    let again = yard.looks_only().await;
    let id = yard.project.id.clone();
    assert_eq!(again.finds().await, [Orphan { sort: Sort::MissingRuntime, id }]);
    again.cleans_up(&yard).await;
    again.becomes(&yard, "running").await;
}
