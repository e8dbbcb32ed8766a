//! `CONNECT`: tunnels to listed hosts, and everything else refused in words.

use std::sync::Arc;

use lockhouse::policy::NetworkMode;
use lockhouse::runtimes::egress::MAX_STREAMS;
use tokio::io::AsyncWriteExt as _;

use super::outside::Server;
use super::{Client, Room, soon};

/// A configuration in which one port of this machine is listed as `git.example`.
fn listing(port: u16) -> String {
    format!("allow = ['git.example:{port}']\nallow_private = ['git.example']")
}

async fn refused(config: &str, authority: &str) -> (String, String) {
    let mut client = Room::open(config).client();
    let head = client.connects(authority).await;
    (head, client.rest_text().await)
}

#[tokio::test]
async fn a_listed_host_is_reached_and_told_once() {
    let server = Server::echo().await;
    let room = Room::open(&listing(server.port));
    let mut client = room.client();
    let head = client.connects(&format!("GIT.example.:{}", server.port)).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    client.sends(b"hello").await;
    assert_eq!(client.reads(5).await, b"hello");
    let (host, port, allowed, _) = room.news().await;
    assert_eq!((host.as_str(), port, allowed), ("git.example", server.port, true));
}

#[tokio::test]
async fn the_end_of_sending_is_passed_on_and_the_answer_still_comes() {
    let mut server = Server::echo().await;
    let mut client = Room::open(&listing(server.port)).client();
    client.connects(&format!("git.example:{}", server.port)).await;
    client.sends(b"last words").await;
    soon(client.0.shutdown()).await.unwrap();
    assert_eq!(client.rest_text().await, "last wordsgoodbye");
    assert_eq!(server.saw().await, "last words");
}

#[tokio::test]
async fn bytes_sent_together_with_connect_reach_the_host() {
    let server = Server::echo().await;
    let mut client = Room::open(&listing(server.port)).client();
    let authority = format!("git.example:{}", server.port);
    let eager = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\nearly");
    assert!(client.asks(&eager).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(client.reads(5).await, b"early");
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused_in_words_and_told() {
    let room = Room::open("");
    let mut client = room.client();
    let head = client.connects("files.example:443").await;
    let phrase = "HTTP/1.1 403 Forbidden by Lockhouse: files.example:443 (not-listed)\r\n";
    assert!(head.starts_with(phrase), "{head}");
    let text = client.rest_text().await;
    assert!(text.contains("files.example:443") && text.contains("egress.allow"), "{text}");
    let (host, port, allowed, reason) = room.news().await;
    assert_eq!((host.as_str(), port, allowed), ("files.example", 443, false));
    assert!(reason.starts_with("not-listed: "), "{reason}");
}

#[tokio::test]
async fn a_listed_name_that_leads_to_a_private_address_is_refused() {
    for name in ["mixed.example", "metadata.example", "elsewhere.example"] {
        let config = format!("allow = ['{name}']");
        let (head, text) = refused(&config, &format!("{name}:443")).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        assert!(
            text.contains("private-address") && text.contains("egress.allow_private"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn addresses_in_any_spelling_are_refused_even_on_an_open_network() {
    for authority in ["127.0.0.1:443", "2130706433:443", "0x7f.1:443", "[::ffff:127.0.0.1]:443"] {
        let mut client = Room::open("").client_of(NetworkMode::Open);
        let head = client.connects(authority).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{authority}: {head}");
    }
}

#[tokio::test]
async fn a_user_name_before_the_host_does_not_help() {
    let (head, _) = refused("allow = ['a.example']", "a.example@evil.example:443").await;
    assert!(head.starts_with("HTTP/1.1 40"), "{head}");
    let (head, _) = refused("allow = ['a.example']", "evil.example:443@a.example:443").await;
    assert!(head.starts_with("HTTP/1.1 40"), "{head}");
}

#[tokio::test]
async fn a_runtime_without_network_reaches_not_even_listed_hosts() {
    let server = Server::echo().await;
    let room = Room::open(&listing(server.port));
    let mut client = room.client_of(NetworkMode::None);
    let head = client.connects(&format!("git.example:{}", server.port)).await;
    assert!(head.contains("(network-none)"), "{head}");
}

#[tokio::test]
async fn what_is_open_ends_when_a_runtime_may_reach_something_else() {
    let server = Server::echo().await;
    let room = Room::open(&listing(server.port));
    let mut client = room.client();
    client.connects(&format!("git.example:{}", server.port)).await;
    room.egress.forget(&room.project);
    assert_eq!(client.rest().await, b"");
    let head = room.client().connects(&format!("git.example:{}", server.port)).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test]
async fn what_is_open_ends_when_another_server_has_changed_the_network() {
    let server = Server::echo().await;
    let room = Room::open(&listing(server.port));
    let mut client = room.client_of(NetworkMode::Registries);
    client.connects(&format!("git.example:{}", server.port)).await;
    room.egress.hold(&room.project, NetworkMode::Registries);
    client.sends(b"still here").await;
    assert_eq!(client.reads(10).await, b"still here");
    room.egress.hold(&room.project, NetworkMode::None);
    assert_eq!(client.rest().await, b"");
}

/// Metadata services, the host's gateway, our own API, and every private range.
const NEVER: &[&str] = &[
    "169.254.169.254:80",
    "169.254.170.2:80",
    "[fd00:ec2::254]:80",
    "100.100.100.200:80",
    "172.17.0.1:2375",
    "127.0.0.1:8000",
    "localhost:8000",
    "10.0.0.1:443",
    "172.16.0.1:443",
    "192.168.0.1:443",
    "100.64.0.1:443",
    "0.0.0.0:443",
    "[::]:443",
    "[::1]:443",
    "[fe80::1]:443",
    "[fd00::1]:443",
    "[64:ff9b::7f00:1]:443",
    "224.0.0.1:443",
    "255.255.255.255:443",
    "1.1.1.1:443",
];

#[tokio::test]
async fn no_address_is_reached_through_the_proxy_that_nobody_listed() {
    for authority in NEVER {
        let (head, _) = refused("", authority).await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{authority}: {head}");
    }
}

#[tokio::test]
async fn a_name_that_only_resembles_a_listed_one_is_refused() {
    let listed = "allow = ['git.example', '*.cdn.example']";
    let tricks = [
        "evilgit.example",
        "git.example.evil.test",
        "cdn.example",
        "evilcdn.example",
        "git.example%00.evil.test",
        "git。example.evil.test",
    ];
    for name in tricks {
        let (head, _) = refused(listed, &format!("{name}:443")).await;
        assert!(head.starts_with("HTTP/1.1 40"), "{name}: {head}");
    }
}

#[tokio::test]
async fn tls_for_another_host_than_connect_named_never_arrives() {
    let mut server = Server::silent().await;
    let mut client = Room::open(&listing(server.port)).client();
    client.connects(&format!("git.example:{}", server.port)).await;
    client.sends(&client_hello("evil.example")).await;
    // A fatal alert: access denied.
    assert_eq!(client.rest().await, [21, 3, 3, 0, 2, 2, 49]);
    assert_eq!(server.saw().await, "");
}

#[tokio::test]
async fn tls_for_the_host_that_connect_named_arrives_whole() {
    let server = Server::echo().await;
    let mut client = Room::open(&listing(server.port)).client();
    client.connects(&format!("git.example:{}", server.port)).await;
    let hello = client_hello("git.example");
    client.sends(&hello).await;
    assert_eq!(client.reads(hello.len()).await, hello);
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_told_apart_from_one_that_is_refused() {
    let config = "allow = ['gone.test']";
    let (head, text) = refused(config, "gone.test:443").await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(text.contains("may be reached, but has no address"), "{text}");
}

#[tokio::test]
async fn one_stream_too_many_is_turned_away_and_the_others_go_on() {
    let server = Server::echo().await;
    let room = Room::open(&listing(server.port));
    let authority = format!("git.example:{}", server.port);
    let mut open: Vec<Client> = (0..MAX_STREAMS).map(|_| room.client()).collect();
    for client in &mut open {
        assert!(client.connects(&authority).await.starts_with("HTTP/1.1 200 "));
    }
    let mut late = room.client();
    assert!(late.rest_text().await.starts_with("HTTP/1.1 503 "));
    open[0].sends(b"still here").await;
    assert_eq!(open[0].reads(10).await, b"still here");
}

#[tokio::test]
async fn bytes_that_are_no_http_end_the_stream_and_nothing_else() {
    let room = Room::open("");
    let mut client = room.client();
    client.sends(&[0xff; 4096]).await;
    client.rest().await;
    let head = room.client().connects("files.example:443").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
}

/// What a real TLS client sends first.
pub(super) fn client_hello(name: &str) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = name.to_owned().try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}
