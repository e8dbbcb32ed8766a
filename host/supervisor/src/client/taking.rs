//! The link's socket where both sides have one kernel: the supervisor hands over connections
//! along with its bytes.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;

use crate::protocol::MAX_HANDED;

/// What was handed over and not taken yet, by the supervisor's numbers. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Handed(Arc<Mutex<Arrived>>);

#[derive(Debug, Default)]
struct Arrived {
    /// How many ever came; they are numbered from 1 in the order in which they come.
    count: u64,
    waiting: BTreeMap<u64, OwnedFd>,
    /// Those who have asked for one and have not taken it.
    asking: usize,
}

impl Handed {
    /// Says that one will be taken.
    pub(super) fn ask(&self) -> Asking {
        self.lock().asking += 1;
        Asking(self.clone())
    }

    /// The eldest goes where more wait than were asked for, but for a few whose askers may have
    /// given up meanwhile.
    fn keep(&self, descriptor: OwnedFd) {
        let mut arrived = self.lock();
        arrived.count += 1;
        let number = arrived.count;
        arrived.waiting.insert(number, descriptor);
        if arrived.waiting.len() > arrived.asking + MAX_HANDED {
            arrived.waiting.pop_first();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for a connection.
pub(super) struct Asking(Handed);

impl Asking {
    pub(super) fn take(&self, number: u64) -> Option<OwnedFd> {
        self.0.lock().waiting.remove(&number)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
    }
}

/// The socket; what comes along with its bytes is kept in [`Handed`].
#[derive(Debug)]
pub(super) struct Taking {
    socket: UnixStream,
    handed: Handed,
}

impl Taking {
    pub(super) fn new(socket: UnixStream) -> (Self, Handed) {
        let handed = Handed::default();
        (Self { socket, handed: handed.clone() }, handed)
    }

    /// The kernel closes what has no room in `space`.
    fn receive(&self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_HANDED))];
        let mut along = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let mut bytes = [IoSliceMut::new(buf.initialize_unfilled())];
        let received = recvmsg(&self.socket, &mut bytes, &mut along, flags)?;
        buf.advance(received.bytes);
        for message in along.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                descriptors.for_each(|descriptor| self.handed.keep(descriptor));
            }
        }
        Ok(())
    }
}

impl AsyncRead for Taking {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            match self.socket.try_io(Interest::READABLE, || self.receive(buf)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => return Poll::Ready(received),
            }
        }
    }
}

impl AsyncWrite for Taking {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
