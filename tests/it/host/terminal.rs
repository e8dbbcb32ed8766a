//! A client of a project's terminal, which reads its frames and answers as it must.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{PATIENCE, Socket};

/// One client of a terminal.
pub(crate) struct Terminal {
    pub(crate) socket: Socket,
    /// Output alone.
    pub(crate) shown: String,
    /// Output, and what draws the screen, as it came.
    pub(crate) written: Vec<u8>,
    /// Sequence number after the last byte that was shown.
    pub(crate) next: u64,
    acknowledged: u64,
    pub(crate) states: Vec<Value>,
    pub(crate) notices: Vec<Value>,
    pub(crate) pongs: usize,
    /// Of the keys that it numbered, how many were typed.
    pub(crate) typed: u64,
    /// Why the server closed it, if it has.
    pub(crate) closed: Option<(u16, String)>,
}

/// The server waits for word of what was taken beyond this.
const ACK_STEP: u64 = 64 * 1024;

impl Terminal {
    pub(crate) fn over(socket: Socket) -> Self {
        let (shown, written, states, notices) = Default::default();
        let (next, acknowledged, pongs, typed, closed) = Default::default();
        Self { socket, shown, written, next, acknowledged, states, notices, pongs, typed, closed }
    }

    pub(crate) async fn says(&mut self, frame: &[u8]) {
        self.socket.send(Message::binary(frame.to_vec())).await.unwrap();
    }

    /// Reads until the server has answered a ping, and so all that was said before.
    pub(crate) async fn is_heard(&mut self) {
        let pongs = self.pongs;
        self.says(&[3]).await;
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.pongs == pongs {
                self.read().await;
            }
        });
        waited.await.expect("a ping is answered");
    }

    /// Reads until the server closes it; says with which code and why.
    pub(crate) async fn ends(&mut self) -> (u16, String) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.closed.is_none() {
                self.read().await;
            }
        });
        assert!(waited.await.is_ok(), "it is not closed; there is: {}", self.shown);
        self.closed.clone().unwrap()
    }

    pub(crate) fn state(&self) -> &Value {
        self.states.last().expect("the state comes first")
    }

    pub(crate) async fn types(&mut self, keys: &str) {
        self.socket.send(Message::binary(format!("\0{keys}").into_bytes())).await.unwrap();
    }

    pub(crate) async fn resizes(&mut self, cols: u16, rows: u16) {
        let frame = format!("\u{1}{}", json!({ "cols": cols, "rows": rows }));
        self.socket.send(Message::binary(frame.into_bytes())).await.unwrap();
    }

    /// Reads until `wanted` has been shown.
    pub(crate) async fn shows(&mut self, wanted: &str) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !self.shown.contains(wanted) {
                self.read().await;
            }
        });
        assert!(waited.await.is_ok(), "“{wanted}” did not come; there is: {}", self.shown);
    }

    async fn read(&mut self) {
        let message = self.socket.next().await.expect("the terminal stays open").unwrap();
        self.take(message).await;
    }

    pub(crate) async fn take(&mut self, message: Message) {
        let frame = match message {
            Message::Binary(frame) => frame,
            Message::Close(close) => {
                let close = close.map(|close| (close.code.into(), close.reason.to_string()));
                self.closed = Some(close.unwrap_or_default());
                return;
            }
            _ => return,
        };
        let json = |rest: &[u8]| serde_json::from_slice::<Value>(rest).unwrap();
        match frame.split_first().expect("a frame begins with its name") {
            (0, rest) => self.show(rest).await,
            (1, rest) => self.states.push(json(rest)),
            (2, rest) => self.notice(json(rest)),
            (3, _) => self.pongs += 1,
            (4, rest) => {
                let (seq, bytes) = rest.split_at(8);
                assert_eq!(u64::from_be_bytes(seq.try_into().unwrap()), self.next);
                self.written.extend_from_slice(bytes);
            }
            (5, rest) => self.typed = u64::from_be_bytes(rest.try_into().unwrap()),
            (other, _) => panic!("a frame of the unknown sort {other}"),
        }
    }

    fn notice(&mut self, notice: Value) {
        if let Some(to) = notice["skipped"]["to"].as_u64() {
            self.next = to;
        }
        self.notices.push(notice);
    }

    async fn show(&mut self, rest: &[u8]) {
        let (seq, bytes) = rest.split_at(8);
        let seq = u64::from_be_bytes(seq.try_into().unwrap());
        assert!(self.next == 0 || seq == self.next, "no byte is lost or doubled");
        self.next = seq + bytes.len() as u64;
        self.shown += &String::from_utf8_lossy(bytes);
        self.written.extend_from_slice(bytes);
        if self.next - self.acknowledged >= ACK_STEP {
            self.acknowledged = self.next;
            let ack = [&[2][..], &self.next.to_be_bytes()].concat();
            // A connection that is closed meanwhile shows when it is read from.
            let _ = self.socket.send(Message::binary(ack)).await;
        }
    }
}
