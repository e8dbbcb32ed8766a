//! Finds out what a program wants of its terminal besides what is on the screen: reports of the
//! mouse, of the focus, of pastes, another keypad or cursor.

use std::fmt::Write as _;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// Private modes that are off at first, and stand for something outside the screen.
const PRIVATE: [u16; 10] = [9, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004];
/// Longest sequence that can mean something here.
const MAX_SEQUENCE_BYTES: usize = 64;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and what says that one more byte belongs to it.
    Intermediate,
    /// Inside a control sequence.
    Sequence,
    /// Inside a string, such as a title.
    String,
    /// After an ESC inside one.
    StringEscape,
}

/// Reads a terminal's output as it comes, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Modes {
    state: State,
    sequence: Vec<u8>,
    private: [bool; PRIVATE.len()],
    keypad: bool,
    cursor: u16,
    region: bool,
}

impl Modes {
    /// Whether what comes next is text, and not the rest of a sequence.
    pub(super) fn is_between(&self) -> bool {
        self.state == State::Text
    }

    /// Whether only a part of the screen scrolls.
    pub(super) fn has_region(&self) -> bool {
        self.region
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.state == State::Text {
                // Most output is text: jump to the next escape.
                let Some(at) = rest.iter().position(|byte| *byte == ESC) else { break };
                rest = &rest[at..];
            }
            let Some((byte, after)) = rest.split_first() else { break };
            rest = after;
            self.step(*byte);
        }
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::String | State::StringEscape, ESC) => State::StringEscape,
            (_, ESC) => State::Escape,
            (State::Escape, b'[') => {
                self.sequence.clear();
                State::Sequence
            }
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::String,
            (State::Escape | State::Intermediate, 0x20..=0x2f) => State::Intermediate,
            (State::Escape, _) => {
                self.take_escape(byte);
                State::Text
            }
            (State::Sequence, 0x40..=0x7e) => {
                self.take_sequence(byte);
                State::Text
            }
            (State::Sequence, _) => {
                if self.sequence.len() <= MAX_SEQUENCE_BYTES {
                    self.sequence.push(byte);
                }
                State::Sequence
            }
            (State::StringEscape, b'\\') | (State::String, BEL) => State::Text,
            (State::String, _) => State::String,
            (State::StringEscape | State::Intermediate | State::Text, _) => State::Text,
        };
    }

    fn take_escape(&mut self, byte: u8) {
        match byte {
            b'c' => *self = Self::default(),
            b'=' => self.keypad = true,
            b'>' => self.keypad = false,
            _ => {}
        }
    }

    fn take_sequence(&mut self, last: u8) {
        if self.sequence.len() > MAX_SEQUENCE_BYTES {
            return;
        }
        let sequence = std::mem::take(&mut self.sequence);
        let text = std::str::from_utf8(&sequence).unwrap_or_default();
        match (text.strip_prefix('?'), last) {
            (Some(modes), b'h' | b'l') => self.switch(modes, last == b'h'),
            (None, b'r') => self.region = !text.is_empty(),
            (None, b'q') => {
                if let Some(shape) = text.strip_suffix(' ') {
                    self.cursor = shape.parse().unwrap_or(0);
                }
            }
            (None, b'p') if text == "!" => (self.region, self.keypad) = (false, false),
            _ => {}
        }
    }

    fn switch(&mut self, modes: &str, on: bool) {
        for mode in modes.split(';').filter_map(|mode| mode.parse::<u16>().ok()) {
            if let Some(at) = PRIVATE.iter().position(|known| *known == mode) {
                self.private[at] = on;
            }
        }
    }

    /// What makes a terminal forget all of this.
    pub(super) fn clear(text: &mut String) {
        for mode in PRIVATE {
            // Writing to a string never fails.
            let _ = write!(text, "\x1b[?{mode}l");
        }
        text.push_str("\x1b>\x1b[0 q");
    }

    /// What makes a terminal that has forgotten it all like the program's.
    pub(super) fn restore(&self, text: &mut String) {
        for (mode, _) in PRIVATE.iter().zip(self.private).filter(|(_, on)| *on) {
            let _ = write!(text, "\x1b[?{mode}h");
        }
        if self.keypad {
            text.push_str("\x1b=");
        }
        if self.cursor != 0 {
            let _ = write!(text, "\x1b[{} q", self.cursor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn restored(modes: &Modes) -> String {
        let mut text = String::new();
        modes.restore(&mut text);
        text
    }

    #[test]
    fn modes_are_found_however_the_output_is_cut() {
        let output = b"a\x1b[?1049h\x1b[?1002;1006h\x1b]2;\x1b[?9h\x07\x1b(B\x1b=\x1b[?2004h\x1b[5 q\x1b[?1002l";
        for cut in 0..output.len() {
            let mut modes = Modes::default();
            modes.read(&output[..cut]);
            modes.read(&output[cut..]);
            let wanted = "\x1b[?1006h\x1b[?2004h\x1b=\x1b[5 q";
            assert_eq!(restored(&modes), wanted, "cut at {cut}");
        }
    }

    #[test]
    fn a_reset_forgets_them() {
        let mut modes = Modes::default();
        modes.read(b"\x1b[?1000h\x1b[2;5r\x1b=\x1bc");
        assert_eq!((restored(&modes).as_str(), modes.has_region()), ("", false));
    }

    #[test]
    fn an_endless_sequence_is_passed_over() {
        let mut modes = Modes::default();
        modes.read(b"\x1b[?1000");
        modes.read(&vec![b';'; 100_000]);
        modes.read(b"h");
        assert_eq!((restored(&modes).as_str(), modes.sequence.len() < 100), ("", true));
    }

    proptest! {
        #[test]
        fn what_is_restored_is_what_was_read(bytes in "(\\[?]?[0-9;?]{0,12}[ !]?[a-zA-Z=>]|\u{1b}){0,40}") {
            let (mut one, mut other) = (Modes::default(), Modes::default());
            one.read(bytes.as_bytes());
            other.read(restored(&one).as_bytes());
            prop_assert_eq!(restored(&one), restored(&other));
        }
    }
}
