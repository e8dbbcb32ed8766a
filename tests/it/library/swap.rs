//! A policy is swapped while commands are judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockhouse::policy::Policies;

use super::{Shelf, allows, denies};
use crate::databases::Database;
use crate::plugins::harness::request;

/// Versions by which commands were judged, one after the other, until `enough`.
async fn judge_until(enough: Arc<AtomicBool>, policies: Policies) -> Vec<String> {
    let mut judged = Vec::new();
    while !enough.load(Ordering::Relaxed) {
        judged.push(policies.decide(&request("ls")).await.policy);
    }
    judged
}

on_every_database! {
    async fn commands_are_judged_by_the_old_version_or_the_new_and_never_go_back(database: Database) {
        let shelf = Shelf::empty(&database).await;
        shelf.install(allows()).await.unwrap();
        let enough = Arc::new(AtomicBool::new(false));
        let judges: Vec<_> = (0..4)
            .map(|_| tokio::spawn(judge_until(Arc::clone(&enough), shelf.policies.clone())))
            .collect();
        shelf.install(denies()).await.unwrap();
        enough.store(true, Ordering::Relaxed);
        for judge in judges {
            let judged = judge.await.unwrap();
            assert!(judged.iter().all(|policy| policy.starts_with("fixture@")), "{judged:?}");
            assert!(judged.is_sorted(), "once the new version judges, the old one does not");
        }
        assert_eq!(shelf.decides().await.policy, "fixture@2.0.0");
    }
}
