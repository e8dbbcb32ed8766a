//! What was judged is kept, to try other policies on it.

use std::sync::Arc;

use jiff::Timestamp;
use lockhouse::policy::{CommandPolicy, Judgement};

use super::{Shelf, denies};
use crate::databases::Database;
use crate::host::eventually;
use crate::plugins::harness::request;

/// The judgements that are kept, once there are `count`.
async fn kept(shelf: &Shelf<'_>, count: usize) -> Vec<Judgement> {
    eventually("judgements", async || {
        let page = shelf.recorder.page(Timestamp::UNIX_EPOCH, None, 100).await.unwrap();
        if page.len() == count { Ok(page) } else { Err(format!("{} of them", page.len())) }
    })
    .await
}

on_every_database! {
    async fn a_judgement_reads_back_as_it_was_made(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let mut asked = request("printf 'a\0b'");
        asked.argv = Some(vec!["printf".to_owned(), "a\0b".to_owned()]);
        shelf.policies.decide(&asked).await;
        let judgement = kept(&shelf, 1).await.remove(0);
        assert_eq!(judgement.request.command, asked.command);
        assert_eq!(judgement.request.argv, asked.argv);
        assert_eq!(judgement.request.project, asked.project);
        assert_eq!((judgement.allow, judgement.policy.as_str()), (true, "default@1.0.0"));
    }

    async fn judgements_come_newest_first_and_in_pages(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        for command in ["first", "second", "third"] {
            shelf.policies.decide(&request(command)).await;
        }
        let all = kept(&shelf, 3).await;
        let rest = shelf.recorder.page(Timestamp::UNIX_EPOCH, Some(&all[0].id), 100).await.unwrap();
        let commands: Vec<_> = rest.into_iter().map(|one| one.request.command).collect();
        assert_eq!(commands, ["second", "first"]);
    }

    async fn trying_a_candidate_neither_replaces_a_policy_nor_is_kept(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let candidate = shelf.library.try_out(&denies(), "{}").await.unwrap();
        let candidate: Arc<dyn CommandPolicy> = Arc::new(candidate.into_policy().unwrap());
        let trial = shelf.policies.with_candidate(candidate);
        assert!(!trial.consider(&request("ls")).await.allow);
        assert!(shelf.decides().await.allow);
        kept(&shelf, 1).await;
    }
}
