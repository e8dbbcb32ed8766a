//! Leases: of several servers on one database, one works on a thing at a time.

use std::time::Duration;

use lockhouse::clock::Clock;
use lockhouse::leases::Leases;
use lockhouse::tasks::Tasks;

use crate::databases::Database;

const SOON: Duration = Duration::from_secs(10);

/// A server with a data directory of its own.
async fn server(database: &Database, name: &str, clock: &Clock) -> Leases {
    let dir = database.data.path().join(name);
    Leases::open(database.db.clone(), clock.clone(), Tasks::new(), dir).await.unwrap()
}

on_every_database! {
    async fn what_one_server_holds_another_waits_for(database: Database) {
        let clock = Clock::system();
        let (one, other) = (server(&database, "1", &clock).await, server(&database, "2", &clock).await);
        let lease = one.try_take("runtime/a").await.unwrap().unwrap();
        assert!(other.try_take("runtime/a").await.unwrap().is_none());
        assert!(other.try_take("runtime/b").await.unwrap().is_some());
        let (taken, ()) = tokio::join!(other.take("runtime/a", SOON), lease.give_back());
        assert!(taken.unwrap().is_some());
    }

    async fn servers_of_one_data_directory_sit_apart_and_know_of_each_other(database: Database) {
        let clock = Clock::system();
        let one = server(&database, "shared", &clock).await;
        assert!((one.seat(), one.is_alone()) == (0, true));
        let other = server(&database, "shared", &clock).await;
        assert_eq!((other.seat(), one.is_alone(), other.is_alone()), (1, false, false));
        drop(one);
        assert!(other.is_alone());
        assert_eq!(server(&database, "shared", &clock).await.seat(), 0);
    }

    async fn what_is_done_now_and_then_one_server_does_at_a_time(database: Database) {
        let clock = Clock::system();
        let (one, other) = (server(&database, "1", &clock).await, server(&database, "2", &clock).await);
        let beside = one.in_turn("sweep", other.in_turn("sweep", async { "twice" })).await;
        assert_eq!(beside, Some(None));
        assert_eq!(other.in_turn("sweep", async { "next" }).await, Some("next"));
    }

    async fn one_server_holds_a_thing_once(database: Database) {
        let server = server(&database, "1", &Clock::system()).await;
        let lease = server.try_take("a").await.unwrap().unwrap();
        assert!(server.try_take("a").await.unwrap().is_none());
        lease.give_back().await;
        assert!(server.try_take("a").await.unwrap().is_some());
    }

    async fn a_lease_that_is_not_renewed_ends(database: Database) {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let (one, other) = (server(&database, "1", &clock).await, server(&database, "2", &clock).await);
        let _held = one.try_take("a").await.unwrap().unwrap();
        clock.advance(Duration::from_secs(29));
        assert!(other.try_take("a").await.unwrap().is_none());
        clock.advance(Duration::from_secs(2));
        assert!(other.try_take("a").await.unwrap().is_some());
    }

    async fn what_a_killed_server_held_is_free_at_once(database: Database) {
        let clock = Clock::system();
        let one = server(&database, "shared", &clock).await;
        let killed = [("a", "dead.0"), ("b", "dead.1"), ("c", "elsewhere.0")];
        for (name, holder) in killed {
            sqlx::query("INSERT INTO leases (name, holder, until_at) VALUES ($1, $2, $3)")
                .bind(name)
                .bind(holder)
                .bind(i64::MAX)
                .execute(database.db.pool())
                .await
                .unwrap();
        }
        std::fs::File::create(database.data.path().join("shared/dead.lock")).unwrap();
        assert!(one.try_take("a").await.unwrap().is_some());
        let another = server(&database, "shared", &clock).await;
        assert!(another.try_take("b").await.unwrap().is_some());
        assert!(another.try_take("c").await.unwrap().is_none(), "of that one nothing is known");
    }
}
