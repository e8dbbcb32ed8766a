//! Ports inside, and the way out.

use std::net::TcpListener as StdListener;

use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::{Config, InboundEvent, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Host, Runtime, eventually, soon};

/// A port that nothing listens on.
fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn egress(host: &mut Host) -> Tunnel {
    soon("an egress connection", async {
        loop {
            if let InboundEvent::Egress(tunnel) = host.inbound.next().await.unwrap() {
                return tunnel;
            }
        }
    })
    .await
}

/// A runtime with a proxy, and the proxy's port.
fn proxied() -> (Runtime, u16) {
    let port = free_port();
    (Runtime::start_with(&[], &["--proxy", &format!("127.0.0.1:{port}")]), port)
}

async fn connect(port: u16) -> TcpStream {
    eventually("the proxy to listen", async || TcpStream::connect(("127.0.0.1", port)).await.ok())
        .await
}

#[tokio::test]
async fn a_dialled_port_carries_bytes_both_ways_with_half_close() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(b"hello ").await.unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        client.write_all(all.len().to_string().as_bytes()).await.unwrap();
    });
    let tunnel = host.link.dial(port).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(tunnel);
    soon("the request", writing.write_all(&vec![7; 3_000_000])).await.unwrap();
    writing.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", reading.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "hello 3000000");
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_on_ipv6_loopback_is_reached() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        return eprintln!("this machine has no IPv6 loopback");
    };
    let port = listener.local_addr().unwrap().port();
    let (dialled, accepted) = tokio::join!(host.link.dial(port), listener.accept());
    dialled.unwrap();
    accepted.unwrap();
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_not_found() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let port = free_port();
    let error = host.link.dial(port).await.unwrap_err();
    assert!(matches!(&error, Error::NotFound(why) if why.contains(&port.to_string())));
}

#[tokio::test]
async fn a_connection_to_the_proxy_reaches_the_host() {
    let (runtime, port) = proxied();
    let mut host = runtime.host().await;
    let mut program = connect(port).await;
    program.write_all(b"CONNECT example:443").await.unwrap();
    program.shutdown().await.unwrap();
    let mut tunnel = egress(&mut host).await;
    let mut request = String::new();
    soon("the request", tunnel.read_to_string(&mut request)).await.unwrap();
    assert_eq!(request, "CONNECT example:443");
    tunnel.write_all(b"no").await.unwrap();
    tunnel.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", program.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "no");
}

#[tokio::test]
async fn a_connection_waits_for_a_host_that_comes_back() {
    let (runtime, port) = proxied();
    runtime.host().await.vanish().await;
    let mut program = connect(port).await;
    program.write_all(b"x").await.unwrap();
    let mut host = runtime.host().await;
    let mut tunnel = egress(&mut host).await;
    assert_eq!(soon("a byte", tunnel.read_u8()).await.unwrap(), b'x');
}

#[tokio::test]
async fn a_connection_with_no_host_is_closed_after_a_while() {
    let (runtime, port) = proxied();
    let mut program = connect(port).await;
    let end = soon("the end", program.read_u8()).await;
    assert!(end.is_err());
    drop(runtime);
}

#[tokio::test]
async fn the_host_bounds_the_connections_it_holds() {
    let (runtime, port) = proxied();
    let mut host = runtime.host_with(Config { max_egress: 2, ..Config::default() }).await;
    let _one = connect(port).await;
    let _held = egress(&mut host).await;
    let _two = connect(port).await;
    let _held_too = egress(&mut host).await;
    let mut three = connect(port).await;
    assert!(soon("the end", three.read_u8()).await.is_err());
    host.link.ping().await.unwrap();
}

#[tokio::test]
async fn ports_that_open_and_close_are_reported() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    host.link.ping().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert!(host.link.ports().await.unwrap().contains(&port));
    drop(listener);
    let mut opened = false;
    soon("both events", async {
        loop {
            match host.inbound.next().await.unwrap() {
                InboundEvent::PortOpened(seen) if seen == port => opened = true,
                InboundEvent::PortClosed(seen) if seen == port => return,
                _ => {}
            }
        }
    })
    .await;
    assert!(opened);
}
