//! Brace expansion: `{a,b}` and `{1..3}` make several words of one.

use crate::limits::{MAX_BRACE_FIELDS, MAX_NESTING};

/// There are more words than are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// The raw words that one raw word stands for, in order.
pub(crate) fn expand(raw: &str) -> Result<Vec<String>, TooMany> {
    if !raw.contains('{') {
        return Ok(vec![raw.to_owned()]);
    }
    let mut words = Vec::new();
    collect(raw, MAX_NESTING, &mut words)?;
    Ok(words)
}

fn collect(raw: &str, levels: usize, words: &mut Vec<String>) -> Result<(), TooMany> {
    let levels = levels.checked_sub(1).ok_or(TooMany)?;
    let Some(group) = first_group(raw) else {
        if words.len() >= MAX_BRACE_FIELDS {
            return Err(TooMany);
        }
        words.push(raw.to_owned());
        return Ok(());
    };
    for member in group.members(raw)? {
        let (before, after) = (&raw[..group.open], &raw[group.close + 1..]);
        collect(&format!("{before}{member}{after}"), levels, words)?;
    }
    Ok(())
}

/// An unquoted pair of braces that expands; positions of bytes in the raw word.
struct Group {
    open: usize,
    close: usize,
    commas: Vec<usize>,
}

impl Group {
    fn members(&self, raw: &str) -> Result<Vec<String>, TooMany> {
        let inner = &raw[self.open + 1..self.close];
        if self.commas.is_empty() {
            return sequence(inner).unwrap_or_else(|| Ok(Vec::new()));
        }
        let starts = std::iter::once(self.open + 1).chain(self.commas.iter().map(|at| at + 1));
        let ends = self.commas.iter().copied().chain(std::iter::once(self.close));
        Ok(starts.zip(ends).map(|(start, end)| raw[start..end].to_owned()).collect())
    }
}

/// The first outermost group with a comma in it or a sequence for its content.
fn first_group(raw: &str) -> Option<Group> {
    let mut open: Vec<Group> = Vec::new();
    let mut found: Option<Group> = None;
    let marks = Marks { bytes: raw.as_bytes(), at: 0 };
    for (at, byte) in marks {
        match byte {
            b'{' => open.push(Group { open: at, close: at, commas: Vec::new() }),
            b',' => {
                if let Some(group) = open.last_mut() {
                    group.commas.push(at);
                }
            }
            _ => {
                let Some(group) = open.pop() else { continue };
                let group = Group { close: at, ..group };
                let expands =
                    !group.commas.is_empty() || sequence(&raw[group.open + 1..at]).is_some();
                // An enclosing group closes later and begins earlier.
                if expands && found.as_ref().is_none_or(|first| group.open < first.open) {
                    found = Some(group);
                }
                // Only one that is still open could enclose it.
                if found.is_some() && open.is_empty() {
                    return found;
                }
            }
        }
    }
    found
}

/// Unquoted braces and commas of a raw word, expansions left out.
struct Marks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Marks<'_> {
    type Item = (usize, u8);

    fn next(&mut self) -> Option<(usize, u8)> {
        loop {
            let at = self.at;
            let byte = *self.bytes.get(at)?;
            self.at += 1;
            match byte {
                b'{' | b'}' | b',' => return Some((at, byte)),
                b'\\' => self.at += 1,
                b'\'' => self.skip_past(b'\''),
                b'"' => self.skip_past(b'"'),
                b'`' => self.skip_past(b'`'),
                b'$' if self.bytes.get(self.at) == Some(&b'{') => self.skip_nested(b'{', b'}'),
                b'$' if self.bytes.get(self.at) == Some(&b'(') => self.skip_nested(b'(', b')'),
                _ => {}
            }
        }
    }
}

impl Marks<'_> {
    fn skip_past(&mut self, mark: u8) {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' if mark != b'\'' => self.at += 1,
                _ if byte == mark => return,
                _ => {}
            }
        }
    }

    fn skip_nested(&mut self, open: u8, close: u8) {
        let mut depth = 0_usize;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'\'' => self.skip_past(b'\''),
                _ if byte == open => depth += 1,
                _ if byte == close => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

/// `1..9`, `a..e`, with an optional step.
fn sequence(inner: &str) -> Option<Result<Vec<String>, TooMany>> {
    let mut parts = inner.split("..");
    let (first, last) = (parts.next()?, parts.next()?);
    let step: i64 = parts.next().map_or(Some(1), |step| step.parse().ok())?;
    if parts.next().is_some() {
        return None;
    }
    if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
        return Some(numbers(first, last, step).map(|numbers| texts(numbers, |n| n.to_string())));
    }
    let (first, last) = (single(first)?, single(last)?);
    let codes = numbers(i64::from(first), i64::from(last), step);
    Some(codes.map(|codes| {
        texts(codes, |code| {
            u8::try_from(code).map_or(String::new(), |byte| char::from(byte).into())
        })
    }))
}

fn texts(numbers: Vec<i64>, text: impl Fn(i64) -> String) -> Vec<String> {
    numbers.into_iter().map(text).collect()
}

fn single(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    }
}

fn numbers(first: i64, last: i64, step: i64) -> Result<Vec<i64>, TooMany> {
    let step = i64::try_from(step.unsigned_abs().max(1)).map_err(|_| TooMany)?;
    let step = if last < first { -step } else { step };
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(number) = next.filter(|n| if step > 0 { *n <= last } else { *n >= last }) {
        if found.len() >= MAX_BRACE_FIELDS {
            return Err(TooMany);
        }
        found.push(number);
        next = number.checked_add(step);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_sequences_expand_in_order() {
        assert_eq!(expand("{rm,-rf,/}").unwrap(), ["rm", "-rf", "/"]);
        assert_eq!(
            expand("a{1..3}b{x,y}").unwrap(),
            ["a1bx", "a1by", "a2bx", "a2by", "a3bx", "a3by"]
        );
        assert_eq!(expand("{a,b{c,d}}").unwrap(), ["a", "bc", "bd"]);
        assert_eq!(expand("{c..a..2}").unwrap(), ["c", "a"]);
    }

    #[test]
    fn quoted_lone_and_parameter_braces_stay() {
        for raw in ["'{a,b}'", "\"{a,b}\"", "{a}", "{}", "${x,y}", "\\{a,b}", "$({a,b})", "{a,b"] {
            assert_eq!(expand(raw).unwrap(), [raw], "{raw}");
        }
    }

    #[test]
    fn more_words_than_are_looked_at_are_not_made() {
        assert_eq!(expand("{1..1000000000}"), Err(TooMany));
        assert_eq!(expand("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), Err(TooMany));
    }
}
