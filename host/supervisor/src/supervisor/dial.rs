//! Connects the host to ports on the runtime's loopback; carries raw bytes.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use lockhouse_supervisor::protocol::{CodecError, Failure, Reply};
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::conversation::{Frames, reply};
use super::handing::Handing;
use super::{not_found, refused};

/// Time for a connection on loopback, whose only delay is a full backlog.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// A side that takes nothing for so long is gone.
const STALL_MS: u32 = 120_000;
const STALL_DEADLINE: Duration = Duration::from_millis(STALL_MS as u64);
/// As much as a frame of the multiplexer carries.
const BUFFER_BYTES: usize = 32 * 1024;

pub(super) async fn serve(port: u16, mut frames: Frames) -> Result<(), CodecError> {
    let server = match dial(port).await {
        Ok(server) => server,
        Err(failure) => return reply(&mut frames, Err(failure)).await.map(drop),
    };
    reply(&mut frames, Ok(Reply::Done)).await?;
    let parts = frames.into_parts();
    let (server, host) = (split(server), split(parts.io));
    join(server, host, &parts.read_buf).await.map_err(CodecError::from)
}

/// Connects, and gives the connection away.
pub(super) async fn hand_over(port: u16, handing: &Handing) -> Result<Reply, Failure> {
    let server = dial(port).await?;
    let given = given_away(server).map_err(|error| refused(error.to_string()))?;
    let number = handing.hand_over(given);
    number.map(Reply::Handed).ok_or_else(|| refused("too many connections are on their way"))
}

/// Nobody here sees any more whether the server takes what it is sent; the kernel does.
fn given_away(server: TcpStream) -> io::Result<OwnedFd> {
    set_tcp_user_timeout(&server, STALL_MS)?;
    Ok(server.into_std()?.into())
}

async fn dial(port: u16) -> Result<TcpStream, Failure> {
    let nobody = |error| not_found(format!("nothing answers on port {port}: {error}"));
    connect(port).await.map_err(nobody)
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let first = connect_to(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
    let server = match first {
        Ok(server) => server,
        // The first error says more: most runtimes have no IPv6 at all.
        Err(error) => {
            connect_to(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await.map_err(|_| error)?
        }
    };
    server.set_nodelay(true)?;
    Ok(server)
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await?
}

/// Carries bytes between `program` and `host` until both directions have ended. `ahead` came from
/// the host already.
pub(super) async fn join<R, W, S, T>(program: (R, W), host: (S, T), ahead: &[u8]) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    S: AsyncRead + Unpin,
    T: AsyncWrite + Unpin,
{
    let ((program_out, mut program_in), (host_out, host_in)) = (program, host);
    program_in.write_all(ahead).await?;
    tokio::try_join!(pump(program_out, host_in), pump(host_out, program_in))?;
    Ok(())
}

async fn pump<R, W>(mut from: R, mut to: W) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let written = async {
            to.write_all(&buffer[..length]).await?;
            to.flush().await
        };
        timeout(STALL_DEADLINE, written).await??;
    }
}
