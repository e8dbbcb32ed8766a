//! Moves the link's bytes and takes what the supervisor opens by itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::taking::Handed;
use super::wire::{FrameStream, Wire, out_of_place};
use super::{Config, Link, OpenRequest, Tunnel};
use crate::Error;
use crate::protocol::{
    Event, ExecState, Exit, Frame, Hello, LINK_BUFFER_BYTES, Open, ProcessState, multiplexer_config,
};

/// Requests to open a stream that wait for the driver.
const OPEN_REQUESTS: usize = 64;

/// What the supervisor does by itself.
#[derive(Debug)]
pub enum InboundEvent {
    /// A program in the runtime connected to the proxy: raw bytes both ways.
    Egress(Tunnel),
    PortOpened(u16),
    PortClosed(u16),
    TerminalExited {
        session: String,
        exit: Exit,
    },
    ProcessChanged(ProcessState),
    ExecEnded(ExecState),
}

impl From<Event> for InboundEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::PortOpened(port) => Self::PortOpened(port),
            Event::PortClosed(port) => Self::PortClosed(port),
            Event::TerminalExited { session, exit } => Self::TerminalExited { session, exit },
            Event::ProcessChanged(state) => Self::ProcessChanged(state),
            Event::ExecEnded(state) => Self::ExecEnded(state),
        }
    }
}

/// Events of a link in the order they came; `None` when the link has ended.
#[derive(Debug)]
pub struct Inbound(mpsc::Receiver<InboundEvent>);

impl Inbound {
    pub async fn next(&mut self) -> Option<InboundEvent> {
        self.0.recv().await
    }
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Connection for S {}

/// The future that moves the link's bytes. Poll it in one task to its end; drop it to close.
#[must_use = "a link does nothing unless its driver is polled"]
pub struct Driver {
    connection: yamux::Connection<Compat<Box<dyn Connection>>>,
    requests: mpsc::Receiver<OpenRequest>,
    parked: Option<OpenRequest>,
    inbound: mpsc::Sender<InboundEvent>,
    egress: Arc<Semaphore>,
    config: Config,
    /// First messages of streams that the supervisor opened, and the stream of events.
    side: FuturesUnordered<BoxFuture<'static, Result<(), Error>>>,
    _closed: DropGuard,
}

/// `handed` is what the supervisor hands over on this stream, where it can.
pub(super) fn start<S>(
    stream: S,
    hello: Hello,
    handed: Option<Handed>,
    config: Config,
) -> (Link, Driver, Inbound)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (opener, requests) = mpsc::channel(OPEN_REQUESTS);
    let (inbound, events) = mpsc::channel(config.inbound_buffer.max(1));
    let closed = CancellationToken::new();
    let stream = BufStream::with_capacity(LINK_BUFFER_BYTES, LINK_BUFFER_BYTES, stream);
    let stream: Box<dyn Connection> = Box::new(stream);
    let link = Link::new(hello, config.clone(), (opener, handed), closed.clone());
    let side = FuturesUnordered::new();
    side.push(follow_events(link.clone(), inbound.clone()).boxed());
    let driver = Driver {
        connection: yamux::Connection::new(
            stream.compat(),
            multiplexer_config(),
            yamux::Mode::Client,
        ),
        requests,
        parked: None,
        inbound,
        egress: Arc::new(Semaphore::new(config.max_egress)),
        config,
        side,
        _closed: closed.drop_guard(),
    };
    (link, driver, Inbound(events))
}

impl Driver {
    /// Opens the streams that are asked for.
    fn poll_requests(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            let Some(request) = self.parked.take().or_else(|| self.next_request(cx)) else {
                return Ok(());
            };
            match self.connection.poll_new_outbound(cx) {
                // A caller that gave up drops its end, and with it the stream.
                Poll::Ready(opened) => drop(request.send(Ok(opened.map_err(ended)?))),
                // Too many streams wait for the supervisor's first answer; more may follow then.
                Poll::Pending => {
                    self.parked = Some(request);
                    return Ok(());
                }
            }
        }
    }

    fn next_request(&mut self, cx: &mut Context<'_>) -> Option<OpenRequest> {
        match self.requests.poll_recv(cx) {
            Poll::Ready(request) => request,
            Poll::Pending => None,
        }
    }

    fn take_inbound(&mut self, stream: yamux::Stream) {
        // Beyond the limit the stream is dropped, which resets it.
        if let Ok(permit) = Arc::clone(&self.egress).try_acquire_owned() {
            let stream = FrameStream::new(Wire::new(stream, Some(permit)));
            let inbound = self.inbound.clone();
            let greeting = greet_egress(stream, inbound, self.config.clone());
            self.side.push(greeting.boxed());
        }
    }
}

/// How the connection's end looks to the caller: a peer that hangs up is no mistake of protocol.
fn ended(error: yamux::ConnectionError) -> Error {
    match error {
        yamux::ConnectionError::Io(_) | yamux::ConnectionError::Closed => Error::Closed,
        other => Error::Protocol(other.to_string()),
    }
}

impl Future for Driver {
    /// `Closed` when the supervisor hung up, `Protocol` when it broke the rules.
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            if let Err(error) = self.poll_requests(cx) {
                return Poll::Ready(error);
            }
            let inbound = match self.connection.poll_next_inbound(cx) {
                Poll::Ready(None) => return Poll::Ready(Error::Closed),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(ended(error)),
                Poll::Ready(Some(Ok(stream))) => Some(stream),
                Poll::Pending => None,
            };
            let took = inbound.is_some();
            if let Some(stream) = inbound {
                self.take_inbound(stream);
            }
            match self.side.poll_next_unpin(cx) {
                Poll::Ready(Some(Err(error @ Error::Protocol(_)))) => return Poll::Ready(error),
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) | Poll::Pending if took => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Reads what a stream opened by the supervisor is for; only egress is known.
async fn greet_egress(
    mut stream: FrameStream,
    inbound: mpsc::Sender<InboundEvent>,
    config: Config,
) -> Result<(), Error> {
    let Ok(first) = tokio::time::timeout(config.handshake_timeout, stream.next()).await else {
        return Ok(());
    };
    match first {
        Some(Ok(Frame::Open(Open::Egress))) => {
            let _ = inbound.send(InboundEvent::Egress(stream.into_tunnel())).await;
            Ok(())
        }
        Some(Ok(other)) => Err(out_of_place(&other)),
        Some(Err(error)) => Err(error),
        None => Ok(()),
    }
}

/// Carries the supervisor's events to the caller, as long as both last.
async fn follow_events(link: Link, inbound: mpsc::Sender<InboundEvent>) -> Result<(), Error> {
    let all = link.hello().minor >= 1;
    let open = if all { Open::AllEvents } else { Open::Events };
    let (_, mut stream) = link.request(open, std::time::Duration::ZERO).await?;
    // The link's handle must not live here: the driver owns this future and closes the link.
    drop(link);
    while let Some(frame) = stream.next().await {
        let event = match frame? {
            Frame::Event(event) => event.into(),
            other => return Err(out_of_place(&other)),
        };
        if inbound.send(event).await.is_err() {
            break;
        }
    }
    Ok(())
}
