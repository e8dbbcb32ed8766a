//! Doors to terminals: a WebSocket in one of two framings.
//!
//! Without a subprotocol, text and binary frames in are keystrokes and binary
//! frames out are output, as xterm.js' attach add-on speaks. With
//! `lockhouse.terminal.v1` each frame begins with a byte that names it:
//!
//! | from | byte | rest |
//! |---|---|---|
//! | client | `0` | keystrokes |
//! | client | `1` | JSON `{"cols","rows"}` |
//! | client | `2` | 8 bytes, big-endian: sequence number up to which output was taken |
//! | client | `3` | ping |
//! | server | `0` | 8 bytes, big-endian: sequence number of the first byte; output |
//! | server | `1` | JSON state |
//! | server | `2` | JSON `{"skipped":{"from","to"}}` or `{"error"}` |
//! | server | `3` | pong |

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::projects::Project;
use crate::terminals::{
    Error, SHARED_SESSION, Size, TerminalEvent, TerminalInput, TerminalOutput, TerminalState,
    Terminals,
};

const PROTOCOL: &str = "lockhouse.terminal.v1";

/// The largest message of a client: a paste.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// The byte that names a frame of a client.
mod from_client {
    pub(super) const INPUT: u8 = 0;
    pub(super) const RESIZE: u8 = 1;
    pub(super) const ACK: u8 = 2;
    pub(super) const PING: u8 = 3;
}

/// The byte that names a frame of the server.
mod from_server {
    pub(super) const OUTPUT: u8 = 0;
    pub(super) const STATE: u8 = 1;
    pub(super) const NOTICE: u8 = 2;
    pub(super) const PONG: u8 = 3;
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TerminalQuery {
    #[serde(default = "usual_cols")]
    pub cols: u16,
    #[serde(default = "usual_rows")]
    pub rows: u16,
    /// A further session; without it the project's shared one.
    pub session: Option<String>,
    /// Sequence number to resume at; without it all that is kept comes again.
    pub since: Option<u64>,
}

fn usual_cols() -> u16 {
    80
}

fn usual_rows() -> u16 {
    24
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TerminalView {
    pub session: String,
    pub size: SizeView,
    pub clients: u32,
    pub title: Option<String>,
    pub cwd: Option<String>,
    /// The shell's exit code, once it has ended.
    pub exit: Option<i32>,
}

/// In characters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SizeView {
    pub cols: u16,
    pub rows: u16,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TerminalList {
    pub terminals: Vec<TerminalView>,
}

#[derive(Debug, Deserialize)]
struct Resize {
    cols: u16,
    rows: u16,
}

/// Opens the project's terminal.
#[utoipa::path(get, path = "/containers/{project}/terminal", tag = "terminals", params(("project" = String, Path), TerminalQuery),
    responses((status = 101, description = "A WebSocket"), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn open_terminal(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<TerminalQuery>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade
        .map_err(|rejection| Problem::bad_request("not_a_websocket", rejection.body_text()))?;
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("terminal.open", project.target())).await?;
    let session = query.session.as_deref().unwrap_or(SHARED_SESSION).to_owned();
    let size = Size { cols: query.cols, rows: query.rows };
    let attached = app.terminals.attach(&permit, &project, &session, size, query.since).await;
    let (input, output) = permit.seal(attached)?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(MAX_MESSAGE_BYTES);
    let framed = upgrade.selected_protocol().is_some_and(|chosen| chosen == PROTOCOL);
    let seen = query.since.unwrap_or(0);
    let tasks = app.tasks.clone();
    Ok(upgrade.on_upgrade(async move |socket| {
        let screen = Screen { terminals: app.terminals.clone(), project, session, framed, seen };
        let conversation = screen.converse(socket, input, output);
        tokio::select! {
            () = conversation => {}
            () = tasks.stopping() => {}
        }
    }))
}

/// The project's open terminals.
#[utoipa::path(get, path = "/containers/{project}/terminals", tag = "terminals", params(("project" = String, Path)),
    responses((status = 200, body = TerminalList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_terminals(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
) -> Result<axum::Json<TerminalList>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let open = app.terminals.list(&project).await?;
    Ok(axum::Json(TerminalList { terminals: open.iter().map(view).collect() }))
}

/// Ends a terminal and what runs in it.
#[utoipa::path(delete, path = "/containers/{project}/terminals/{session}", tag = "terminals",
    params(("project" = String, Path), ("session" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn close_terminal(
    State(app): State<App>,
    caller: Caller,
    Path((project, session)): Path<(String, String)>,
) -> Result<axum::http::StatusCode, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("terminal.close", project.target())).await?;
    let closed = app.terminals.close(&permit, &project, &session).await;
    permit.seal(closed)?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// One client in front of a session.
struct Screen {
    terminals: Terminals,
    project: Project,
    session: String,
    framed: bool,
    /// Sequence number after the last byte that was sent.
    seen: u64,
}

/// How a turn of the conversation ended.
enum Turn {
    Over,
    /// The link to the runtime broke; the session lives on behind it.
    Broken,
}

impl Screen {
    async fn converse(
        mut self,
        mut socket: WebSocket,
        mut input: TerminalInput,
        mut output: TerminalOutput,
    ) {
        loop {
            match self.turn(&mut socket, &mut input, &mut output).await {
                Turn::Over => return,
                Turn::Broken => {}
            }
            match self.terminals.resume(&self.project, &self.session, self.seen).await {
                Ok(resumed) => (input, output) = resumed,
                Err(error) => return self.end(&mut socket, &error.to_string()).await,
            }
        }
    }

    async fn turn(
        &mut self,
        socket: &mut WebSocket,
        input: &mut TerminalInput,
        output: &mut TerminalOutput,
    ) -> Turn {
        loop {
            tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_))) | Some(Err(_)) | None => return Turn::Over,
                    Some(Ok(message)) => {
                        if let Some(turn) = self.hear(socket, input, message).await {
                            return turn;
                        }
                    }
                },
                event = output.next() => match event {
                    Some(Ok(event)) => {
                        if self.tell(socket, input, event).await.is_err() {
                            return Turn::Over;
                        }
                    }
                    Some(Err(_)) => return Turn::Broken,
                    None => {
                        self.end(socket, "the session has ended").await;
                        return Turn::Over;
                    }
                },
            }
        }
    }

    async fn hear(
        &self,
        socket: &mut WebSocket,
        input: &mut TerminalInput,
        message: Message,
    ) -> Option<Turn> {
        let bytes = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) => bytes,
            _ => return None,
        };
        let heard = if self.framed {
            self.hear_frame(socket, input, bytes).await
        } else {
            input.write(bytes).await
        };
        heard.err().map(|_| Turn::Broken)
    }

    async fn hear_frame(
        &self,
        socket: &mut WebSocket,
        input: &mut TerminalInput,
        mut frame: Bytes,
    ) -> Result<(), lockhouse_supervisor::Error> {
        if frame.is_empty() {
            return Ok(());
        }
        let kind = frame.split_to(1)[0];
        match kind {
            from_client::INPUT => input.write(frame).await,
            from_client::RESIZE => match serde_json::from_slice::<Resize>(&frame) {
                Ok(Resize { cols, rows }) => input.resize(cols, rows).await,
                Err(_) => self.complain(socket, "resize: send {\"cols\":80,\"rows\":24}").await,
            },
            from_client::ACK => match <[u8; 8]>::try_from(&frame[..]) {
                Ok(seq) => input.ack(u64::from_be_bytes(seq)).await,
                Err(_) => self.complain(socket, "ack: send 8 bytes").await,
            },
            from_client::PING => {
                // A client that is gone shows when it is read from.
                let _ =
                    socket.send(Message::Binary(Bytes::from_static(&[from_server::PONG]))).await;
                Ok(())
            }
            _ => self.complain(socket, "the frame's first byte is not known").await,
        }
    }

    async fn tell(
        &mut self,
        socket: &mut WebSocket,
        input: &mut TerminalInput,
        event: TerminalEvent,
    ) -> Result<(), axum::Error> {
        match event {
            TerminalEvent::Output { seq, bytes } => {
                self.seen = seq + bytes.len() as u64;
                if !self.framed {
                    socket.send(Message::Binary(bytes)).await?;
                    // The socket has taken it; an end of the link shows elsewhere.
                    let _ = input.ack(self.seen).await;
                    return Ok(());
                }
                let mut frame = BytesMut::with_capacity(9 + bytes.len());
                frame.put_u8(from_server::OUTPUT);
                frame.put_u64(seq);
                frame.put(bytes);
                socket.send(Message::Binary(frame.freeze())).await
            }
            TerminalEvent::Skipped { from, to } => {
                self.seen = to;
                let notice = serde_json::json!({ "skipped": { "from": from, "to": to } });
                self.send_json(socket, from_server::NOTICE, &notice).await
            }
            TerminalEvent::State(state) => {
                self.send_json(socket, from_server::STATE, &view(&state)).await
            }
        }
    }

    async fn send_json(
        &self,
        socket: &mut WebSocket,
        kind: u8,
        view: &impl Serialize,
    ) -> Result<(), axum::Error> {
        if !self.framed {
            return Ok(());
        }
        let mut frame = vec![kind];
        serde_json::to_writer(&mut frame, view).map_err(axum::Error::new)?;
        socket.send(Message::Binary(frame.into())).await
    }

    /// Tells the client what was wrong; it may go on.
    async fn complain(
        &self,
        socket: &mut WebSocket,
        error: &str,
    ) -> Result<(), lockhouse_supervisor::Error> {
        let notice = serde_json::json!({ "error": error });
        // A client that is gone shows when it is read from.
        let _ = self.send_json(socket, from_server::NOTICE, &notice).await;
        Ok(())
    }

    async fn end(&self, socket: &mut WebSocket, reason: &str) {
        // A complaint never fails.
        let _ = self.complain(socket, reason).await;
        let reason = reason.chars().take(100).collect::<String>().into();
        let close = CloseFrame { code: close_code::NORMAL, reason };
        // The client may have gone first.
        let _ = socket.send(Message::Close(Some(close))).await;
    }
}

fn view(state: &TerminalState) -> TerminalView {
    let exit = state.exit.as_ref();
    TerminalView {
        session: state.session.clone(),
        size: SizeView { cols: state.cols, rows: state.rows },
        clients: state.clients,
        title: state.title.clone(),
        cwd: state.cwd.clone(),
        exit: exit.map(|exit| exit.code.unwrap_or_else(|| 128 + exit.signal.unwrap_or(0))),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::TooMany(_) => Self::conflict("too_many_terminals", text),
            Error::Invalid(_) => Self::bad_request("invalid_terminal", text),
            Error::NotFound => Self::not_found(text),
            Error::Runtime(error) => error.into(),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
        }
    }
}
