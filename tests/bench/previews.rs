//! P11: a preview through the host, beside nginx with connections kept to the same server. The
//! server runs twice: in a runtime, for Lockhouse, and bare, for nginx and for itself without
//! anybody before it.

use std::path::Path;
use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host, eventually};
use crate::peer::{Peer, free_port, nginx};
use crate::project::calm;
use crate::wrk;

const ROUNDS: usize = 7;

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
    if let Err(why) = wrk::present() {
        report.lacks("previews", &why);
        return report;
    }
    if let Err(why) = host::engine_for("node", "local").await {
        report.lacks("previews", &why);
        return report;
    }
    let host = calm(Host::start("local").await).await;
    let port = serves(&host).await;
    let data = tempfile::tempdir().unwrap();
    let (bare, _server) = bare_server(data.path());
    let token = std::fs::read_to_string(host.data().join("admin.token")).unwrap();
    let by_path = format!("{}/api/v1/preview/bench", host.url);
    let mut ways = vec![at("direct", bare), at("port", port)];
    ways.push(Way { name: "path", url: by_path, token: Some(token.trim().to_owned()) });
    let nginx = proxy(data.path(), bare);
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

fn bare_server(dir: &Path) -> (u16, Peer) {
    let (port, file) = (free_port(), dir.join("server.mjs"));
    std::fs::write(&file, SERVER).unwrap();
    (port, Peer::start(Command::new("node").arg(file).env("PORT", port.to_string())))
}

fn proxy(dir: &Path, to: u16) -> Option<(u16, Peer)> {
    let upstream = format!(
        "upstream server {{ server 127.0.0.1:{to}; keepalive 64; keepalive_requests 1000000; }}"
    );
    let server = "location / {
        proxy_pass http://server; proxy_http_version 1.1;
        proxy_set_header Connection \"\"; proxy_max_temp_file_size 0;
    }";
    nginx(dir, &upstream, server)
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
            let (url, token) = (format!("{}/{path}", way.url), way.token.as_deref());
            figures.push(wrk::round(&url, connections, token, None).per_second);
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
