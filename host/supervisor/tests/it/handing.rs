//! Connections that the supervisor hands over to a host on its kernel.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::{Config, Link, establish_local};
use lockhouse_supervisor::protocol::{
    Codec, Frame, Hello, MAX_HANDED, Open, Reply, multiplexer_config,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::codec::Framed;
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};

use crate::harness::{Runtime, soon};
use crate::hostile::{greet_as, hello};

/// The multiplexer's reset of a stream that there is not, of which nobody takes notice.
const RESET: [u8; 12] = [0, 1, 0, 8, 0, 0, 0, 2, 0, 0, 0, 0];

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Answers each connection with what it says, one byte at a time.
async fn echo() -> u16 {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Ok(byte) = client.read_u8().await {
                    client.write_u8(byte).await.unwrap();
                }
            });
        }
    });
    port
}

/// Sends a descriptor to the host, with bytes that break nothing.
async fn send_along(socket: &UnixStream, descriptor: &OwnedFd) {
    let send = || {
        let descriptors = [descriptor.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        assert!(along.push(SendAncillaryMessage::ScmRights(&descriptors)));
        Ok(sendmsg(socket, &[IoSlice::new(&RESET)], &mut along, SendFlags::empty())?)
    };
    assert_eq!(socket.async_io(Interest::WRITABLE, send).await.unwrap(), RESET.len());
}

/// A host's link to a supervisor that sends these along, and says of each wish for a
/// connection that the first of them is it.
async fn liar(hello: Hello, along: &[OwnedFd]) -> Link {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let made = establish_local(ours, Config::default());
    let (made, theirs) = tokio::join!(made, greet_as(hello, theirs));
    let (link, driver, _inbound) = made.unwrap();
    tokio::spawn(driver);
    for descriptor in along {
        send_along(&theirs, descriptor).await;
    }
    tokio::spawn(lie(theirs));
    link
}

async fn lie(theirs: UnixStream) {
    let mode = yamux::Mode::Server;
    let mut link = yamux::Connection::new(theirs.compat(), multiplexer_config(), mode);
    while let Some(Ok(stream)) = std::future::poll_fn(|cx| link.poll_next_inbound(cx)).await {
        tokio::spawn(async move {
            let mut frames = Framed::new(stream.compat(), Codec);
            let open = soon("its purpose", frames.next()).await;
            let hands_over = matches!(open, Some(Ok(Frame::Open(Open::HandOver { .. }))));
            let reply = if hands_over { Reply::Handed(1) } else { Reply::Done };
            frames.send(Frame::Reply(reply)).await.unwrap();
            if matches!(open, Some(Ok(Frame::Open(Open::Dial { .. })))) {
                frames.get_mut().write_all(b"by the link").await.unwrap();
            }
            std::future::pending::<()>().await;
        });
    }
}

async fn says(reader: &mut (impl AsyncReadExt + Unpin), text: &str) {
    let mut bytes = vec![0; text.len()];
    soon("some bytes", reader.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
}

#[tokio::test]
async fn a_connection_handed_over_carries_bytes_both_ways_with_half_close() {
    let runtime = Runtime::start();
    let host = runtime.local_host().await;
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        client.write_all(all.len().to_string().as_bytes()).await.unwrap();
    });
    let (mut reading, mut writing) = tokio::io::split(host.link.dial(port).await.unwrap());
    soon("the request", writing.write_all(&vec![7; 3_000_000])).await.unwrap();
    writing.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", reading.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "3000000");
    server.await.unwrap();
}

#[tokio::test]
async fn what_was_handed_over_needs_no_supervisor_any_more() {
    let runtime = Runtime::start();
    let host = runtime.local_host().await;
    let mut tunnel = host.link.dial(echo().await).await.unwrap();
    let supervisor = Pid::from_child(&runtime.child);
    kill_process(supervisor, Signal::STOP).unwrap();
    tunnel.write_all(b"a").await.unwrap();
    let answered = timeout(Duration::from_secs(20), tunnel.read_u8()).await;
    kill_process(supervisor, Signal::CONT).unwrap();
    assert_eq!(answered.unwrap().unwrap(), b'a');
}

#[tokio::test]
async fn each_of_many_at_once_gets_a_connection_of_its_own() {
    let runtime = Runtime::start();
    let host = runtime.local_host().await;
    let port = echo().await;
    let talks = (0..5 * MAX_HANDED).map(async |n| {
        let mut tunnel = host.link.dial(port).await.unwrap();
        let word = format!("{n:04}");
        tunnel.write_all(word.as_bytes()).await.unwrap();
        says(&mut tunnel, &word).await;
        tunnel
    });
    assert_eq!(soon("all of them", futures::future::join_all(talks)).await.len(), 5 * MAX_HANDED);
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_told_as_by_the_link() {
    let runtime = Runtime::start();
    let host = runtime.local_host().await;
    let (listener, port) = listen().await;
    drop(listener);
    assert!(matches!(host.link.dial(port).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_connection_elsewhere_is_not_taken() {
    let (asked, other) = (echo().await, echo().await);
    let elsewhere = TcpStream::connect(("127.0.0.1", other)).await.unwrap();
    let link = liar(hello(), &[elsewhere.into_std().unwrap().into()]).await;
    assert!(matches!(link.dial(asked).await, Err(Error::Protocol(_))));
}

#[tokio::test]
async fn what_is_no_connection_is_not_taken() {
    let (listener, port) = listen().await;
    let (pipe, _) = UnixStream::pair().unwrap();
    let listening: OwnedFd = listener.into_std().unwrap().into();
    let file = std::fs::File::open("/dev/null").unwrap();
    for wrong in [pipe.into_std().unwrap().into(), listening, file.into()] {
        let link = liar(hello(), &[wrong]).await;
        assert!(matches!(link.dial(port).await, Err(Error::Protocol(_))));
    }
}

#[tokio::test]
async fn a_connection_that_did_not_come_along_is_an_error() {
    let link = liar(hello(), &[]).await;
    assert!(matches!(link.dial(echo().await).await, Err(Error::Protocol(_))));
}

#[tokio::test]
async fn nobody_waits_where_the_supervisor_changes_the_flags_of_a_connection() {
    let (listener, port) = listen().await;
    let handed = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let kept = handed.try_clone().unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let link = liar(hello(), &[handed.into()]).await;
    let mut tunnel = link.dial(port).await.unwrap();
    kept.set_nonblocking(false).unwrap();
    server.write_all(b"x").await.unwrap();
    says(&mut tunnel, "x").await;
    // The next byte is not there: a read that waits for it would hold up the deadline, too.
    assert!(timeout(Duration::from_millis(50), tunnel.read_u8()).await.is_err());
}

#[tokio::test]
async fn what_nobody_asked_for_is_closed() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let one: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let many: Vec<OwnedFd> = (0..20 * MAX_HANDED).map(|_| one.try_clone().unwrap()).collect();
    let before = open();
    let link = liar(hello(), &many).await;
    // Whatever is answered, it comes behind all that was sent along.
    let _ = soon("an answer", link.ping()).await;
    let sockets = 2;
    assert_eq!(open(), before + sockets + MAX_HANDED);
}

#[tokio::test]
async fn a_supervisor_that_hands_over_nothing_is_reached_by_the_link() {
    let link = liar(Hello { minor: 1, ..hello() }, &[]).await;
    let mut tunnel = link.dial(echo().await).await.unwrap();
    says(&mut tunnel, "by the link").await;
}
