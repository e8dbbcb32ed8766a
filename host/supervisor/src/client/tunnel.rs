//! Raw bytes both ways: a dialled port, or a program's connection to the proxy.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::wire::Wire;

/// A byte stream with half-close: `shutdown` ends one direction, dropping ends both.
#[derive(Debug)]
pub struct Tunnel(Way);

#[derive(Debug)]
enum Way {
    /// `ahead` came in behind the frame that opened the tunnel.
    Link { wire: Wire, ahead: Bytes },
    /// Past the link.
    Direct(Connection),
}

impl Tunnel {
    pub(super) fn through(wire: Wire, ahead: Bytes) -> Self {
        Self(Way::Link { wire, ahead })
    }
}

impl From<Connection> for Tunnel {
    fn from(connection: Connection) -> Self {
        Self(Way::Direct(connection))
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Link { ahead, .. } if !ahead.is_empty() => {
                let length = ahead.len().min(buf.remaining());
                buf.put_slice(&ahead.split_to(length));
                Poll::Ready(Ok(()))
            }
            Way::Link { wire, .. } => Pin::new(wire).poll_read(cx, buf),
            Way::Direct(connection) => Pin::new(connection).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Way::Link { wire, .. } => Pin::new(wire).poll_write(cx, buf),
            Way::Direct(connection) => Pin::new(connection).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Link { wire, .. } => Pin::new(wire).poll_flush(cx),
            Way::Direct(connection) => Pin::new(connection).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Link { wire, .. } => Pin::new(wire).poll_shutdown(cx),
            Way::Direct(connection) => Pin::new(connection).poll_shutdown(cx),
        }
    }
}
