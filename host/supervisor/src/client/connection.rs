//! A TCP connection inside the runtime that its supervisor made and handed over.
//!
//! It may still be in the supervisor's hands, and a socket's flags are everybody's who holds it.
//! So each call says by itself that it does not wait, and closing never lingers.

use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::sockopt::{set_socket_linger, socket_acceptconn, socket_protocol};
use rustix::net::{RecvFlags, SendFlags, ipproto, recv, send};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::Error;

#[derive(Debug)]
pub(super) struct Connection(TcpStream);

impl Connection {
    /// Takes what was asked for, and nothing else: a connection to this port on a loopback.
    pub(super) fn new(handed: OwnedFd, port: u16) -> Result<Self, Error> {
        let what = "what was handed over is no connection to port";
        if !is_tcp(&handed) {
            return Err(Error::Protocol(format!("{what} {port}")));
        }
        let stream = StdStream::from(handed);
        match stream.peer_addr() {
            Ok(peer) if peer.port() == port && peer.ip().is_loopback() => {}
            _ => return Err(Error::Protocol(format!("{what} {port}"))),
        }
        let prepared = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        prepared.map(Self).map_err(|_| Error::Closed)
    }
}

fn is_tcp(handed: &OwnedFd) -> bool {
    socket_protocol(handed) == Ok(Some(ipproto::TCP)) && socket_acceptconn(handed) == Ok(false)
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Where this fails there is nothing that could linger.
        let _ = set_socket_linger(&self.0, None);
    }
}

impl AsyncRead for Connection {
    #[expect(unsafe_code, reason = "a buffer is not filled with zeros before it is read into")]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: the kernel writes bytes, and nobody makes anything uninitialised.
        let unfilled = unsafe { buf.unfilled_mut() };
        let mut receive = || Ok(recv(&self.0, &mut *unfilled, RecvFlags::DONTWAIT)?.1);
        let length = loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_io(Interest::READABLE, &mut receive) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                received => break received?,
            }
        };
        // SAFETY: the kernel has written so many bytes.
        unsafe { buf.assume_init(length) };
        buf.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_io(Interest::WRITABLE, || Ok(send(&self.0, buf, flags)?)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
