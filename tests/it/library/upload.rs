//! The doors: an operator uploads a policy, tries it out, and takes it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use reqwest::{Method, RequestBuilder, multipart};
use serde_json::json;

use super::{allows, denies};
use crate::host::{Answer, Host, answer, engine, eventually};

const PLUGIN: &str = "/api/v1/admin/plugins/fixture";

async fn host() -> Result<Host, String> {
    let unsigned = &[("LOCKHOUSE_PLUGINS__SIGNATURES__REQUIRED", "false")];
    Ok(Host::start_with(engine("local").await?, unsigned).await)
}

async fn upload(host: &Host, bytes: Vec<u8>, mode: &str) -> Answer {
    let form = multipart::Form::new()
        .part("component", multipart::Part::bytes(bytes))
        .text("mode", mode.to_owned());
    answer(host.request(Method::PUT, PLUGIN).multipart(form)).await
}

async fn evaluate(host: &Host, command: &str) -> Answer {
    host.post("/api/v1/admin/policies/evaluate", json!({ "command": command })).await
}

#[tokio::test]
async fn an_uploaded_policy_judges_and_a_rollback_takes_it_back() {
    let host = need!(local, host().await);
    let first = upload(&host, allows(), "enforce").await;
    assert_eq!(first.json["state"], "live", "{}", first.text);
    assert_eq!(upload(&host, denies(), "enforce").await.status, 200);
    let refused = evaluate(&host, "ls").await;
    assert_eq!(
        (&refused.json["allow"], &refused.json["policy"]),
        (&json!(false), &json!("fixture@2.0.0"))
    );
    assert_eq!(refused.json["policies"].as_array().unwrap().len(), 2);
    assert_eq!(host.post(&format!("{PLUGIN}/rollback"), json!({})).await.json["version"], "1.0.0");
    assert_eq!(evaluate(&host, "ls").await.json["allow"], true);
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_what_to_do() {
    let host = need!(local, host().await);
    let refused = upload(&host, b"\0asm\x01\0\0\0".to_vec(), "enforce").await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (422, &json!("plugin_refused")));
    assert!(refused.text.contains("it is a core module"), "{}", refused.text);
    let other = answer(host.request(Method::PUT, PLUGIN).json(&json!({}))).await;
    assert_eq!(other.status, 415, "{}", other.text);
}

#[tokio::test]
async fn a_component_is_installed_under_its_own_name_alone() {
    let host = need!(local, host().await);
    let form = multipart::Form::new().part("component", multipart::Part::bytes(allows()));
    let path = "/api/v1/admin/plugins/other";
    let refused = answer(host.request(Method::PUT, path).multipart(form)).await;
    assert_eq!(refused.json["code"], "other_plugin_name", "{}", refused.text);
    assert!(refused.text.contains("calls itself “fixture”"));
}

#[tokio::test]
async fn a_candidate_is_tried_on_the_commands_of_the_past() {
    let host = need!(local, host().await);
    host.has_running_project("todo").await;
    assert_eq!(host.run("todo", "echo hi").await.json["exit_code"], 0);
    let replay = host.request(Method::POST, "/api/v1/admin/policies/replay?since=1h");
    let report = answer(replay.body(denies())).await;
    assert_eq!(report.json["newly_refused"], 1, "{}", report.text);
    assert_eq!(report.json["changes"][0]["command"], "echo hi");
    assert_eq!(report.json["changes"][0]["would_be"]["policy"], "fixture@2.0.0");
    assert_eq!(host.run("todo", "echo hi").await.json["exit_code"], 0);
}

#[tokio::test]
async fn what_a_policy_in_shadow_would_refuse_runs_and_is_recorded() {
    let host = need!(local, host().await);
    host.has_running_project("todo").await;
    upload(&host, denies(), "shadow").await;
    assert_eq!(host.run("todo", "echo hi").await.json["exit_code"], 0);
    let metrics = host.get("/metrics").await.text;
    assert!(metrics.contains("policy_shadow_verdicts_total"), "{metrics}");
}

#[tokio::test]
async fn the_rules_are_told_in_words() {
    let host = need!(local, host().await);
    let rules = host.get("/api/v1/policies/rules").await;
    assert!(rules.json["rules"].as_str().unwrap().starts_with("# layered@"), "{}", rules.text);
}

#[tokio::test]
async fn only_an_administrator_installs_plugins() {
    let host = need!(local, host().await);
    let nobody = answer(host.as_nobody(Method::PUT, PLUGIN).body("x")).await;
    assert_eq!(nobody.status, 401);
}

/// Versions by which requests were judged, one after the other, until `enough`.
async fn judged_until(load: Arc<Load>, request: RequestBuilder) -> Vec<String> {
    let mut judged = Vec::new();
    while !load.enough.load(Ordering::Relaxed) {
        let answer = answer(request.try_clone().unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        judged.push(answer.json["policies"][1]["policy"].as_str().unwrap().to_owned());
        load.answered.fetch_add(1, Ordering::Relaxed);
    }
    judged
}

#[derive(Default)]
struct Load {
    answered: AtomicUsize,
    enough: AtomicBool,
}

impl Load {
    /// Waits until so many requests more have been answered.
    async fn goes_on_for(&self, requests: usize) {
        let until = self.answered.load(Ordering::Relaxed) + requests;
        eventually("load", async || match self.answered.load(Ordering::Relaxed) {
            answered if answered >= until => Ok(()),
            answered => Err(format!("{answered} of {until} requests")),
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_a_swap_fails_no_request_and_cuts_over_cleanly() {
    let host = need!(local, host().await);
    upload(&host, allows(), "enforce").await;
    let (load, began) = (Arc::new(Load::default()), Instant::now());
    let clients: Vec<_> = (0..16)
        .map(|_| host.request(Method::POST, "/api/v1/admin/policies/evaluate"))
        .map(|request| request.json(&json!({ "command": "ls -la" })))
        .map(|request| tokio::spawn(judged_until(Arc::clone(&load), request)))
        .collect();
    load.goes_on_for(1_000).await;
    assert_eq!(upload(&host, denies(), "enforce").await.status, 200);
    load.goes_on_for(1_000).await;
    load.enough.store(true, Ordering::Relaxed);
    let rate = load.answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} requests a second around the swap");
    for client in clients {
        let judged = client.await.unwrap();
        assert!(judged.is_sorted(), "once the new version judges, the old one does not");
        assert_eq!(judged.last().map(String::as_str), Some("fixture@2.0.0"));
    }
}
