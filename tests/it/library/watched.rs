//! A directory of the operator's own: what lies in it is installed.

use lockhouse::events::What;
use lockhouse::plugins::State;
use lockhouse::tasks::Tasks;

use super::{Shelf, allows, denies};
use crate::databases::Database;
use crate::host::eventually;
use crate::plugins::fixture;

const MANIFEST: &str = "id = \"fixture\"\nversion = \"1.0.0\"\nsummary = \"Says yes.\"\n\
    roles = [\"command-policy\"]\n";

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

    async fn a_component_that_is_replaced_judges_until_the_new_one_does(database: Database) {
        let (shelf, tasks) = (Shelf::with_default(&database).await, Tasks::new());
        let file = shelf.watched(&tasks).join("guard.wasm");
        std::fs::write(&file, denies()).unwrap();
        is(&shelf, "2.0.0", State::Live).await;
        let mut news = shelf.events.subscribe(None);
        std::fs::write(&file, allows()).unwrap();
        let What::Plugin { version, change, .. } = news.next().await.unwrap().what else {
            panic!("it is news of a plugin");
        };
        assert_eq!((version.as_str(), change), ("1.0.0", "installed"));
    }

    async fn a_manifest_beside_a_component_counts_as_if_it_were_inside(database: Database) {
        let (shelf, tasks) = (Shelf::with_default(&database).await, Tasks::new());
        let dir = shelf.watched(&tasks);
        std::fs::write(dir.join("guard.toml"), MANIFEST).unwrap();
        std::fs::write(dir.join("guard.wasm"), allows()).unwrap();
        is(&shelf, "1.0.0", State::Live).await;
        let loaded = shelf.library.find("fixture").unwrap().loaded.unwrap();
        assert_eq!(loaded.manifest().unwrap().summary, "Says yes.");
    }

    async fn a_manifest_beside_a_component_that_carries_another_is_refused(database: Database) {
        let (shelf, tasks) = (Shelf::with_default(&database).await, Tasks::new());
        let (dir, mut news) = (shelf.watched(&tasks), shelf.events.subscribe(None));
        let other = MANIFEST.replace("yes", "no");
        let component = fixture::with_section(allows(), "lockhouse:manifest", &other);
        std::fs::write(dir.join("guard.toml"), MANIFEST).unwrap();
        std::fs::write(dir.join("guard.wasm"), component).unwrap();
        let What::Plugin { change, reason, .. } = news.next().await.unwrap().what else {
            panic!("it is news of a plugin");
        };
        let why = "guard.toml says something else than the manifest inside guard.wasm";
        assert!(change == "refused" && reason.as_ref().unwrap().starts_with(why), "{reason:?}");
    }
}
