//! What a host must bear from a supervisor that lies, and the supervisor from a host.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::{Config, Link, establish};
use lockhouse_supervisor::protocol::{
    Codec, Frame, Hello, MAJOR, MINOR, Welcome, multiplexer_config,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_util::codec::Framed;
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::harness::{Runtime, shell, soon};

pub(crate) fn hello() -> Hello {
    Hello {
        major: MAJOR,
        minor: MINOR,
        version: "0".into(),
        boot: "b".into(),
        pid_one: true,
        execs: vec![],
        terminals: vec![],
        process: None,
        ports: vec![],
        key: None,
    }
}

fn hasty() -> Config {
    let short = Duration::from_millis(100);
    Config { handshake_timeout: short, request_timeout: short, ..Config::default() }
}

/// A host's link to a supervisor that does as the test says.
async fn liar() -> (Link, tokio::task::JoinHandle<Error>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (made, theirs) = tokio::join!(establish(ours, hasty()), greet_as(hello(), theirs));
    let (link, driver, _inbound) = made.unwrap();
    (link, tokio::spawn(driver), theirs)
}

/// Plays the supervisor until it is welcome.
pub(crate) async fn greet_as(hello: Hello, socket: UnixStream) -> UnixStream {
    let mut frames = Framed::new(socket, Codec);
    frames.send(Frame::Hello(hello)).await.unwrap();
    assert!(matches!(frames.next().await, Some(Ok(Frame::Welcome(_)))));
    frames.into_inner()
}

#[tokio::test]
async fn a_supervisor_that_says_nothing_is_given_up() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    assert!(matches!(establish(ours, hasty()).await, Err(Error::Timeout(_))));
}

#[tokio::test]
async fn a_hello_without_end_is_refused_at_its_header() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(&[1, 0xff, 0xff, 0xff, 0xff]).await.unwrap();
    assert!(matches!(establish(ours, hasty()).await, Err(Error::Protocol(_))));
}

#[tokio::test]
async fn another_version_is_told_apart_on_both_sides() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut frames = Framed::new(theirs, Codec);
    frames.send(Frame::Hello(Hello { major: MAJOR + 1, ..hello() })).await.unwrap();
    assert!(matches!(establish(ours, hasty()).await, Err(Error::Version { .. })));
    let told = frames.next().await.unwrap().unwrap();
    assert!(matches!(told, Frame::Failure(failure) if failure.message.contains("protocol")));
}

#[tokio::test]
async fn a_supervisor_that_never_answers_costs_one_deadline() {
    let (link, _driver, _theirs) = liar().await;
    assert!(matches!(soon("the deadline", link.ping()).await, Err(Error::Timeout(_))));
    assert!(link.is_open());
}

#[tokio::test]
async fn noise_in_place_of_frames_ends_the_link() {
    let (link, driver, mut theirs) = liar().await;
    theirs.write_all(&[0xaa; 4096]).await.unwrap();
    let why = soon("the driver's end", driver).await.unwrap();
    assert!(matches!(why, Error::Protocol(_)), "{why}");
    assert!(!link.is_open());
}

#[tokio::test]
async fn streams_without_number_end_the_link_and_no_more() {
    let (link, driver, theirs) = liar().await;
    let mode = yamux::Mode::Server;
    let mut connection = yamux::Connection::new(theirs.compat(), yamux::Config::default(), mode);
    let mut held = Vec::new();
    let flood = std::future::poll_fn(|cx| {
        use std::task::Poll;
        loop {
            if let Poll::Ready(Err(_)) =
                connection.poll_new_outbound(cx).map_ok(|stream| held.push(stream))
            {
                return Poll::Ready(());
            }
            match connection.poll_next_inbound(cx) {
                Poll::Ready(None | Some(Err(_))) => return Poll::Ready(()),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Pending if held.len() > 4000 => return Poll::Ready(()),
                Poll::Pending if held.len().is_multiple_of(64) => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    });
    let _ = tokio::time::timeout(Duration::from_secs(1), flood).await;
    // Whatever it did, the host's side answers within its deadlines.
    let _ = soon("an answer", link.ping()).await;
    drop((connection, held));
    soon("the driver's end", driver).await.unwrap();
}

#[tokio::test]
async fn a_host_that_talks_nonsense_loses_its_link_and_nothing_else() {
    let runtime = Runtime::start();
    let mut stream = runtime.accept().await;
    stream.write_all(&[0xee; 100_000]).await.ok();
    let mut rest = Vec::new();
    let _ = soon("the supervisor to hang up", stream.read_to_end(&mut rest)).await;
    let host = runtime.host().await;
    assert_eq!(shell(&host.link, "a", "echo fine").await.stdout(), "fine\n");
}

#[tokio::test]
async fn a_stream_of_nonsense_harms_no_other_stream() {
    let runtime = Runtime::start();
    let mut frames = Framed::new(runtime.accept().await, Codec);
    assert!(matches!(soon("hello", frames.next()).await, Some(Ok(Frame::Hello(_)))));
    frames.send(Frame::Welcome(Welcome { major: MAJOR, minor: MINOR })).await.unwrap();
    let stream = frames.into_inner().compat();
    let mut connection = yamux::Connection::new(stream, multiplexer_config(), yamux::Mode::Client);
    let mut bad = std::future::poll_fn(|cx| connection.poll_new_outbound(cx)).await.unwrap();
    let drive = tokio::spawn(async move {
        while std::future::poll_fn(|cx| connection.poll_next_inbound(cx)).await.is_some() {}
    });
    futures::AsyncWriteExt::write_all(&mut bad, &[0xff; 64]).await.unwrap();
    futures::AsyncWriteExt::flush(&mut bad).await.unwrap();
    let mut end = Vec::new();
    let _ = soon("its end", futures::AsyncReadExt::read_to_end(&mut bad, &mut end)).await;
    assert!(!drive.is_finished());
    drive.abort();
}
