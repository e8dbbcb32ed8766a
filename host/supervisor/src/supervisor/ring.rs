//! Output of a command, kept up to a bound: bytes in order, each with its stream and number.

use std::collections::VecDeque;

use bytes::Bytes;
use lockhouse_supervisor::protocol::OutputStream;

/// Output kept of one exec, and of the process.
pub(super) const RING_BYTES: usize = 1024 * 1024;
/// Changes between stdout and stderr that are kept: a program that alternates at each byte must
/// not make the bookkeeping larger than the output.
const MAX_RUNS: usize = 16 * 1024;

/// Bytes in a row from one stream.
#[derive(Debug, Clone, Copy)]
struct Run {
    stream: OutputStream,
    length: usize,
}

/// The newest bytes, numbered from the first byte ever pushed.
#[derive(Debug)]
pub(super) struct OutputRing {
    bytes: VecDeque<u8>,
    runs: VecDeque<Run>,
    end: u64,
    capacity: usize,
}

/// What comes next for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Output { stream: OutputStream, seq: u64, bytes: Bytes },
    Skipped { from: u64, to: u64 },
    Nothing,
}

impl OutputRing {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: VecDeque::new(), runs: VecDeque::new(), end: 0, capacity }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn start(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the next push may drop what a reader at `cursor` has yet to see, because the
    /// streams alternate so often.
    pub(super) fn is_crowded_for(&self, cursor: u64) -> bool {
        self.runs.len() >= MAX_RUNS && cursor < self.start() + self.len() as u64 / 2
    }

    pub(super) fn push(&mut self, stream: OutputStream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.end += bytes.len() as u64;
        match self.runs.back_mut() {
            Some(run) if run.stream == stream => run.length += bytes.len(),
            _ => self.runs.push_back(Run { stream, length: bytes.len() }),
        }
        let dropped = push_within(&mut self.bytes, bytes, self.capacity);
        self.forget_runs(dropped);
        if self.runs.len() > MAX_RUNS {
            let oldest = self.runs.front().map_or(0, |run| run.length);
            self.bytes.drain(..oldest);
            self.forget_runs(oldest);
        }
    }

    /// The oldest `count` bytes were dropped.
    fn forget_runs(&mut self, count: usize) {
        let mut left = count;
        while let Some(run) = self.runs.front_mut() {
            if run.length > left {
                run.length -= left;
                return;
            }
            left -= run.length;
            self.runs.pop_front();
        }
    }

    /// Up to `most` bytes of one stream from number `from` on.
    pub(super) fn next(&self, from: u64, most: usize) -> Next {
        if from < self.start() {
            return Next::Skipped { from, to: self.start() };
        }
        let Ok(mut offset) = usize::try_from(from - self.start()) else {
            return Next::Nothing;
        };
        let first = offset;
        for run in &self.runs {
            if offset < run.length {
                let length = (run.length - offset).min(most);
                let bytes = copy(&self.bytes, first, length);
                return Next::Output { stream: run.stream, seq: from, bytes };
            }
            offset -= run.length;
        }
        Next::Nothing
    }
}

/// Appends `bytes` and keeps the newest `capacity`; answers how many were dropped. Room is made
/// first, or the buffer would grow to twice what it may hold.
pub(super) fn push_within(kept: &mut VecDeque<u8>, bytes: &[u8], capacity: usize) -> usize {
    let excess = (kept.len() + bytes.len()).saturating_sub(capacity);
    let old = excess.min(kept.len());
    kept.drain(..old);
    kept.extend(&bytes[excess - old..]);
    excess
}

/// A copy of `length` bytes from `first` on, which must be there.
pub(super) fn copy(from: &VecDeque<u8>, first: usize, length: usize) -> Bytes {
    let (a, b) = from.as_slices();
    let mut bytes = Vec::with_capacity(length);
    let from_a = a.get(first.min(a.len())..(first + length).min(a.len())).unwrap_or_default();
    bytes.extend_from_slice(from_a);
    let skip = first.saturating_sub(a.len());
    let rest = length - from_a.len();
    bytes.extend_from_slice(b.get(skip..skip + rest).unwrap_or_default());
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutputStream::{Stderr, Stdout};
    use proptest::prelude::*;

    fn stream() -> impl Strategy<Value = OutputStream> {
        prop_oneof![Just(Stdout), Just(Stderr)]
    }

    /// Reads everything from `from` on, one stream after the other.
    fn read(ring: &OutputRing, mut from: u64, most: usize) -> Vec<(OutputStream, u8)> {
        let mut all = Vec::new();
        loop {
            match ring.next(from, most) {
                Next::Output { stream, seq, bytes } => {
                    assert_eq!(seq, from);
                    assert!(!bytes.is_empty() && bytes.len() <= most);
                    from += bytes.len() as u64;
                    all.extend(bytes.iter().map(|byte| (stream, *byte)));
                }
                Next::Skipped { to, .. } => from = to,
                Next::Nothing => return all,
            }
        }
    }

    proptest! {
        #[test]
        fn the_newest_bytes_are_kept_in_order_with_their_stream(
            pushes in prop::collection::vec((stream(), prop::collection::vec(any::<u8>(), 0..40)), 0..60),
            capacity in 1_usize..200,
            most in 1_usize..50,
        ) {
            let mut ring = OutputRing::new(capacity);
            let mut all = Vec::new();
            for (stream, bytes) in &pushes {
                ring.push(*stream, bytes);
                all.extend(bytes.iter().map(|byte| (*stream, *byte)));
            }
            let kept = all.len().min(capacity);
            prop_assert_eq!(ring.end(), all.len() as u64);
            prop_assert_eq!(ring.start(), (all.len() - kept) as u64);
            prop_assert_eq!(read(&ring, 0, most), &all[all.len() - kept..]);
        }

        #[test]
        fn a_reader_that_resumes_anywhere_gets_the_rest(
            bytes in prop::collection::vec(any::<u8>(), 1..200), at in 0_usize..200,
        ) {
            let at = at.min(bytes.len());
            let mut ring = OutputRing::new(1000);
            ring.push(Stdout, &bytes);
            let rest: Vec<u8> = read(&ring, at as u64, 7).into_iter().map(|(_, byte)| byte).collect();
            prop_assert_eq!(rest, &bytes[at..]);
        }
    }

    #[test]
    fn alternating_streams_do_not_grow_the_bookkeeping() {
        let mut ring = OutputRing::new(RING_BYTES);
        (0..MAX_RUNS * 3).for_each(|n| ring.push(if n % 2 == 0 { Stdout } else { Stderr }, b"x"));
        assert_eq!(ring.runs.len(), MAX_RUNS);
        assert_eq!(ring.len(), MAX_RUNS);
    }

    #[test]
    fn a_reader_ahead_of_the_end_gets_nothing() {
        assert_eq!(OutputRing::new(10).next(99, 5), Next::Nothing);
    }
}
