//! Several servers on one database: what is changed on one, the others follow.

use lockhouse::plugins::{BindingChange, LibraryError, State};
use lockhouse::policy::Mode;
use lockhouse::tasks::Tasks;
use reqwest::{Method, multipart};
use serde_json::json;

use super::{Shelf, allows, denies};
use crate::databases::Database;
use crate::host::{Host, answer, engine, eventually};

/// Waits until these policies judge.
async fn judged_by(shelf: &Shelf<'_>, expected: &[&str]) {
    eventually("the same policies on both servers", async || {
        let names = shelf.policies.names();
        if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await;
}

on_every_database! {
    async fn what_one_server_installs_judges_on_the_other(database: Database) {
        let tasks = Tasks::new();
        let first = Shelf::with_default(&database).await;
        let second = first.another(&tasks).await;
        first.install(denies()).await.unwrap();
        judged_by(&second, &["default@1.0.0", "fixture@2.0.0"]).await;
        assert!(!second.decides().await.allow);
        assert_eq!(second.kept_files(), first.kept_files());
    }

    async fn a_swap_and_its_rollback_are_followed(database: Database) {
        let tasks = Tasks::new();
        let first = Shelf::empty(&database).await;
        let second = first.another(&tasks).await;
        first.install(allows()).await.unwrap();
        first.install(denies()).await.unwrap();
        judged_by(&second, &["fixture@2.0.0"]).await;
        first.library.rollback(&first.permit().await, "fixture").await.unwrap();
        judged_by(&second, &["fixture@1.0.0"]).await;
    }

    async fn disabling_enabling_and_removing_are_followed(database: Database) {
        let tasks = Tasks::new();
        let first = Shelf::with_default(&database).await;
        let second = first.another(&tasks).await;
        first.install(denies()).await.unwrap();
        first.library.disable(&first.permit().await, "fixture").await.unwrap();
        judged_by(&second, &["default@1.0.0"]).await;
        first.library.enable(&first.permit().await, "fixture").await.unwrap();
        judged_by(&second, &["default@1.0.0", "fixture@2.0.0"]).await;
        first.library.remove(&first.permit().await, "fixture").await.unwrap();
        judged_by(&second, &["default@1.0.0"]).await;
        assert!(second.library.find("fixture").is_err());
        assert!(second.kept_files().is_empty());
    }

    async fn bindings_and_grants_are_followed(database: Database) {
        let tasks = Tasks::new();
        let first = Shelf::with_default(&database).await;
        let second = first.another(&tasks).await;
        let id = first.install(denies()).await.unwrap().bindings[0].id.to_string();
        let permit = first.permit().await;
        let shadow = BindingChange { mode: Some(Mode::Shadow), ..BindingChange::default() };
        first.library.rebind(&permit, &id, shadow).await.unwrap();
        first.library.set_grants(&permit, "fixture", ["kv".to_owned()].into()).await.unwrap();
        eventually("grants", async || {
            let granted = second.library.find("fixture").map(|found| found.plugin.grants);
            if granted.as_ref().is_ok_and(|grants| grants.contains("kv")) { Ok(()) } else { Err(format!("{granted:?}")) }
        })
        .await;
        assert!(second.decides().await.allow);
    }

    async fn a_change_is_made_of_what_another_server_left(database: Database) {
        let first = Shelf::with_default(&database).await;
        // It follows nobody, and has seen nothing since its start.
        let second = first.another(&Tasks::new()).await;
        first.install(denies()).await.unwrap();
        first.library.set_grants(&first.permit().await, "fixture", ["kv".to_owned()].into()).await.unwrap();
        let status = second.library.disable(&second.permit().await, "fixture").await.unwrap();
        assert_eq!((status.state, status.plugin.grants.len()), (State::Disabled, 1));
    }

    async fn of_two_changes_at_one_moment_none_is_lost_unsaid(database: Database) {
        let first = Shelf::with_default(&database).await;
        let second = first.another(&Tasks::new()).await;
        first.install(denies()).await.unwrap();
        let permits = (first.permit().await, second.permit().await);
        let (granted, disabled) = tokio::join!(
            first.library.set_grants(&permits.0, "fixture", ["kv".to_owned()].into()),
            second.library.disable(&permits.1, "fixture"),
        );
        let happened = |done: &Result<_, LibraryError>| match done {
            Ok(_) => true,
            Err(LibraryError::ChangedMeanwhile) => false,
            Err(error) => panic!("{error}"),
        };
        let now = first.restarted().await.library.find("fixture").unwrap().plugin;
        assert_eq!(now.grants.contains("kv"), happened(&granted.map(drop)));
        assert_eq!(!now.enabled, happened(&disabled.map(drop)));
    }

    async fn servers_that_start_at_once_bind_what_is_built_in_once(database: Database) {
        let (first, second) = tokio::join!(Shelf::with_default(&database), Shelf::with_default(&database));
        assert_eq!(first.library.bindings().await.unwrap().len(), 1);
        assert_eq!(second.policies.names(), ["default@1.0.0"]);
    }
}

/// What a server decides about `ls`, and by which policies.
async fn decision(host: &Host) -> (bool, usize) {
    let decision = host.post("/api/v1/admin/policies/evaluate", json!({ "command": "ls" })).await;
    let policies = decision.json["policies"].as_array().map_or(0, Vec::len);
    (decision.json["allow"] == true, policies)
}

#[tokio::test]
async fn two_servers_on_one_database_judge_by_the_same_policies() {
    let engine = need!(local, engine("local").await);
    let unsigned = &[("LOCKHOUSE_PLUGINS__SIGNATURES__REQUIRED", "false")];
    let first = Host::start_with(engine, unsigned).await;
    let second = first.beside().await;
    let form = multipart::Form::new().part("component", multipart::Part::bytes(denies()));
    let path = "/api/v1/admin/plugins/fixture";
    let installed = answer(first.request(Method::PUT, path).multipart(form)).await;
    assert_eq!(installed.status, 200, "{}", installed.text);
    eventually("the policy on the second server", async || match decision(&second).await {
        (false, 2) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(second.delete(path).await.status, 204);
    eventually("its end on the first", async || match decision(&first).await {
        (true, 1) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}
