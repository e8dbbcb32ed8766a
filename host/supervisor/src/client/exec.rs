//! A command that runs in the runtime, seen from the host.

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio_util::codec::Framed;

use super::Link;
use super::wire::{FrameStream, Wire, out_of_place};
use crate::Error;
use crate::protocol::{Codec, ExecId, ExecState, Exit, Frame, OUTPUT_CHUNK_BYTES, OutputStream};

/// What comes from a command. `Exit` is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecEvent {
    Output {
        stream: OutputStream,
        /// Number of the first byte, counted over both streams together.
        seq: u64,
        bytes: Bytes,
    },
    /// Output that was dropped while no host was attached.
    Skipped { from: u64, to: u64 },
    /// The command has ended, and everything it started is gone.
    Exit(Exit),
}

/// A running command: its output, and its input.
#[derive(Debug)]
pub struct ExecStream {
    pub input: ExecInput,
    pub output: ExecOutput,
}

/// What the host sends to a command.
#[derive(Debug)]
pub struct ExecInput {
    link: Link,
    id: ExecId,
    orders: SplitSink<Framed<Wire, Codec>, Frame>,
    /// Opened by the first write. It is a stream of its own, so that a command that does not read
    /// can still be signalled.
    stdin: Option<FrameStream>,
}

/// What the host gets from a command.
#[derive(Debug)]
pub struct ExecOutput {
    state: ExecState,
    frames: SplitStream<Framed<Wire, Codec>>,
    ended: bool,
}

impl ExecStream {
    pub(super) fn new(link: Link, state: ExecState, stream: FrameStream) -> Self {
        let (orders, frames) = stream.0.split();
        let input = ExecInput { link, id: state.id.clone(), orders, stdin: None };
        Self { input, output: ExecOutput { state, frames, ended: false } }
    }

    /// The command as it was when the stream was opened.
    #[must_use]
    pub fn state(&self) -> &ExecState {
        &self.output.state
    }

    /// The next event; `None` after `Exit` or an error. `Err(Closed)` means the link is lost: the
    /// command goes on and can be attached to over the next one.
    pub async fn next(&mut self) -> Option<Result<ExecEvent, Error>> {
        self.output.next().await
    }

    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.input.write(bytes).await
    }

    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn close_stdin(&mut self) -> Result<(), Error> {
        self.input.close_stdin().await
    }

    /// Leaves standard input to others, once the command's pipe has what was written.
    ///
    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn leave_stdin(&mut self) -> Result<(), Error> {
        match self.input.stdin.take() {
            Some(stdin) => ExecStdin(stdin).finish(false).await,
            None => Ok(()),
        }
    }

    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn signal(&mut self, signal: i32) -> Result<(), Error> {
        self.input.signal(signal).await
    }

    /// Closes the stream without ending the command.
    ///
    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn leave(mut self) -> Result<(), Error> {
        self.input.orders.send(Frame::Leave).await.map_err(Error::from)
    }
}

impl ExecInput {
    /// Writes to standard input. Waits while the command does not read.
    ///
    /// # Errors
    /// `Closed` when the link or the command has ended or it closed its input, `Refused` when it
    /// was started without.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        write(self.stdin().await?, bytes).await
    }

    async fn stdin(&mut self) -> Result<&mut FrameStream, Error> {
        let stdin = match self.stdin.take() {
            Some(stdin) => stdin,
            None => self.link.open_exec_input(self.id.clone()).await?,
        };
        Ok(self.stdin.insert(stdin))
    }

    /// Ends standard input.
    ///
    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn close_stdin(&mut self) -> Result<(), Error> {
        let stdin = self.stdin().await?;
        stdin.0.send(Frame::InputEnd).await.map_err(Error::from)
    }

    /// Sends a signal to the command's process group.
    ///
    /// # Errors
    /// `Closed` when the link or the command has ended.
    pub async fn signal(&mut self, signal: i32) -> Result<(), Error> {
        self.orders.send(Frame::Signal(signal)).await.map_err(Error::from)
    }
}

/// What one writer gives to a command's standard input.
#[derive(Debug)]
pub struct ExecStdin(FrameStream);

impl ExecStdin {
    pub(super) fn new(stream: FrameStream) -> Self {
        Self(stream)
    }

    /// Waits while the command does not read.
    ///
    /// # Errors
    /// `Closed` when the link or the command has ended or it closed its input.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        write(&mut self.0, bytes).await
    }

    /// Leaves the input to the next writer, or, where `end` is true, ends it. Answers once the
    /// command's pipe has all that was written.
    ///
    /// # Errors
    /// `Closed` when the link has ended.
    pub async fn finish(mut self, end: bool) -> Result<(), Error> {
        if end {
            self.0.0.send(Frame::InputEnd).await?;
        }
        self.0.0.close().await?;
        match self.0.next().await {
            None => Ok(()),
            Some(Ok(Frame::Failure(failure))) => Err(failure.into()),
            Some(Ok(frame)) => Err(out_of_place(&frame)),
            Some(Err(error)) => Err(error),
        }
    }
}

async fn write(stdin: &mut FrameStream, mut bytes: Bytes) -> Result<(), Error> {
    while !bytes.is_empty() {
        let chunk = bytes.split_to(bytes.len().min(OUTPUT_CHUNK_BYTES));
        stdin.0.send(Frame::Input(chunk)).await?;
    }
    Ok(())
}

impl ExecOutput {
    /// See [`ExecStream::next`].
    pub async fn next(&mut self) -> Option<Result<ExecEvent, Error>> {
        if self.ended {
            return None;
        }
        let event = match self.frames.next().await {
            Some(Ok(frame)) => event(frame),
            Some(Err(error)) => Err(error.into()),
            None => Err(Error::Closed),
        };
        self.ended = matches!(event, Err(_) | Ok(ExecEvent::Exit(_)));
        Some(event)
    }
}

fn event(frame: Frame) -> Result<ExecEvent, Error> {
    match frame {
        Frame::Output { stream, seq, bytes } => Ok(ExecEvent::Output { stream, seq, bytes }),
        Frame::Skipped { from, to } => Ok(ExecEvent::Skipped { from, to }),
        Frame::Exit(exit) => Ok(ExecEvent::Exit(exit)),
        other => Err(out_of_place(&other)),
    }
}
