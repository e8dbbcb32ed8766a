//! P11: a preview by a port of this machine, beside nginx with connections kept to the
//! same server. The server runs twice: in a runtime, for Lockhouse, and bare, for nginx
//! and for itself without anybody before it.
//!
//! `wrk` asks each in turns, a round each, so that what else the machine does falls on
//! all alike; printed are the medians of the rounds. It needs wrk, node, an OCI runtime,
//! and nginx (its path in `NGINX` where it is not /usr/sbin/nginx).

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark starts what it measures, and talks to a terminal"
)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lockhouse::Config;
use reqwest::Client;
use serde_json::{Value, json};

const ROUNDS: usize = 5;
const SECONDS: &str = "2s";

/// What is asked, and over how many connections.
const CASES: [(&str, usize); 4] = [("/small", 1), ("/small", 32), ("/large", 1), ("/large", 32)];

const SERVER: &str = r#"
import { createServer } from "node:http";
const answers = { "/small": Buffer.alloc(64, "s"), "/large": Buffer.alloc(1 << 20, "l") };
createServer((request, response) => {
  const body = answers[request.url] ?? Buffer.from("?");
  response.writeHead(200, { "content-type": "text/plain", "content-length": body.length });
  response.end(body);
}).listen(Number(process.env.PORT), "127.0.0.1");
"#;

#[derive(serde::Serialize)]
struct Report {
    method: &'static str,
    cases: Vec<Case>,
}

#[derive(serde::Serialize)]
struct Case {
    path: &'static str,
    connections: usize,
    direct_per_second: f64,
    nginx_per_second: f64,
    lockhouse_per_second: f64,
    ratio: f64,
}

/// A program that ends with this.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let nginx = std::env::var("NGINX").unwrap_or_else(|_| "/usr/sbin/nginx".to_owned());
    if !Path::new(&nginx).exists() || Command::new("wrk").output().is_err() {
        println!("P11 was not measured: it needs wrk and nginx");
        return;
    }
    let report = tokio::runtime::Runtime::new().unwrap().block_on(measure(&nginx));
    println!("P11, previews beside nginx (requests/s, medians of {ROUNDS} rounds of {SECONDS})");
    println!(
        "  {:<8}{:>6}{:>11}{:>11}{:>11}{:>8}",
        "", "conns", "direct", "nginx", "lockhouse", "ratio"
    );
    for case in &report.cases {
        let Case { path, connections, direct_per_second: direct, .. } = case;
        let (nginx, own) = (case.nginx_per_second, case.lockhouse_per_second);
        println!(
            "  {path:<8}{connections:>6}{direct:>11.0}{nginx:>11.0}{own:>11.0}{:>8.2}",
            case.ratio
        );
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench");
    std::fs::DirBuilder::new().recursive(true).create(folder).unwrap();
    let file = std::fs::File::create(format!("{folder}/previews.json")).unwrap();
    serde_json::to_writer_pretty(file, &report).unwrap();
}

async fn measure(nginx: &str) -> Report {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config { data: data.path().to_owned(), ..Config::default() };
    config.engines.engine = serde_json::from_value(json!("local")).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (told, started) = tokio::sync::oneshot::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(lockhouse::serve(
        config,
        listener,
        async { drop(stopped.await) },
        move |started| drop(told.send(started.sign_in_url.clone())),
    ));
    let url = started.await.unwrap();
    let api = Api::new(&url);
    let own = api.project().await;
    let (bare, _server) = bare_server(data.path());
    let (proxied, _nginx) = proxy(nginx, data.path(), bare);
    let addresses = [bare, proxied, own];
    for port in addresses {
        answers(port).await;
    }
    let measured = tokio::task::spawn_blocking(move || CASES.map(|case| compare(case, addresses)));
    let cases = measured.await.unwrap().into();
    api.ask("DELETE", "/containers/bench", &json!(null)).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    Report { method: "wrk, one thread, in turns; Lockhouse by its host port", cases }
}

struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    fn new(url: &str) -> Self {
        let (base, token) = url.split_once("/sign-in?token=").unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { client, base: format!("{base}/api/v1"), token: token.to_owned() }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
        let answer = request.bearer_auth(&self.token).json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The server in a runtime; answers with its host port.
    async fn project(&self) -> u16 {
        let limits = json!({ "cpu_limit": 2.0, "memory_limit": "1g", "exposed_ports": [3000] });
        let new = json!({ "project_type": "node", "config": limits });
        let made = self.ask("POST", "/containers/bench/create", &new).await;
        let file = json!({ "path": "server.mjs", "content": SERVER });
        self.ask("PUT", "/projects/bench/files/write", &file).await;
        let process = json!({ "command": "node server.mjs", "port": 3000 });
        self.ask("POST", "/containers/bench/process", &process).await;
        u16::try_from(made["port_mappings"]["3000"].as_u64().unwrap()).unwrap()
    }
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

fn proxy(nginx: &str, dir: &Path, to: u16) -> (u16, Peer) {
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

/// Waits until a port answers.
async fn answers(port: u16) {
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("http://localhost:{port}/small");
    for _ in 0..200 {
        match client.get(&url).send().await {
            Ok(answer) if answer.status().is_success() => return,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    unreachable!("nothing answers on port {port}");
}

fn compare((path, connections): (&'static str, usize), ports: [u16; 3]) -> Case {
    let mut rounds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (figures, port) in rounds.iter_mut().zip(ports) {
            figures.push(round(path, connections, port));
        }
    }
    let [direct, nginx, own] = rounds.map(median);
    Case {
        path,
        connections,
        direct_per_second: direct,
        nginx_per_second: nginx,
        lockhouse_per_second: own,
        ratio: own / nginx,
    }
}

/// Requests a second.
fn round(path: &str, connections: usize, port: u16) -> f64 {
    let output = Command::new("wrk")
        .args(["-t1", "-d", SECONDS, "-c", &connections.to_string()])
        .arg(format!("http://localhost:{port}{path}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let line = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    line.and_then(|figure| figure.trim().parse().ok()).unwrap_or(0.0)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
