//! Finds where a quotation or a bracket ends. Positions are bytes; each function starts behind
//! the opening mark and returns where the closing one stands.

pub(super) fn single_quote_end(raw: &str, from: usize) -> Option<usize> {
    raw.get(from..)?.find('\'').map(|offset| from + offset)
}

pub(super) fn double_quote_end(raw: &str, from: usize, levels: usize) -> Option<usize> {
    end(raw, from, Closing::DoubleQuote, levels)
}

pub(super) fn parenthesis_end(raw: &str, from: usize, levels: usize) -> Option<usize> {
    end(raw, from, Closing::Parenthesis, levels)
}

pub(super) fn brace_end(raw: &str, from: usize, levels: usize) -> Option<usize> {
    end(raw, from, Closing::Brace, levels)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    DoubleQuote,
    Parenthesis,
    Brace,
}

/// Each nested mark is scanned once, by the level that it belongs to.
fn end(raw: &str, from: usize, closing: Closing, levels: usize) -> Option<usize> {
    let levels = levels.checked_sub(1)?;
    let bytes = raw.as_bytes();
    let mut at = from;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        match (closing, byte) {
            (Closing::DoubleQuote, b'"')
            | (Closing::Parenthesis, b')')
            | (Closing::Brace, b'}') => return Some(at - 1),
            (_, b'\\') => at += 1,
            (_, b'`') => at = backtick_end(bytes, at)? + 1,
            (_, b'$') => match bytes.get(at) {
                Some(b'(') => at = end(raw, at + 1, Closing::Parenthesis, levels)? + 1,
                Some(b'{') => at = end(raw, at + 1, Closing::Brace, levels)? + 1,
                Some(b'\'') if closing != Closing::DoubleQuote => {
                    at = ansi_quote_end(bytes, at + 1)? + 1;
                }
                _ => {}
            },
            (Closing::DoubleQuote, _) => {}
            (_, b'\'') => at = single_quote_end(raw, at)? + 1,
            (_, b'"') => at = end(raw, at, Closing::DoubleQuote, levels)? + 1,
            (Closing::Parenthesis, b'(') => at = end(raw, at, Closing::Parenthesis, levels)? + 1,
            _ => {}
        }
    }
}

fn backtick_end(bytes: &[u8], from: usize) -> Option<usize> {
    unescaped(bytes, from, b'`')
}

fn ansi_quote_end(bytes: &[u8], from: usize) -> Option<usize> {
    unescaped(bytes, from, b'\'')
}

fn unescaped(bytes: &[u8], from: usize, mark: u8) -> Option<usize> {
    let mut at = from;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == mark => return Some(at),
            _ => at += 1,
        }
    }
}
