//! An attachment to a terminal session, seen from the host.

use std::collections::VecDeque;
use std::future::poll_fn;

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
    /// Draws the screen as it is after the output before `seq`, all of which came or was skipped.
    /// One screen may come in several of these.
    Snapshot { seq: u64, bytes: Bytes },
    /// All keys of the attachment's typist before this number were typed.
    Typed(u64),
    /// Size, title, clients or directory changed, or the session's program has ended, which is
    /// the last event.
    State(TerminalState),
}

/// Keystrokes, sizes and acknowledgements, in their order. What is handed over goes out sooner or
/// later, also where the wait for that is given up: with the next, or with [`Self::flush`].
/// Dropping both halves detaches.
#[derive(Debug)]
pub struct TerminalInput {
    sink: SplitSink<Framed<Wire, Codec>, Frame>,
    waiting: VecDeque<Frame>,
    unflushed: bool,
}

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
    let input = TerminalInput { sink, waiting: VecDeque::new(), unflushed: false };
    (input, TerminalOutput { first: Some(state), frames, ended: false })
}

impl TerminalInput {
    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(OUTPUT_CHUNK_BYTES));
            self.waiting.push_back(Frame::Input(chunk));
        }
        self.flush().await
    }

    /// Keys with the number of the first, from an attachment with a typist. They may come again:
    /// each is typed once, and keys after a gap not before those of the gap have come.
    ///
    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn write_numbered(&mut self, mut seq: u64, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let bytes = bytes.split_to(bytes.len().min(OUTPUT_CHUNK_BYTES));
            let next = seq.saturating_add(bytes.len() as u64);
            self.waiting.push_back(Frame::Keys { seq, bytes });
            seq = next;
        }
        self.flush().await
    }

    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn resize(&mut self, cols: u16, rows: u16) -> Result<(), Error> {
        self.waiting.push_back(Frame::Resize { cols, rows });
        self.flush().await
    }

    /// Says that all output before `seq` was consumed, so that more may come.
    ///
    /// # Errors
    /// `Closed` when the link or the session has ended.
    pub async fn ack(&mut self, seq: u64) -> Result<(), Error> {
        // Of those in a row the last says it all.
        if let Some(Frame::Ack(_)) = self.waiting.back() {
            self.waiting.pop_back();
        }
        self.waiting.push_back(Frame::Ack(seq));
        self.flush().await
    }

    /// Keystrokes that the session has not taken yet.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        let bytes = |frame: &Frame| match frame {
            Frame::Input(bytes) | Frame::Keys { bytes, .. } => bytes.len(),
            _ => 0,
        };
        self.waiting.iter().map(bytes).sum()
    }

    /// Whether anything was handed over that has not gone out.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.unflushed || !self.waiting.is_empty()
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// `Closed` when the link or the session has ended; then nothing waits any more.
    pub async fn flush(&mut self) -> Result<(), Error> {
        let sent = self.send_waiting().await;
        if sent.is_err() {
            self.waiting.clear();
            self.unflushed = false;
        }
        sent
    }

    async fn send_waiting(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            poll_fn(|cx| self.sink.poll_ready_unpin(cx)).await?;
            // No await between the two: it waits here, or the sink has it.
            if let Some(frame) = self.waiting.pop_front() {
                self.unflushed = true;
                self.sink.start_send_unpin(frame)?;
            }
        }
        self.sink.flush().await?;
        self.unflushed = false;
        Ok(())
    }
}

impl TerminalOutput {
    /// The next event; `None` after the state that carries the exit, or after an error.
    /// `Err(Closed)` means the link is lost, `Err(TakenOver)` that another client is alone with
    /// the session now.
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
        Frame::Snapshot { seq, bytes } => Ok(TerminalEvent::Snapshot { seq, bytes }),
        Frame::Typed(typed) => Ok(TerminalEvent::Typed(typed)),
        Frame::Failure(failure) => Err(failure.into()),
        other => Err(out_of_place(&other)),
    }
}
