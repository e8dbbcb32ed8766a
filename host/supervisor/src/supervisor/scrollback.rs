//! What a terminal has shown: its first bytes and its most recent ones.

use std::collections::VecDeque;

use bytes::Bytes;

use super::ring::{copy, push_within};

/// First bytes kept of each session.
const FIRST_BYTES: usize = 64 * 1024;
/// Most recent bytes kept of each session.
const RECENT_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Scrollback {
    first: Vec<u8>,
    recent: VecDeque<u8>,
    end: u64,
    first_capacity: usize,
    recent_capacity: usize,
}

/// What comes next for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Output { seq: u64, bytes: Bytes },
    Skipped { from: u64, to: u64 },
    Nothing,
}

impl Default for Scrollback {
    fn default() -> Self {
        Self::new(FIRST_BYTES, RECENT_BYTES)
    }
}

impl Scrollback {
    fn new(first_capacity: usize, recent_capacity: usize) -> Self {
        let (first, recent) = (Vec::new(), VecDeque::new());
        Self { first, recent, end: 0, first_capacity, recent_capacity }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Number of the oldest of the recent bytes.
    pub(super) fn recent_start(&self) -> u64 {
        self.end - self.recent.len() as u64
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let room = self.first_capacity - self.first.len();
        let (first, recent) = bytes.split_at(room.min(bytes.len()));
        self.first.extend_from_slice(first);
        push_within(&mut self.recent, recent, self.recent_capacity);
    }

    /// What is kept from number `from` on and lies in one piece.
    pub(super) fn from(&self, from: u64) -> &[u8] {
        let from_first = usize::try_from(from).ok().and_then(|from| self.first.get(from..));
        if let Some(bytes) = from_first.filter(|bytes| !bytes.is_empty()) {
            return bytes;
        }
        let Some(offset) = from.checked_sub(self.recent_start()) else { return &[] };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let (a, b) = self.recent.as_slices();
        let rest = if offset < a.len() { a.get(offset..) } else { b.get(offset - a.len()..) };
        rest.unwrap_or_default()
    }

    /// Up to `most` bytes from number `from` on.
    pub(super) fn next(&self, from: u64, most: usize) -> Next {
        let first = usize::try_from(from).ok().and_then(|from| self.first.get(from..));
        if let Some(bytes) = first.filter(|bytes| !bytes.is_empty()) {
            let bytes = Bytes::copy_from_slice(&bytes[..bytes.len().min(most)]);
            return Next::Output { seq: from, bytes };
        }
        let start = self.recent_start();
        if from < start {
            return Next::Skipped { from, to: start };
        }
        let offset = usize::try_from(from - start).unwrap_or(usize::MAX);
        if offset >= self.recent.len() {
            return Next::Nothing;
        }
        let length = (self.recent.len() - offset).min(most);
        Next::Output { seq: from, bytes: copy(&self.recent, offset, length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_and_the_most_recent_bytes_are_kept(
            pushes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..60),
            first in 0_usize..100, recent in 1_usize..200, most in 1_usize..50,
        ) {
            let mut scrollback = Scrollback::new(first, recent);
            pushes.iter().for_each(|bytes| scrollback.push(bytes));
            let all = pushes.concat();
            let (mut from, mut seen, mut skipped) = (0, Vec::new(), 0);
            loop {
                match scrollback.next(from, most) {
                    Next::Output { seq, bytes } => {
                        prop_assert_eq!(seq, from);
                        let at = usize::try_from(seq).unwrap();
                        prop_assert_eq!(&all[at..at + bytes.len()], &bytes[..]);
                        from += bytes.len() as u64;
                        seen.extend_from_slice(&bytes);
                    }
                    Next::Skipped { from: lost, to } => { skipped += to - lost; from = to; }
                    Next::Nothing => break,
                }
            }
            prop_assert_eq!(from, all.len() as u64);
            let newest = all.len().saturating_sub(recent.min(7)).max(first.min(all.len()));
            let mut rest = Vec::new();
            while let piece @ [_, ..] = scrollback.from((newest + rest.len()) as u64) {
                rest.extend_from_slice(piece);
            }
            prop_assert_eq!(&all[newest..], rest);
            prop_assert_eq!(seen.len(), all.len().min(first + recent));
            prop_assert_eq!(seen.len() as u64 + skipped, all.len() as u64);
        }
    }

    #[test]
    fn a_reader_ahead_of_the_end_gets_nothing() {
        assert_eq!(Scrollback::default().next(u64::MAX, 5), Next::Nothing);
    }
}
