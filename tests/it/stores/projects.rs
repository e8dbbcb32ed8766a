//! Projects.

use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::ids::Kind;
use lockhouse::projects::{Error, NewProject, Projects};

use super::{caller, gate, permit};
use crate::databases::Database;

fn projects(database: &Database) -> Projects {
    projects_at(database, Clock::system())
}

fn projects_at(database: &Database, clock: Clock) -> Projects {
    let events = Events::new(clock.clone());
    let root = database.data.path().join("projects");
    Projects::new(database.db.clone(), clock, events, root, None)
}

fn new(name: &str, kind: Kind) -> NewProject {
    NewProject { name: name.parse().unwrap(), kind, description: "naïve 😀".to_owned() }
}

on_every_database! {
    async fn a_project_reads_back_as_it_was_made(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let ada = caller(&database, "ada").await;
        let leave = permit(&gate, &ada).await;
        let (made, is_new) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        let found = projects.find(&ada, "todo").await.unwrap();
        assert!(is_new);
        assert_eq!((found.kind, found.description), (Kind::Go, made.description));
        assert_eq!(projects.find(&ada, found.id.as_str()).await.unwrap().name, made.name);
    }

    async fn creating_the_same_again_gives_the_one_that_is_there(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let leave = permit(&gate, &caller(&database, "ada").await).await;
        let (first, _) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        let (again, is_new) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        let other = projects.create(&leave, new("todo", Kind::Ruby)).await;
        assert_eq!((first.id, false), (again.id, is_new));
        assert!(matches!(other, Err(Error::Differs { kind: Kind::Go, .. })));
    }

    async fn two_people_may_use_one_name_and_see_their_own(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let (ada, bob) = (caller(&database, "ada").await, caller(&database, "bob").await);
        let adas = projects.create(&permit(&gate, &ada).await, new("todo", Kind::Go)).await.unwrap();
        assert!(matches!(projects.find(&bob, "todo").await, Err(Error::NotFound(_))));
        assert!(matches!(projects.find(&bob, adas.0.id.as_str()).await, Err(Error::NotFound(_))));
        projects.create(&permit(&gate, &bob).await, new("todo", Kind::Php)).await.unwrap();
        assert_eq!(projects.find(&bob, "todo").await.unwrap().kind, Kind::Php);
        assert_eq!(projects.list(&ada, None, 10).await.unwrap().len(), 1);
    }

    async fn an_administrator_sees_everybodys(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let (ada, admin) = (caller(&database, "ada").await, caller(&database, "admin").await);
        projects.create(&permit(&gate, &ada).await, new("todo", Kind::Go)).await.unwrap();
        assert_eq!(projects.find(&admin, "todo").await.unwrap().owner, ada.user.id);
        assert_eq!(projects.list(&admin, None, 10).await.unwrap().len(), 1);
    }

    async fn a_list_comes_in_pages_oldest_first(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let ada = caller(&database, "ada").await;
        for name in ["c", "a", "b"] {
            projects.create(&permit(&gate, &ada).await, new(name, Kind::Go)).await.unwrap();
        }
        let first = projects.list(&ada, None, 2).await.unwrap();
        let rest = projects.list(&ada, Some(&first[1].id), 2).await.unwrap();
        let names: Vec<_> = first.iter().chain(&rest).map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }

    async fn a_deleted_project_is_gone_with_its_files(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let ada = caller(&database, "ada").await;
        let leave = permit(&gate, &ada).await;
        let (project, _) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        let workspace = projects.workspace(&project.id);
        std::fs::write(workspace.join("a.txt"), "hi").unwrap();
        projects.delete(&leave, &project).await.unwrap();
        assert!(!workspace.exists());
        assert!(matches!(projects.find(&ada, "todo").await, Err(Error::NotFound(_))));
    }

    async fn a_project_that_was_deleted_comes_back_with_its_files(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let ada = caller(&database, "ada").await;
        let leave = permit(&gate, &ada).await;
        let (project, _) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        std::fs::write(projects.workspace(&project.id).join("a.txt"), "hi").unwrap();
        projects.retire(&leave, &project).await.unwrap();
        assert!(matches!(projects.find(&ada, "todo").await, Err(Error::NotFound(_))));
        let deleted = projects.find_deleted(&ada, "todo").await.unwrap();
        let listed = projects.list_deleted(&ada, None, 10).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&deleted));
        assert_eq!(projects.restore(&leave, deleted).await.unwrap().id, project.id);
        assert_eq!(projects.find(&ada, "todo").await.unwrap().id, project.id);
        assert!(projects.workspace(&project.id).join("a.txt").exists());
    }

    async fn the_name_of_a_deleted_project_is_free_and_may_be_taken(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let ada = caller(&database, "ada").await;
        let leave = permit(&gate, &ada).await;
        let (old, _) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        projects.retire(&leave, &old).await.unwrap();
        let (other, new) = projects.create(&leave, new("todo", Kind::Rust)).await.unwrap();
        assert!(new && other.id != old.id);
        let deleted = projects.find_deleted(&ada, "todo").await.unwrap();
        let refused = projects.restore(&leave, deleted.clone()).await;
        assert!(matches!(refused, Err(Error::Taken(_))), "{refused:?}");
        projects.delete(&leave, &other).await.unwrap();
        assert_eq!(projects.restore(&leave, deleted).await.unwrap().id, old.id);
    }

    async fn a_deleted_project_is_another_s_to_take_back_never(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let (ada, bob) = (caller(&database, "ada").await, caller(&database, "bob").await);
        let leave = permit(&gate, &ada).await;
        let (project, _) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        projects.retire(&leave, &project).await.unwrap();
        let id = project.id.as_str();
        assert!(matches!(projects.find_deleted(&bob, id).await, Err(Error::NotFound(_))));
        assert!(projects.list_deleted(&bob, None, 10).await.unwrap().is_empty());
    }

    async fn a_deleted_project_is_gone_for_good_when_it_expires(database: Database) {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let (projects, gate) = (projects_at(&database, clock.clone()), gate(&database));
        let ada = caller(&database, "ada").await;
        let leave = permit(&gate, &ada).await;
        let (project, _) = projects.create(&leave, new("todo", Kind::Go)).await.unwrap();
        projects.retire(&leave, &project).await.unwrap();
        assert_eq!(projects.sweep_deleted().await.unwrap(), 0);
        clock.advance(lockhouse::projects::KEPT);
        assert!(matches!(projects.find_deleted(&ada, "todo").await, Err(Error::NotFound(_))));
        assert_eq!(projects.sweep_deleted().await.unwrap(), 1);
        assert!(!projects.workspace(&project.id).exists());
    }

    async fn many_who_create_one_project_at_once_get_the_same(database: Database) {
        let (projects, gate) = (projects(&database), gate(&database));
        let leave = permit(&gate, &caller(&database, "ada").await).await;
        let made = futures::future::join_all(
            (0..6).map(|_| projects.create(&leave, new("todo", Kind::Go))),
        )
        .await;
        let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
        assert_eq!(made.iter().filter(|(_, is_new)| *is_new).count(), 1);
        assert!(made.iter().all(|(project, _)| project.id == made[0].0.id));
    }
}
