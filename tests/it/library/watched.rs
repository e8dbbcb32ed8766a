//! A directory of the operator's own: what lies in it is installed.

use lockhouse::events::What;
use lockhouse::plugins::State;
use lockhouse::tasks::Tasks;

use super::{Shelf, allows, denies};
use crate::databases::Database;
use crate::host::eventually;

/// Waits until the policy `fixture` is so.
async fn is(shelf: &Shelf<'_>, version: &str, state: State) {
    eventually("the plugin", async || {
        let found = shelf.library.find("fixture").map_err(|error| error.to_string())?;
        let there = (found.version(), found.state);
        if there == (version.to_owned(), state.clone()) {
            Ok(())
        } else {
            Err(format!("{there:?}"))
        }
    })
    .await;
}

on_every_database! {
    async fn a_component_follows_its_file(database: Database) {
        let (shelf, tasks) = (Shelf::with_default(&database).await, Tasks::new());
        let file = shelf.watched(&tasks).join("guard.wasm");
        std::fs::write(&file, allows()).unwrap();
        is(&shelf, "1.0.0", State::Live).await;
        std::fs::write(&file, denies()).unwrap();
        is(&shelf, "2.0.0", State::Live).await;
        assert!(!shelf.decides().await.allow);
        std::fs::remove_file(&file).unwrap();
        is(&shelf, "2.0.0", State::Disabled).await;
        assert!(shelf.decides().await.allow);
    }

    async fn a_file_that_is_refused_is_told_and_changes_nothing(database: Database) {
        let (shelf, tasks) = (Shelf::with_default(&database).await, Tasks::new());
        let mut news = shelf.events.subscribe(None);
        let file = shelf.watched(&tasks).join("guard.wasm");
        std::fs::write(&file, b"no component").unwrap();
        let What::Plugin { name, change, reason, .. } = news.next().await.unwrap().what else {
            panic!("it is news of a plugin");
        };
        assert_eq!((name.as_str(), change), ("guard.wasm", "refused"));
        assert!(reason.unwrap().contains("is not a WebAssembly component"));
        assert!(shelf.decides().await.allow);
    }
}
