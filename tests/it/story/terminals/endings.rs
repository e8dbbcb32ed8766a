//! Why a terminal ends, said in the last words to each client.

use reqwest::Method;
use serde_json::json;

use super::{closing, hasty_lab, lab};
use crate::host::{FRAMED, Host, Terminal, answer, engine, eventually, terminal_of};

#[tokio::test]
async fn a_shell_that_ends_says_so_with_its_exit_code() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("exit 7\r").await;
    let (code, reason) = terminal.ends().await;
    assert!(code == 4000 && reason.contains("exit code 7"), "{code} {reason}");
    assert_eq!(terminal.state()["exit"], 7);
    let closing = &terminal.notices.last().unwrap()["closing"];
    assert_eq!((&closing["code"], &closing["name"]), (&json!(4000), &json!("ended")));
}

#[tokio::test]
async fn a_client_without_framing_is_told_as_well() {
    let host = need!(local, lab().await);
    let mut socket = host.plain_terminal("lab").await;
    host.delete("/api/v1/containers/lab/terminals/main").await;
    assert_eq!(closing(&mut socket).await.0, 4001);
}

#[tokio::test]
async fn a_session_that_somebody_closes_is_no_shell_that_ended() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.shows("$").await;
    host.delete("/api/v1/containers/lab/terminals/main").await;
    assert_eq!(terminal.ends().await.0, 4001);
    let mut again = host.terminal("lab", None).await;
    again.shows("$").await;
    assert_ne!(again.state()["id"], terminal.state()["id"], "its output is another one");
}

#[tokio::test]
async fn a_runtime_that_is_stopped_says_that_it_was() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    host.post("/api/v1/containers/lab/stop", json!({})).await;
    let (code, reason) = terminal.ends().await;
    assert!(code == 4002 && reason.contains("was stopped"), "{code} {reason}");
}

#[tokio::test]
async fn a_runtime_that_is_restarted_says_so_and_its_terminal_begins_anew() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("echo old-$((1+1))\r").await;
    terminal.shows("old-2").await;
    host.post("/api/v1/containers/lab/restart", json!({})).await;
    assert_eq!(terminal.ends().await.0, 4002);
    let id = terminal.state()["id"].as_str().unwrap();
    let again = format!("since={}&id={id}", terminal.next);
    let mut again = host.terminal_with("lab", &again).await;
    again.types("echo new-$((1+1))\r").await;
    again.shows("new-2").await;
    assert!(again.next < terminal.next + 1000 && !again.shown.contains("old-2"));
}

#[tokio::test]
async fn an_idle_runtime_says_that_nobody_used_it() {
    let sweeping = &[("LOCKHOUSE_RUNTIMES__SWEEP_INTERVAL", "1")];
    let host = Host::start_with(need!(local, engine("local").await), sweeping).await;
    let wish = json!({ "project_type": "python", "config": { "idle_timeout": 60 } });
    host.post("/api/v1/containers/lab/create", wish).await;
    let mut terminal = host.terminal("lab", None).await;
    terminal.shows("$").await;
    let shorter = json!({ "config": { "idle_timeout": 1 } });
    let changed = host.request(Method::PATCH, "/api/v1/containers/lab").json(&shorter);
    let changed = answer(changed).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let (code, reason) = terminal.ends().await;
    assert!(code == 4002 && reason.contains("without use"), "{code} {reason}");
}

#[tokio::test]
async fn a_project_that_is_deleted_is_gone() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.shows("$").await;
    host.delete("/api/v1/projects/lab").await;
    assert_eq!(terminal.ends().await.0, 4004);
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_what_it_opened() {
    let host = need!(local, hasty_lab().await);
    let token = host.token("ada", "admin", "admin").await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", FRAMED)];
    let socket = host.upgrades(&terminal_of("lab"), &headers).await.unwrap();
    let mut terminal = Terminal::over(socket);
    terminal.shows("$").await;
    let tokens = answer(host.as_nobody(Method::GET, "/api/v1/tokens").bearer_auth(&token)).await;
    let id = tokens.json["tokens"][0]["id"].as_str().unwrap();
    assert_eq!(host.delete(&format!("/api/v1/tokens/{id}")).await.status, 204);
    assert_eq!(terminal.ends().await.0, 4003);
}

#[tokio::test]
async fn a_client_may_take_a_terminal_over() {
    let host = need!(local, lab().await);
    let mut ada = host.terminal("lab", None).await;
    ada.types("echo mine-$((1+1))\r").await;
    ada.shows("mine-2").await;
    let mut bob = host.terminal_with("lab", "take=true").await;
    assert_eq!(ada.ends().await.0, 4005);
    bob.shows("mine-2").await;
    bob.types("echo his-$((1+1))\r").await;
    bob.shows("his-2").await;
}

#[tokio::test]
async fn a_client_that_answers_nothing_is_sent_away() {
    let host = need!(local, hasty_lab().await);
    let mut ada = host.terminal("lab", None).await;
    // It is never read from, so no question is answered.
    let _bob = host.terminal("lab", None).await;
    ada.is_heard().await;
    let alone = async {
        while ada.state()["clients"] != 1 || ada.states.iter().all(|state| state["clients"] != 2) {
            ada.is_heard().await;
        }
    };
    tokio::time::timeout(crate::host::PATIENCE, alone).await.expect("it is sent away");
}

#[tokio::test]
async fn a_client_that_answers_stays_though_nothing_happens() {
    let host = need!(local, hasty_lab().await);
    let mut terminal = host.terminal("lab", None).await;
    let mut pings = 0;
    while pings < 6 {
        use futures::StreamExt as _;
        let message = terminal.socket.next().await.unwrap().unwrap();
        pings += usize::from(message.is_ping());
        terminal.take(message).await;
    }
    terminal.types("echo here-$((1+1))\r").await;
    terminal.shows("here-2").await;
}

#[tokio::test]
async fn a_server_that_stops_asks_its_clients_to_come_again() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    terminal.shows("$").await;
    let server = nix::unistd::Pid::from_raw(host.pid().try_into().unwrap());
    nix::sys::signal::kill(server, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(terminal.ends().await.0, 1012);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_before_anything_is_opened() {
    let host = need!(local, lab().await);
    let token = host.token("ada", "learner", "admin").await;
    let bearer = format!("Bearer {token}");
    let stranger = host.upgrades(&terminal_of("lab"), &[("authorization", &bearer)]).await;
    assert_eq!(stranger.unwrap_err().0, 404);
    assert_eq!(host.upgrades(&terminal_of("lab"), &[]).await.unwrap_err().0, 401);
    eventually("no terminal is open", || async {
        let open = host.get("/api/v1/containers/lab/terminals").await;
        let none = open.json["terminals"].as_array().is_some_and(Vec::is_empty);
        if none { Ok(()) } else { Err(open.text) }
    })
    .await;
}
