//! Reports: what operators are told, by components that see nothing but the
//! rows they are handed.

mod built_in;
mod doors;
mod hostile;
mod questions;
mod scheduled;
mod schedules;

use serde_json::json;

use crate::host::{Answer, Host, engine, eventually};

/// A server on which something has happened: a project with a file, commands
/// that ran, failed and were refused.
async fn busy() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    host.writes("lab", "notes.txt", "some notes").await;
    assert_eq!(host.run("lab", "echo hi").await.json["exit_code"], 0);
    assert_eq!(host.run("lab", "exit 3").await.json["exit_code"], 3);
    assert_eq!(host.run("lab", "rm -rf /").await.status, 403);
    // What was judged is written a moment later.
    eventually("the decisions are kept", || async {
        let written = host.get("/api/v1/admin/reports/decisions?format=csv").await.text;
        if written.contains("Refused,1,") { Ok(()) } else { Err(written) }
    })
    .await;
    Ok(host)
}

/// A report in a format.
async fn report(host: &Host, name: &str, format: &str) -> Answer {
    let path = format!("/api/v1/admin/reports/{name}?format={format}");
    let report = host.get(&path).await;
    assert_eq!(report.status, 200, "{}", report.text);
    report
}

/// The value of a metric.
fn metric(report: &Answer, name: &str) -> serde_json::Value {
    let sections = report.json["sections"].as_array().unwrap().iter();
    let blocks = sections.flat_map(|section| section["blocks"].as_array().unwrap());
    let mut found = blocks.filter(|block| block["type"] == "metric" && block["name"] == name);
    found.next().map_or(json!(null), |block| block["value"].clone())
}
