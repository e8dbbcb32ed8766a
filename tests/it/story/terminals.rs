//! Terminals: raw, shared, and never losing what they showed.

mod crowds;
mod cuts;
mod endings;
mod screens;
mod tickets;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{FRAMED, Host, PATIENCE, Socket, engine, eventually, terminal_of};

async fn lab() -> Result<Host, String> {
    let host = Host::start(engine("local").await?).await;
    host.has_running_project("lab").await;
    Ok(host)
}

#[tokio::test]
async fn a_terminal_takes_keystrokes_and_sizes() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("echo sum-$((40+2))\r").await;
    terminal.shows("sum-42").await;
    terminal.resizes(132, 43).await;
    terminal.types("stty size\r").await;
    terminal.shows("43 132").await;
}

/// Many clients soon know of one another's end.
const HASTY: &[(&str, &str)] = &[("LOCKHOUSE_TERMINALS__HEARTBEAT", "1")];

async fn hasty_lab() -> Result<Host, String> {
    let host = Host::start_with(engine("local").await?, HASTY).await;
    host.has_running_project("lab").await;
    Ok(host)
}

/// Why the server closes a socket without framing.
async fn closing(socket: &mut Socket) -> (u16, String) {
    let closed = async {
        loop {
            if let Message::Close(close) = socket.next().await.unwrap().unwrap() {
                let close = close.unwrap();
                return (close.code.into(), close.reason.to_string());
            }
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("it is closed in time")
}

#[tokio::test]
async fn a_terminal_is_resized_for_clients_that_cannot_say_their_size() {
    let host = need!(local, lab().await);
    let mut socket = host.plain_terminal("lab").await;
    let path = "/api/v1/containers/lab/terminals/main/resize";
    let resized = host.post(path, json!({ "cols": 90, "rows": 20 })).await;
    assert_eq!(resized.json["size"], json!({ "cols": 90, "rows": 20 }), "{}", resized.text);
    socket.send(Message::text("stty size\r")).await.unwrap();
    shows(&mut socket, "20 90").await;
    let refused = host.post(path, json!({ "cols": 0, "rows": 20 })).await;
    assert_eq!(refused.json["code"], "invalid_terminal", "{}", refused.text);
    let missing = path.replace("main", "other");
    assert_eq!(host.post(&missing, json!({ "cols": 90, "rows": 20 })).await.status, 404);
}

#[tokio::test]
async fn a_session_has_the_size_of_the_client_that_typed_last() {
    let host = need!(local, lab().await);
    let mut ada = host.terminal_with("lab", "cols=90&rows=20").await;
    let mut bob = host.terminal_with("lab", "cols=70&rows=25").await;
    bob.types("stty size\r").await;
    bob.shows("25 70").await;
    ada.types("stty size\r").await;
    bob.shows("20 90").await;
}

#[tokio::test]
async fn named_sessions_are_apart_and_only_so_many() {
    let host = need!(local, lab().await);
    for name in ["main", "second", "third", "fourth"] {
        let mut terminal = host.terminal_with("lab", &format!("session={name}")).await;
        terminal.types(&format!("echo {name}-$((1+1))\r")).await;
        terminal.shows(&format!("{name}-2")).await;
    }
    let bearer = host.bearer();
    let target = format!("{}?session=fifth", terminal_of("lab"));
    let refused = host.upgrades(&target, &[("authorization", &bearer)]).await.unwrap_err();
    assert!(refused.0 == 409 && refused.1.contains("too_many_terminals"), "{refused:?}");
}

#[tokio::test]
async fn the_title_and_the_directory_are_told() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("cd /tmp; printf '\\033]2;my-%s\\007' title\r").await;
    eventually_told(&mut terminal, |state| state["title"] == "my-title").await;
    eventually_told(&mut terminal, |state| state["cwd"] == "/tmp").await;
}

/// Reads on until a state says so.
async fn eventually_told(
    terminal: &mut crate::host::Terminal,
    so: impl Fn(&serde_json::Value) -> bool,
) {
    let told = async {
        while !terminal.states.iter().any(&so) {
            terminal.is_heard().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    assert!(told.is_ok(), "it is never told; there is: {:?}", terminal.states.last());
}

#[tokio::test]
async fn a_client_that_pauses_gets_nothing_until_it_resumes_and_then_all() {
    let host = need!(local, lab().await);
    let (mut ada, mut bob) = (host.terminal("lab", None).await, host.terminal("lab", None).await);
    ada.shows("$").await;
    ada.says(&[4]).await;
    ada.is_heard().await;
    let (before, states) = (ada.shown.len(), ada.states.len());
    bob.types("seq 1 5000; echo over-$((1+1))\r").await;
    bob.shows("over-2").await;
    ada.is_heard().await;
    assert_eq!((ada.shown.len(), ada.states.len()), (before, states));
    ada.says(&[5]).await;
    ada.shows("over-2").await;
    assert!(ada.shown.contains("\n4999\r\n5000\r\n") && ada.notices.is_empty());
}

#[tokio::test]
async fn what_a_program_does_not_read_keeps_nobody_from_seeing_what_it_says() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    let speaks = "stty raw -echo; for n in 1 2 3; do sleep 1; echo says-$n; done; exec sleep 1000";
    terminal.types(&format!("sh -c '{speaks}'\r")).await;
    terminal.shows("says-1").await;
    terminal.types(&"x".repeat(200_000)).await;
    terminal.shows("says-3").await;
    terminal.is_heard().await;
}

#[tokio::test]
async fn only_so_many_clients_are_let_to_one_projects_terminals() {
    let few = &[("LOCKHOUSE_TERMINALS__MAX_CLIENTS_PER_PROJECT", "2")];
    let host = Host::start_with(need!(local, engine("local").await), few).await;
    host.has_running_project("lab").await;
    let held = [host.terminal("lab", None).await, host.terminal("lab", None).await];
    let bearer = host.bearer();
    let ask = || async {
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", FRAMED)];
        host.upgrades(&terminal_of("lab"), &headers).await.map_err(|why| format!("{why:?}"))
    };
    let refused = ask().await.unwrap_err();
    assert!(refused.contains("429") && refused.contains("too_many_terminal_clients"), "{refused}");
    drop(held);
    eventually("there is room again", ask).await;
}

#[tokio::test]
async fn a_terminal_is_not_judged_by_the_policy() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("cat /etc/passwd | head -c 5; echo\r").await;
    terminal.shows("root:").await;
}

#[tokio::test]
async fn a_dropped_connection_shows_what_it_had_and_goes_on() {
    let host = need!(local, lab().await);
    let mut first = host.terminal("lab", None).await;
    first.types("echo before-$((1+1))\r").await;
    first.shows("before-2").await;
    drop(first);
    let mut second = host.terminal("lab", None).await;
    second.shows("before-2").await;
    second.types("echo after-$((2+2))\r").await;
    second.shows("after-4").await;
}

#[tokio::test]
async fn two_clients_share_one_session() {
    let host = need!(local, lab().await);
    let mut ada = host.terminal("lab", None).await;
    let mut bob = host.terminal("lab", None).await;
    ada.types("echo shared-$((3+3))\r").await;
    bob.shows("shared-6").await;
    let open = host.get("/api/v1/containers/lab/terminals").await;
    assert_eq!(open.json["terminals"].as_array().unwrap().len(), 1, "{}", open.text);
}

#[tokio::test]
async fn a_terminal_can_be_closed() {
    let host = need!(local, lab().await);
    host.terminal("lab", None).await.shows("$").await;
    let closed = host.delete("/api/v1/containers/lab/terminals/main").await;
    assert_eq!(closed.status, 204, "{}", closed.text);
    let open = host.get("/api/v1/containers/lab/terminals").await;
    assert!(open.json["terminals"].as_array().unwrap().iter().all(|t| !t["exit"].is_null()));
}

#[tokio::test]
async fn a_client_without_framing_sends_keystrokes_and_gets_output() {
    let host = need!(local, lab().await);
    let mut socket = host.plain_terminal("lab").await;
    socket.send(Message::text("echo plain-$((5+5))\r")).await.unwrap();
    shows(&mut socket, "plain-10").await;
}

/// Reads a socket without framing until `wanted` has come.
async fn shows(socket: &mut Socket, wanted: &str) {
    let mut shown = String::new();
    let shows = async {
        while !shown.contains(wanted) {
            let message = socket.next().await.unwrap().unwrap();
            shown += &String::from_utf8_lossy(&message.into_data());
        }
    };
    let waited = tokio::time::timeout(PATIENCE, shows).await;
    assert!(waited.is_ok(), "“{wanted}” did not come; there is: {shown}");
}
