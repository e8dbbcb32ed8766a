//! Where a plugin is used: by whom, in which order, with which settings.

use lockhouse::ids::ProjectId;
use lockhouse::plugins::{BindingChange, LibraryError, NewBinding};
use lockhouse::policy::{Mode, OnError};

use super::{Shelf, denies, version};
use crate::databases::Database;
use crate::plugins::fixture;
use crate::plugins::harness::request;

fn in_shadow() -> BindingChange {
    BindingChange { mode: Some(Mode::Shadow), ..BindingChange::default() }
}

on_every_database! {
    async fn a_policy_in_shadow_is_heard_and_not_applied(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let mut new = version(denies());
        new.binding = in_shadow();
        shelf.library.install(&shelf.permit().await, "fixture", new).await.unwrap();
        let decision = shelf.decides().await;
        assert!(decision.allow);
        assert_eq!(decision.dissent(), ["fixture@2.0.0 in shadow would deny: a-rule"]);
    }

    async fn a_policy_bound_to_one_project_judges_that_one_alone(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let permit = shelf.permit().await;
        let mut new = version(denies());
        new.binding = in_shadow();
        shelf.library.install(&permit, "fixture", new).await.unwrap();
        let (project, change) = (ProjectId::generate(), BindingChange::default());
        let bound = NewBinding { plugin: "fixture".into(), project: Some(project.clone()), change };
        shelf.library.bind(&permit, bound).await.unwrap();
        let mut theirs = request("ls");
        theirs.project = project;
        assert!(!shelf.policies.decide(&theirs).await.allow);
        assert!(shelf.decides().await.allow);
    }

    async fn lower_positions_are_asked_first(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let mut new = version(denies());
        new.binding.position = Some(-1);
        shelf.library.install(&shelf.permit().await, "fixture", new).await.unwrap();
        assert_eq!(shelf.policies.names(), ["fixture@2.0.0", "default@1.0.0"]);
    }

    async fn a_binding_that_allows_on_errors_lets_commands_pass(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let permit = shelf.permit().await;
        // It answers to the first harmless command and traps on any other.
        let moody = "(if (i32.ne (i32.load (i32.add (local.get $request) (i32.const 4)))
            (i32.const 4)) (then (unreachable))) (i32.const 192)";
        let status = shelf.install(fixture::policy("", moody)).await.unwrap();
        assert!(!shelf.decides().await.allow);
        let lenient =
            BindingChange { on_error: Some(OnError::Allow), ..BindingChange::default() };
        let id = status.bindings[0].id.to_string();
        shelf.library.rebind(&permit, &id, lenient).await.unwrap();
        assert!(shelf.decides().await.allow);
    }

    async fn the_last_binding_that_enforces_can_be_neither_removed_nor_put_in_shadow(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let permit = shelf.permit().await;
        let id = shelf.library.bindings().await.unwrap()[0].id.to_string();
        let removed = shelf.library.unbind(&permit, &id).await.unwrap_err();
        let shadowed = shelf.library.rebind(&permit, &id, in_shadow()).await.unwrap_err();
        assert!(matches!(removed, LibraryError::LastPolicy(_)), "{removed}");
        assert!(matches!(shadowed, LibraryError::LastPolicy(_)), "{shadowed}");
    }

    async fn an_unbound_policy_is_kept_and_not_asked(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let permit = shelf.permit().await;
        let status = shelf.install(denies()).await.unwrap();
        shelf.library.unbind(&permit, status.bindings[0].id.as_str()).await.unwrap();
        assert!(shelf.decides().await.allow);
        let state = shelf.library.find("fixture").unwrap().state;
        assert_eq!(state, lockhouse::plugins::State::Unbound);
    }
}
