//! Ports: which of a runtime's listen, and which of this machine lead there.

use reqwest::Method;
use serde_json::json;

use super::{header, lab, mappings, sent, serves};
use crate::host::{Answer, Host, answer, engine, eventually};

/// Asks a port of this machine.
async fn asks(host: &Host, host_port: u64, path: &str) -> Result<Answer, String> {
    let request = host.elsewhere(Method::GET, &format!("http://127.0.0.1:{host_port}{path}"));
    let request = request.header("host", format!("localhost:{host_port}"));
    let cookie = "lockhouse_session=ours; own=1";
    let asked = request.header("cookie", cookie).send().await.map_err(|error| error.to_string())?;
    Ok(Answer::of(asked).await)
}

async fn host_port(host: &Host) -> u64 {
    let mappings = mappings(host, "lab").await;
    mappings["5000"].as_u64().unwrap_or_else(|| panic!("{mappings}"))
}

#[tokio::test]
async fn a_port_of_this_machine_leads_to_the_projects_server() {
    let host = need!(local, lab().await);
    let port = host_port(&host).await;
    assert!((10_000..=60_000).contains(&port), "{port}");
    let echo = asks(&host, port, "/echo").await.unwrap();
    assert_eq!(
        (sent(&echo, "host"), sent(&echo, "cookie")),
        (vec!["localhost:5000"], vec!["own=1"])
    );
    let found = host.get("/api/v1/containers/lab/preview?port=5000").await;
    assert_eq!(found.json["preview_url"], format!("http://localhost:{port}"));
    assert_eq!(found.json["status"], "running");
}

#[tokio::test]
async fn a_host_port_sets_no_cookie_of_lockhouses() {
    let host = need!(local, lab().await);
    let set = asks(&host, host_port(&host).await, "/cookies").await.unwrap();
    let cookies: Vec<_> = set.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["own=1; Path=/", "wide=1; Path=/"]);
}

#[tokio::test]
async fn a_host_port_is_the_same_after_a_kill_and_a_restart() {
    let host = need!(local, lab().await);
    let before = host_port(&host).await;
    let host = host.starts_again_after_a_kill().await;
    eventually("the port is open again", || async {
        let echo = asks(&host, before, "/small").await?;
        if echo.text == "small" { Ok(()) } else { Err(echo.text) }
    })
    .await;
    eventually("it is the same", || async {
        let after = mappings(&host, "lab").await["5000"].as_u64();
        if after == Some(before) { Ok(()) } else { Err(format!("{after:?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_host_port_is_open_while_the_runtime_runs() {
    let host = need!(local, lab().await);
    let port = host_port(&host).await;
    host.post("/api/v1/containers/lab/stop", json!({})).await;
    assert!(asks(&host, port, "/").await.is_err());
    let started = host.post("/api/v1/containers/lab/start", json!({})).await;
    assert_eq!(started.json["port_mappings"]["5000"], port, "{}", started.text);
}

#[tokio::test]
async fn a_deleted_runtime_gives_its_host_ports_back() {
    let host = need!(local, lab().await);
    let port = host_port(&host).await;
    host.delete("/api/v1/containers/lab").await;
    eventually("the port is free", || async {
        let bound = tokio::net::TcpListener::bind(("127.0.0.1", port as u16)).await;
        bound.map(drop).map_err(|error| error.to_string())
    })
    .await;
    eventually("its rows are gone", || async {
        let left = host.rows("SELECT COUNT(*) FROM preview_ports").await;
        if left == 0 { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn no_host_port_is_opened_where_the_operator_wants_none() {
    let engine = need!(local, engine("local").await);
    let host = Host::start_with(engine, &[("LOCKHOUSE_PREVIEWS__HOST_PORTS", "false")]).await;
    serves(&host, "lab", 5000).await;
    assert_eq!(mappings(&host, "lab").await, json!({}));
    assert_eq!(host.rows("SELECT COUNT(*) FROM preview_ports").await, 0);
    let found = host.get("/api/v1/containers/lab/preview?port=5000").await;
    let by_path = format!("{}/api/v1/preview/lab:5000/", host.url);
    assert_eq!(found.json["preview_url"], by_path.as_str());
}

#[tokio::test]
async fn ports_that_listen_are_shown() {
    let host = need!(local, lab().await);
    let ports = host.get("/api/v1/containers/lab/ports").await;
    let of = |port: u16| {
        let ports = ports.json["ports"].as_array().unwrap();
        ports.iter().find(|known| known["port"] == port).unwrap().clone()
    };
    assert_eq!((&of(5000)["listening"], &of(8000)["listening"]), (&json!(true), &json!(false)));
    assert_eq!(of(5000)["host_port"], ports.json["port_mappings"]["5000"]);
}

#[tokio::test]
async fn a_previews_status_follows_the_runtime_and_its_process() {
    let host = need!(local, lab().await);
    let status = async |port: u16| {
        let path = format!("/api/v1/containers/lab/preview/{port}/status");
        host.get(&path).await.json["status"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(
        (status(5000).await, status(8080).await),
        ("running".into(), "not_listening".into())
    );
    let sleeps = json!({ "command": "sleep 600", "port": 5000 });
    host.delete("/api/v1/containers/lab/process").await;
    assert_eq!(status(5000).await, "not_listening");
    host.post("/api/v1/containers/lab/process", sleeps).await;
    assert_eq!(status(5000).await, "starting");
    host.post("/api/v1/containers/lab/stop", json!({})).await;
    assert_eq!(status(5000).await, "stopped");
}

#[tokio::test]
async fn a_page_that_a_trick_of_dns_leads_to_a_host_port_is_refused() {
    let host = need!(local, lab().await);
    let url = format!("http://127.0.0.1:{}/echo", host_port(&host).await);
    let asked = host.elsewhere(Method::GET, &url).header("host", "evil.example");
    let refused = answer(asked).await;
    assert_eq!(refused.json["code"], "foreign_host", "{}", refused.text);
    let written = host.elsewhere(Method::POST, &url).header("origin", "https://evil.example");
    let refused = answer(written).await;
    assert_eq!(refused.json["code"], "foreign_origin", "{}", refused.text);
    assert_eq!(header(&refused.headers, "content-type"), "application/problem+json");
}
