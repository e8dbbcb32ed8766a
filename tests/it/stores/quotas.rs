//! Quotas.

use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::ids::{Kind, UserId};
use lockhouse::projects::{Error, NewProject, Project, Projects};
use lockhouse::quotas::{self, Config, Over, OwnQuota, Quota, Quotas};

use super::{caller, gate, permit};
use crate::databases::Database;

/// Everybody's projects may take a hundred bytes.
fn quotas(database: &Database) -> Quotas {
    let config = Config { disk_bytes: Some(100), ..Config::default() };
    Quotas::new(database.db.clone(), Clock::system(), &config)
}

fn projects(database: &Database) -> Projects {
    let events = Events::new(Clock::system());
    let root = database.data.path().join("projects");
    let projects = Projects::new(database.db.clone(), Clock::system(), events, root, None);
    projects.within(quotas(database))
}

async fn project(database: &Database, owner: &str, name: &str) -> Project {
    let leave = permit(&gate(database), &caller(database, owner).await).await;
    let new =
        NewProject { name: name.parse().unwrap(), kind: Kind::Go, description: String::new() };
    projects(database).create(&leave, new).await.unwrap().0
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

on_every_database! {
    async fn what_projects_take_is_added_up_for_each_owner(database: Database) {
        let (quotas, ada) = (quotas(&database), user("ada"));
        let one = project(&database, "ada", "one").await;
        let two = project(&database, "ada", "two").await;
        let bobs = project(&database, "bob", "one").await;
        quotas.take_disk(&ada, &one.id, 60).await.unwrap().keep();
        quotas.take_disk(&user("bob"), &bobs.id, 90).await.unwrap().keep();
        let refused = quotas.take_disk(&ada, &two.id, 41).await;
        assert!(matches!(refused, Err(quotas::Error::Over(Over::Disk(share))) if share.taken == 60));
        quotas.take_disk(&ada, &two.id, 40).await.unwrap().keep();
        let taken = quotas.disk_taken_of(&ada, &user("bob")).await.unwrap();
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), [("ada".into(), 100), ("bob".into(), 90)]);
    }

    async fn what_was_taken_in_vain_can_be_taken_again(database: Database) {
        let (quotas, ada) = (quotas(&database), user("ada"));
        let one = project(&database, "ada", "one").await;
        quotas.take_disk(&ada, &one.id, 100).await.unwrap().give_back().await;
        quotas.take_disk(&ada, &one.id, 100).await.unwrap().settle(30).await;
        assert_eq!(quotas.disk_share(&ada).await.unwrap().unwrap().left(), 70);
        quotas.take_disk(&ada, &one.id, 70).await.unwrap().settle(-99).await;
        assert_eq!(quotas.disk_taken(&ada).await.unwrap(), 0);
    }

    async fn a_quota_of_ones_own_counts_at_once(database: Database) {
        let (quotas, ada) = (quotas(&database), user("ada"));
        let one = project(&database, "ada", "one").await;
        assert_eq!(quotas.disk_most(&ada).await.unwrap(), Some(100));
        let own = Quota { disk_bytes: Some(1 << 40), ..Quota::default() };
        quotas.set(&ada, own).await.unwrap();
        quotas.take_disk(&ada, &one.id, 101).await.unwrap().keep();
        let listed: Vec<OwnQuota> = quotas.list(None, 9).await.unwrap();
        assert_eq!(listed[0].quota, own);
        quotas.remove(&ada).await.unwrap();
        assert_eq!(quotas.disk_most(&ada).await.unwrap(), Some(100));
    }

    async fn a_deleted_project_makes_room_and_needs_it_again(database: Database) {
        let (quotas, projects) = (quotas(&database), projects(&database));
        let one = project(&database, "ada", "one").await;
        let two = project(&database, "ada", "two").await;
        quotas.take_disk(&one.owner, &one.id, 60).await.unwrap().keep();
        let ada = caller(&database, "ada").await;
        let leave = permit(&gate(&database), &ada).await;
        projects.retire(&leave, &one).await.unwrap();
        let taken = quotas.take_disk(&two.owner, &two.id, 41).await.unwrap();
        let deleted = async || projects.find_deleted(&ada, "one").await.unwrap();
        let refused = projects.restore(&leave, deleted().await).await;
        assert!(matches!(refused, Err(Error::Quota(Over::Disk(_)))), "{refused:?}");
        taken.settle(40).await;
        projects.restore(&leave, deleted().await).await.unwrap();
        assert_eq!(quotas.disk_taken(&one.owner).await.unwrap(), 100);
    }
}
