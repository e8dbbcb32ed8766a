//! Reports in the library: installed for everybody, beside any number of others.

use lockhouse::ids::ProjectId;
use lockhouse::plugins::{BindingChange, LibraryError, NewBinding, State};
use lockhouse::policy::Mode;

use super::{Shelf, called, version};
use crate::databases::Database;
use crate::plugins::fixture::{self, EMPTY_DOCUMENT, NO_QUERY};

fn report() -> Vec<u8> {
    let [queries, render] = [NO_QUERY, EMPTY_DOCUMENT].map(|at| format!("(i32.const {at})"));
    fixture::report(&queries, &render)
}

on_every_database! {
    async fn an_installed_report_can_be_asked_for_until_it_is_disabled(database: Database) {
        let shelf = Shelf::empty(&database).await;
        let status = shelf.install(report()).await.unwrap();
        assert_eq!((status.state.clone(), status.roles()), (State::Live, vec!["admin-report"]));
        assert_eq!(shelf.reports(), ["fixture@1.0.0"]);
        shelf.library.disable(&shelf.permit().await, "fixture").await.unwrap();
        assert!(shelf.reports().is_empty());
        shelf.library.enable(&shelf.permit().await, "fixture").await.unwrap();
        assert_eq!(shelf.reports(), ["fixture@1.0.0"]);
    }

    async fn several_reports_stand_side_by_side_and_one_that_is_removed_is_gone(database: Database) {
        let shelf = Shelf::empty(&database).await;
        let permit = shelf.permit().await;
        shelf.install(report()).await.unwrap();
        let other = version(called(&report(), b"another"));
        shelf.library.install(&permit, "another", other).await.unwrap();
        assert_eq!(shelf.reports(), ["another@1.0.0", "fixture@1.0.0"]);
        shelf.library.remove(&permit, "fixture").await.unwrap();
        assert_eq!(shelf.reports(), ["another@1.0.0"]);
    }

    async fn a_report_is_bound_for_everybody_and_never_in_shadow(database: Database) {
        let shelf = Shelf::empty(&database).await;
        let permit = shelf.permit().await;
        shelf.install(report()).await.unwrap();
        let bind = |project, mode| NewBinding {
            plugin: "fixture".to_owned(),
            project,
            change: BindingChange { mode, ..BindingChange::default() },
        };
        let for_one = bind(Some(ProjectId::generate()), None);
        let refused = shelf.library.bind(&permit, for_one).await.unwrap_err();
        assert!(matches!(&refused, LibraryError::Invalid(why) if why.contains("a report is bound")));
        let in_shadow = bind(None, Some(Mode::Shadow));
        assert!(shelf.library.bind(&permit, in_shadow).await.is_err());
    }
}
