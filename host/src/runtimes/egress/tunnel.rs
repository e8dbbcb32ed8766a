//! Room: runtimes. Bytes both ways once a `CONNECT` is allowed, and the look at
//! the first of them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::hello::{ALERT, Hello, MAX_HELLO_BYTES};
use super::rules::Rule;

/// What is held of each direction.
const BUFFER_BYTES: usize = 32 * 1024;

/// How a tunnel ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides were done, or one broke off.
    Done,
    /// What the client sent first was not what `CONNECT` said.
    Refused(Rule),
}

/// Carries bytes until both sides are done. Each side's end is passed on to the
/// other, which may go on. Nothing reaches the outside before `hello` has passed;
/// `passed` is told when it has. Where `most` is given, no more bytes may leave:
/// then it is an upload.
pub(super) async fn run<I, O>(
    inside: I,
    outside: O,
    (hello, most): (Hello, Option<u64>),
    passed: impl FnOnce(),
) -> End
where
    I: AsyncRead + AsyncWrite + Unpin,
    O: AsyncRead + AsyncWrite + Unpin,
{
    let (mut inside_read, mut inside_write) = tokio::io::split(inside);
    let (mut outside_read, mut outside_write) = tokio::io::split(outside);
    let leaving = async {
        greet(&mut inside_read, &mut outside_write, hello).await?;
        passed();
        copy(&mut inside_read, &mut outside_write, most).await
    };
    let coming = copy(&mut outside_read, &mut inside_write, None);
    let ended = tokio::try_join!(leaving, coming);
    let Err(Broken::Refused(rule)) = ended else { return End::Done };
    // The client may be gone; then nobody needs to be told.
    let _ = inside_write.write_all(&ALERT).await;
    let _ = inside_write.shutdown().await;
    End::Refused(rule)
}

/// Why a direction ended early.
enum Broken {
    Off,
    Refused(Rule),
}

/// Holds the client's first bytes back until they have passed.
async fn greet<R, W>(from: &mut R, to: &mut W, mut hello: Hello) -> Result<(), Broken>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut held = Vec::new();
    let limit = hello.timeout;
    let reading = async {
        let mut passed = false;
        while !passed {
            let start = held.len();
            let read = from.take(BUFFER_BYTES as u64).read_buf(&mut held).await;
            match read {
                Ok(0) if start == 0 => return Err(Broken::Off),
                Ok(0) => return Err(Broken::Refused(Rule::NotTls)),
                Ok(_) => passed = hello.take(&held[start..]).map_err(Broken::Refused)?,
                Err(_) => return Err(Broken::Off),
            }
            debug_assert!(passed || held.len() <= MAX_HELLO_BYTES);
        }
        Ok(())
    };
    let read = timeout(limit, reading).await;
    // A client that opened a tunnel ahead of need and never spoke tried nothing.
    let late = if held.is_empty() { Broken::Off } else { Broken::Refused(Rule::NotTls) };
    read.unwrap_or(Err(late))?;
    to.write_all(&held).await.map_err(|_| Broken::Off)
}

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Self {
        Self::Off
    }
}

async fn copy<R, W>(from: &mut R, to: &mut W, most: Option<u64>) -> Result<(), Broken>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut left = most.unwrap_or(u64::MAX);
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(to.shutdown().await?);
        }
        left = left.checked_sub(read as u64).ok_or(Broken::Refused(Rule::Upload))?;
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
    }
}
