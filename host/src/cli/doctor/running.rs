//! How a server that runs says it is.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::DATE;
use serde_json::Value;

use super::database::judged;
use super::finding::Finding;
use crate::clock::Clock;

/// How long a server may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn check(url: &str) -> (Vec<Finding>, ()) {
    let found = ask(url).await.unwrap_or_else(|error| {
        let advice = "start it, or see whether --server is its URL";
        vec![Finding::wrong("server", format_args!("{error:#}"), advice)]
    });
    (found, ())
}

async fn ask(url: &str) -> anyhow::Result<Vec<Finding>> {
    // Another provider may have been chosen first; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let url = url.trim_end_matches('/');
    let answer = client.get(format!("{url}/health/ready")).send().await;
    let answer = answer.with_context(|| format!("{url} does not answer"))?;
    let now = Clock::system().now();
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    // To the second, cut off.
    let clock = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let clock =
        clock.map(|date| judged("its clock", "the server's", date.timestamp().duration_since(now)));
    let ready: Value = answer.json().await.with_context(|| format!("{url} is no Lockhouse"))?;
    let mut found = vec![overall(url, &ready)];
    found.extend(["database", "engine", "plugins"].map(|part| room(part, &ready[part])));
    found.extend(clock);
    Ok(found)
}

fn overall(url: &str, ready: &Value) -> Finding {
    match ready["status"].as_str() {
        Some("ready") => Finding::ok("server", format_args!("{url} is ready")),
        Some("draining") => {
            let reason = ready["drain"]["reason"].as_str().unwrap_or("no reason was given");
            let says = format!("{url} is drained: nothing new begins ({reason})");
            Finding::warning("server", says, "`DELETE /api/v1/admin/drain` ends that")
        }
        status => {
            let says = format!("{url} is {}", status.unwrap_or("no Lockhouse"));
            Finding::wrong("server", says, "the lines below and its log say why")
        }
    }
}

fn room(part: &str, view: &Value) -> Finding {
    let check = match part {
        "database" => "its database",
        "engine" => "its engine",
        _ => "its plugins",
    };
    let detail = &view["detail"];
    let said = detail["description"].as_str().or(detail.as_str());
    match (view["ready"].as_bool(), broken(detail)) {
        (Some(true), broken) if broken.is_empty() => {
            Finding::ok(check, said.map_or("all work".to_owned(), str::to_owned))
        }
        (Some(true), broken) => {
            let advice = "`lockhouse plugin list` says why";
            Finding::warning(check, format_args!("not at work: {}", broken.join(", ")), advice)
        }
        _ => Finding::wrong(check, said.unwrap_or("it is not ready"), "its log says more"),
    }
}

/// Plugins that could not be loaded.
fn broken(detail: &Value) -> Vec<&str> {
    let installed = detail["installed"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failed = installed.iter().filter(|plugin| plugin["state"] == "failed");
    failed.filter_map(|plugin| plugin["name"].as_str()).collect()
}
