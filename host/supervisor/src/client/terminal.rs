//! An attachment to a terminal session, seen from the host.

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio_util::codec::Framed;

use super::wire::{FrameStream, Wire, out_of_place};
use crate::Error;
use crate::protocol::{Codec, Frame, OUTPUT_CHUNK_BYTES, TerminalState};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEvent {
    Output {
        /// Number of the first byte.
        seq: u64,
        bytes: Bytes,
    },
    /// Output that this attachment will not get: no longer kept, or it was too slow.
    Skipped { from: u64, to: u64 },
    /// Size, title, clients or directory changed, or the session's program has ended, which is
    /// the last event.
    State(TerminalState),
}

/// Keystrokes, sizes and acknowledgements. Dropping both halves detaches.
#[derive(Debug)]
pub struct TerminalInput(SplitSink<Framed<Wire, Codec>, Frame>);

/// Output and state. The first event is the state at attachment.
#[derive(Debug)]
pub struct TerminalOutput {
    first: Option<TerminalState>,
    frames: SplitStream<Framed<Wire, Codec>>,
    ended: bool,
}

pub(super) fn attached(
    state: TerminalState,
    stream: FrameStream,
) -> (TerminalInput, TerminalOutput) {
    let (sink, frames) = stream.0.split();
    (TerminalInput(sink), TerminalOutput { first: Some(state), frames, ended: false })
}

impl TerminalInput {
    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(OUTPUT_CHUNK_BYTES));
            self.0.send(Frame::Input(chunk)).await?;
        }
        Ok(())
    }

    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn resize(&mut self, cols: u16, rows: u16) -> Result<(), Error> {
        self.0.send(Frame::Resize { cols, rows }).await.map_err(Error::from)
    }

    /// Says that all output before `seq` was consumed, so that more may come.
    ///
    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn ack(&mut self, seq: u64) -> Result<(), Error> {
        self.0.send(Frame::Ack(seq)).await.map_err(Error::from)
    }
}

impl TerminalOutput {
    /// The next event; `None` after the state that carries the exit, or after an error.
    /// `Err(Closed)` means the link is lost, or the session was closed.
    pub async fn next(&mut self) -> Option<Result<TerminalEvent, Error>> {
        if let Some(state) = self.first.take() {
            return Some(Ok(TerminalEvent::State(state)));
        }
        if self.ended {
            return None;
        }
        let event = match self.frames.next().await {
            Some(Ok(frame)) => event(frame),
            Some(Err(error)) => Err(error.into()),
            None => Err(Error::Closed),
        };
        self.ended = match &event {
            Ok(TerminalEvent::State(state)) => state.exit.is_some(),
            Ok(_) => false,
            Err(_) => true,
        };
        Some(event)
    }
}

fn event(frame: Frame) -> Result<TerminalEvent, Error> {
    match frame {
        Frame::Screen { seq, bytes } => Ok(TerminalEvent::Output { seq, bytes }),
        Frame::Skipped { from, to } => Ok(TerminalEvent::Skipped { from, to }),
        Frame::Terminal(state) => Ok(TerminalEvent::State(state)),
        other => Err(out_of_place(&other)),
    }
}
