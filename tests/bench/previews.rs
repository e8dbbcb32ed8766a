//! P11: a preview through the host, beside nginx with connections kept to the same server. The
//! server runs twice: in a runtime, for Lockhouse, and bare, for nginx and for itself without
//! anybody before it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host, eventually};

const ROUNDS: usize = 7;
const SECONDS: &str = "2s";

/// What is asked, and over how many connections.
const CASES: [(&str, usize); 4] = [("small", 1), ("small", 32), ("large", 1), ("large", 32)];

const SERVER: &str = r#"
import { createServer } from "node:http";
const answers = { "/small": Buffer.alloc(64, "s"), "/large": Buffer.alloc(1 << 20, "l") };
createServer((request, response) => {
  const body = answers[request.url] ?? Buffer.from("?");
  response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
  response.end(body);
}).listen(Number(process.env.PORT), "127.0.0.1");
"#;

/// A program that ends with this.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A way to the server.
struct Way {
    name: &'static str,
    /// Without the last part of the path.
    url: String,
    token: Option<String>,
}

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "previews",
        "wrk with one thread, in turns: the server itself, nginx before it, and Lockhouse before \
         the same server in a runtime, by its port of this machine and by its path with a token; \
         64 bytes (small) and 1 MiB (large)",
    );
    if let Err(error) = Command::new("wrk").arg("--version").output() {
        report.lacks("previews", &format!("wrk asks, and does not start: {error}"));
        return report;
    }
    if let Err(why) = host::engine_for("node", "local").await {
        report.lacks("previews", &why);
        return report;
    }
    let host = Host::start("local").await;
    let port = serves(&host).await;
    let data = tempfile::tempdir().unwrap();
    let (bare, _server) = bare_server(data.path());
    let token = std::fs::read_to_string(host.data().join("admin.token")).unwrap();
    let by_path = format!("{}/api/v1/preview/bench", host.url);
    let mut ways = vec![at("direct", bare), at("port", port)];
    ways.push(Way { name: "path", url: by_path, token: Some(token.trim().to_owned()) });
    let nginx = nginx().map(|nginx| proxy(&nginx, data.path(), bare));
    match &nginx {
        Some((port, _)) => ways.push(at("nginx", *port)),
        None => report.lacks("nginx before the same server", "it is not installed (nginx-light)"),
    }
    for way in &ways {
        answers(&host, way).await;
    }
    for case in CASES {
        compare(&mut report, case, &ways);
    }
    report
}

fn at(name: &'static str, port: u16) -> Way {
    Way { name, url: format!("http://127.0.0.1:{port}"), token: None }
}

/// The server in a runtime; answers with its host port.
async fn serves(host: &Host) -> u16 {
    let limits = json!({ "cpu_limit": 2.0, "memory_limit": "1g", "exposed_ports": [3000] });
    let new = json!({ "project_type": "node", "config": limits });
    let made = host.post("/api/v1/containers/bench/create", new).await;
    host.writes("bench", "server.mjs", SERVER).await;
    let process = json!({ "command": "node server.mjs", "port": 3000 });
    let started = host.post("/api/v1/containers/bench/process", process).await;
    assert!(started.status.is_success(), "{}", started.text);
    made.json["port_mappings"]["3000"].as_u64().and_then(|port| port.try_into().ok()).unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn bare_server(dir: &Path) -> (u16, Peer) {
    let (port, file) = (free_port(), dir.join("server.mjs"));
    std::fs::write(&file, SERVER).unwrap();
    let child = Command::new("node").arg(file).env("PORT", port.to_string()).spawn().unwrap();
    (port, Peer(child))
}

/// Where nginx is: what `NGINX` says, or where Debian has it.
fn nginx() -> Option<PathBuf> {
    let named = std::env::var("NGINX").unwrap_or_else(|_| "/usr/sbin/nginx".to_owned());
    Some(PathBuf::from(named)).filter(|path| path.exists())
}

fn proxy(nginx: &Path, dir: &Path, to: u16) -> (u16, Peer) {
    let (port, file) = (free_port(), dir.join("nginx.conf"));
    let dir = dir.display();
    let text = format!(
        "daemon off; worker_processes auto; pid {dir}/nginx.pid; error_log stderr crit;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
            fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
            keepalive_requests 1000000;
            upstream server {{ server 127.0.0.1:{to}; keepalive 64; keepalive_requests 1000000; }}
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://server; proxy_http_version 1.1;
                    proxy_set_header Connection \"\"; proxy_max_temp_file_size 0;
                }}
            }}
        }}"
    );
    std::fs::write(&file, text).unwrap();
    let child = Command::new(nginx).arg("-c").arg(file).stderr(Stdio::null()).spawn().unwrap();
    (port, Peer(child))
}

/// Waits until the server answers by this way.
async fn answers(host: &Host, way: &Way) {
    eventually("the server answers", async || {
        let mut request = host.elsewhere(Method::GET, &format!("{}/small", way.url));
        if let Some(token) = &way.token {
            request = request.bearer_auth(token);
        }
        match request.send().await {
            Ok(answer) if answer.status() == StatusCode::OK => Ok(()),
            other => Err(format!("{}: {other:?}", way.name)),
        }
    })
    .await;
}

fn compare(report: &mut Report, (path, connections): (&str, usize), ways: &[Way]) {
    let mut figures = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for (figures, way) in figures.iter_mut().zip(ways) {
            figures.push(round(way, path, connections));
        }
    }
    let figures = ways.iter().zip(figures).map(|(way, values)| (way.name, Spread::of(values)));
    let figures: Vec<(&str, Spread)> = figures.collect();
    let of = |name| figures.iter().find(|(way, _)| *way == name).map(|(_, spread)| *spread);
    for (way, wanted) in [("port", "≥ 1.0 × its requests/s"), ("path", ""), ("direct", "")] {
        let Some(own) = of(way) else { continue };
        let peer = of("nginx").map(|spread| ("nginx".to_owned(), spread));
        let met = peer.as_ref().map(|(_, spread)| own.p50 >= spread.p50);
        report.add(Row {
            bar: "P11",
            what: match way {
                "direct" => format!("{path}, {connections} connections, without anybody"),
                _ => format!("{path}, {connections} connections, preview by {way}"),
            },
            unit: "/s",
            own,
            peer,
            wanted,
            met: met.filter(|_| !wanted.is_empty()),
        });
    }
}

/// Requests a second.
fn round(way: &Way, path: &str, connections: usize) -> f64 {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-d", SECONDS, "-c", &connections.to_string()]);
    if let Some(token) = &way.token {
        wrk.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    let output = wrk.arg(format!("{}/{path}", way.url)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let line = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    line.and_then(|figure| figure.trim().parse().ok()).unwrap_or(0.0)
}
