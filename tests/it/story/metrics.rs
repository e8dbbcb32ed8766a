//! What a server counts, and the documents that tell operators of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::databases::is_postgres_usual;
use crate::host::{Host, answer, engine, eventually};

/// Of a metric, its type and its labels.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

/// The table as operators read it.
fn table() -> Table {
    let document = read("deploy/metrics.md");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split_whitespace().map(|label| label.trim_matches('`').to_owned());
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels.collect()))
    })
    .collect()
}

/// What a server answers, in the same shape; all must have a HELP line.
fn scraped(text: &str) -> Table {
    let mut found = Table::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, sort) = line.split_once(' ').unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name} says nothing of itself");
        found.insert(name.to_owned(), (sort.to_owned(), BTreeSet::new()));
    }
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, labels) = line.split_once('{').unwrap_or((line, ""));
        let Some((_, of)) = found.get_mut(base(name.split(' ').next().unwrap())) else {
            panic!("no TYPE line for {line}");
        };
        // No value of ours has a comma or a bracket in it.
        let names =
            labels.split('}').next().unwrap().split(',').filter_map(|it| it.split_once('='));
        of.extend(names.map(|(name, _)| name.to_owned()).filter(|name| name != "le"));
    }
    found
}

/// A histogram's name without what its lines add.
fn base(name: &str) -> &str {
    let ends = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    ends.unwrap_or(name)
}

/// What happens seldom, or with a model, a pool or a schedule only; that it is counted stands in the source.
const SELDOM: [&str; 12] = [
    "model_calls_total",
    "model_retries_total",
    "model_seconds",
    "model_tokens_total",
    "plugin_faults_total",
    "policy_judgements_unkept_total",
    "policy_shadow_verdicts_total",
    "run_fixes_total",
    "runtime_crashes_total",
    "runtime_pool_claims_total",
    "runtime_pool_size",
    "scheduled_reports_total",
];

/// Those of the table that stand there as SQLite's alone.
fn of_sqlite() -> Vec<String> {
    let document = read("deploy/metrics.md");
    let rows = document.lines().filter(|line| line.ends_with("SQLite only. |"));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

/// Whether this server must have counted it after its [`story`].
fn is_expected(name: &str) -> bool {
    let elsewhere = is_postgres_usual() && of_sqlite().iter().any(|only| only == name);
    !SELDOM.contains(&name) && !elsewhere
}

/// A project's whole life: commands, one of which is refused, a terminal, what wants to
/// leave, a preview, and a run.
async fn story(host: &Host) {
    host.has_running_project("lab").await;
    assert_eq!(host.run("lab", "echo hi").await.json["exit_code"], 0);
    assert_eq!(host.run("lab", "rm -rf /").await.status, 403);
    let fetch = "import urllib.request; urllib.request.urlopen('http://nowhere.example')";
    host.writes("lab", "leave.py", fetch).await;
    host.run("lab", "python3 leave.py").await;
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("echo it-is-$((6*7))\r").await;
    terminal.shows("it-is-42").await;
    let page = host.request(Method::GET, "/api/v1/preview/lab:5000/");
    assert_eq!(answer(page).await.status, 502);
    let prompt = json!({ "prompt": "a static site about boats", "run": false });
    let begun = host.post("/api/v1/projects/boats/generate", prompt).await;
    let run = begun.json["run_id"].as_str().unwrap();
    let events = host.request(Method::GET, &format!("/api/v1/runs/{run}/events"));
    host.events_until(events, |event| event["type"] == "done").await;
    assert_eq!(host.delete("/api/v1/containers/lab").await.status, 200);
}

#[tokio::test]
async fn what_a_server_counts_stands_in_the_table_and_the_other_way_round() {
    let host = Host::start(need!(local, engine("local").await)).await;
    story(&host).await;
    let table = table();
    let expected: BTreeSet<&String> = table.keys().filter(|name| is_expected(name)).collect();
    let found = eventually("all is counted", async || {
        let found = scraped(&host.get("/metrics").await.text);
        let missing: Vec<_> = expected.iter().filter(|name| !found.contains_key(**name)).collect();
        if missing.is_empty() { Ok(found) } else { Err(format!("without {missing:?}")) }
    });
    for (name, (sort, labels)) in found.await {
        let (documented, known) =
            table.get(&name).unwrap_or_else(|| panic!("{name} is in no table"));
        assert_eq!(&sort, documented, "{name}");
        assert!(labels.is_subset(known), "{name} has the labels {labels:?}");
    }
}

#[tokio::test]
async fn what_a_client_calls_its_method_and_its_path_makes_no_new_series() {
    let host = Host::start(need!(local, engine("local").await)).await;
    for n in 0..20 {
        let method = Method::from_bytes(format!("FETCH{n}").as_bytes()).unwrap();
        answer(host.request(method, &format!("/api/v1/nothing-{n}"))).await;
        host.get(&format!("/api/v1/projects/nobody-{n}")).await;
    }
    let text = host.get("/metrics").await.text;
    let series = text.lines().filter(|line| line.starts_with("http_requests_total{"));
    let series: Vec<&str> = series.collect();
    assert!(series.len() < 8, "{series:#?}");
    assert!(text.contains("method=\"other\""), "{series:#?}");
}

/// The names that the source gives to what it counts.
fn counted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                dirs.push(entry);
            } else {
                found.extend(names(&std::fs::read_to_string(entry).unwrap()));
            }
        }
    }
    found
}

fn names(source: &str) -> Vec<String> {
    let macros = ["counter!(", "gauge!(", "histogram!("];
    let calls = macros.iter().flat_map(|name| source.split(name).skip(1));
    let first =
        |call: &str| call.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
    calls.filter_map(first).collect()
}

#[test]
fn all_that_the_source_counts_stands_in_the_table() {
    assert_eq!(counted(), table().into_keys().collect());
}

#[test]
fn each_query_of_the_dashboard_asks_for_what_is_in_the_table() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/lockhouse.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(queries.len() > 30, "{queries:#?}");
    for query in queries {
        let asked = asked_for(query, |rest| rest.starts_with('{'));
        assert!(!asked.is_empty() && asked.iter().all(is_known), "{query} asks for {asked:?}");
    }
}

#[test]
fn each_alarm_of_the_dashboards_document_asks_for_what_is_in_the_table() {
    let document = read("deploy/grafana/README.md");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 5, "{rows:#?}");
    for row in rows {
        let expression = row.split('`').nth(1).unwrap();
        let asked = asked_for(expression, |rest| !rest.starts_with('('));
        let asked: Vec<_> = asked.into_iter().filter(|name| name.contains('_')).collect();
        assert!(!asked.is_empty() && asked.iter().all(is_known), "{expression}: {asked:?}");
    }
}

/// The names in a query that are followed as `wanted` says.
fn asked_for(query: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let name = rest[begin..].split(|c| !part(c)).next().unwrap();
        rest = &rest[begin + name.len()..];
        if wanted(rest) {
            found.push(name.to_owned());
        }
    }
    found
}

fn is_known(name: &String) -> bool {
    let table = table();
    let histogram = |name: &str| table.get(name).is_some_and(|(sort, _)| sort == "histogram");
    if name == base(name) {
        table.contains_key(name) && !histogram(name)
    } else {
        histogram(base(name))
    }
}
