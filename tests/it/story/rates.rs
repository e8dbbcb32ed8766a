//! How often callers may come, as they are told.

use reqwest::Method;
use serde_json::json;

use crate::host::{Host, answer, engine};

/// Hardly anything is let through, so that what is over it is met at once.
const STRICT: &[(&str, &str)] = &[
    ("LOCKHOUSE_LIMITS__ADDRESS_FACTOR", "3"),
    ("LOCKHOUSE_LIMITS__CREATE__PER_SECOND", "1"),
    ("LOCKHOUSE_LIMITS__CREATE__BURST", "1"),
    ("LOCKHOUSE_LIMITS__WRITTEN_KIB__PER_SECOND", "1"),
    ("LOCKHOUSE_LIMITS__WRITTEN_KIB__BURST", "64"),
];

/// Forty requests from one address, and then one a second.
const FORTY: &[(&str, &str)] = &[
    ("LOCKHOUSE_LIMITS__ADDRESS_FACTOR", "1"),
    ("LOCKHOUSE_LIMITS__GENERAL__PER_SECOND", "1"),
    ("LOCKHOUSE_LIMITS__GENERAL__BURST", "40"),
    ("LOCKHOUSE_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]"),
];

async fn host(variables: &'static [(&'static str, &'static str)]) -> Result<Host, String> {
    Ok(Host::start_with(engine("local").await?, variables).await)
}

#[tokio::test]
async fn every_answer_says_how_much_is_left() {
    let host = need!(local, host(&[]).await);
    let policy = "\"general\";q=20000;w=4";
    let found = host.get("/api/v1/projects").await;
    assert_eq!(found.headers["ratelimit-policy"], policy);
    let missing = host.get("/api/v1/projects/none").await;
    assert_eq!(
        (missing.status.as_u16(), &missing.headers["ratelimit-policy"]),
        (404, &policy.parse().unwrap())
    );
    assert!(missing.headers["ratelimit"].to_str().unwrap().starts_with("\"general\";r="));
}

#[tokio::test]
async fn who_creates_too_much_is_told_when_to_come_back() {
    let host = need!(local, host(STRICT).await);
    let create = |n: u32| {
        let wish = json!({ "name": format!("lab{n}") });
        answer(host.request(Method::POST, "/api/v1/projects").json(&wish))
    };
    let answers = futures::future::join_all((0..20).map(create)).await;
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.json["code"], "too_many", "{}", refused.text);
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"create\";r=0"));
    assert!(refused.headers.contains_key("retry-after"));
    assert!(answers.iter().any(|answer| answer.status == 201));
}

#[tokio::test]
async fn who_sends_too_much_is_refused_before_it_is_taken() {
    let host = need!(local, host(STRICT).await);
    host.post("/api/v1/projects", json!({ "name": "lab" })).await;
    let path = "/api/v1/projects/lab/content/a";
    let save = || {
        let save = host.request(Method::PUT, path).header("connection", "close");
        answer(save.body(vec![b'x'; 60 * 1024]))
    };
    assert_eq!(save().await.status, 201);
    let refused = save().await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (429, &json!("too_many")));
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"written_kib\""));
}

#[tokio::test]
async fn one_address_over_its_limit_does_not_stop_another() {
    let host = need!(local, host(FORTY).await);
    let ask = |address: &'static str| {
        let request = host.as_nobody(Method::GET, "/api/v1/projects");
        answer(request.header("x-forwarded-for", address))
    };
    let answers = futures::future::join_all((0..200).map(|_| ask("198.51.100.1"))).await;
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"general\";r=0"));
    assert_eq!(ask("198.51.100.2").await.status, 401);
}
