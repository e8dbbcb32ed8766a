//! Terminals: raw, shared, and never losing what they showed.

use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, PATIENCE, engine};

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
    let mut shown = String::new();
    let shows = async {
        while !shown.contains("plain-10") {
            let message = socket.next().await.unwrap().unwrap();
            shown += &String::from_utf8_lossy(&message.into_data());
        }
    };
    assert!(tokio::time::timeout(PATIENCE, shows).await.is_ok(), "{shown}");
}
