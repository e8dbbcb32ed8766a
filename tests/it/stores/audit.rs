//! The record of who did what.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lockhouse::audit::{Audit, Entry, Phase, Verification};
use lockhouse::clock::Clock;
use lockhouse::ids::{AuditId, RequestId};
use lockhouse::tasks::Tasks;

use crate::databases::Database;

fn entry(target: &str) -> Entry {
    Entry {
        id: AuditId::generate(),
        phase: Phase::Begun,
        at_us: 1,
        actor: "ada".parse().unwrap(),
        action: "file.write",
        target: target.to_owned(),
        request_id: RequestId::generate(),
        outcome: String::new(),
    }
}

/// A record of three entries.
async fn filled(database: &Database) -> Audit {
    let audit = Audit::start(database.db.clone(), Clock::system(), &Tasks::new());
    for target in ["project/a", "project/b", "project/c"] {
        audit.append(entry(target)).await.unwrap();
    }
    audit
}

async fn tamper(database: &Database, sql: &'static str) {
    sqlx::query(sql).execute(database.db.pool()).await.unwrap();
}

on_every_database! {
    async fn an_untouched_record_is_intact(database: Database) {
        let audit = filled(&database).await;
        assert_eq!(audit.verify().await.unwrap(), Verification::Intact { entries: 3 });
    }

    async fn an_empty_record_is_intact(database: Database) {
        let audit = Audit::start(database.db.clone(), Clock::system(), &Tasks::new());
        assert_eq!(audit.verify().await.unwrap(), Verification::Intact { entries: 0 });
    }

    async fn an_edited_entry_shows(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "UPDATE audit_entries SET actor = 'bob' WHERE seq = 2").await;
        assert_eq!(audit.verify().await.unwrap(), Verification::Broken { seq: 2 });
    }

    async fn a_deleted_entry_shows(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "DELETE FROM audit_entries WHERE seq = 2").await;
        assert_eq!(audit.verify().await.unwrap(), Verification::Broken { seq: 2 });
    }

    async fn entries_that_changed_places_show(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "UPDATE audit_entries SET seq = 9 WHERE seq = 1").await;
        tamper(&database, "UPDATE audit_entries SET seq = 1 WHERE seq = 2").await;
        tamper(&database, "UPDATE audit_entries SET seq = 2 WHERE seq = 9").await;
        assert_eq!(audit.verify().await.unwrap(), Verification::Broken { seq: 1 });
    }

    async fn a_rewritten_hash_shows(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "UPDATE audit_entries SET hash = 'ff' WHERE seq = 3").await;
        assert_eq!(audit.verify().await.unwrap(), Verification::Broken { seq: 3 });
    }

    async fn entries_of_many_callers_at_once_make_one_chain(database: Database) {
        let audit = filled(&database).await;
        let appends = (0..50).map(|n| audit.append(entry(&n.to_string())));
        futures::future::try_join_all(appends).await.unwrap();
        assert_eq!(audit.verify().await.unwrap(), Verification::Intact { entries: 53 });
    }

    async fn entries_are_written_while_other_rooms_write(database: Database) {
        let audit = filled(&database).await;
        let others = stream::iter(0..200).for_each(async |n| {
            database.db.setting(&n.to_string(), "x").await.unwrap();
        });
        let appends = stream::iter(0..100).map(Ok).try_for_each(async |_: i32| {
            audit.append(entry("x")).await
        });
        let (_, appended) = tokio::join!(others, appends);
        appended.unwrap();
        assert_eq!(audit.verify().await.unwrap(), Verification::Intact { entries: 103 });
    }

    async fn two_hosts_on_one_database_make_one_chain(database: Database) {
        let (one, two) = (filled(&database).await, filled(&database).await);
        let appends = (0..40).map(|n| if n % 2 == 0 { &one } else { &two }.append(entry("x")));
        futures::future::try_join_all(appends).await.unwrap();
        assert_eq!(one.verify().await.unwrap(), Verification::Intact { entries: 46 });
    }
}
