//! What one project may reach: shown to its owner, changed by an administrator.

use reqwest::Method;
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine};

const NETWORK: &str = "/api/v1/containers/lab/network";

async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    Ok(host)
}

async fn puts(host: &Host, lists: Value) -> Answer {
    answer(host.request(Method::PUT, NETWORK).json(&lists)).await
}

/// The rule about a host, as its owner is shown it.
fn rule<'a>(network: &'a Answer, host: &str) -> Option<&'a Value> {
    network.json["rules"].as_array().unwrap().iter().find(|rule| rule["host"] == host)
}

#[tokio::test]
async fn a_project_is_told_what_it_may_reach_and_why() {
    let host = need!(local, lab().await);
    let network = host.get(NETWORK).await;
    assert_eq!(network.json["mode"], "registries", "{}", network.text);
    let rules = network.json["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["downloads_only"] == true), "{}", network.text);
    assert!(rules.iter().any(|rule| rule["source"] == "learned from pip"), "{}", network.text);
}

#[tokio::test]
async fn a_list_of_its_own_counts_from_the_next_connection_on() {
    let host = need!(local, lab().await);
    let fetch = "curl -sS -o /dev/null -w '%{http_connect}' https://api.nowhere.example/";
    assert_eq!(host.run("lab", fetch).await.json["stdout"], "403");
    let changed = puts(&host, json!({ "allow": ["api.nowhere.example"] })).await;
    assert_eq!(rule(&changed, "api.nowhere.example").unwrap()["source"], "project");
    assert_eq!(host.run("lab", fetch).await.json["stdout"], "502", "it is allowed, and not there");
    puts(&host, json!({})).await;
    assert_eq!(host.run("lab", fetch).await.json["stdout"], "403");
}

#[tokio::test]
async fn a_host_that_is_none_is_refused_in_words() {
    let host = need!(local, lab().await);
    let refused = puts(&host, json!({ "allow": ["https://api.example/"] })).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (400, &json!("invalid_host")));
}
