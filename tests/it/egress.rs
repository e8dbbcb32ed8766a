//! Room runtimes, egress: what leaves a runtime, tried on streams like a
//! supervisor's and servers on this machine that the operator listed.

mod connect;
mod deadlines;
mod learned;
mod outside;
mod plain;
mod uploads;
mod upstream;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lockhouse::clock::Clock;
use lockhouse::events::{Events, What};
use lockhouse::ids::{Kind, ProjectId};
use lockhouse::policy::NetworkMode;
use lockhouse::runtimes::egress::{Config, Deadlines, Egress, Lists, Origin, Parts, Resolve};
use lockhouse::tasks::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Egress as the server builds it, but for names: those come from a table.
struct Room {
    egress: Egress,
    events: Events,
    project: ProjectId,
    _dir: tempfile::TempDir,
}

/// A program's connection to its proxy.
struct Client(DuplexStream);

/// Names and addresses of the tests' world. Any name below `.example` that is
/// not in it leads to this machine.
struct Names(HashMap<&'static str, Vec<IpAddr>>);

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match self.0.get(name) {
            Some(addresses) => Ok(addresses.clone()),
            None if name.ends_with(".example") => Ok(vec![[127, 0, 0, 1].into()]),
            None => Err(io::Error::other("no such name")),
        }
    }
}

impl Room {
    fn open(config: &str) -> Self {
        Self::with_deadlines(config, Deadlines::default())
    }

    fn with_deadlines(config: &str, deadlines: Deadlines) -> Self {
        let events = Events::new(Clock::system());
        let dir = tempfile::tempdir().unwrap();
        let names = Names(HashMap::from([
            ("mixed.example", vec![[1, 1, 1, 1].into(), [10, 0, 0, 1].into()]),
            ("metadata.example", vec![[169, 254, 169, 254].into()]),
        ]));
        let parts = Parts {
            tasks: Tasks::new(),
            events: events.clone(),
            resolver: Arc::new(names),
            dir: dir.path().join("egress"),
            deadlines,
        };
        let config: Config = toml::from_str(config).unwrap();
        let egress = Egress::new(&config, parts).unwrap();
        Self { egress, events, project: ProjectId::generate(), _dir: dir }
    }

    /// A new connection from the project's runtime.
    fn client(&self) -> Client {
        self.client_of(NetworkMode::Registries)
    }

    fn client_of(&self, mode: NetworkMode) -> Client {
        let (inside, outside) = tokio::io::duplex(16 * 1024);
        let origin = Origin {
            project: self.project.clone(),
            name: "todo".parse().unwrap(),
            owner: "ada".parse().unwrap(),
            mode,
            kind: Kind::Python,
            lists: Lists::default(),
        };
        let egress = self.egress.clone();
        tokio::spawn(async move { egress.serve(origin, outside).await });
        Client(inside)
    }

    /// Waits for news.
    async fn told(&self, wanted: impl Fn(&What) -> bool) {
        let mut news = self.events.subscribe(Some(0));
        while !wanted(&news.next().await.unwrap().what) {}
    }

    /// The egress news so far: host, port, whether it was allowed, and why.
    async fn news(&self) -> (String, u16, bool, String) {
        let event = soon(self.events.subscribe(Some(0)).next()).await.unwrap();
        match event.what {
            What::Egress { host, port, allowed, reason } => (host, port, allowed, reason),
            other => panic!("not about egress: {other:?}"),
        }
    }
}

impl Client {
    /// Sends text and answers with the head of what comes back.
    async fn asks(&mut self, request: &str) -> String {
        self.sends(request.as_bytes()).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match soon(self.0.read_u8()).await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// Asks for a tunnel and answers with the head.
    async fn connects(&mut self, authority: &str) -> String {
        self.asks(&format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await
    }

    async fn sends(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
    }

    /// All that comes until the proxy ends the stream.
    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        soon(self.0.read_to_end(&mut rest)).await.unwrap();
        rest
    }

    async fn rest_text(&mut self) -> String {
        String::from_utf8(self.rest().await).unwrap()
    }

    async fn reads(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        soon(self.0.read_exact(&mut bytes)).await.unwrap();
        bytes
    }
}

/// Waits, but not for ever.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it took too long")
}
