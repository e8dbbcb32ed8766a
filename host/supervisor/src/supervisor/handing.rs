//! The link's socket on this side: connections are handed over to the host along with its bytes.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use lockhouse_supervisor::protocol::MAX_HANDED;
use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;

/// Connections on their way to one host. Cloning is cheap.
#[derive(Clone, Default)]
pub(super) struct Handing(Rc<RefCell<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// How many were ever handed over; they are numbered from 1.
    count: u64,
    /// All of them go with the next bytes, so each is there before the message that names it.
    connections: Vec<OwnedFd>,
}

impl Handing {
    /// Hands it over; answers its number, or nothing where too many wait.
    pub(super) fn hand_over(&self, connection: OwnedFd) -> Option<u64> {
        let mut waiting = self.0.borrow_mut();
        if waiting.connections.len() >= MAX_HANDED {
            return None;
        }
        waiting.connections.push(connection);
        waiting.count += 1;
        Some(waiting.count)
    }

    fn is_empty(&self) -> bool {
        self.0.borrow().connections.is_empty()
    }

    fn send_along(&self, socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        let waiting = &mut self.0.borrow_mut().connections;
        let descriptors: Vec<_> = waiting.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_HANDED))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        along.push(SendAncillaryMessage::ScmRights(&descriptors));
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = sendmsg(socket, &[IoSlice::new(bytes)], &mut along, flags)?;
        waiting.clear();
        Ok(sent)
    }
}

/// The socket of a link.
pub(super) struct Socket {
    stream: UnixStream,
    handing: Handing,
}

impl Socket {
    pub(super) fn new(stream: UnixStream, handing: Handing) -> Self {
        Self { stream, handing }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() || self.handing.is_empty() {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let send = || self.handing.send_along(self.stream.as_fd(), buf);
            match self.stream.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
