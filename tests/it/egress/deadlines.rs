//! Clients and hosts that say nothing hold nothing for long.

use std::time::Duration;

use lockhouse::runtimes::egress::Deadlines;

use super::Room;
use super::outside::Server;

/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(100);

fn listing(port: u16) -> String {
    format!("allow = ['web.example:{port}']\nallow_private = ['web.example']")
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_stream() {
    let deadlines = Deadlines { head: SHORT, ..Deadlines::default() };
    let mut client = Room::with_deadlines("", deadlines).client();
    client.sends(b"CONNECT files.example:443 HTTP/1.1\r\nHost: fi").await;
    client.rest().await;
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_ended() {
    let mut server = Server::silent().await;
    let deadlines = Deadlines { idle: SHORT, ..Deadlines::default() };
    let mut client = Room::with_deadlines(&listing(server.port), deadlines).client();
    let head = client.connects(&format!("web.example:{}", server.port)).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(client.rest().await, b"");
    assert_eq!(server.saw().await, "");
}

#[tokio::test]
async fn a_client_hello_that_does_not_end_is_refused() {
    let mut server = Server::silent().await;
    let deadlines = Deadlines { hello: SHORT, ..Deadlines::default() };
    let room = Room::with_deadlines(&listing(server.port), deadlines);
    let mut client = room.client();
    client.connects(&format!("web.example:{}", server.port)).await;
    client.sends(&[22, 3, 1, 2, 0, 1]).await;
    assert_eq!(client.rest().await.first(), Some(&21));
    assert_eq!(server.saw().await, "");
    assert!(room.news().await.3.starts_with("not-tls"));
}

#[tokio::test]
async fn a_host_that_never_answers_is_told_to_the_client() {
    let server = Server::silent().await;
    let deadlines = Deadlines { answer: SHORT, ..Deadlines::default() };
    let mut client = Room::with_deadlines(&listing(server.port), deadlines).client();
    let url = format!("http://web.example:{}/", server.port);
    let head = client.asks(&format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
}
