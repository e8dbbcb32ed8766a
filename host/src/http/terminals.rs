//! Doors to terminals: a WebSocket in one of two framings.
//!
//! Without a subprotocol, text and binary frames in are keystrokes and binary
//! frames out are output, as xterm.js' attach add-on speaks; such a client says
//! its size in the URL, and a new one by `POST …/terminals/{session}/resize`.
//! With `lockhouse.terminal.v1` each frame begins with a byte that names it:
//!
//! | from | byte | rest |
//! |---|---|---|
//! | client | `0` | keystrokes |
//! | client | `1` | JSON `{"cols","rows"}` |
//! | client | `2` | 8 bytes, big-endian: sequence number up to which output was taken |
//! | client | `3` | ping |
//! | client | `4` | pause: no output until it says otherwise |
//! | client | `5` | resume |
//! | client | `6` | 8 bytes, big-endian: number of the first key; keystrokes |
//! | server | `0` | 8 bytes, big-endian: sequence number of the first byte; output |
//! | server | `1` | JSON state |
//! | server | `2` | JSON `{"skipped":{"from","to"}}`, `{"error"}` or `{"closing":{"code","name","reason"}}` |
//! | server | `3` | pong |
//! | server | `4` | 8 bytes, big-endian: sequence number after the last byte that it shows; what draws the screen |
//! | server | `5` | 8 bytes, big-endian: all keys before this number were typed |
//!
//! The server sends at most 256 KiB of output beyond what was acknowledged. Output
//! is numbered from the session's beginning. `since=` with the number after the last
//! byte that came, and `id=` with the state's `id`, go on after a lost connection
//! with no byte lost or doubled; where another output answers by now, all of it
//! comes. Who says no `since`, or lost output because it is no longer kept, is sent
//! what is kept, and then what draws the screen: to be written like output, and not
//! counted. Without the subprotocol that is output like all other.
//!
//! Keys that are under way when a connection drops are lost, unless they are numbered:
//! a client that names itself by `client=`, the same on each of its connections,
//! numbers them from 0 on (frame `6`), and keeps each until frame `5` says that it was
//! typed. A state that has `typed` asks for all keys from that number on, again where
//! they were sent before: after connecting, and where the server itself had lost the
//! runtime for a moment. Each is typed once. Where no state has `typed`, the runtime is
//! too old to count keys: send frame `0`.
//!
//! Several clients share a session, and it has the size of the one that typed or
//! changed size last. `take=true` sends the others away.
//!
//! The server pings every 20 s (`terminals.heartbeat`), and a client that has
//! answered nothing three times is sent away. How a connection ends:
//!
//! | code | because |
//! |---|---|
//! | 4000 | the shell ended |
//! | 4001 | somebody closed the session |
//! | 4002 | the runtime was stopped or restarted, or ended by itself: the reason says why |
//! | 4003 | what let the client in does so no more |
//! | 4004 | the project or its runtime was deleted |
//! | 4005 | another client took the session over |
//! | 4006 | nothing was heard of the client, or it took nothing |
//! | 1012 | the server is stopping |
//!
//! After 4002, 4006 and 1012, and when no code came, it is worth while to connect
//! again; after 4000 and 4001 a new connection begins a new shell.
//!
//! A page of another origin can send neither cookie nor header with a WebSocket. Its
//! server asks for a ticket (`POST …/terminal/ticket`), and the page says
//! `?ticket=…`: good for one connection to that project, within a minute. What was
//! opened so ends with what the ticket was made by.

mod entry;
mod frames;
mod socket;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Path, Query};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::ids::UserId;
use crate::terminals::{
    Error, Look, SHARED_SESSION, Size, TICKET_LIFETIME, TerminalState, exit_code, typist,
};
use entry::Entrant;
use socket::Conversation;

const PROTOCOL: &str = "lockhouse.terminal.v1";

/// The largest message of a client: a paste.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// Read in one go. Each connection has so much all the time, and most is keystrokes.
const READ_BUFFER_BYTES: usize = 8 * 1024;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TerminalQuery {
    /// Columns; a new session has 80, and an open one keeps its own.
    pub cols: Option<u16>,
    /// Rows; a new session has 24, and an open one keeps its own.
    pub rows: Option<u16>,
    /// A further session; without it the project's shared one.
    pub session: Option<String>,
    /// Sequence number to resume at; without it all that is kept comes again.
    pub since: Option<u64>,
    /// The `id` of the state that `since` counts in.
    pub id: Option<String>,
    /// A name that the client chose for itself, the same on all of its connections;
    /// with it the keys that it numbers are typed once, however often they are sent.
    pub client: Option<String>,
    /// Sends the other clients away.
    #[serde(default)]
    pub take: bool,
    /// Stands in for other credentials.
    #[expect(dead_code, reason = "the entrant is asked for it")]
    pub ticket: Option<String>,
}

impl TerminalQuery {
    fn look(&self, user: &UserId) -> Result<Look, Error> {
        let Self { cols, rows, since, id, take, client, .. } = self;
        let (cols, rows) = match (*cols, *rows) {
            (None, None) => (None, None),
            (cols, rows) => (Some(cols.unwrap_or(80)), Some(rows.unwrap_or(24))),
        };
        let size = cols.zip(rows).map(|(cols, rows)| Size { cols, rows });
        let typist = client.as_deref().map(|client| typist(user, client)).transpose()?;
        Ok(Look { size, since: *since, output: id.clone(), alone: *take, typist })
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TerminalView {
    pub session: String,
    /// Names the output that is numbered: another one begins anew.
    pub id: String,
    pub size: SizeView,
    pub clients: u32,
    pub title: Option<String>,
    pub cwd: Option<String>,
    /// The shell's exit code, once it has ended.
    pub exit: Option<i32>,
    /// To a client that numbers its keys: send those from this number on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typed: Option<u64>,
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "cols": 120, "rows": 40 }))]
pub(super) struct ResizeTerminal {
    pub cols: u16,
    pub rows: u16,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TicketView {
    /// Told this once.
    pub ticket: String,
    pub expires_at: String,
    /// Seconds until then.
    pub expires_in: u64,
}

/// Opens the project's terminal.
#[utoipa::path(get, path = "/containers/{project}/terminal", tag = "terminals", params(("project" = String, Path), TerminalQuery),
    responses((status = 101, description = "A WebSocket"), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn open_terminal(
    State(app): State<App>,
    entrant: Entrant,
    Path(project): Path<String>,
    Query(query): Query<TerminalQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade
        .map_err(|rejection| Problem::bad_request("not_a_websocket", rejection.body_text()))?;
    let caller = &entrant.caller;
    let project = app.projects.find(caller, &project).await?;
    entrant.check(&project)?;
    let look = query.look(&caller.user.id)?;
    let permit = app.gate.admit(caller, Action::write("terminal.open", project.target())).await?;
    let session = query.session.as_deref().unwrap_or(SHARED_SESSION).to_owned();
    let typist = look.typist.clone();
    let attached = app.terminals.attach(&permit, &project, &session, look).await;
    let attached = permit.seal(attached)?;
    let upgrade = upgrade.protocols([PROTOCOL]);
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    let upgrade = upgrade.read_buffer_size(READ_BUFFER_BYTES);
    let conversation = Conversation {
        framed: upgrade.selected_protocol().is_some_and(|chosen| chosen == PROTOCOL),
        caller: entrant.caller,
        standing: entrant.standing,
        project,
        session,
        typist,
        numbered: false,
        output: query.id,
        seen: query.since.unwrap_or(0),
        app,
    };
    Ok(upgrade.on_upgrade(async move |socket| conversation.hold(socket, attached).await))
}

/// Makes a ticket that opens a terminal of the project once, within a minute.
#[utoipa::path(post, path = "/containers/{project}/terminal/ticket", tag = "terminals", params(("project" = String, Path)),
    responses((status = 201, body = TicketView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn create_ticket(
    State(app): State<App>,
    entrant: Entrant,
    Path(project): Path<String>,
) -> Result<Response, Problem> {
    let caller = &entrant.caller;
    let project = app.projects.find(caller, &project).await?;
    entrant.check(&project)?;
    let permit = app.gate.admit(caller, Action::write("terminal.ticket", project.target())).await?;
    let issued = app.terminals.issue_ticket(&permit, &project, entrant.standing).await;
    let (ticket, expires_at) = permit.seal(issued)?;
    let view = TicketView {
        ticket: ticket.reveal().to_owned(),
        expires_at: expires_at.to_string(),
        expires_in: TICKET_LIFETIME.as_secs(),
    };
    let secret = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, secret, axum::Json(view)).into_response())
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

/// Gives a terminal another size, for clients that have no way to say theirs.
#[utoipa::path(post, path = "/containers/{project}/terminals/{session}/resize", tag = "terminals",
    params(("project" = String, Path), ("session" = String, Path)), request_body = ResizeTerminal,
    responses((status = 200, body = TerminalView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn resize_terminal(
    State(app): State<App>,
    caller: Caller,
    Path((project, session)): Path<(String, String)>,
    Json(body): Json<ResizeTerminal>,
) -> Result<axum::Json<TerminalView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let action = Action::write("terminal.resize", project.target());
    let permit = app.gate.admit(&caller, action).await?;
    let ResizeTerminal { cols, rows } = body;
    let resized = app.terminals.resize(&permit, &project, &session, Size { cols, rows }).await;
    Ok(axum::Json(view(&permit.seal(resized)?)))
}

/// Ends a terminal and what runs in it.
#[utoipa::path(delete, path = "/containers/{project}/terminals/{session}", tag = "terminals",
    params(("project" = String, Path), ("session" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn close_terminal(
    State(app): State<App>,
    caller: Caller,
    Path((project, session)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("terminal.close", project.target())).await?;
    let closed = app.terminals.close(&permit, &project, &session).await;
    permit.seal(closed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(state: &TerminalState) -> TerminalView {
    TerminalView {
        session: state.session.clone(),
        id: state.output.clone(),
        size: SizeView { cols: state.cols, rows: state.rows },
        clients: state.clients,
        title: state.title.clone(),
        cwd: state.cwd.clone(),
        exit: exit_code(state),
        typed: state.typed,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::TooMany(_) => Self::conflict("too_many_terminals", text),
            Error::Invalid(_) => Self::bad_request("invalid_terminal", text),
            Error::TooManyClients(..) | Error::TooManyTickets => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_terminal_clients", text)
            }
            Error::NotFound => Self::not_found(text),
            Error::Runtime(error) => error.into(),
            Error::Db(error) => error.into(),
            Error::NoRandomness(error) => Self::internal(error),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
        }
    }
}
