//! Finds the title a program gives its terminal: the escape sequences OSC 0 and OSC 2.

use lockhouse_supervisor::protocol::MAX_TITLE_BYTES;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// Inside an operating system command.
    Command,
    /// After an ESC inside one: a backslash ends it.
    CommandEscape,
}

/// Reads a terminal's output as it comes, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct TitleReader {
    state: State,
    command: Vec<u8>,
}

impl TitleReader {
    /// The last title set within `bytes`.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<String> {
        let mut title = None;
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.state == State::Text {
                // Most output is text: jump to the next escape.
                let Some(at) = rest.iter().position(|byte| *byte == ESC) else { break };
                rest = &rest[at..];
            }
            let Some((byte, after)) = rest.split_first() else { break };
            rest = after;
            if let Some(found) = self.step(*byte) {
                title = Some(found);
            }
        }
        title
    }

    fn step(&mut self, byte: u8) -> Option<String> {
        match (self.state, byte) {
            (State::Text | State::Escape, ESC) => self.state = State::Escape,
            (State::Escape, b']') => {
                self.state = State::Command;
                self.command.clear();
            }
            (State::Text | State::Escape, _) => self.state = State::Text,
            (State::Command, BEL) | (State::CommandEscape, b'\\') => return self.finish(),
            (State::Command | State::CommandEscape, ESC) => self.state = State::CommandEscape,
            (State::CommandEscape, _) => self.state = State::Text,
            // Longer ones are read to their end and cut.
            (State::Command, _) if self.command.len() < MAX_TITLE_BYTES + 2 => {
                self.command.push(byte);
            }
            (State::Command, _) => {}
        }
        None
    }

    fn finish(&mut self) -> Option<String> {
        self.state = State::Text;
        let title =
            self.command.strip_prefix(b"0;").or_else(|| self.command.strip_prefix(b"2;"))?;
        let title = String::from_utf8_lossy(title);
        Some(title.chars().filter(|c| !c.is_control()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_found_however_it_is_cut() {
        let output = b"ls\x1b[31mred\x1b]2;my \xc3\xa4 title\x07$ \x1b]0;second\x1b\\";
        for cut in 0..output.len() {
            let mut reader = TitleReader::default();
            let first = reader.read(&output[..cut]);
            let last = reader.read(&output[cut..]).or(first);
            assert_eq!(last.as_deref(), Some("second"), "cut at {cut}");
        }
    }

    #[test]
    fn other_commands_and_endless_ones_are_passed_over() {
        let mut reader = TitleReader::default();
        assert_eq!(reader.read(b"\x1b]52;c;AAAA\x07"), None);
        assert_eq!(reader.read(b"\x1b]2;"), None);
        assert_eq!(reader.read(&vec![b'x'; 100_000]), None);
        let title = reader.read(b"\x07").unwrap();
        assert_eq!(title.len(), MAX_TITLE_BYTES);
    }
}
