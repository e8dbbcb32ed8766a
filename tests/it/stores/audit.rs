//! The record of who did what.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lockhouse::audit::seal::Seal;
use lockhouse::audit::{Audit, Entry, Fault, Outcome, Phase, Record, Verification, Wanted};
use lockhouse::clock::Clock;
use lockhouse::ids::{AuditId, RequestId};
use lockhouse::origin::Origin;
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
        origin: Origin::new("10.0.0.1".parse().ok(), "test"),
        duration_us: Some(7),
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

fn intact(entries: u64) -> Verification {
    Verification::Intact { entries, cut: 0 }
}

fn broken(seq: i64, fault: Fault) -> Verification {
    Verification::Broken { seq, fault }
}

/// The record of a server that keeps its end.
fn sealed(database: &Database) -> Audit {
    let seal = Seal::open(database.data.path(), None, 0).unwrap();
    Audit::start_sealed(database.db.clone(), Clock::system(), &Tasks::new(), seal)
}

/// The same with so many entries.
async fn sealed_with(database: &Database, entries: usize) -> Audit {
    let audit = sealed(database);
    append(&audit, entries).await;
    audit
}

async fn append(audit: &Audit, entries: usize) {
    let appends = (0..entries).map(|_| audit.append(entry("project/a")));
    futures::future::try_join_all(appends).await.unwrap();
}

/// The numbers of what is found on one page.
async fn found(audit: &Audit, wanted: &Wanted) -> (Vec<i64>, Option<i64>) {
    let (records, next) = audit.page(wanted).await.unwrap();
    (records.iter().map(|record| record.seq).collect(), next)
}

async fn tamper(database: &Database, sql: &'static str) {
    sqlx::query(sql).execute(database.db.pool()).await.unwrap();
}

on_every_database! {
    async fn an_untouched_record_is_intact(database: Database) {
        let audit = filled(&database).await;
        assert_eq!(audit.verify().await.unwrap(), intact(3));
    }

    async fn an_empty_record_is_intact(database: Database) {
        let audit = Audit::start(database.db.clone(), Clock::system(), &Tasks::new());
        assert_eq!(audit.verify().await.unwrap(), intact(0));
    }

    async fn an_edited_entry_shows(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "UPDATE audit_entries SET actor = 'bob' WHERE seq = 2").await;
        assert_eq!(audit.verify().await.unwrap(), broken(2, Fault::Unfollowing));
    }

    async fn a_deleted_entry_shows(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "DELETE FROM audit_entries WHERE seq = 2").await;
        assert_eq!(audit.verify().await.unwrap(), broken(2, Fault::Unfollowing));
    }

    async fn entries_that_changed_places_show(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "UPDATE audit_entries SET seq = 9 WHERE seq = 1").await;
        tamper(&database, "UPDATE audit_entries SET seq = 1 WHERE seq = 2").await;
        tamper(&database, "UPDATE audit_entries SET seq = 2 WHERE seq = 9").await;
        assert_eq!(audit.verify().await.unwrap(), broken(1, Fault::Unfollowing));
    }

    async fn a_rewritten_hash_shows(database: Database) {
        let audit = filled(&database).await;
        tamper(&database, "UPDATE audit_entries SET hash = 'ff' WHERE seq = 3").await;
        assert_eq!(audit.verify().await.unwrap(), broken(3, Fault::Unfollowing));
    }

    async fn entries_of_many_callers_at_once_make_one_chain(database: Database) {
        let audit = filled(&database).await;
        let appends = (0..50).map(|n| audit.append(entry(&n.to_string())));
        futures::future::try_join_all(appends).await.unwrap();
        assert_eq!(audit.verify().await.unwrap(), intact(53));
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
        assert_eq!(audit.verify().await.unwrap(), intact(103));
    }

    async fn two_hosts_on_one_database_make_one_chain(database: Database) {
        let (one, two) = (filled(&database).await, filled(&database).await);
        let appends = (0..40).map(|n| if n % 2 == 0 { &one } else { &two }.append(entry("x")));
        futures::future::try_join_all(appends).await.unwrap();
        assert_eq!(one.verify().await.unwrap(), intact(46));
    }

    async fn an_entry_says_from_where_and_how_long(database: Database) {
        let audit = filled(&database).await;
        let (records, _) = audit.page(&Wanted { limit: 1, ..Wanted::default() }).await.unwrap();
        let Record { address, user_agent, duration_us, .. } = &records[0];
        assert_eq!((&**address, &**user_agent, *duration_us), ("10.0.0.1", "test", Some(7)));
        tamper(&database, "UPDATE audit_entries SET address = '10.0.0.2' WHERE seq = 2").await;
        assert_eq!(audit.verify().await.unwrap(), broken(2, Fault::Unfollowing));
    }

    async fn pages_stay_right_while_entries_are_added(database: Database) {
        let audit = filled(&database).await;
        let first = Wanted { limit: 2, ..Wanted::default() };
        assert_eq!(found(&audit, &first).await, (vec![3, 2], Some(2)));
        append(&audit, 5).await;
        let second = Wanted { before: Some(2), ..first };
        assert_eq!(found(&audit, &second).await, (vec![1], None));
    }

    async fn entries_are_found_by_what_they_say(database: Database) {
        let audit = filled(&database).await;
        let denied = Entry { phase: Phase::Denied, at_us: 9, ..entry("project/b/x.txt") };
        audit.append(denied).await.unwrap();
        let all = || Wanted { limit: 9, ..Wanted::default() };
        let of_b = Wanted { project: Some("b".to_owned()), ..all() };
        assert_eq!(found(&audit, &of_b).await.0, [4, 2]);
        let denials = Wanted { outcome: Some(Outcome::Denied), ..all() };
        assert_eq!(found(&audit, &denials).await.0, [4]);
        assert_eq!(found(&audit, &Wanted { until_us: Some(9), ..all() }).await.0, [3, 2, 1]);
        assert_eq!(found(&audit, &Wanted { since_us: Some(9), ..all() }).await.0, [4]);
        let others = Wanted { actor: Some("bob".to_owned()), ..all() };
        assert_eq!(found(&audit, &others).await.0, [0; 0]);
    }

    async fn an_end_that_was_cut_off_shows(database: Database) {
        let audit = sealed_with(&database, 3).await;
        assert_eq!(audit.verify().await.unwrap(), intact(3));
        tamper(&database, "DELETE FROM audit_entries WHERE seq > 1").await;
        assert_eq!(audit.verify().await.unwrap(), broken(2, Fault::Gone));
    }

    async fn a_record_that_was_written_anew_shows(database: Database) {
        let audit = sealed_with(&database, 3).await;
        tamper(&database, "DELETE FROM audit_entries").await;
        // Its entries follow from each other, as anybody can compute.
        filled(&database).await;
        assert_eq!(audit.verify().await.unwrap(), broken(3, Fault::Rewritten));
    }

    async fn what_was_cut_off_is_not_hidden_by_what_is_written_next(database: Database) {
        let audit = sealed_with(&database, 3).await;
        tamper(&database, "DELETE FROM audit_entries WHERE seq > 1").await;
        append(&audit, 5).await;
        assert_eq!(audit.verify().await.unwrap(), broken(2, Fault::Noticed));
    }

    async fn the_next_server_notices_what_was_done_meanwhile(database: Database) {
        drop(sealed_with(&database, 3).await);
        tamper(&database, "DELETE FROM audit_entries WHERE seq > 2").await;
        let audit = sealed_with(&database, 1).await;
        assert_eq!(audit.verify().await.unwrap(), broken(3, Fault::Noticed));
    }

    async fn old_entries_go_in_whole_chunks_and_the_rest_verifies(database: Database) {
        let audit = sealed_with(&database, 2_100).await;
        assert_eq!(audit.cut(0).await.unwrap(), None);
        assert_eq!(audit.cut(2).await.unwrap(), Some(2_000));
        append(&audit, 1).await;
        // The cut itself is an entry.
        assert_eq!(audit.verify().await.unwrap(), Verification::Intact { entries: 102, cut: 2_000 });
        let oldest = Wanted { before: Some(2_002), limit: 9, ..Wanted::default() };
        assert_eq!(found(&audit, &oldest).await, (vec![2_001], None));
        assert_eq!(sealed(&database).verify().await.unwrap(), audit.verify().await.unwrap());
    }

    async fn a_checkpoint_that_somebody_else_made_shows(database: Database) {
        let audit = sealed_with(&database, 1_100).await;
        audit.cut(2).await.unwrap();
        tamper(&database, "DELETE FROM audit_entries WHERE seq <= 1050").await;
        tamper(
            &database,
            "UPDATE audit_checkpoints SET seq = 1050, \
             hash = (SELECT previous FROM audit_entries WHERE seq = 1051)",
        )
        .await;
        assert_eq!(audit.verify().await.unwrap(), broken(1_051, Fault::Unsealed));
    }

    async fn a_record_that_is_broken_is_not_cut(database: Database) {
        let audit = sealed_with(&database, 1_100).await;
        tamper(&database, "UPDATE audit_entries SET actor = 'bob' WHERE seq = 2").await;
        assert_eq!(audit.cut(2).await.unwrap(), None);
    }

    async fn entries_of_the_first_release_go_on_verifying(database: Database) {
        tamper(
            &database,
            "INSERT INTO audit_entries (seq, id, phase, at, actor, action, target, request_id, \
             outcome, previous, hash) VALUES (1, 'e1', 'begun', 5, 'ada', 'file.write', \
             'project/lab/a', 'r1', '', 'lockhouse', \
             '773fc530da31bc06180214cc539939d8865cd2910d04955583bca912c2054157')",
        )
        .await;
        assert_eq!(sealed_with(&database, 2).await.verify().await.unwrap(), intact(3));
    }
}
