//! Very many clients, and clients that mean no good: what they cost has a bound, and
//! the others notice nothing.

use std::time::Instant;

use futures::future::join_all;
use futures::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{hasty_lab, lab};
use crate::host::{Host, PATIENCE, Terminal, answer, engine, eventually};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Host {
    /// Descriptors that the server has open.
    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// What the server has in memory.
    fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * KIB
    }

    /// Waits until it has no more open than before, but for a few that it keeps ready.
    async fn gives_all_back(&self, before: usize) {
        eventually("the descriptors are given back", || async {
            let now = self.descriptors();
            let few = now <= before + 16;
            if few { Ok(()) } else { Err(format!("{now} are open, and {before} were before")) }
        })
        .await;
    }

    /// Somebody else types, and is answered.
    async fn serves_others(&self) {
        let mut other = self.terminal_with("lab", "session=other").await;
        other.types("echo other-$((1+1))\r").await;
        other.shows("other-2").await;
    }
}

/// Clients that wait for their turn are not read from meanwhile.
const PATIENT: &[(&str, &str)] = &[("LOCKHOUSE_TERMINALS__HEARTBEAT", "25")];

const PROJECTS: usize = 5;
const SESSIONS: usize = 4;
const CLIENTS: usize = 50;

/// All clients of one project.
async fn fills(host: &Host, project: &str) -> Vec<Vec<Terminal>> {
    let mut sessions = Vec::new();
    for session in 0..SESSIONS {
        let query = format!("session=s{session}");
        let opening = (0..CLIENTS).map(|_| host.terminal_with(project, &query));
        sessions.push(join_all(opening).await);
    }
    sessions
}

/// One client types, and sees what all of its session typed.
async fn hears_all(n: usize, client: &mut Terminal) {
    client.types(&format!("echo client-{n}-$((1+1))\r")).await;
    for other in 0..CLIENTS {
        client.shows(&format!("client-{other}-2")).await;
    }
}

#[tokio::test]
async fn a_thousand_clients_are_each_answered_and_leave_nothing_behind() {
    let host = Host::start_with(need!(local, engine("local").await), PATIENT).await;
    let names: Vec<String> = (0..PROJECTS).map(|n| format!("p{n}")).collect();
    for name in &names {
        host.has_running_project(name).await;
    }
    let (before, memory) = (host.descriptors(), host.resident_bytes());
    let began = Instant::now();
    let mut projects = join_all(names.iter().map(|name| fills(&host, name))).await;
    let count = PROJECTS * SESSIONS * CLIENTS;
    let each = host.resident_bytes().saturating_sub(memory) / count as u64;
    println!("{count} clients in {:?}, {each} bytes of the server's memory each", began.elapsed());
    assert!(each < 128 * KIB, "{each} bytes for each client");
    let sessions = projects.iter_mut().flatten();
    let clients = sessions.flat_map(|clients| clients.iter_mut().enumerate());
    join_all(clients.map(|(n, client)| hears_all(n, client))).await;
    drop(projects);
    host.gives_all_back(before).await;
}

#[tokio::test]
async fn clients_that_never_read_cost_little_and_stall_nobody() {
    let host = need!(local, lab().await);
    host.serves_others().await;
    let memory = host.resident_bytes();
    let mut silent = Vec::new();
    for _ in 0..30 {
        silent.push(host.plain_terminal("lab").await);
    }
    silent[0].send(Message::text("seq 1 400000; echo the-$((1+1))-end\r")).await.unwrap();
    let mut reads = host.terminal("lab", None).await;
    host.serves_others().await;
    reads.shows("the-2-end").await;
    host.serves_others().await;
    let more = host.resident_bytes().saturating_sub(memory);
    println!("30 clients that never read: {} KiB each", more / 30 / KIB);
    assert!(more < 30 * 2 * MIB, "{more} bytes for 30 clients");
}

#[tokio::test]
async fn clients_that_never_read_are_sent_away_in_the_end() {
    let host = need!(local, hasty_lab().await);
    let before = host.descriptors();
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(host.plain_terminal("lab").await);
    }
    silent[0].send(Message::text("yes no\r")).await.unwrap();
    host.gives_all_back(before).await;
}

#[tokio::test]
async fn a_message_that_comes_byte_by_byte_is_one() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    let keys = b"\0echo slow-$((1+1))\r";
    for (at, byte) in keys.iter().enumerate() {
        let data = if at == 0 { Data::Binary } else { Data::Continue };
        let last = at + 1 == keys.len();
        let frame = Frame::message(vec![*byte], OpCode::Data(data), last);
        terminal.socket.send(Message::Frame(frame)).await.unwrap();
    }
    terminal.shows("slow-2").await;
}

#[tokio::test]
async fn a_message_that_never_ends_is_refused_and_stalls_nobody() {
    let host = need!(local, lab().await);
    let memory = host.resident_bytes();
    let mut endless = host.terminal("lab", None).await;
    let first = Frame::message(vec![0], OpCode::Data(Data::Binary), false);
    endless.socket.send(Message::Frame(first)).await.unwrap();
    let mut sent = 1;
    while sent < 4 * MIB {
        let size = if sent < 10_000 { 1 } else { 16 * KIB };
        let more = Frame::message(vec![b'x'; size as usize], OpCode::Data(Data::Continue), false);
        if endless.socket.send(Message::Frame(more)).await.is_err() {
            break;
        }
        sent += size;
    }
    let refused = async { while let Some(Ok(_)) = endless.socket.next().await {} };
    tokio::time::timeout(PATIENCE, refused).await.expect("it is hung up on");
    host.serves_others().await;
    assert!(host.resident_bytes().saturating_sub(memory) < 32 * MIB);
}

#[tokio::test]
async fn listeners_to_news_that_never_read_cost_little_and_stall_nobody() {
    let host = need!(local, lab().await);
    let memory = host.resident_bytes();
    let address = host.url.trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    for path in ["/api/v1/events", "/api/v1/projects/lab/watch"].repeat(20) {
        let ask = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\n\r\n",
            host.bearer()
        );
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(ask.as_bytes()).await.unwrap();
        silent.push(socket);
    }
    for n in 0..1500 {
        host.writes("lab", &format!("file-{}.txt", n % 50), &n.to_string()).await;
    }
    let saved = answer(host.request(Method::GET, "/api/v1/projects/lab/content/file-49.txt"));
    assert_eq!(saved.await.text, "1499");
    let more = host.resident_bytes().saturating_sub(memory);
    println!("40 listeners that never read: {} KiB each", more / 40 / KIB);
    assert!(more < 64 * MIB, "{more} bytes for 40 listeners");
}

const CONNECTIONS: u64 = 10_000;

fn allow_descriptors(current: Option<u64>) {
    setrlimit(Resource::Nofile, Rlimit { current, ..getrlimit(Resource::Nofile) }).unwrap();
}

#[tokio::test]
async fn very_many_connections_that_say_half_a_word_stall_nobody() {
    allow_descriptors(Some(1024));
    let host = need!(local, lab().await);
    // The server started with what a shell allows, and sees to it by itself.
    allow_descriptors(getrlimit(Resource::Nofile).maximum);
    let (before, memory) = (host.descriptors(), host.resident_bytes());
    let address = host.url.trim_start_matches("http://").to_owned();
    let mut halves = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(b"GET /api/v1/eve").await.unwrap();
        halves.push(socket);
    }
    host.serves_others().await;
    let more = host.resident_bytes().saturating_sub(memory);
    println!("{CONNECTIONS} connections: {} KiB each", more / CONNECTIONS / KIB);
    assert!(more < CONNECTIONS * 32 * KIB, "{more} bytes for {CONNECTIONS} connections");
    drop(halves);
    host.gives_all_back(before).await;
}
