//! One client of a shell over a WebSocket: ours in either framing, or ttyd's.

use std::time::Instant;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::host::{Host, PATIENCE, Socket};
use crate::project::ms;

/// What a shell that was made ready writes when it waits for a command.
pub(super) const PROMPT: &str = ">>> ";

/// More of the output than anything that is looked for.
const TAIL_BYTES: usize = 256;

/// Output that is taken before it is acknowledged.
const ACK_BYTES: u64 = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// As xterm.js' attach add-on speaks.
    Plain,
    /// `lockhouse.terminal.v1`.
    Numbered,
    /// ttyd's own: a byte before each message names it.
    Ttyd,
}

pub(super) struct Client {
    socket: Socket,
    framing: Framing,
    acknowledged: u64,
    /// The end of what came.
    tail: Vec<u8>,
    pub(super) taken: u64,
}

impl Client {
    /// A client of a session of ours, without framing.
    pub(super) async fn plain(host: &Host, project: &str, session: &str) -> Self {
        Self::ours(host, (project, session), Framing::Plain).await
    }

    /// The same, with numbers and acknowledgements.
    pub(super) async fn numbered(host: &Host, project: &str, session: &str) -> Self {
        Self::ours(host, (project, session), Framing::Numbered).await
    }

    async fn ours(host: &Host, (project, session): (&str, &str), framing: Framing) -> Self {
        let address = host.url.replacen("http", "ws", 1);
        let path = format!("/api/v1/containers/{project}/terminal?session={session}");
        let token = std::fs::read_to_string(host.data().join("admin.token")).unwrap();
        let bearer = format!("Bearer {}", token.trim());
        let mut headers = vec![("authorization", bearer)];
        if framing == Framing::Numbered {
            headers.push(("sec-websocket-protocol", "lockhouse.terminal.v1".to_owned()));
        }
        Self::connect(&format!("{address}{path}"), &headers, framing).await
    }

    pub(super) async fn ttyd(port: u16) -> Self {
        let headers = [("sec-websocket-protocol", "tty".to_owned())];
        let url = format!("ws://127.0.0.1:{port}/ws");
        let mut client = Self::connect(&url, &headers, Framing::Ttyd).await;
        let hello = r#"{"AuthToken":"","columns":80,"rows":24}"#;
        client.socket.send(Message::binary(hello.as_bytes())).await.unwrap();
        client
    }

    async fn connect(url: &str, headers: &[(&'static str, String)], framing: Framing) -> Self {
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        // Keystrokes don't wait for one another.
        let connected = tokio_tungstenite::connect_async_with_config(request, None, true).await;
        let socket = connected.unwrap().0;
        Self { socket, framing, acknowledged: 0, tail: Vec::new(), taken: 0 }
    }

    pub(super) async fn types(&mut self, keys: &str) {
        let message = match self.framing {
            Framing::Plain => keys.as_bytes().to_vec(),
            Framing::Numbered => [b"\0", keys.as_bytes()].concat(),
            Framing::Ttyd => [b"0", keys.as_bytes()].concat(),
        };
        self.socket.send(Message::binary(message)).await.unwrap();
    }

    /// The next output.
    pub(super) async fn reads(&mut self) -> Bytes {
        loop {
            let message = self.socket.next().await.expect("the shell is there").unwrap();
            let Message::Binary(mut frame) = message else { continue };
            let output = match self.framing {
                Framing::Plain => frame,
                Framing::Numbered if frame.first() == Some(&0) => frame.split_off(9),
                Framing::Ttyd if frame.first() == Some(&b'0') => frame.split_off(1),
                Framing::Numbered | Framing::Ttyd => continue,
            };
            self.take(&output).await;
            return output;
        }
    }

    async fn take(&mut self, output: &[u8]) {
        self.taken += output.len() as u64;
        self.tail.extend_from_slice(output);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
        if self.framing == Framing::Numbered && self.taken - self.acknowledged >= ACK_BYTES {
            self.acknowledged = self.taken;
            let ack = [&[2], &self.taken.to_be_bytes()[..]].concat();
            self.socket.send(Message::binary(ack)).await.unwrap();
        }
    }

    /// Reads until something has been shown; what came up to its end does not count again.
    pub(super) async fn until(&mut self, wanted: &str) {
        let find = |tail: &[u8]| tail.windows(wanted.len()).position(|at| at == wanted.as_bytes());
        let reading = async {
            loop {
                match find(&self.tail) {
                    Some(at) => return at + wanted.len(),
                    None => drop(self.reads().await),
                }
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        let tail = String::from_utf8_lossy(&self.tail).into_owned();
        let end = read.unwrap_or_else(|_| panic!("“{wanted}” did not come; there is: {tail}"));
        self.tail.drain(..end);
    }

    /// Milliseconds from keys to what they show.
    pub(super) async fn answers(&mut self, keys: &str, wanted: &str) -> f64 {
        let began = Instant::now();
        self.types(keys).await;
        self.until(wanted).await;
        ms(began.elapsed())
    }

    /// The same shell with the same prompt for all, with nothing on its line.
    pub(super) async fn ready(mut self) -> Self {
        self.types("exec bash --norc --noprofile\r").await;
        self.types("PS1='>>''> '; bind 'set enable-bracketed-paste off'\r").await;
        self.until(PROMPT).await;
        self
    }

    /// A key and its taking back, each until it is shown.
    pub(super) async fn echoes(&mut self) -> [f64; 2] {
        self.tail.clear();
        [self.answers("x", "x").await, self.answers("\u{7f}", "\u{8}").await]
    }
}
