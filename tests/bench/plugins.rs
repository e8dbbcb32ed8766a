//! P1's other half: what calls of the built-in plugins grew to in a server that uses them all.
//! Policies alone are measured call by call inside the process (`policy`).

use serde_json::json;

use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host, eventually};

const KIB: f64 = 1024.0;

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "plugins",
        "each report asked for once, the offline agent's whole run, one verdict; the largest that \
         a call's memories had grown to, as the server's metrics tell it",
    );
    if let Err(why) = host::engine("local").await {
        report.lacks("plugins", &why);
        return report;
    }
    let host = Host::start("local").await;
    uses_reports(&host).await;
    uses_agent(&host).await;
    let verdict = host.post("/api/v1/admin/policies/evaluate", json!({ "command": "ls" })).await;
    assert!(verdict.status.is_success(), "{}", verdict.text);
    let metrics = host.get("/metrics").await.text;
    for line in metrics.lines() {
        if let Some((plugin, bytes)) = largest(line) {
            report.add(Row {
                bar: "P1",
                what: format!("memory of a call of {plugin}"),
                unit: "KiB",
                own: Spread::of(vec![bytes / KIB]),
                peer: None,
                wanted: "",
                met: None,
            });
        }
    }
    report.lacks("memory of the agent that asks a model", "it needs a model's provider");
    report
}

async fn uses_reports(host: &Host) {
    let known = host.get("/api/v1/admin/reports").await;
    for one in known.json["reports"].as_array().unwrap() {
        let name = one["name"].as_str().unwrap();
        let written = host.get(&format!("/api/v1/admin/reports/{name}")).await;
        assert!(written.status.is_success(), "{name}: {}", written.text);
    }
}

async fn uses_agent(host: &Host) {
    let made = host.post("/api/v1/projects", json!({ "name": "made", "kind": "python" })).await;
    assert!(made.status.is_success(), "{}", made.text);
    let wanted = json!({ "prompt": "a flask app", "agent": "scaffold", "run": false });
    let begun = host.post("/api/v1/projects/made/generate", wanted).await;
    let run = format!("/api/v1/runs/{}", begun.json["run_id"].as_str().unwrap());
    eventually("the run is done", async || {
        let now = host.get(&run).await;
        if now.json["state"] == "done" { Ok(()) } else { Err(now.text) }
    })
    .await;
}

/// Reads a line such as `plugin_memory_bytes{plugin="usage",quantile="1"} 2097152`.
fn largest(line: &str) -> Option<(&str, f64)> {
    let labels = line.strip_prefix("plugin_memory_bytes{")?;
    let (labels, value) = labels.split_once("} ")?;
    let plugin = labels.split("plugin=\"").nth(1)?.split('"').next()?;
    labels.contains("quantile=\"1\"").then_some(())?;
    Some((plugin, value.parse().ok()?))
}
