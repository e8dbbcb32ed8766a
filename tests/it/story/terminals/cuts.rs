//! A connection that is cut again and again, and servers that are killed: no byte of a
//! terminal is lost or doubled.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::lab;
use crate::host::{FRAMED, Host, PATIENCE, Terminal, eventually, terminal_of, upgrades_at};

/// Lines that are printed in bursts.
const LINES: usize = 6000;
/// Times that the connection is cut, and servers that are killed on the way.
const CUTS: u64 = 40;
const KILLS: usize = 2;

/// Numbers that look random; the first one tells all of them.
#[derive(Clone)]
struct Dice(Arc<AtomicU64>);

impl Dice {
    fn below(&self, most: u64) -> u64 {
        let next = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let old =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| Some(next(state)));
        (next(old.unwrap()) >> 33) % most
    }
}

/// Stands between a client and whichever server there is, and hangs up on both after
/// some bytes.
struct Proxy {
    url: String,
    server: watch::Sender<String>,
    cuts: Arc<AtomicU64>,
}

impl Proxy {
    async fn before(host: &Host, dice: Dice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (server, known) = watch::channel(address(host));
        let cuts = Arc::new(AtomicU64::new(0));
        tokio::spawn(accept(listener, known, dice, Arc::clone(&cuts)));
        Self { url, server, cuts }
    }

    fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

fn address(host: &Host) -> String {
    host.url.trim_start_matches("http://").to_owned()
}

async fn accept(
    listener: TcpListener,
    server: watch::Receiver<String>,
    dice: Dice,
    cuts: Arc<AtomicU64>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let address = server.borrow().clone();
        let after = if cuts.load(Ordering::Relaxed) < CUTS { dice.below(6000) } else { u64::MAX };
        tokio::spawn(carry(client, address, after, Arc::clone(&cuts)));
    }
}

/// Carries both ways until the server has said so many bytes.
async fn carry(mut client: TcpStream, address: String, after: u64, cuts: Arc<AtomicU64>) {
    let Ok(mut server) = TcpStream::connect(address).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let mut from_server = from_server.take(after);
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        copied = tokio::io::copy(&mut from_server, &mut to_client) => {
            if copied.is_ok_and(|copied| copied == after) {
                cuts.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    // Neither end is told: the rest is just not carried.
    let _ = to_client.shutdown().await;
}

/// One client's whole story, over all of its connections.
struct Story {
    proxy: Proxy,
    bearer: String,
    text: String,
    next: u64,
    id: Option<String>,
}

impl Story {
    async fn connect(&self) -> Terminal {
        let id = self.id.as_ref().map_or(String::new(), |id| format!("&id={id}"));
        let target = format!("{}?since={}{id}&client=me", terminal_of("lab"), self.next);
        let headers = [("authorization", self.bearer.as_str()), ("sec-websocket-protocol", FRAMED)];
        let socket = eventually("a connection", || async {
            let socket = upgrades_at(&self.proxy.url, &target, &headers).await;
            socket.map_err(|why| format!("{why:?}"))
        });
        let mut terminal = Terminal::over(socket.await);
        terminal.next = self.next;
        terminal
    }

    /// Reads until the connection ends, or until `wanted` has come.
    async fn read(&mut self, terminal: &mut Terminal, wanted: &str) {
        while !(self.text.clone() + &terminal.shown).contains(wanted) {
            match tokio::time::timeout(PATIENCE, terminal.socket.next()).await.expect("news") {
                Some(Ok(message)) => terminal.take(message).await,
                Some(Err(_)) | None => break,
            }
        }
        self.text += &std::mem::take(&mut terminal.shown);
        self.next = terminal.next;
        if let Some(state) = terminal.states.last() {
            self.id = state["id"].as_str().map(str::to_owned);
        }
        assert_eq!(terminal.notices, Vec::<serde_json::Value>::new(), "nothing is skipped");
    }
}

/// Sends what was not typed yet, as far as the connection lasts.
struct Typing {
    keys: Vec<u8>,
    /// Over this connection.
    sent: usize,
}

impl Typing {
    /// Keys that are on their way at once.
    const WINDOW: usize = 2048;
    const PIECE: usize = 100;

    /// True once all is typed, false when the connection ended.
    async fn go_on(&mut self, terminal: &mut Terminal) -> bool {
        self.sent = self.keys.len();
        while terminal.typed < self.keys.len() as u64 {
            match tokio::time::timeout(PATIENCE, terminal.socket.next()).await.expect("news") {
                Some(Ok(message)) => terminal.take(message).await,
                Some(Err(_)) | None => return false,
            }
            self.look_at_states(terminal);
            if self.send(terminal).await.is_err() {
                return false;
            }
        }
        true
    }

    /// A state that says `typed` asks for all keys from there on.
    fn look_at_states(&mut self, terminal: &mut Terminal) {
        for typed in terminal.states.drain(..).filter_map(|state| state["typed"].as_u64()) {
            (terminal.typed, self.sent) = (typed, usize::try_from(typed).unwrap());
        }
    }

    async fn send(&mut self, terminal: &mut Terminal) -> Result<(), Error> {
        let typed = usize::try_from(terminal.typed).unwrap();
        let most = (typed + Self::WINDOW).min(self.keys.len());
        while self.sent < most {
            let end = (self.sent + Self::PIECE).min(most);
            let number = (self.sent as u64).to_be_bytes();
            let frame = [&[6], &number[..], &self.keys[self.sent..end]].concat();
            terminal.socket.send(Message::binary(frame)).await?;
            self.sent = end;
        }
        Ok(())
    }
}

#[tokio::test]
async fn no_key_is_lost_or_typed_twice_however_often_the_connection_is_cut() {
    let mut host = need!(local, lab().await);
    let seed = RandomState::new().hash_one(0);
    let proxy = Proxy::before(&host, Dice(Arc::new(AtomicU64::new(seed)))).await;
    let keys: String = (1..=9000).map(|n| format!("key-{n:05}\n")).collect();
    let mut first = host.terminal("lab", None).await;
    let reads = format!("head -c {} > typed.txt; echo the-$((1+1))-end", keys.len());
    first
        .types(&format!("PS1=; stty -icanon; clear; echo the-$((0+1))-beginning; {reads}\r"))
        .await;
    first.shows("the-1-beginning").await;
    let (bearer, text) = (host.bearer(), String::new());
    let mut story = Story { proxy, bearer, text, next: first.next, id: None };
    let mut typing = Typing { keys: keys.clone().into_bytes(), sent: 0 };
    let mut kills = 0;
    loop {
        let mut terminal = story.connect().await;
        if typing.go_on(&mut terminal).await {
            break;
        }
        story.next = terminal.next;
        if kills < KILLS && story.proxy.cuts() > CUTS / 5 * (kills as u64 + 1) {
            host = host.starts_again_after_a_kill().await;
            story.proxy.server.send_replace(address(&host));
            kills += 1;
        }
    }
    let mut last = host.terminal("lab", None).await;
    last.shows("the-2-end").await;
    let typed = host.get("/api/v1/projects/lab/content/typed.txt").await.text;
    println!("{} cuts and {kills} kills; seed {seed}", story.proxy.cuts());
    assert!(typed == keys, "seed {seed}: {typed}");
    assert!(story.proxy.cuts() > CUTS / 4 && kills > 0, "it was cut on the way");
}

#[tokio::test]
async fn no_byte_is_lost_or_doubled_however_often_the_connection_is_cut() {
    let mut host = need!(local, lab().await);
    let seed = RandomState::new().hash_one(0);
    let proxy = Proxy::before(&host, Dice(Arc::new(AtomicU64::new(seed)))).await;
    let burst = "i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo line-$i-of-a-long-story; \
                 [ $((i%60)) = 0 ] && sleep 0.05; done; echo the-$((1+1))-end";
    host.writes("lab", "story.sh", burst).await;
    let mut first = host.terminal("lab", None).await;
    first.types("stty -echo; PS1=; clear; echo the-$((0+1))-beginning; sh story.sh\r").await;
    first.shows("the-1-beginning").await;
    let (bearer, text) = (host.bearer(), String::new());
    let mut story = Story { proxy, bearer, text, next: 0, id: None };
    let mut kills = 0;
    while !story.text.contains("the-2-end") {
        let mut terminal = story.connect().await;
        story.read(&mut terminal, "the-2-end").await;
        if kills < KILLS && story.proxy.cuts() > CUTS / 4 * (kills as u64 + 1) {
            host = host.starts_again_after_a_kill().await;
            story.proxy.server.send_replace(address(&host));
            kills += 1;
        }
    }
    let wanted: String = (1..=LINES).map(|n| format!("line-{n}-of-a-long-story\r\n")).collect();
    let (_, told) = story.text.split_once("the-1-beginning\r\n").unwrap();
    assert!(told.starts_with(&wanted), "seed {seed}: {told}");
    println!("{} cuts and {kills} kills; seed {seed}", story.proxy.cuts());
    assert!(story.proxy.cuts() > CUTS / 4 && kills > 0, "it was cut on the way");
}
