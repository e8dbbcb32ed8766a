//! What a runtime uses, once and as a stream.

use reqwest::Method;
use serde_json::json;

use super::lab;

const STATS: &str = "/api/v1/containers/lab/stats";

#[tokio::test]
async fn what_a_runtime_uses_is_told_once() {
    let host = need!(local, lab().await);
    host.writes("lab", "large", &"x".repeat(1 << 20)).await;
    let stats = host.get(STATS).await.json;
    assert_eq!((&stats["status"], &stats["memory_limit_mb"]), (&json!("running"), &json!(512.0)));
    assert!(stats["memory_usage_mb"].as_f64() > Some(0.0), "{stats}");
    assert!(stats["pids"].as_u64() > Some(1), "{stats}");
    assert!(stats["disk_usage_mb"].as_f64() > Some(0.9), "{stats}");
    assert!(stats["disk_age_seconds"].as_i64() <= Some(30), "{stats}");
}

#[tokio::test]
async fn a_stream_tells_each_second_and_ends_with_the_runtime() {
    let host = need!(local, lab().await);
    let stream = host.request(Method::GET, STATS).header("accept", "text/event-stream");
    let stop = async {
        host.events_until(stream.try_clone().unwrap(), |_| true).await;
        host.post("/api/v1/containers/lab/stop", json!({})).await
    };
    let all = host.events_until(stream.try_clone().unwrap(), |_| false);
    let (told, _) = tokio::join!(all, stop);
    assert_eq!(told[0]["status"], "running");
    assert_ne!(told.last().unwrap()["status"], "running", "{told:#?}");
}

#[tokio::test]
async fn a_runtime_that_is_stopped_uses_nothing() {
    let host = need!(local, lab().await);
    host.post("/api/v1/containers/lab/stop", json!({})).await;
    let stats = host.get(STATS).await.json;
    assert_eq!((&stats["status"], &stats["pids"]), (&json!("stopped"), &json!(0)));
}
