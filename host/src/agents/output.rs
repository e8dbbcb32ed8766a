//! What a command prints, as text in pieces of a fair size, up to a bound.

use super::run::Event;
use crate::exec::OutputStream;

/// Output of one command that is kept.
const MAX_COMMAND_BYTES: usize = 256 * 1024;

/// Text that goes out at once, without waiting for more.
const PIECE_BYTES: usize = 8 * 1024;

/// The end of the output that a fixer is told of.
const TAIL_BYTES: usize = 32 * 1024;

/// The end of it that is shown where a command failed.
const SHOWN_BYTES: usize = 4 * 1024;

/// Collects one command's output.
#[derive(Debug, Default)]
pub(super) struct Printed {
    stdout: Decoder,
    stderr: Decoder,
    waiting: Vec<(OutputStream, String)>,
    waiting_bytes: usize,
    kept_bytes: usize,
    skipped_bytes: u64,
    tail: String,
}

impl Printed {
    pub(super) fn add(&mut self, stream: OutputStream, bytes: &[u8]) {
        let text = match stream {
            OutputStream::Stdout => self.stdout.read(bytes),
            OutputStream::Stderr => self.stderr.read(bytes),
        };
        self.add_text(stream, text);
    }

    /// So many bytes were lost on the way.
    pub(super) fn skip(&mut self, bytes: u64) {
        self.skipped_bytes += bytes;
    }

    fn add_text(&mut self, stream: OutputStream, text: String) {
        append_tail(&mut self.tail, &text);
        let room = MAX_COMMAND_BYTES.saturating_sub(self.kept_bytes);
        let kept = &text[..text.floor_char_boundary(room)];
        self.skipped_bytes += (text.len() - kept.len()) as u64;
        self.kept_bytes += kept.len();
        self.waiting_bytes += kept.len();
        match self.waiting.last_mut() {
            _ if kept.is_empty() => {}
            Some((last, waiting)) if *last == stream => waiting.push_str(kept),
            _ => self.waiting.push((stream, kept.to_owned())),
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether enough waits to be told at once.
    pub(super) fn is_piece(&self) -> bool {
        self.waiting_bytes >= PIECE_BYTES
    }

    /// What waits, to be told.
    pub(super) fn take(&mut self) -> Vec<Event> {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|(stream, text)| Event::Output { stream, text }).collect()
    }

    /// What is left at the end, and word of what was left out.
    pub(super) fn finish(&mut self) -> Vec<Event> {
        let (out, err) = (self.stdout.finish(), self.stderr.finish());
        self.add_text(OutputStream::Stdout, out);
        self.add_text(OutputStream::Stderr, err);
        let mut events = self.take();
        if self.skipped_bytes > 0 {
            let message = format!("{} bytes of output were left out", self.skipped_bytes);
            events.push(Event::Skipped { message });
        }
        events
    }

    /// The end of what was printed.
    pub(super) fn tail(&self) -> &str {
        self.tail.trim()
    }
}

/// Adds to a text of which only the end is kept.
pub(super) fn append_tail(tail: &mut String, text: &str) {
    tail.push_str(text);
    if tail.len() > TAIL_BYTES {
        let from = tail.ceil_char_boundary(tail.len() - TAIL_BYTES);
        tail.drain(..from);
    }
}

/// The end of a text, as long as people are shown it.
pub(super) fn shown(tail: &str) -> &str {
    tail[tail.ceil_char_boundary(tail.len().saturating_sub(SHOWN_BYTES))..].trim()
}

/// Reads bytes as UTF-8, whatever way they are cut; what is none is replaced.
#[derive(Debug, Default)]
struct Decoder {
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl Decoder {
    fn read(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut text = String::with_capacity(all.len());
        let mut rest = all.as_slice();
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => error,
            };
            let (valid, behind) = rest.split_at(error.valid_up_to());
            text.push_str(&String::from_utf8_lossy(valid));
            let Some(invalid) = error.error_len() else {
                self.begun = behind.to_vec();
                return text;
            };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &behind[invalid..];
        }
    }

    fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(events: Vec<Event>) -> String {
        let text = |event| match event {
            Event::Output { text, .. } => text,
            _ => String::new(),
        };
        events.into_iter().map(text).collect()
    }

    proptest! {
        #[test]
        fn text_cut_anywhere_is_told_whole(whole: String, cut in 0_usize..64) {
            let (first, second) = whole.as_bytes().split_at(cut.min(whole.len()));
            let mut printed = Printed::default();
            printed.add(OutputStream::Stdout, first);
            let mut told = text(printed.take());
            printed.add(OutputStream::Stdout, second);
            told += &text(printed.finish());
            prop_assert_eq!(told, whole);
        }

        #[test]
        fn bytes_read_as_the_standard_library_reads_them(bytes: Vec<u8>) {
            let mut printed = Printed::default();
            printed.add(OutputStream::Stderr, &bytes);
            prop_assert_eq!(text(printed.finish()), String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn what_is_over_the_bound_is_left_out_and_said_so() {
        let mut printed = Printed::default();
        printed.add(OutputStream::Stdout, &vec![b'x'; MAX_COMMAND_BYTES]);
        printed.add(OutputStream::Stdout, b"more");
        let events = printed.finish();
        let message = "4 bytes of output were left out".to_owned();
        assert_eq!(events.last(), Some(&Event::Skipped { message }));
        assert_eq!(text(events).len(), MAX_COMMAND_BYTES);
    }

    #[test]
    fn the_end_of_the_output_is_kept_also_beyond_the_bound() {
        let mut printed = Printed::default();
        printed.add(OutputStream::Stdout, &vec![b'x'; MAX_COMMAND_BYTES]);
        printed.add(OutputStream::Stderr, b"the reason\n");
        assert!(printed.tail().ends_with("the reason"));
    }

    #[test]
    fn people_are_shown_less_of_the_end_than_a_fixer() {
        let mut printed = Printed::default();
        printed.add(OutputStream::Stdout, "ä".repeat(TAIL_BYTES).as_bytes());
        assert_eq!((printed.tail().len(), shown(printed.tail()).len()), (TAIL_BYTES, SHOWN_BYTES));
    }

    #[test]
    fn both_outputs_are_told_in_the_order_in_which_they_came() {
        let mut printed = Printed::default();
        printed.add(OutputStream::Stdout, b"a");
        printed.add(OutputStream::Stderr, b"b");
        printed.add(OutputStream::Stdout, b"c");
        assert_eq!(text(printed.take()), "abc");
    }
}
