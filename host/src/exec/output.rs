//! Room exec: what a command printed, of which the beginning and the end are kept.

use std::collections::VecDeque;

use super::{Ending, Event, Exit, OutputStream};

/// The longest character of UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// All that a command printed, kept up to a bound.
#[derive(Debug, Default)]
pub struct Output {
    pub stdout: Kept,
    pub stderr: Kept,
    /// Bytes of either that were dropped while nobody followed.
    pub skipped: u64,
    pub exit: Option<Exit>,
    pub ending: Ending,
}

/// One of its outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Output {
    pub(super) fn add(&mut self, event: Event, keep_bytes: usize) {
        match event {
            Event::Output { stream: OutputStream::Stdout, bytes } => {
                self.stdout.add(&bytes, keep_bytes);
            }
            Event::Output { stream: OutputStream::Stderr, bytes } => {
                self.stderr.add(&bytes, keep_bytes);
            }
            Event::Skipped { bytes } => self.skipped += bytes,
            Event::Exit(exit) => self.exit = Some(exit),
        }
    }

    /// Bytes of both outputs that are not in their texts.
    pub fn left_out(&self) -> u64 {
        self.skipped + self.stdout.missing() + self.stderr.missing()
    }
}

impl Kept {
    /// Half of what is kept is the beginning, the rest the end.
    fn add(&mut self, bytes: &[u8], keep_bytes: usize) {
        let first = (keep_bytes / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..first]);
        let (bytes, room) = (&bytes[first..], keep_bytes - keep_bytes / 2);
        let excess = (self.tail.len() + bytes.len()).saturating_sub(room);
        let old = excess.min(self.tail.len());
        self.tail.drain(..old);
        self.tail.extend(&bytes[excess - old..]);
        self.left_out += excess as u64;
    }

    /// As text, with a line that says how much is left out where that is so.
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.left_out == 0 {
            return String::from_utf8_lossy(&[self.head.as_slice(), &tail].concat()).into_owned();
        }
        let (head, tail) = (whole_end(&self.head), whole_beginning(&tail));
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        format!("{head}\n[… {} bytes left out …]\n{tail}", self.missing())
    }

    /// What the text has not: also characters that were cut in two.
    fn missing(&self) -> u64 {
        if self.left_out == 0 {
            return 0;
        }
        let tail: Vec<u8> = self.tail.iter().take(LONGEST_CHARACTER).copied().collect();
        let cut = self.head.len() - whole_end(&self.head).len();
        self.left_out + (cut + tail.len() - whole_beginning(&tail).len()) as u64
    }
}

/// Without a character at the end that is not whole.
fn whole_end(bytes: &[u8]) -> &[u8] {
    let from = bytes.len().saturating_sub(LONGEST_CHARACTER - 1);
    let begun = |at: &usize| bytes[*at] >= 0xC0;
    match (from..bytes.len()).rev().find(begun) {
        Some(start) if std::str::from_utf8(&bytes[start..]).is_err() => &bytes[..start],
        _ => bytes,
    }
}

/// Without the rest of a character whose beginning is missing.
fn whole_beginning(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take(LONGEST_CHARACTER - 1).take_while(|byte| **byte & 0xC0 == 0x80);
    &bytes[rest.count()..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(pieces: &[&[u8]], keep_bytes: usize) -> Kept {
        let mut kept = Kept::default();
        pieces.iter().for_each(|piece| kept.add(piece, keep_bytes));
        kept
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let kept = kept(&[b"abc", b"defgh"], 8);
        assert_eq!((kept.text().as_str(), kept.missing()), ("abcdefgh", 0));
    }

    #[test]
    fn of_a_longer_output_beginning_and_end_are_kept_and_the_rest_is_counted() {
        let kept = kept(&[b"abcdefgh", b"ijklmnop"], 8);
        assert_eq!(kept.text(), "abcd\n[… 8 bytes left out …]\nmnop");
    }

    #[test]
    fn a_character_that_is_cut_counts_as_left_out() {
        let kept = kept(&["aaaü-----üaaa".as_bytes()], 8);
        assert_eq!(kept.text(), "aaa\n[… 9 bytes left out …]\naaa");
    }

    proptest! {
        #[test]
        fn every_byte_is_kept_or_counted(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            keep_bytes in 0_usize..60,
        ) {
            let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let (kept, all) = (kept(&slices, keep_bytes), pieces.concat());
            let held = kept.head.len() + kept.tail.len();
            prop_assert!(held <= keep_bytes);
            prop_assert_eq!(held as u64 + kept.left_out, all.len() as u64);
            prop_assert!(all.starts_with(&kept.head));
            prop_assert!(all.ends_with(&Vec::from(kept.tail.clone())));
        }
    }
}
