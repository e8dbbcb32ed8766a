//! A report that asks or answers what it may not costs whoever asked for it one
//! bounded error, and nobody else anything.

use std::time::{Duration, Instant};

use reqwest::{Method, multipart};

use super::report;
use crate::host::{Answer, Host, answer, engine};
use crate::plugins::fixture::{
    self, EMPTY_DOCUMENT, MISMATCHED_DOCUMENT, NO_QUERY, UNKNOWN_QUESTION, long_document,
};

const SPIN: &str = "(loop $again (br $again)) (unreachable)";

/// It needs no signature, and spins no longer than needed to see it stopped.
const SETTINGS: &[(&str, &str)] = &[
    ("LOCKHOUSE_PLUGINS__SIGNATURES__REQUIRED", "false"),
    ("LOCKHOUSE_PLUGINS__REPORTS__BUDGET_MS", "300"),
];

fn answers(address: u32) -> String {
    format!("(i32.const {address})")
}

/// A server with a report of these bodies.
async fn host_with(queries: &str, render: &str) -> Result<Host, String> {
    let host = Host::start_with(engine("local").await?, SETTINGS).await;
    let component = multipart::Part::bytes(fixture::report(queries, render));
    let form = multipart::Form::new().part("component", component);
    let path = "/api/v1/admin/plugins/fixture";
    let installed = answer(host.request(Method::PUT, path).multipart(form)).await;
    assert_eq!(installed.json["state"], "live", "{}", installed.text);
    Ok(host)
}

/// What asking for it is answered with; others are still written.
async fn asked(host: &Host) -> Answer {
    let answer = host.get("/api/v1/admin/reports/fixture").await;
    report(host, "audit", "json").await;
    answer
}

fn assert_refused(answer: &Answer, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.contains(why), "{detail}");
    assert!(answer.text.len() < 2_000, "{}", answer.text);
}

#[tokio::test]
async fn a_report_without_faults_is_written() {
    let host = host_with(&answers(NO_QUERY), &answers(EMPTY_DOCUMENT)).await;
    let written = asked(&need!(local, host)).await;
    assert_eq!((written.status.as_u16(), &written.json["title"]), (200, &"fixture".into()));
}

#[tokio::test]
async fn a_report_that_asks_an_unknown_question_gets_no_row() {
    let host = host_with(&answers(UNKNOWN_QUESTION), &answers(EMPTY_DOCUMENT)).await;
    let refused = asked(&need!(local, host)).await;
    assert_refused(&refused, 502, "fixture@1.0.0 can't be used: its query “fixture”");
    assert_refused(&refused, 502, "there is no question “passwords”");
}

#[tokio::test]
async fn a_chart_with_too_few_values_is_no_chart() {
    let host = host_with(&answers(NO_QUERY), &answers(MISMATCHED_DOCUMENT)).await;
    let refused = asked(&need!(local, host)).await;
    assert_refused(&refused, 502, "has 2 labels, and its series “it does” 1 values");
}

#[tokio::test]
async fn a_paragraph_that_nobody_would_read_is_refused() {
    let host = host_with(&answers(NO_QUERY), &long_document(20_000)).await;
    let refused = asked(&need!(local, host)).await;
    assert_refused(&refused, 502, "a paragraph has 20000 bytes, limit 16384");
}

#[tokio::test]
async fn a_giant_document_is_no_document() {
    let host = host_with(&answers(NO_QUERY), &long_document(3 * 1024 * 1024)).await;
    let refused = asked(&need!(local, host)).await;
    assert_refused(&refused, 503, "answered with 3.0 MiB, limit 2.0 MiB");
}

#[tokio::test]
async fn a_report_that_spins_is_stopped_at_its_budget() {
    let host = need!(local, host_with(SPIN, &answers(EMPTY_DOCUMENT)).await);
    let began = Instant::now();
    assert_refused(&asked(&host).await, 503, "ms, limit 300 ms");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_report_that_traps_says_so() {
    let host = host_with(&answers(NO_QUERY), "(unreachable)").await;
    assert_refused(&asked(&need!(local, host)).await, 503, "trapped: wasm trap");
}

#[tokio::test]
async fn commands_are_judged_while_a_report_spins() {
    let host = need!(local, host_with(SPIN, &answers(EMPTY_DOCUMENT)).await);
    let body = serde_json::json!({ "command": "ls" });
    let spinning = host.get("/api/v1/admin/reports/fixture");
    let judged = host.post("/api/v1/admin/policies/evaluate", body);
    let (spun, judged) = tokio::join!(spinning, judged);
    assert_eq!((spun.status.as_u16(), &judged.json["allow"]), (503, &true.into()));
}
