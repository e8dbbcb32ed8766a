//! The process's log, seen from the host.

use bytes::Bytes;

use super::wire::{FrameStream, out_of_place};
use crate::Error;
use crate::protocol::{Frame, OutputStream};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEvent {
    Output {
        stream: OutputStream,
        /// Number of the first byte, counted over both streams together.
        seq: u64,
        bytes: Bytes,
    },
    /// Output that is no longer kept.
    Skipped { from: u64, to: u64 },
}

/// Ends after the newest byte, or goes on if it follows.
#[derive(Debug)]
pub struct LogStream {
    stream: FrameStream,
    ended: bool,
}

impl LogStream {
    pub(super) fn new(stream: FrameStream) -> Self {
        Self { stream, ended: false }
    }

    pub async fn next(&mut self) -> Option<Result<LogEvent, Error>> {
        if self.ended {
            return None;
        }
        let event = match self.stream.next().await {
            Some(Ok(Frame::Output { stream, seq, bytes })) => {
                Ok(LogEvent::Output { stream, seq, bytes })
            }
            Some(Ok(Frame::Skipped { from, to })) => Ok(LogEvent::Skipped { from, to }),
            // A log that does not follow says so, to tell its end from a lost link.
            Some(Ok(Frame::InputEnd)) => {
                self.ended = true;
                return None;
            }
            Some(Ok(other)) => Err(out_of_place(&other)),
            Some(Err(error)) => Err(error),
            None => Err(Error::Closed),
        };
        self.ended = event.is_err();
        Some(event)
    }
}
