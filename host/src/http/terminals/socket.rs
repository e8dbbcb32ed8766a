//! One client before a session, for as long as its connection lasts.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures::FutureExt as _;
use lockhouse_supervisor::Error as LinkError;
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::frames::{self, Said};
use super::view;
use crate::app::App;
use crate::auth::{Caller, Standing};
use crate::projects::{self, Project};
use crate::terminals::{
    Attached, Ending, Look, TerminalEvent, TerminalInput, TerminalOutput, TerminalState, check_size,
};

/// Questions in a row that a client may leave open.
const MISSED_HEARTBEATS: u32 = 3;

/// Keystrokes that wait for the program to read before no more are taken.
const MAX_WAITING_BYTES: usize = 256 * 1024;

/// Time for the last words, and for the client's.
const FAREWELL: Duration = Duration::from_secs(2);

/// The longest reason of a closing frame.
const MAX_REASON_BYTES: usize = 123;

pub(super) struct Conversation {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) standing: Standing,
    pub(super) project: Project,
    pub(super) session: String,
    /// Whether it speaks `lockhouse.terminal.v1`.
    pub(super) framed: bool,
    /// Under which its keys are numbered, where they are.
    pub(super) typist: Option<String>,
    /// Whether the runtime counts them.
    pub(super) numbered: bool,
    /// What it was shown: the output, and the number after its last byte.
    pub(super) output: Option<String>,
    pub(super) seen: u64,
}

/// What there is of a conversation besides.
struct Turns {
    input: TerminalInput,
    output: TerminalOutput,
    heartbeat: Interval,
    /// Questions since anything was heard.
    unheard: u32,
    /// It wants no output now.
    paused: bool,
    latest: Option<TerminalState>,
}

/// Why the two can't go on as they are.
enum Break {
    /// The client is gone.
    Left,
    /// The link to the runtime broke; the session may live on behind it.
    Link,
    Over(Ending),
}

impl From<LinkError> for Break {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::TakenOver(_) => Self::Over(Ending::TakenOver),
            _ => Self::Link,
        }
    }
}

impl Conversation {
    /// Carries it on until one of them has enough.
    pub(super) async fn hold(mut self, mut socket: WebSocket, attached: Attached) {
        let Attached { input, output, seat: _seat } = attached;
        let mut heartbeat = interval(self.app.terminals.heartbeat());
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one comes at once.
        heartbeat.tick().await;
        let mut turns = Turns { input, output, heartbeat, unheard: 0, paused: false, latest: None };
        let tasks = self.app.tasks.clone();
        let ending = tokio::select! {
            ending = self.converse(&mut socket, &mut turns) => ending,
            () = tasks.stopping() => Some(Ending::Leaving),
        };
        // What it has is given back before the last words: others may wait for it.
        drop(turns);
        if let Some(ending) = ending {
            // A client that takes no last words goes without.
            let _ = timeout(FAREWELL, self.part(&mut socket, &ending)).await;
        }
    }

    async fn converse(&mut self, socket: &mut WebSocket, turns: &mut Turns) -> Option<Ending> {
        loop {
            let error = loop {
                if let Err(error) = self.turn(socket, turns).await {
                    break error;
                }
            };
            match error {
                Break::Left => return None,
                Break::Over(ending) => return Some(ending),
                Break::Link => {}
            }
            let look = Look {
                since: Some(self.seen),
                output: self.output.clone(),
                typist: self.typist.clone(),
                ..Look::default()
            };
            match self.app.terminals.resume(&self.project, &self.session, look).await {
                Ok((input, output)) => (turns.input, turns.output) = (input, output),
                Err(_) => return Some(self.app.terminals.ending(&self.project, None).await),
            }
        }
    }

    async fn turn(&mut self, socket: &mut WebSocket, turns: &mut Turns) -> Result<(), Break> {
        tokio::select! {
            message = socket.recv(), if turns.input.waiting_bytes() < MAX_WAITING_BYTES => {
                turns.unheard = 0;
                match message {
                    Some(Ok(message)) => self.hear(socket, turns, message).await,
                    Some(Err(_)) | None => Err(Break::Left),
                }
            }
            event = turns.output.next(), if !turns.paused => match event {
                Some(event) => self.tell(socket, turns, event?).await,
                None => {
                    let ended = self.app.terminals.ending(&self.project, turns.latest.as_ref());
                    Err(Break::Over(ended.await))
                }
            },
            // Where the way in is broken, that shows at the way out, which says why.
            _ = turns.input.flush(), if turns.input.is_waiting() => Ok(()),
            _ = turns.heartbeat.tick() => {
                // Nobody is asked for an answer while nobody listens.
                let listens = turns.input.waiting_bytes() < MAX_WAITING_BYTES;
                turns.unheard = if listens { turns.unheard + 1 } else { 0 };
                if turns.unheard > MISSED_HEARTBEATS {
                    return Err(Break::Over(Ending::Silent));
                }
                self.check_standing().await?;
                self.send(socket, Message::Ping(Bytes::new())).await
            }
        }
    }

    /// What let it in may have been taken away since.
    async fn check_standing(&mut self) -> Result<(), Break> {
        match self.app.auth.still(&self.standing).await {
            Ok(Some(user)) => self.caller.user = user,
            Ok(None) => return Err(Break::Over(Ending::Denied)),
            Err(error) => {
                tracing::warn!(%error, "whether a client may stay at a terminal is not known now");
                return Ok(());
            }
        }
        match self.app.projects.find(&self.caller, self.project.id.as_str()).await {
            Ok(found) if found.id == self.project.id => Ok(()),
            Ok(_) | Err(projects::Error::NotFound(_)) => Err(Break::Over(Ending::Gone)),
            // It is asked again at the next heartbeat.
            Err(_) => Ok(()),
        }
    }

    async fn hear(
        &mut self,
        socket: &mut WebSocket,
        turns: &mut Turns,
        message: Message,
    ) -> Result<(), Break> {
        let bytes = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return Err(Break::Left),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        let said = if self.framed { frames::read(bytes) } else { Ok(Said::Keys(bytes)) };
        // A program that reads nothing keeps nobody from seeing what it says: what can't
        // go out now waits.
        match said {
            Ok(Said::Keys(keys)) => drop(turns.input.write(keys).now_or_never()),
            Ok(Said::Numbered(seq, keys)) if self.numbered => {
                drop(turns.input.write_numbered(seq, keys).now_or_never());
            }
            Ok(Said::Numbered(..)) => {
                self.complain(
                    socket,
                    "keys are numbered with `client=`, once a state says `typed`",
                )
                .await?;
            }
            Ok(Said::Resize(size)) => match check_size(size) {
                Ok(()) => drop(turns.input.resize(size.cols, size.rows).now_or_never()),
                Err(error) => self.complain(socket, &error.to_string()).await?,
            },
            Ok(Said::Ack(seq)) => drop(turns.input.ack(seq).now_or_never()),
            Ok(Said::Ping) => self.send(socket, Message::Binary(frames::pong())).await?,
            Ok(Said::Pause) => turns.paused = true,
            Ok(Said::Resume) => turns.paused = false,
            Ok(Said::Nothing) => {}
            Err(what) => self.complain(socket, what).await?,
        }
        Ok(())
    }

    async fn tell(
        &mut self,
        socket: &mut WebSocket,
        turns: &mut Turns,
        event: TerminalEvent,
    ) -> Result<(), Break> {
        match event {
            TerminalEvent::Output { seq, bytes } if self.framed => {
                self.seen = seq + bytes.len() as u64;
                self.send(socket, Message::Binary(frames::output(seq, &bytes))).await
            }
            TerminalEvent::Output { seq, bytes } => {
                self.seen = seq + bytes.len() as u64;
                self.send(socket, Message::Binary(bytes)).await?;
                // The socket has taken it.
                drop(turns.input.ack(self.seen).now_or_never());
                Ok(())
            }
            TerminalEvent::Snapshot { seq, bytes } if self.framed => {
                self.send(socket, Message::Binary(frames::snapshot(seq, &bytes))).await
            }
            TerminalEvent::Snapshot { bytes, .. } => {
                self.send(socket, Message::Binary(bytes)).await
            }
            TerminalEvent::Skipped { from, to } => {
                self.seen = to;
                self.notify(socket, json!({ "skipped": { "from": from, "to": to } })).await
            }
            TerminalEvent::Typed(_) if !self.framed => Ok(()),
            TerminalEvent::Typed(seq) => {
                self.send(socket, Message::Binary(frames::typed(seq))).await
            }
            TerminalEvent::State(state) => {
                self.numbered |= state.typed.is_some();
                self.output = Some(state.output.clone());
                let frame = frames::state(&view(&state));
                turns.latest = Some(state);
                if self.framed { self.send(socket, Message::Binary(frame)).await } else { Ok(()) }
            }
        }
    }

    /// Tells the client what was wrong; it may go on.
    async fn complain(&self, socket: &mut WebSocket, error: &str) -> Result<(), Break> {
        self.notify(socket, json!({ "error": error })).await
    }

    async fn notify(&self, socket: &mut WebSocket, notice: serde_json::Value) -> Result<(), Break> {
        if !self.framed {
            return Ok(());
        }
        self.send(socket, Message::Binary(frames::notice(&notice))).await
    }

    /// A client that takes nothing for as long as it may be silent is sent away.
    async fn send(&self, socket: &mut WebSocket, message: Message) -> Result<(), Break> {
        let patience = self.app.terminals.heartbeat() * MISSED_HEARTBEATS;
        match timeout(patience, socket.send(message)).await {
            Ok(sent) => sent.map_err(|_| Break::Left),
            Err(_) => Err(Break::Over(Ending::Silent)),
        }
    }

    /// Says why it ends, and waits until the client has heard it.
    async fn part(&self, socket: &mut WebSocket, ending: &Ending) {
        let (code, name) = code(ending);
        let reason = ending.to_string();
        let notice = json!({ "closing": { "code": code, "name": name, "reason": reason } });
        let close = CloseFrame { code, reason: shortened(&reason).into() };
        if self.notify(socket, notice).await.is_err()
            || socket.send(Message::Close(Some(close))).await.is_err()
        {
            return;
        }
        // To hang up on what it still says could lose our last words on the way.
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// The code of the closing frame, and what it is called.
fn code(ending: &Ending) -> (u16, &'static str) {
    match ending {
        Ending::Ended(_) => (4000, "ended"),
        Ending::Closed => (4001, "closed"),
        Ending::Stopped(_) => (4002, "stopped"),
        Ending::Denied => (4003, "denied"),
        Ending::Gone => (4004, "gone"),
        Ending::TakenOver => (4005, "taken_over"),
        Ending::Silent => (4006, "silent"),
        Ending::Leaving => (close_code::RESTART, "server_stopping"),
    }
}

/// As much as a closing frame holds.
fn shortened(reason: &str) -> String {
    let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= MAX_REASON_BYTES;
    reason.char_indices().take_while(fits).map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let cut = shortened(&"ä".repeat(100));
        assert_eq!((cut.len(), cut.chars().count()), (122, 61));
    }
}
