//! Previews: what a browser and a program see of a port inside a runtime, by path,
//! by host name and by a port of this machine.

mod browser;
mod links;
mod origins;
mod ports;
mod security;
mod stats;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self};

use crate::host::{Answer, Host, Socket, answer, engine, eventually};

/// A server that shows what it was asked.
const SERVER: &str = include_str!("../data/previews/server.py");

/// A host with the project `lab`, whose server listens on port 5000.
async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    serves(&host, "lab", 5000).await;
    Ok(host)
}

/// A project whose server listens.
async fn serves(host: &Host, project: &str, port: u16) {
    host.has_running_project(project).await;
    starts(host, project, port).await;
}

async fn starts(host: &Host, project: &str, port: u16) {
    host.writes(project, "server.py", SERVER).await;
    let process = json!({ "command": "python3 server.py", "port": port });
    let started = host.post(&format!("/api/v1/containers/{project}/process"), process).await;
    assert_eq!(started.json["status"], "running", "{}", started.text);
    listens(host, project, port).await;
}

async fn listens(host: &Host, project: &str, port: u16) {
    let path = format!("/api/v1/containers/{project}/preview/{port}/status");
    eventually("the server listens", || async {
        let status = host.get(&path).await;
        if status.json["status"] == "running" { Ok(()) } else { Err(status.text) }
    })
    .await;
}

/// A browser on a preview's own host.
struct Browser<'a> {
    host: &'a Host,
    /// Such as `5000--lab-k3x9q2ab.localhost:8000`.
    name: String,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    /// One that Lockhouse has sent to the preview.
    async fn enters(host: &'a Host, project: &str, port: u16) -> Self {
        let mut browser = Self::without_leave(host, project, port).await;
        let path = format!("/api/v1/containers/{project}/preview/open?port={port}&to=/echo%3Fin");
        let sent = host.get(&path).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        browser.follows(sent.headers["location"].to_str().unwrap()).await;
        browser
    }

    /// One that nobody has sent there.
    async fn without_leave(host: &'a Host, project: &str, port: u16) -> Self {
        let path = format!("/api/v1/containers/{project}/preview?port={port}");
        let found = host.get(&path).await;
        let origin = found.json["origin"].as_str().unwrap_or_else(|| panic!("{}", found.text));
        let name = origin.strip_prefix("http://").unwrap().to_owned();
        Self { host, name, cookie: None }
    }

    /// Opens an address on the preview's host that makes it a cookie.
    async fn follows(&mut self, url: &str) -> Answer {
        let path = url.strip_prefix(&format!("http://{}", self.name)).unwrap();
        let entered = self.get(path).await;
        if let Some(cookie) = entered.headers.get("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(cookie.to_owned());
        }
        entered
    }

    fn asks(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.host.as_nobody(method, path).header("host", &self.name);
        self.cookie.iter().fold(request, |request, cookie| request.header("cookie", cookie))
    }

    async fn get(&self, path: &str) -> Answer {
        answer(self.asks(Method::GET, path)).await
    }

    fn origin(&self) -> String {
        format!("http://{}", self.name)
    }

    /// A WebSocket that a page of `origin` opens.
    async fn socket(&self, origin: Option<&str>) -> Result<Socket, tungstenite::Error> {
        let address = self.host.url.replacen("http", "ws", 1);
        let mut request = format!("{address}/ws").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("host", self.name.parse().unwrap());
        for (name, value) in [("origin", origin), ("cookie", self.cookie.as_deref())] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        tokio_tungstenite::connect_async(request).await.map(|(socket, _)| socket)
    }
}

/// The status with which a socket was refused.
fn refused(opened: Result<Socket, tungstenite::Error>) -> u16 {
    match opened {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("it was not refused: {other:?}"),
    }
}

/// What the project's server was sent under a header's name.
fn sent<'a>(echo: &'a Answer, name: &str) -> Vec<&'a str> {
    let headers = echo.json["headers"].as_array().unwrap_or_else(|| panic!("{}", echo.text));
    let named = headers.iter().filter(|pair| pair[0] == name);
    named.filter_map(|pair| pair[1].as_str()).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The host's ports that lead to a project's.
async fn mappings(host: &Host, project: &str) -> Value {
    host.get(&format!("/api/v1/containers/{project}")).await.json["port_mappings"].clone()
}
