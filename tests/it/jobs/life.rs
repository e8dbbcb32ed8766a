//! A job from its creation to its end.

use std::time::Duration;

use lockhouse::events::What;
use lockhouse::jobs::{Error, Status};

use super::{Room, rel};
use crate::databases::Database;

const EXPIRY: Duration = Duration::from_secs(48 * 3600);

on_every_database! {
    async fn a_job_reads_back_as_it_was_made(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        let ada = room.caller("ada").await;
        assert_eq!(job.status, Status::Generating);
        assert_eq!(room.jobs.find(&ada, &job.id).await.unwrap(), job);
        assert_eq!(room.jobs.list(&ada, None, 10).await.unwrap().0, [job]);
    }

    async fn an_id_of_the_callers_choice_is_taken_once(database: Database) {
        let room = Room::new(database);
        let job = room.try_create("ada", "mine").await.unwrap();
        assert_eq!(job.id.as_str(), "mine");
        assert!(matches!(room.try_create("ada", "mine").await, Err(Error::Taken(_))));
    }

    async fn an_id_belongs_to_its_owner(database: Database) {
        let room = Room::new(database);
        let adas = room.try_create("ada", "mine").await.unwrap();
        let bob = room.caller("bob").await;
        assert!(matches!(room.jobs.find(&bob, &adas.id).await, Err(Error::NotFound(_))));
        let bobs = room.try_create("bob", "mine").await.unwrap();
        room.write(&adas, "a.txt", "ada's").await.unwrap();
        assert!(matches!(room.jobs.read(&bobs, &rel("a.txt")).await, Err(Error::Files(_))));
        assert_eq!(room.jobs.list(&bob, None, 10).await.unwrap().0, [bobs]);
    }

    async fn an_administrator_finds_everybodys(database: Database) {
        let room = Room::new(database);
        let job = room.try_create("ada", "mine").await.unwrap();
        let admin = room.caller("admin").await;
        assert_eq!(room.jobs.find(&admin, &job.id).await.unwrap(), job);
        assert_eq!(room.jobs.list(&admin, None, 10).await.unwrap().0, [job]);
    }

    async fn a_list_comes_in_pages(database: Database) {
        let room = Room::new(database);
        let jobs = [room.create().await, room.create().await, room.create().await];
        let ada = room.caller("ada").await;
        let (first, next) = room.jobs.list(&ada, None, 2).await.unwrap();
        let (rest, last) = room.jobs.list(&ada, next.as_ref(), 2).await.unwrap();
        assert_eq!([first, rest].concat(), jobs);
        assert_eq!(last, None);
    }

    async fn the_plan_is_kept_when_the_job_completes(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        let permit = room.permit("ada").await;
        room.jobs.set_plan(&permit, &job, "{\"files\":[]}".to_owned()).await.unwrap();
        room.complete(&job).await.unwrap();
        let found = room.jobs.find(&room.caller("ada").await, &job.id).await.unwrap();
        assert_eq!((found.plan.as_deref(), found.status), (Some("{\"files\":[]}"), Status::Complete));
    }

    async fn completing_twice_is_no_error_and_failing_then_is(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        room.complete(&job).await.unwrap();
        assert_eq!(room.complete(&job).await.unwrap().status, Status::Complete);
        let failed = room.jobs.fail(&room.permit("ada").await, &job, "no").await;
        assert!(matches!(failed, Err(Error::Status { is: Status::Complete, .. })));
    }

    async fn a_failed_job_says_why_and_keeps_the_first_reason(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        let permit = room.permit("ada").await;
        room.jobs.fail(&permit, &job, &"é".repeat(4_000)).await.unwrap();
        let again = room.jobs.fail(&permit, &job, "another").await.unwrap();
        assert_eq!(again.error, Some("é".repeat(2_048)));
        assert!(matches!(room.complete(&job).await, Err(Error::Status { .. })));
    }

    async fn a_reason_with_a_nul_is_kept_without_it(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        let failed = room.jobs.fail(&room.permit("ada").await, &job, "a\0b").await.unwrap();
        let found = room.jobs.find(&room.caller("ada").await, &job.id).await.unwrap();
        assert_eq!((failed.error.as_deref(), found.error), (Some("a b"), failed.error.clone()));
    }

    async fn a_finished_job_takes_no_files(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        room.write(&job, "a.txt", "one").await.unwrap();
        room.complete(&job).await.unwrap();
        assert!(matches!(room.write(&job, "b.txt", "two").await, Err(Error::Status { .. })));
        let plan = room.jobs.set_plan(&room.permit("ada").await, &job, "{}".to_owned()).await;
        assert!(matches!(plan, Err(Error::Status { .. })));
        assert_eq!(room.jobs.read(&job, &rel("a.txt")).await.unwrap().bytes, b"one");
    }

    async fn an_expired_job_is_gone_and_its_directory_is_swept(database: Database) {
        let room = Room::new(database);
        let (old, ada) = (room.create().await, room.caller("ada").await);
        room.write(&old, "a.txt", "one").await.unwrap();
        room.clock.advance(EXPIRY - Duration::from_secs(1));
        let young = room.create().await;
        assert_eq!(room.jobs.sweep().await.unwrap(), 0);
        room.clock.advance(Duration::from_secs(1));
        assert!(matches!(room.jobs.find(&ada, &old.id).await, Err(Error::Gone { .. })));
        assert_eq!(room.jobs.list(&ada, None, 10).await.unwrap().0, [young]);
        assert_eq!((room.directories(), room.jobs.sweep().await.unwrap()), (2, 1));
        assert_eq!(room.directories(), 1);
    }

    async fn of_two_sweeps_at_once_each_expired_job_is_counted_by_one(database: Database) {
        let room = Room::new(database);
        for _ in 0..10 {
            room.create().await;
        }
        room.clock.advance(EXPIRY);
        let (one, other) = tokio::join!(room.jobs.sweep(), room.jobs.sweep());
        assert_eq!((one.unwrap() + other.unwrap(), room.directories()), (10, 0));
    }

    async fn that_a_job_has_expired_is_remembered_for_a_month(database: Database) {
        let room = Room::new(database);
        let job = room.try_create("ada", "mine").await.unwrap();
        let (ada, bob) = (room.caller("ada").await, room.caller("bob").await);
        room.clock.advance(EXPIRY);
        room.jobs.sweep().await.unwrap();
        let Err(Error::Gone { expired_at, .. }) = room.jobs.find(&ada, &job.id).await else {
            panic!("the job has expired");
        };
        assert_eq!(expired_at, job.expires_at);
        assert!(matches!(room.jobs.find(&bob, &job.id).await, Err(Error::NotFound(_))));
        assert_eq!(room.jobs.stats().await.unwrap().expired, 1);
        room.clock.advance(Duration::from_secs(30 * 24 * 3600));
        room.jobs.sweep().await.unwrap();
        assert!(matches!(room.jobs.find(&ada, &job.id).await, Err(Error::NotFound(_))));
    }

    async fn a_new_job_takes_the_place_of_one_that_is_remembered(database: Database) {
        let room = Room::new(database);
        room.try_create("ada", "mine").await.unwrap();
        room.clock.advance(EXPIRY);
        room.jobs.sweep().await.unwrap();
        let new = room.try_create("ada", "mine").await.unwrap();
        room.jobs.delete(&room.permit("ada").await, &new).await.unwrap();
        let found = room.jobs.find(&room.caller("ada").await, &new.id).await;
        assert!(matches!(found, Err(Error::NotFound(_))));
    }

    async fn the_id_of_an_expired_job_is_free(database: Database) {
        let room = Room::new(database);
        let old = room.try_create("ada", "mine").await.unwrap();
        room.write(&old, "a.txt", "one").await.unwrap();
        room.clock.advance(EXPIRY);
        let new = room.try_create("ada", "mine").await.unwrap();
        assert!(matches!(room.jobs.read(&new, &rel("a.txt")).await, Err(Error::Files(_))));
        assert!(matches!(room.complete(&old).await, Err(Error::NotFound(_))));
    }

    async fn a_deleted_job_is_gone_with_its_files(database: Database) {
        let room = Room::new(database);
        let job = room.create().await;
        room.write(&job, "deep/a.txt", "one").await.unwrap();
        room.jobs.delete(&room.permit("ada").await, &job).await.unwrap();
        let found = room.jobs.find(&room.caller("ada").await, &job.id).await;
        assert!(matches!(found, Err(Error::NotFound(_))));
        assert_eq!(room.directories(), 0);
    }

    async fn statistics_count_jobs_files_and_bytes(database: Database) {
        let room = Room::new(database);
        let none = room.jobs.stats().await.unwrap();
        assert_eq!((none.bytes, none.oldest, none.expired), (0, None, 0));
        let (job, _) = (room.create().await, room.create().await);
        room.write(&job, "deep/a.txt", "four").await.unwrap();
        room.complete(&job).await.unwrap();
        let stats = room.jobs.stats().await.unwrap();
        let jobs = [(Status::Generating, 1), (Status::Complete, 1), (Status::Failed, 0)];
        assert_eq!((stats.jobs, stats.files, stats.bytes), (jobs.to_vec(), 1, 4));
        assert_eq!(stats.oldest, Some(job.created_at));
    }

    async fn a_jobs_life_is_told_as_news(database: Database) {
        let room = Room::new(database);
        let mut news = room.events.subscribe(None);
        let job = room.create().await;
        room.complete(&job).await.unwrap();
        room.complete(&job).await.unwrap();
        room.jobs.fail(&room.permit("ada").await, &room.create().await, "no").await.unwrap();
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(news.next().await.unwrap().what);
        }
        let statuses: Vec<_> = told.iter().map(status).collect();
        assert_eq!(statuses, ["generating", "complete", "generating", "failed"]);
    }
}

fn status(what: &What) -> &'static str {
    match what {
        What::Job { status, .. } => status,
        _ => "something else",
    }
}
