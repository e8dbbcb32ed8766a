//! The warm pool: runtimes that wait for a project.

use std::time::Duration;

use lockhouse::ids::{Kind, ProjectId};
use lockhouse::projects::{NewProject, Project};
use lockhouse::runtimes::Runtime;
use lockhouse::runtimes::engine::Engine as _;
use lockhouse::runtimes::pool::Claim;
use lockhouse::runtimes::spec::Wishes;

use super::{Keeper, Yard};
use crate::host::eventually;

async fn yard() -> Yard {
    Yard::with(|config| config.pool.python = 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_project_takes_over_a_runtime_that_waits() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    let waiting = yard.holds(2).await;
    let (project, runtime) = yard.takes_over(&keeper, "lab").await;
    assert!(waiting.contains(&project.id));
    assert_eq!((runtime.status.as_str(), runtime.generation), ("running", 1));
    keeper.runtimes.link(&project.id).await.unwrap();
    assert!(!yard.holds(3).await.is_empty(), "the pool is full again, beside the project's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_stopped_and_started_with_its_files_where_they_were() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    let (project, _) = yard.takes_over(&keeper, "lab").await;
    let file = yard.projects.workspace(&project.id).join("a.txt");
    std::fs::write(&file, "hi").unwrap();
    keeper.runtimes.stop(&yard.permit().await, &project).await.unwrap();
    let again = keeper.runtimes.start(&yard.permit().await, &project).await.unwrap();
    assert_eq!((again.status.as_str(), again.generation), ("running", 1));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "hi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_wishes_for_other_limits_gets_them_with_a_runtime_that_waits() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    let project = yard.takes_id(&keeper, "lab").await;
    let runtime = keeper.runtimes.create(&yard.permit().await, &project, little()).await.unwrap();
    assert_eq!((runtime.generation, runtime.settings.memory_bytes), (1, 256 << 20));
    let limits = yard.world.spec(&project.id).await.unwrap().limits;
    assert_eq!((limits.memory_bytes, limits.cpu_millis, limits.pids), (256 << 20, 250, 64));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_lost_meanwhile_is_made_anew_with_the_limits_that_were_wished_for() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    let project = yard.takes_id(&keeper, "lab").await;
    yard.engine().remove(&project.id).await.unwrap();
    let runtime = keeper.runtimes.create(&yard.permit().await, &project, little()).await.unwrap();
    assert_eq!(runtime.status.as_str(), "running");
    let limits = yard.world.spec(&project.id).await.unwrap().limits;
    assert_eq!((limits.memory_bytes, limits.cpu_millis, limits.pids), (256 << 20, 250, 64));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_wished_for_claims_nothing() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    let wishes = Wishes { memory_bytes: Some(u64::MAX), ..Wishes::default() };
    assert!(keeper.runtimes.claim(Kind::Python, &wishes).await.is_none());
}

/// Less than is usual.
fn little() -> Wishes {
    let (memory_bytes, cpu_limit) = (Some(256 << 20), Some(0.25));
    Wishes { memory_bytes, cpu_limit, pids: Some(64), ..Wishes::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_for_which_no_project_comes_is_given_up() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    let claim = keeper.claims().await;
    let id = claim.id().unwrap().clone();
    drop(claim);
    yard.is_rid_of(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_amid_a_takeover_leaks_nothing() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    let claim = keeper.claims().await;
    let id = claim.id().unwrap().clone();
    std::mem::forget(claim);
    keeper.ends().await;
    yard.passes(61);
    let _again = yard.opens().await;
    yard.is_rid_of(&id).await;
    yard.holds(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_runtime_that_ends_is_replaced() {
    let yard = yard().await;
    let _keeper = yard.opens().await;
    let lost = yard.holds(2).await.remove(0);
    yard.engine().stop(&lost, Duration::ZERO).await.unwrap();
    yard.is_rid_of(&lost).await;
    yard.holds(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_gives_its_pool_up() {
    let yard = yard().await;
    let keeper = yard.opens().await;
    yard.holds(2).await;
    keeper.stops();
    yard.holds(0).await;
    eventually("only the project's workspace is left", || async {
        if yard.workspaces() == 1 { Ok(()) } else { Err(yard.workspaces().to_string()) }
    })
    .await;
}

impl Yard {
    /// Waits until there are so many runtimes in all, each of them ready.
    pub(super) async fn holds(&self, count: usize) -> Vec<ProjectId> {
        eventually("the pool is full", || async {
            let sql = "SELECT count(*) FROM pool_entries WHERE state <> 'ready'";
            let making: i64 = sqlx::query_scalar(sql).fetch_one(self.db.pool()).await.unwrap();
            let there = self.engine().list().await.unwrap();
            let full = there.len() == count && making == 0;
            if full {
                Ok(there.into_iter().map(|seen| seen.id).collect())
            } else {
                Err(format!("{there:?}"))
            }
        })
        .await
    }

    /// A new project, as the door makes it.
    async fn takes_over(&self, keeper: &Keeper, name: &str) -> (Project, Runtime) {
        let project = self.takes_id(keeper, name).await;
        let permit = self.permit().await;
        let created = keeper.runtimes.create(&permit, &project, Wishes::default()).await;
        (project, created.unwrap())
    }

    /// The same before its runtime is asked for.
    async fn takes_id(&self, keeper: &Keeper, name: &str) -> Project {
        let claim = keeper.claims().await;
        let id = claim.id().unwrap().clone();
        let new = NewProject {
            name: name.parse().unwrap(),
            kind: Kind::Python,
            description: String::new(),
        };
        let permit = self.permit().await;
        let (project, _) = self.projects.create_as(&permit, new, id).await.unwrap();
        claim.taken();
        project
    }

    /// Waits until nothing is left of an entry.
    async fn is_rid_of(&self, id: &ProjectId) {
        eventually("it is gone", || async {
            let seen = self.engine().inspect(id).await.unwrap();
            let workspace = self.projects.workspace(id).exists();
            if seen.is_none() && !workspace {
                Ok(())
            } else {
                Err(format!("{seen:?}, {workspace}"))
            }
        })
        .await;
    }

    fn workspaces(&self) -> usize {
        std::fs::read_dir(self.data.path().join("projects")).unwrap().count()
    }
}

impl Keeper {
    async fn claims(&self) -> Claim {
        self.may_claim().await.unwrap()
    }

    pub(super) async fn may_claim(&self) -> Option<Claim> {
        self.runtimes.claim(Kind::Python, &Wishes::default()).await
    }

    /// The server is asked to stop, and does what it has to before.
    fn stops(&self) {
        self.tasks.stop();
    }

    /// The same, and it gets the time that it may take.
    pub(super) async fn ends_in_order(self) {
        self.tasks.finish(Duration::from_secs(2)).await;
    }
}
