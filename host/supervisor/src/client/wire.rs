//! A multiplexed stream with its permit, and frames on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::codec::{Framed, FramedParts};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use super::Tunnel;
use crate::Error;
use crate::protocol::{
    Codec, Failure, FailureCode, Frame, Hello, MAJOR, MINOR, Open, Reply, Welcome, read_frame,
    write_frame,
};

/// A stream that gives its permit back when dropped.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Compat<yamux::Stream>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Wire {
    pub(super) fn new(stream: yamux::Stream, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream: stream.compat(), _permit: permit }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Frames in and out of one stream.
#[derive(Debug)]
pub(super) struct FrameStream(pub(super) Framed<Wire, Codec>);

impl FrameStream {
    pub(super) fn new(wire: Wire) -> Self {
        Self(Framed::new(wire, Codec))
    }

    pub(super) async fn ask(&mut self, open: Open) -> Result<Reply, Error> {
        self.0.send(Frame::Open(open)).await?;
        match self.next().await.ok_or(Error::Closed)?? {
            Frame::Reply(reply) => Ok(reply),
            Frame::Failure(failure) => Err(failure.into()),
            other => Err(out_of_place(&other)),
        }
    }

    pub(super) async fn next(&mut self) -> Option<Result<Frame, Error>> {
        self.0.next().await.map(|frame| frame.map_err(Error::from))
    }

    /// Leaves frames behind: from here on the stream carries raw bytes.
    pub(super) fn into_tunnel(self) -> Tunnel {
        let FramedParts { io, read_buf, .. } = self.0.into_parts();
        Tunnel::through(io, read_buf.freeze())
    }
}

pub(super) fn out_of_place(frame: &Frame) -> Error {
    Error::Protocol(format!("a frame out of place: {frame:?}").chars().take(200).collect())
}

/// Reads the hello and answers it.
pub(super) async fn greet<S>(stream: &mut S) -> Result<Hello, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let hello = match read_frame(stream).await? {
        Frame::Hello(hello) => hello,
        other => return Err(out_of_place(&other)),
    };
    if hello.major != MAJOR {
        write_frame(stream, Frame::Failure(other_version(&hello))).await?;
        return Err(Error::Version {
            theirs: format!("{}.{}", hello.major, hello.minor),
            ours: format!("{MAJOR}.{MINOR}"),
        });
    }
    write_frame(stream, Frame::Welcome(Welcome { major: MAJOR, minor: MINOR })).await?;
    Ok(hello)
}

fn other_version(hello: &Hello) -> Failure {
    Failure {
        code: FailureCode::Version,
        message: format!(
            "the host speaks protocol {MAJOR}.{MINOR}, the supervisor {}.{}",
            hello.major, hello.minor
        ),
        process: None,
    }
}
