//! Installing, rolling back, disabling and removing.

use std::collections::BTreeSet;

use lockhouse::events::What;
use lockhouse::plugins::{LibraryError, NewVersion, State};

use super::{Shelf, allows, called, denies, version};
use crate::databases::Database;
use crate::plugins::fixture;
use crate::plugins::harness::decide;
use crate::plugins::imports::remembers;

on_every_database! {
    async fn an_installed_policy_judges_the_next_command(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        assert!(shelf.decides().await.allow);
        let status = shelf.install(denies()).await.unwrap();
        assert_eq!((status.state.clone(), status.version()), (State::Live, "2.0.0".to_owned()));
        let decision = shelf.decides().await;
        assert!(!decision.allow);
        assert_eq!(decision.policy, "fixture@2.0.0");
    }

    async fn a_rollback_brings_the_version_before_back_and_another_undoes_it(database: Database) {
        let shelf = Shelf::empty(&database).await;
        shelf.install(allows()).await.unwrap();
        shelf.install(denies()).await.unwrap();
        shelf.library.rollback(&shelf.permit().await, "fixture").await.unwrap();
        assert_eq!(shelf.decides().await.policy, "fixture@1.0.0");
        shelf.library.rollback(&shelf.permit().await, "fixture").await.unwrap();
        assert_eq!(shelf.decides().await.policy, "fixture@2.0.0");
    }

    async fn the_first_version_has_nothing_to_go_back_to(database: Database) {
        let shelf = Shelf::empty(&database).await;
        shelf.install(allows()).await.unwrap();
        let error = shelf.library.rollback(&shelf.permit().await, "fixture").await.err().unwrap();
        assert!(matches!(error, LibraryError::NothingBefore(_)), "{error}");
    }

    async fn installing_the_same_bytes_again_keeps_what_a_rollback_brings(database: Database) {
        let shelf = Shelf::empty(&database).await;
        shelf.install(allows()).await.unwrap();
        shelf.install(denies()).await.unwrap();
        shelf.install(denies()).await.unwrap();
        shelf.library.rollback(&shelf.permit().await, "fixture").await.unwrap();
        assert_eq!(shelf.decides().await.policy, "fixture@1.0.0");
    }

    async fn a_grant_that_is_taken_counts_for_who_holds_the_plugin_already(database: Database) {
        let shelf = Shelf::empty(&database).await;
        let manifest = "id = \"fixture\"\nversion = \"1.0.0\"\nsummary = \"A fixture.\"\n\
            roles = [\"command-policy\"]\ngrants = [\"kv\"]\n\
            imports = [\"lockhouse:host/kv@0.1.0\"]\n";
        let bytes = fixture::with_section(remembers(), "lockhouse:manifest", manifest);
        let new = NewVersion { grants: Some(["kv".to_owned()].into()), ..version(bytes) };
        let permit = shelf.permit().await;
        let held = shelf.library.install(&permit, "fixture", new).await.unwrap().loaded.unwrap();
        let held = held.into_policy().unwrap();
        assert!(decide(&held, "ls").await.reason.contains("This host has no database"));
        shelf.library.set_grants(&permit, "fixture", BTreeSet::new()).await.unwrap();
        assert!(decide(&held, "ls").await.reason.contains("was not granted “kv”"));
    }

    async fn a_disabled_policy_is_asked_no_more_until_it_is_enabled(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        shelf.install(denies()).await.unwrap();
        shelf.library.disable(&shelf.permit().await, "fixture").await.unwrap();
        assert!(shelf.decides().await.allow);
        shelf.library.enable(&shelf.permit().await, "fixture").await.unwrap();
        assert!(!shelf.decides().await.allow);
    }

    async fn the_last_policy_can_be_neither_disabled_nor_removed(database: Database) {
        let shelf = Shelf::empty(&database).await;
        shelf.install(allows()).await.unwrap();
        let permit = shelf.permit().await;
        let disabled = shelf.library.disable(&permit, "fixture").await.err().unwrap();
        let removed = shelf.library.remove(&permit, "fixture").await.err().unwrap();
        assert!(matches!(disabled, LibraryError::LastPolicy(_)), "{disabled}");
        assert!(matches!(removed, LibraryError::LastPolicy(_)), "{removed}");
        assert!(shelf.decides().await.allow);
    }

    async fn a_removed_plugin_leaves_nothing(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        shelf.install(denies()).await.unwrap();
        shelf.library.remove(&shelf.permit().await, "fixture").await.unwrap();
        assert!(shelf.decides().await.allow);
        assert!(shelf.kept_files().is_empty());
        shelf.library.remove(&shelf.permit().await, "fixture").await.unwrap();
    }

    async fn what_is_built_in_can_be_replaced_and_brought_back_but_not_removed(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let permit = shelf.permit().await;
        let other = version(called(&denies(), b"default"));
        shelf.library.install(&permit, "default", other).await.unwrap();
        assert_eq!(shelf.decides().await.policy, "default@2.0.0");
        let error = shelf.library.remove(&permit, "default").await.err().unwrap();
        assert!(matches!(error, LibraryError::BuiltIn(_)), "{error}");
        shelf.library.rollback(&permit, "default").await.unwrap();
        assert_eq!(shelf.decides().await.policy, "default@1.0.0");
    }

    async fn after_a_restart_the_same_versions_judge(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        shelf.install(denies()).await.unwrap();
        let shelf = shelf.restarted().await;
        assert_eq!(shelf.decides().await.policy, "fixture@2.0.0");
        shelf.library.disable(&shelf.permit().await, "fixture").await.unwrap();
        assert!(shelf.restarted().await.decides().await.allow);
    }

    async fn a_policy_whose_component_is_lost_denies_and_says_so(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        shelf.install(allows()).await.unwrap();
        shelf.lose_files();
        shelf.lose_rows().await;
        let shelf = shelf.restarted().await;
        let decision = shelf.decides().await;
        assert!(!decision.allow);
        assert!(decision.reason.contains("the policy fixture can't be loaded"), "{decision:?}");
        let status = shelf.library.find("fixture").unwrap();
        assert!(matches!(status.state, State::Failed(_)));
    }

    async fn a_component_that_the_disk_lost_is_found_in_the_database(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        shelf.install(denies()).await.unwrap();
        let kept = shelf.kept_files();
        shelf.lose_files();
        let shelf = shelf.restarted().await;
        assert_eq!(shelf.decides().await.policy, "fixture@2.0.0");
        assert_eq!(shelf.kept_files(), kept);
    }

    async fn a_component_that_only_the_disk_has_is_shared_at_the_next_start(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        shelf.install(denies()).await.unwrap();
        shelf.lose_rows().await;
        let shelf = shelf.restarted().await;
        shelf.lose_files();
        let shelf = shelf.restarted().await;
        assert_eq!(shelf.decides().await.policy, "fixture@2.0.0");
    }

    async fn only_the_newest_versions_are_kept(database: Database) {
        let shelf = Shelf::empty(&database).await;
        for version in 1..=8 {
            let rule = format!("(drop (i32.const {version})) (i32.const {})", fixture::ALLOW);
            shelf.install(fixture::policy("", &rule)).await.unwrap();
        }
        assert_eq!(shelf.library.find("fixture").unwrap().versions.len(), 5);
        assert_eq!(shelf.kept_files().len(), 5);
    }

    async fn every_change_is_told(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let mut news = shelf.events.subscribe(None);
        shelf.install(denies()).await.unwrap();
        let What::Plugin { name, version, change, .. } = news.next().await.unwrap().what else {
            panic!("it is news of a plugin");
        };
        assert_eq!((name.as_str(), version.as_str(), change), ("fixture", "2.0.0", "installed"));
    }
}
