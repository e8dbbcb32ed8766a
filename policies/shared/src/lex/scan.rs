//! Finds where words, quotations and brackets end. Positions are bytes; each function starts
//! behind the opening mark and returns where the closing one stands.

use crate::{letters::Letters, parse::ParseError};

/// How often a byte may be looked at: a few constructs are tried in two ways.
const LOOKS_AT_A_BYTE: usize = 16;
const SPARE_LOOKS: usize = 1024;

/// Bytes that are always a part of the word they stand in, and no more.
static PLAIN: Letters = Letters::and(b"-_./=:,%^~#");

pub(crate) struct Scan<'a> {
    text: &'a str,
    fuel: usize,
}

type End = Result<usize, ParseError>;

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, fuel: text.len() * LOOKS_AT_A_BYTE + SPARE_LOOKS }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    pub(super) fn rest(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn line_end(&self, at: usize) -> usize {
        self.rest(at).find('\n').map_or(self.text.len(), |offset| at + offset)
    }

    /// Pays for one look.
    pub(super) fn burn(&mut self) -> Result<(), ParseError> {
        self.fuel = self.fuel.checked_sub(1).ok_or(ParseError::TooComplex)?;
        Ok(())
    }

    fn look(&mut self, at: usize) -> Result<u8, ParseError> {
        self.burn()?;
        self.byte(at).ok_or(ParseError::Unreadable)
    }

    /// Where an unquoted word ends that begins at `at`.
    pub(super) fn word_end(&mut self, start: usize, levels: usize) -> End {
        let mut at = start;
        loop {
            // Most of what is read.
            let plain = self.plain_bytes(at);
            self.fuel = self.fuel.checked_sub(plain).ok_or(ParseError::TooComplex)?;
            at += plain;
            let Some(byte) = self.byte(at) else { break };
            self.burn()?;
            at = match byte {
                // Outside of quotes a return would be part of a name: nobody writes that.
                b'\r' => return Err(ParseError::Unreadable),
                b' ' | b'\t' | b'\n' | b'&' | b'|' | b';' | b'<' | b'>' | b')' => break,
                b'(' if at > start && self.begins_pattern(at) => {
                    self.balanced_end(at + 1, b'(', b')', levels)? + 1
                }
                b'(' => break,
                _ => self.step(at, byte, levels)?,
            };
        }
        Ok(at)
    }

    /// How many bytes from here on end no word and begin nothing.
    fn plain_bytes(&self, at: usize) -> usize {
        PLAIN.leading(self.text.as_bytes().get(at..).unwrap_or_default())
    }

    /// `@(…)` and its like.
    fn begins_pattern(&self, at: usize) -> bool {
        matches!(self.byte(at.wrapping_sub(1)), Some(b'@' | b'!' | b'?' | b'+' | b'*'))
    }

    /// Behind one byte outside of double quotes, or behind the quotation that it begins.
    fn step(&mut self, at: usize, byte: u8, levels: usize) -> End {
        Ok(match byte {
            b'\\' => (at + 2).min(self.text.len()),
            b'\'' => self.single_quote_end(at + 1)? + 1,
            b'"' => self.double_quote_end(at + 1, levels)? + 1,
            b'`' => self.unescaped(at + 1, b'`')? + 1,
            b'$' => self.dollar_end(at + 1, false, levels)?,
            _ => at + 1,
        })
    }

    /// Behind whatever a `$` begins; `at` is behind the `$`.
    fn dollar_end(&mut self, at: usize, quoted: bool, levels: usize) -> End {
        Ok(match self.byte(at) {
            Some(b'(') => {
                let arithmetic = match self.byte(at + 1) {
                    Some(b'(') => self.arithmetic_end(at + 2, levels)?,
                    _ => None,
                };
                match arithmetic {
                    Some(end) => end + 2,
                    None => self.substitution_end(at + 1, levels)? + 1,
                }
            }
            Some(b'{') => self.brace_end(at + 1, quoted, levels)? + 1,
            Some(b'[') => self.bracket_end(at + 1, levels)? + 1,
            Some(b'\'') if !quoted => self.unescaped(at + 1, b'\'')? + 1,
            _ => at,
        })
    }

    pub(crate) fn single_quote_end(&mut self, at: usize) -> End {
        let offset = self.rest(at).find('\'').ok_or(ParseError::Unreadable)?;
        Ok(at + offset)
    }

    pub(crate) fn double_quote_end(&mut self, mut at: usize, levels: usize) -> End {
        loop {
            at = match self.look(at)? {
                b'"' => return Ok(at),
                b'\\' => at + 2,
                b'`' => self.unescaped(at + 1, b'`')? + 1,
                b'$' => self.dollar_end(at + 1, true, levels)?,
                _ => at + 1,
            };
        }
    }

    /// `$(…)`: what is inside is a script of its own.
    pub(crate) fn substitution_end(&mut self, at: usize, levels: usize) -> End {
        super::end_of_script(self, at, deeper(levels)?)
    }

    /// `((…))`: none if the brackets are not two that close together.
    pub(crate) fn arithmetic_end(
        &mut self,
        at: usize,
        levels: usize,
    ) -> Result<Option<usize>, ParseError> {
        match self.balanced_end(at, b'(', b')', deeper(levels)?) {
            Ok(end) if self.byte(end + 1) == Some(b')') => Ok(Some(end)),
            Ok(_) | Err(ParseError::Unreadable) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `$[…]`, and the index of `name[…]`.
    pub(crate) fn bracket_end(&mut self, at: usize, levels: usize) -> End {
        self.balanced_end(at, b'[', b']', deeper(levels)?)
    }

    /// `${…}`. Between double quotes a single quote may quote or not, by operator and shell; where
    /// that matters, nothing is certain.
    pub(crate) fn brace_end(&mut self, at: usize, quoted: bool, levels: usize) -> End {
        let levels = deeper(levels)?;
        let end = self.brace_end_with(at, !quoted, levels)?;
        let is_certain = !quoted
            || !self.slice(at, end).contains('\'')
            || self.brace_end_with(at, true, levels)? == end;
        if is_certain { Ok(end) } else { Err(ParseError::Unreadable) }
    }

    fn brace_end_with(&mut self, mut at: usize, single_quotes: bool, levels: usize) -> End {
        loop {
            at = match self.look(at)? {
                b'}' => return Ok(at),
                b'\'' if !single_quotes => at + 1,
                b'$' => self.dollar_end(at + 1, !single_quotes, levels)?,
                byte => self.step(at, byte, levels)?,
            };
        }
    }

    fn balanced_end(&mut self, mut at: usize, open: u8, close: u8, levels: usize) -> End {
        let mut depth = 0_usize;
        loop {
            let byte = self.look(at)?;
            if byte == close {
                if depth == 0 {
                    return Ok(at);
                }
                depth -= 1;
            }
            depth += usize::from(byte == open);
            at = self.step(at, byte, levels)?;
        }
    }

    /// A regular expression: up to a blank outside of its brackets.
    pub(super) fn regex_end(&mut self, start: usize, levels: usize) -> End {
        let (mut at, mut depth) = (start, 0_usize);
        while let Some(byte) = self.byte(at) {
            self.burn()?;
            match byte {
                b' ' | b'\t' if depth == 0 => break,
                b')' if depth == 0 => break,
                b'\n' => break,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            at = self.step(at, byte, levels)?;
        }
        Ok(at)
    }

    fn unescaped(&mut self, mut at: usize, mark: u8) -> End {
        loop {
            at = match self.look(at)? {
                b'\\' => at + 2,
                byte if byte == mark => return Ok(at),
                _ => at + 1,
            };
        }
    }
}

fn deeper(levels: usize) -> Result<usize, ParseError> {
    levels.checked_sub(1).ok_or(ParseError::TooComplex)
}

/// The word as the parser may see it, and the index that was taken from it. The parser tries each
/// bracket of an index in two ways, twice the time for each level.
pub(super) fn without_index(
    word: &str,
    levels: usize,
) -> Result<(String, Option<String>), ParseError> {
    let Some((name, rest)) = word.split_once('[') else { return Ok((word.to_owned(), None)) };
    let is_name = name.bytes().all(crate::word::is_name) && !name.is_empty();
    let is_plain = |index: &str| !index.contains(['(', '`', '{', '"', '\'', '[', '\\', '$']);
    if !is_name || is_plain(rest) {
        return Ok((word.to_owned(), None));
    }
    let end = Scan::new(rest).bracket_end(0, levels.max(1));
    match end.map(|end| rest.split_at(end)) {
        Ok((index, value)) if value.starts_with("]=") || value.starts_with("]+=") => {
            Ok((format!("{name}[0{value}"), Some(index.to_owned())))
        }
        // No assignment: an empty quotation before it changes nothing but says so.
        Ok(_) | Err(ParseError::Unreadable) => Ok((format!("\"\"{word}"), None)),
        Err(error) => Err(error),
    }
}
