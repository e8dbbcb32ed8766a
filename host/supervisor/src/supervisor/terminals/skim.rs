//! Which output leaves no trace on a screen: lines that have scrolled away again.

/// Looked at in one go.
const MOST_BYTES: usize = 64 * 1024;
const NEWLINE: u8 = b'\n';

/// How many of the first bytes the screen is the same without: plain lines that are followed by
/// so many others that none of them is left. It must begin between two sequences, and the whole
/// screen must scroll.
pub(super) fn gone(output: &[u8], rows: u16) -> usize {
    let plain = &output[..plain_length(&output[..output.len().min(MOST_BYTES)])];
    // Once to get to the bottom, and once to scroll away all that was there.
    let lines = 2 * usize::from(rows) + 2;
    let newlines = plain.iter().enumerate().rev().filter(|(_, byte)| **byte == NEWLINE);
    let Some((at, _)) = newlines.map(|(at, _)| (at, ())).nth(lines) else { return 0 };
    // Where a line does not begin in the first column, it matters where the last one ended.
    if at > 0 && plain[at - 1] == b'\r' { at + 1 } else { 0 }
}

/// Up to the first byte that does more than print or move the cursor.
fn plain_length(output: &[u8]) -> usize {
    let mut length = 0;
    // No chunk is left early, so that many bytes are looked at together.
    for chunk in output.chunks(64) {
        if chunk.iter().fold(false, |found, byte| found | is_special(*byte)) {
            let at = chunk.iter().position(|byte| is_special(*byte));
            return length + at.unwrap_or(chunk.len());
        }
        length += chunk.len();
    }
    length
}

/// Controls, and what begins one that is written in two bytes.
fn is_special(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | NEWLINE | b'\r' | 0x08)) | (byte == 0xc2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_many_others_follow_are_gone() {
        let lines = "0123456789\r\n".repeat(100);
        let kept = 2 * 24 + 2;
        assert_eq!(gone(lines.as_bytes(), 24), (100 - kept) * 12);
        assert_eq!(gone(lines.as_bytes(), 60), 0);
    }

    #[test]
    fn nothing_from_an_escape_on_is_gone() {
        let lines = format!("{}\x1b[31m{}", "x\r\n".repeat(10), "x\r\n".repeat(1000));
        assert_eq!(gone(lines.as_bytes(), 24), 0);
    }

    #[test]
    fn lines_that_begin_anywhere_are_kept() {
        assert_eq!(gone("x\n".repeat(1000).as_bytes(), 24), 0);
    }
}
