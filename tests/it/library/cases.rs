//! A plugin is tried by the cases that it carries before it goes live.

use lockhouse::plugins::{BindingChange, Config};

use super::{Shelf, allows, denies, version};
use crate::databases::Database;
use crate::plugins::fixture;
use crate::plugins::harness::{host, host_with};

const SECTION: &str = "lockhouse:cases";

fn with_cases(component: Vec<u8>, cases: &str) -> Vec<u8> {
    fixture::with_section(component, SECTION, cases)
}

const ALLOWED: &str =
    "[[case]]\nname = \"a list of files\"\ncommand = \"ls\"\ndecision = \"allow\"\n";

on_every_database! {
    async fn a_version_that_fails_its_own_case_is_refused_with_the_case(database: Database) {
        let shelf = Shelf::empty(&database).await;
        shelf.install(with_cases(allows(), ALLOWED)).await.unwrap();
        let error = shelf.install(with_cases(denies(), ALLOWED)).await.err().unwrap().to_string();
        let case = "fixture fails its own case “a list of files”: expected allow, got deny";
        assert!(error.contains(case), "{error}");
        assert_eq!(shelf.decides().await.policy, "fixture@1.0.0");
    }

    async fn cases_are_judged_under_their_own_settings_and_not_the_bindings(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let settings = Some("{\"strict\": true}".to_owned());
        let mut new = version(with_cases(allows(), ALLOWED));
        new.binding = BindingChange { settings, ..BindingChange::default() };
        shelf.library.install(&shelf.permit().await, "fixture", new).await.unwrap();
        assert!(shelf.decides().await.allow);
    }
}

/// Why a component is not tried to its end.
async fn refusal(cases: &str) -> String {
    let component = with_cases(allows(), cases);
    host().judge_by_own_cases("fixture", &component).await.unwrap_err().to_string()
}

#[tokio::test]
async fn cases_that_can_not_be_read_are_refused() {
    let error = refusal("[[case]").await;
    assert!(error.starts_with("fixture can't be tried by its own cases: "), "{error}");
}

#[tokio::test]
async fn a_case_that_asks_nothing_is_refused_by_its_name() {
    let error = refusal("[[case]]\nname = \"hollow\"\ndecision = \"deny\"\n").await;
    assert!(error.contains("its own case “hollow”: give the command"), "{error}");
}

#[tokio::test]
async fn a_plugin_may_not_take_for_ever_to_be_tried() {
    let host = host_with(Config { cases_seconds: 0, ..Config::default() });
    let component = with_cases(allows(), ALLOWED);
    let error = host.judge_by_own_cases("fixture", &component).await.unwrap_err().to_string();
    assert!(error.contains("was not through with its own cases after 0 s"), "{error}");
}

#[tokio::test]
async fn a_plugin_without_cases_is_not_asked() {
    assert_eq!(host().judge_by_own_cases("fixture", &denies()).await.unwrap(), 0);
}
