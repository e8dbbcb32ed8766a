//! The reports that the server carries, over a host on which something happened.

use serde_json::json;

use super::{busy, metric, report};
use crate::authors::workshop::{bash, root};
use crate::host::Host;

/// The report in each format, and that each of these texts stands in each.
async fn assert_tells(host: &Host, name: &str, texts: &[&str]) {
    for (format, kind) in [
        ("json", "application/json"),
        ("html", "text/html; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("markdown", "text/markdown; charset=utf-8"),
    ] {
        let written = report(host, name, format).await;
        assert_eq!(written.headers["content-type"], kind);
        let missing: Vec<_> = texts.iter().filter(|text| !written.text.contains(**text)).collect();
        assert!(missing.is_empty(), "{format} lacks {missing:?}:\n{}", written.text);
    }
}

#[tokio::test]
async fn usage_counts_commands_by_day_and_project() {
    let host = need!(local, busy().await);
    let usage = report(&host, "usage", "json").await;
    let counts = ["Commands", "Refused", "Failed"].map(|name| metric(&usage, name));
    assert_eq!(counts, [json!(3), json!(1), json!(1)]);
    assert_tells(&host, "usage", &["Overview", "By project", "lab"]).await;
}

#[tokio::test]
async fn disk_tells_what_each_project_takes() {
    let host = need!(local, busy().await);
    let disk = report(&host, "disk", "json").await;
    assert_eq!((metric(&disk, "Projects"), metric(&disk, "Files")), (json!(1), json!(1)));
    assert_tells(&host, "disk", &["Overview", "By project", "lab"]).await;
}

#[tokio::test]
async fn decisions_name_the_rules_that_refused_and_the_commands() {
    let host = need!(local, busy().await);
    let decisions = report(&host, "decisions", "json").await;
    let counts = ["Commands judged", "Refused"].map(|name| metric(&decisions, name));
    assert_eq!(counts, [json!(3), json!(1)]);
    assert_tells(&host, "decisions", &["By rule", "layered@0.1.0", "rm -rf"]).await;
}

#[tokio::test]
async fn runtimes_tell_what_runs_and_what_it_uses() {
    let host = need!(local, busy().await);
    let runtimes = report(&host, "runtimes", "json").await;
    let counts = ["Runtimes", "Running", "Need attention"].map(|name| metric(&runtimes, name));
    assert_eq!(counts, [json!(1), json!(1), json!(0)]);
    assert_tells(&host, "runtimes", &["Overview", "All runtimes", "lab"]).await;
}

#[tokio::test]
async fn audit_tells_who_did_what_and_what_failed() {
    let host = need!(local, busy().await);
    let audit = report(&host, "audit", "json").await;
    assert_eq!(metric(&audit, "Actors"), json!(1));
    assert!(metric(&audit, "Failed").as_i64() >= Some(1), "{}", audit.text);
    assert_tells(&host, "audit", &["By actor", "admin", "By action"]).await;
}

#[tokio::test]
async fn a_parameter_decides_what_is_told() {
    let host = need!(local, busy().await);
    let path = "/api/v1/admin/reports/usage?param=project=other&param=since=1h";
    let usage = host.get(path).await;
    assert_eq!(metric(&usage, "Commands"), json!(0));
    assert_eq!(usage.json["parameters"], json!({ "project": "other", "since": "1h" }));
}

macro_rules! cases {
    ($($test:ident: $report:literal;)*) => { $(
        #[tokio::test]
        async fn $test() {
            let built = format!("target/components/{0}.wasm plugins/reports/{0}/cases.toml", $report);
            let printed = bash(&root(), &format!("lockhouse plugin test {built}")).await;
            assert!(printed.succeeded && printed.text.contains(" 0 fail"), "{printed:?}");
        }
    )* };
}

cases! {
    the_cases_of_spend_hold: "spend";
    the_cases_of_usage_hold: "usage";
    the_cases_of_disk_hold: "disk";
    the_cases_of_decisions_hold: "decisions";
    the_cases_of_runtimes_hold: "runtimes";
    the_cases_of_audit_hold: "audit";
}
