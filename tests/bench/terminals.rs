//! P4, P5 and P13: keys and their echo, bulk output, and what many terminals take; beside ttyd,
//! whose shell runs on the bare machine.

mod client;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::figures::{Report, Row, Spread};
use crate::host::{self, Host, eventually};
use crate::peer::{self, Peer};
use crate::project::{calm, ms};
use client::{Client, PROMPT};

/// Pairs of keys typed alone, and beside others.
const KEYS: usize = 500;
const OPENED: usize = 50;
const INTERRUPTED: usize = 50;
const BULKS: usize = 5;

/// Printed by a shell at once: 100 MB as base64.
const BULK: &str = "head -c 75000000 /dev/zero | base64; echo EN''D\r";
const BULK_END: &str = "END";

/// A program that never stops printing.
const FLOOD: &str = "base64 /dev/urandom\r";

/// As many as a supervisor serves, in so many projects.
const SESSIONS: usize = 8;
const PROJECTS: usize = 13;
const MANY: usize = 100;
const SETTINGS: &[(&str, &str)] = &[("LOCKHOUSE_TERMINALS__MAX_PER_PROJECT", "8")];

/// Clients attached at once to see what each takes.
const ATTACHED: usize = 1_000;

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "terminals",
        "bash in a runtime of the local engine over our WebSocket (stock framing, unless said), in \
         turns with bash on the bare machine over ttyd's; a key and its taking back, from the \
         client's send to the echo it reads",
    );
    if let Err(why) = host::engine("local").await {
        report.lacks("terminals", &why);
        return report;
    }
    let host = calm(Host::start_with("local", SETTINGS).await).await;
    let peer = peer::program("TTYD", "/usr/bin/ttyd").map(|program| ttyd(&program));
    if peer.is_none() {
        report.lacks("ttyd beside ours", "it is not installed; name it by TTYD");
    }
    let port = peer.as_ref().map(|(port, _)| *port);
    if let Some(port) = port {
        listens(port).await;
    }
    for number in 0..PROJECTS {
        makes(&host, &project(number)).await;
    }
    opening(&mut report, &host, port).await;
    typing(&mut report, &host, port).await;
    flooded(&mut report, &host, port).await;
    bulk(&mut report, &host, port).await;
    many(&mut report, &host).await;
    attached(&mut report, &host).await;
    report
}

fn project(number: usize) -> String {
    format!("terminals-{number}")
}

async fn makes(host: &Host, name: &str) {
    let path = format!("/api/v1/containers/{name}/create");
    let limits = json!({ "cpu_limit": 2.0 });
    let made = host.post(&path, json!({ "project_type": "python", "config": limits })).await;
    assert_eq!(made.json["status"], "running", "{}", made.text);
}

fn ttyd(program: &Path) -> (u16, Peer) {
    let port = peer::free_port();
    let mut command = Command::new(program);
    command.args(["-W", "-i", "127.0.0.1", "-p", &port.to_string(), "bash"]);
    (port, Peer::start(&mut command))
}

async fn listens(port: u16) {
    eventually("ttyd listens", async || {
        let tried = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        tried.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

/// From nothing to a prompt's first byte.
async fn opening(report: &mut Report, host: &Host, port: Option<u16>) {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..OPENED {
        let began = Instant::now();
        let mut client = Client::plain(host, &project(0), "opened").await;
        client.reads().await;
        own.push(ms(began.elapsed()));
        drop(client);
        let closed =
            host.delete(&format!("/api/v1/containers/{}/terminals/opened", project(0))).await;
        assert!(closed.status.is_success(), "round {round}: {}", closed.text);
        if let Some(port) = port {
            let began = Instant::now();
            Client::ttyd(port).await.reads().await;
            theirs.push(ms(began.elapsed()));
        }
    }
    add(report, "P4", "a terminal opens", (own, theirs), "≤ 10 ms", |own, _| own.p50 <= 10.0);
}

async fn typing(report: &mut Report, host: &Host, port: Option<u16>) {
    let mut own = Client::plain(host, &project(0), "main").await.ready().await;
    let mut theirs = match port {
        Some(port) => Some(Client::ttyd(port).await.ready().await),
        None => None,
    };
    let echoes = in_turns(&mut own, theirs.as_mut()).await;
    let wanted = "≤ 1.1 × ttyd's, p99 ≤ 1 ms";
    add(report, "P4", "a key's echo, alone", echoes, wanted, |own, theirs| {
        own.p99 <= 1.0 && theirs.is_none_or(|theirs| own.p50 <= 1.1 * theirs.p50)
    });
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..INTERRUPTED {
        ours.push(interrupts(&mut own).await);
        if let Some(theirs) = theirs.as_mut() {
            peers.push(interrupts(theirs).await);
        }
    }
    add(report, "P4", "^C to the prompt", (ours, peers), "≤ 3 ms", |own, _| own.p50 <= 3.0);
}

async fn interrupts(client: &mut Client) -> f64 {
    client.types("echo sleep''s; sleep 100\r").await;
    client.until("sleeps").await;
    // The shell starts it a moment after it has told so.
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.answers("\u{3}", PROMPT).await
}

/// Pairs of keys at both, one after the other.
async fn in_turns(own: &mut Client, mut theirs: Option<&mut Client>) -> (Vec<f64>, Vec<f64>) {
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..KEYS {
        ours.extend(own.echoes().await);
        if let Some(theirs) = theirs.as_deref_mut() {
            peers.extend(theirs.echoes().await);
        }
    }
    (ours, peers)
}

/// A key's echo while another terminal of the same runtime prints without end. Each is flooded
/// by itself: two floods at once would leave no processor for either.
async fn flooded(report: &mut Report, host: &Host, port: Option<u16>) {
    let mut typist = Client::plain(host, &project(0), "main").await.ready().await;
    let flood = floods(Client::plain(host, &project(0), "flood").await.ready().await).await;
    let (own, _) = in_turns(&mut typist, None).await;
    ends(flood).await;
    let mut theirs = Vec::new();
    if let Some(port) = port {
        let mut typist = Client::ttyd(port).await.ready().await;
        let flood = floods(Client::ttyd(port).await.ready().await).await;
        theirs = in_turns(&mut typist, None).await.0;
        ends(flood).await;
    }
    let what = "a key's echo beside a flood";
    add(report, "P4", what, (own, theirs), "p99 ≤ 5 ms", |own, _| own.p99 <= 5.0);
}

struct Flood {
    reading: tokio::task::JoinHandle<Client>,
    stop: tokio::sync::oneshot::Sender<()>,
}

/// Starts it, and reads all that it prints.
async fn floods(mut client: Client) -> Flood {
    client.types(FLOOD).await;
    client.reads().await;
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let reading = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = &mut stopped => return client,
                _ = client.reads() => {}
            }
        }
    });
    Flood { reading, stop }
}

async fn ends(flood: Flood) {
    flood.stop.send(()).unwrap();
    flood.reading.await.unwrap().answers("\u{3}", PROMPT).await;
}

/// MB in a second, and what the server grew by meanwhile.
async fn bulk(report: &mut Report, host: &Host, port: Option<u16>) {
    let mut plain = Client::plain(host, &project(1), "main").await.ready().await;
    let mut numbered = Client::numbered(host, &project(1), "numbered").await.ready().await;
    let mut theirs = match port {
        Some(port) => Some(Client::ttyd(port).await.ready().await),
        None => None,
    };
    let before = resident(host, "VmRSS:");
    let (mut plains, mut numbereds, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BULKS {
        plains.push(prints(&mut plain).await);
        numbereds.push(prints(&mut numbered).await);
        if let Some(mut client) = theirs.take() {
            // It has been seen to hang up in the midst of this.
            let printing = async move { (prints(&mut client).await, client) };
            match tokio::spawn(printing).await {
                Ok((rate, client)) => {
                    peers.push(rate);
                    theirs = Some(client);
                }
                Err(_) => report.lacks("100 MB of ttyd's output", "it hung up"),
            }
        }
    }
    for (what, own) in [("stock framing", plains), ("acknowledged", numbereds)] {
        let own = Spread::of(own);
        let peer = (!peers.is_empty()).then(|| Spread::of(peers.clone()));
        report.add(Row {
            bar: "P5",
            what: format!("100 MB of output, {what}"),
            unit: "MB/s",
            met: peer.map(|peer| own.p50 >= peer.p50),
            peer: peer.map(|peer| ("ttyd".to_owned(), peer)),
            wanted: "≥ its MB/s",
            own,
        });
    }
    let grown = resident(host, "VmHWM:") - before;
    report.add(told("P5", "the server grew at most by", "KiB", grown));
}

async fn prints(client: &mut Client) -> f64 {
    let (before, began) = (client.taken, Instant::now());
    client.types(BULK).await;
    client.until(BULK_END).await;
    let (bytes, seconds) = (client.taken - before, began.elapsed().as_secs_f64());
    assert!(bytes > 100_000_000, "only {bytes} bytes came");
    client.until(PROMPT).await;
    bytes as f64 / 1e6 / seconds
}

/// Keys in a hundred terminals of several runtimes, idle and then with one flooding.
async fn many(report: &mut Report, host: &Host) {
    let mut clients = Vec::new();
    for number in 0..MANY {
        let (project, session) = (project(number / SESSIONS), format!("s{}", number % SESSIONS));
        clear(host, &project, number % SESSIONS).await;
        clients.push(Client::plain(host, &project, &session).await.ready().await);
    }
    for (what, flooding) in [("100 terminals", false), ("100 terminals, one floods", true)] {
        let flood = match flooding {
            true => Some(floods(clients.pop().unwrap()).await),
            false => None,
        };
        let mut own = Vec::new();
        for _ in 0..KEYS / 50 {
            for client in &mut clients {
                own.extend(client.echoes().await);
            }
        }
        if let Some(flood) = flood {
            ends(flood).await;
        }
        let what = format!("a key's echo, {what}");
        add(report, "P4", &what, (own, Vec::new()), "p99 ≤ 5 ms", |own, _| own.p99 <= 5.0);
    }
}

/// Closes what earlier measures left, before the first of a project's sessions.
async fn clear(host: &Host, project: &str, session: usize) {
    if session > 0 {
        return;
    }
    let path = format!("/api/v1/containers/{project}/terminals");
    let open = host.get(&path).await;
    for one in open.json["terminals"].as_array().into_iter().flatten() {
        let closed = host.delete(&format!("{path}/{}", one["session"].as_str().unwrap())).await;
        assert!(closed.status.is_success(), "{}", closed.text);
    }
}

/// What the server holds for each of many clients that are attached and do nothing.
async fn attached(report: &mut Report, host: &Host) {
    let before = resident(host, "VmRSS:");
    let mut clients = Vec::new();
    for number in 0..ATTACHED {
        let project = project(number % PROJECTS);
        let session = format!("s{}", number / PROJECTS % 4);
        clients.push(Client::numbered(host, &project, &session).await);
    }
    for client in &mut clients {
        client.reads().await;
    }
    let each = (resident(host, "VmRSS:") - before) / ATTACHED as f64;
    let mut row = told("P13", "an attached terminal, of 1000 at once", "KiB", each);
    (row.wanted, row.met) = ("≤ 64 KiB", Some(each <= 64.0));
    report.add(row);
}

/// From the kernel, of the server's process, in KiB.
fn resident(host: &Host, line: &str) -> f64 {
    let server = std::fs::read_to_string(host.data().join("server.json")).unwrap();
    let server: serde_json::Value = serde_json::from_str(&server).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server["pid"])).unwrap();
    let found = status.lines().find_map(|text| text.strip_prefix(line)).unwrap();
    found.split_whitespace().next().unwrap().parse().unwrap()
}

fn told(bar: &'static str, what: &str, unit: &'static str, value: f64) -> Row {
    let own = Spread::of(vec![value]);
    Row { bar, what: what.to_owned(), unit, own, peer: None, wanted: "", met: None }
}

fn add(
    report: &mut Report,
    bar: &'static str,
    what: &str,
    (own, peer): (Vec<f64>, Vec<f64>),
    wanted: &'static str,
    holds: impl Fn(Spread, Option<Spread>) -> bool,
) {
    let own = Spread::of(own);
    let peer = (!peer.is_empty()).then(|| Spread::of(peer));
    report.add(Row {
        bar,
        what: what.to_owned(),
        unit: "ms",
        own,
        met: Some(holds(own, peer)),
        peer: peer.map(|spread| ("ttyd".to_owned(), spread)),
        wanted,
    });
}
