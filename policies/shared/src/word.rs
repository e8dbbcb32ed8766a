//! Reads one word of the tree into pieces: quoted and unquoted text, parameters, substitutions.
//!
//! The parser's own word reader is not used: its grammar takes exponential time on hostile
//! words and keeps a cache that a fresh instance would have to build for each decision. This one
//! is linear for each level of nesting, and whatever it can't read is refused.

mod ansi;
pub(crate) mod braces;

use crate::{lex::Scan, limits::MAX_NESTING, parse::ParseError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text {
        text: String,
        quoted: bool,
    },
    /// `$x` and `${x}`.
    Parameter {
        name: String,
        quoted: bool,
    },
    /// Any other `${…}`: its value is not computed. The words inside may hold substitutions.
    Computed {
        inner: String,
        quoted: bool,
    },
    /// `$(…)` or backticks.
    Substitution {
        script: String,
        quoted: bool,
    },
    /// `$((…))`: a number, but substitutions inside do run.
    Arithmetic {
        inner: String,
    },
    /// `~` or `~name` where a word begins.
    Tilde {
        user: String,
    },
}

/// The word has no end where one must be, or nests too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Word,
    /// Text of a here-document or of an arithmetic expression: quotes mean nothing.
    Document,
}

pub(crate) fn pieces(raw: &str, mode: Mode) -> Result<Vec<Piece>, Unreadable> {
    let mut reader = Reader { raw, at: 0, pieces: Vec::new() };
    if mode == Mode::Word {
        reader.tilde();
        reader.word()?;
    } else {
        reader.quoted(Quotes::Meaningless)?;
    }
    Ok(reader.pieces)
}

/// What a quotation mark is inside a text that is already quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Escapable,
    Meaningless,
}

struct Reader<'a> {
    raw: &'a str,
    at: usize,
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn byte(&self) -> Option<u8> {
        self.raw.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.raw.get(self.at..).unwrap_or_default()
    }

    /// Asks where something ends that begins here.
    fn scan<T>(
        &self,
        find: impl FnOnce(&mut Scan<'_>, usize) -> Result<T, ParseError>,
    ) -> Result<T, Unreadable> {
        find(&mut Scan::new(self.raw), self.at).map_err(|_| Unreadable)
    }

    /// Text up to `end` (a position in the raw word), which is left one byte before `past`.
    fn take(&mut self, end: usize) -> Result<String, Unreadable> {
        let text = self.raw.get(self.at..end).ok_or(Unreadable)?.to_owned();
        self.at = end;
        Ok(text)
    }

    fn text(&mut self, text: &str, quoted: bool) {
        if let Some(Piece::Text { text: last, quoted: same }) = self.pieces.last_mut()
            && *same == quoted
        {
            last.push_str(text);
        } else {
            self.pieces.push(Piece::Text { text: text.to_owned(), quoted });
        }
    }

    fn tilde(&mut self) {
        let Some(rest) = self.raw.strip_prefix('~') else { return };
        let user = rest.split('/').next().unwrap_or_default();
        if user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte)) {
            self.pieces.push(Piece::Tilde { user: user.to_owned() });
            self.at = 1 + user.len();
        }
    }

    fn word(&mut self) -> Result<(), Unreadable> {
        while let Some(byte) = self.byte() {
            match byte {
                b'\\' => self.escape(),
                b'\'' => self.single_quoted()?,
                b'"' => self.double_quoted()?,
                b'$' => self.dollar(false)?,
                b'`' => self.backticks(false)?,
                _ => self.plain(b"\\'\"$`", false),
            }
        }
        Ok(())
    }

    /// Inside double quotes, a here-document or an arithmetic expression.
    fn quoted(&mut self, quotes: Quotes) -> Result<(), Unreadable> {
        while let Some(byte) = self.byte() {
            match byte {
                b'\\' => self.quoted_escape(quotes),
                b'$' => self.dollar(true)?,
                b'`' => self.backticks(true)?,
                _ => self.plain(b"\\$`", true),
            }
        }
        Ok(())
    }

    fn plain(&mut self, stops: &[u8], quoted: bool) {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| stops.contains(&byte)).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length;
        self.text(&text, quoted);
    }

    fn escape(&mut self) {
        self.at += 1;
        // At the very end it stands for itself.
        let escaped = self.rest().chars().next();
        self.at += escaped.map_or(0, char::len_utf8);
        match escaped.unwrap_or('\\') {
            '\n' => {}
            escaped => self.text(escaped.encode_utf8(&mut [0; 4]), true),
        }
    }

    fn quoted_escape(&mut self, quotes: Quotes) {
        self.at += 1;
        match self.byte() {
            Some(b'\n') => self.at += 1,
            Some(byte @ (b'$' | b'`' | b'\\')) => {
                self.at += 1;
                self.text(char::from(byte).encode_utf8(&mut [0; 4]), true);
            }
            Some(b'"') if quotes == Quotes::Escapable => {
                self.at += 1;
                self.text("\"", true);
            }
            _ => self.text("\\", true),
        }
    }

    fn single_quoted(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        let end = self.scan(|scan, at| scan.single_quote_end(at))?;
        let text = self.take(end)?;
        self.at += 1;
        self.text(&text, true);
        Ok(())
    }

    fn double_quoted(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        let end = self.scan(|scan, at| scan.double_quote_end(at, MAX_NESTING))?;
        let inner = self.take(end)?;
        self.at += 1;
        // An empty quotation still makes a word.
        self.text("", true);
        let mut reader = Reader { raw: &inner, at: 0, pieces: Vec::new() };
        reader.quoted(Quotes::Escapable)?;
        self.pieces.append(&mut reader.pieces);
        Ok(())
    }

    fn dollar(&mut self, quoted: bool) -> Result<(), Unreadable> {
        self.at += 1;
        match self.byte() {
            Some(b'(') => self.parenthesis(quoted),
            Some(b'{') => self.braces(quoted),
            Some(b'[') => self.brackets(),
            Some(b'\'') if !quoted => self.ansi_quoted(),
            // `$"…"` is translated text: read as if there was no dollar.
            Some(b'"') if !quoted => Ok(()),
            Some(byte) if is_name_start(byte) => {
                let name = self.name();
                self.pieces.push(Piece::Parameter { name, quoted });
                Ok(())
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?-$!".contains(&byte) => {
                self.at += 1;
                self.pieces.push(Piece::Parameter { name: char::from(byte).into(), quoted });
                Ok(())
            }
            _ => {
                self.text("$", quoted);
                Ok(())
            }
        }
    }

    fn name(&mut self) -> String {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length;
        name
    }

    /// `$((…))` is arithmetic, unless its brackets close apart: `$((a); (b))` runs two subshells.
    fn parenthesis(&mut self, quoted: bool) -> Result<(), Unreadable> {
        self.at += 1;
        if self.byte() == Some(b'(')
            && let Some(end) = self.scan(|scan, at| scan.arithmetic_end(at + 1, MAX_NESTING))?
        {
            self.at += 1;
            let inner = self.take(end)?;
            self.at += 2;
            self.pieces.push(Piece::Arithmetic { inner });
            return Ok(());
        }
        let end = self.scan(|scan, at| scan.substitution_end(at, MAX_NESTING))?;
        let script = self.take(end)?;
        self.at += 1;
        self.pieces.push(Piece::Substitution { script, quoted });
        Ok(())
    }

    fn braces(&mut self, quoted: bool) -> Result<(), Unreadable> {
        self.at += 1;
        let end = self.scan(|scan, at| scan.brace_end(at, quoted, MAX_NESTING))?;
        let inner = self.take(end)?;
        self.at += 1;
        let is_plain = inner.bytes().all(is_name) || matches!(inner.as_str(), "@" | "*");
        self.pieces.push(if is_plain {
            Piece::Parameter { name: inner, quoted }
        } else {
            Piece::Computed { inner, quoted }
        });
        Ok(())
    }

    /// `$[…]`, the old arithmetic.
    fn brackets(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        let end = self.scan(|scan, at| scan.bracket_end(at, MAX_NESTING))?;
        let inner = self.take(end)?;
        self.at += 1;
        self.pieces.push(Piece::Arithmetic { inner });
        Ok(())
    }

    fn ansi_quoted(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        let (text, length) = ansi::decode(self.rest()).ok_or(Unreadable)?;
        self.at += length;
        self.text(&text, true);
        Ok(())
    }

    fn backticks(&mut self, quoted: bool) -> Result<(), Unreadable> {
        self.at += 1;
        let mut script = String::new();
        let mut characters = self.raw.get(self.at..).unwrap_or_default().char_indices();
        while let Some((offset, character)) = characters.next() {
            match character {
                '`' => {
                    self.at += offset + 1;
                    self.pieces.push(Piece::Substitution { script, quoted });
                    return Ok(());
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('`' | '\\' | '$'))) => script.push(escaped),
                    Some((_, '"')) if quoted => script.push('"'),
                    Some((_, other)) => script.extend(['\\', other]),
                    None => return Err(Unreadable),
                },
                _ => script.push(character),
            }
        }
        Err(Unreadable)
    }
}

/// The text of a here-document's tag: nothing in it is expanded.
pub(crate) fn without_quotes(raw: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            '$' | '`' => return None,
            '\'' | '"' => loop {
                match characters.next()? {
                    '\\' | '$' | '`' => return None,
                    mark if mark == character => break,
                    other => text.push(other),
                }
            },
            _ => text.push(character),
        }
    }
    Some(text)
}

pub(crate) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(raw: &str) -> Vec<Piece> {
        pieces(raw, Mode::Word).unwrap()
    }

    fn text(text: &str, quoted: bool) -> Piece {
        Piece::Text { text: text.to_owned(), quoted }
    }

    #[test]
    fn quotes_of_every_kind_join_into_one_word() {
        assert_eq!(word(r#"r'm'\x\y"#), [text("r", false), text("mxy", true)]);
        assert_eq!(word(r#""x"y"#), [text("", true), text("x", true), text("y", false)]);
        assert_eq!(word(r"$'\x72\155'"), [text("rm", true)]);
        assert_eq!(word(r"\"), [text(r"\", true)]);
    }

    #[test]
    fn a_substitution_ends_at_its_own_bracket() {
        let script = r#"echo ")" $(echo ')') \)"#.to_owned();
        let raw = format!("a$({script})b");
        assert_eq!(
            word(&raw),
            [text("a", false), Piece::Substitution { script, quoted: false }, text("b", false)]
        );
    }

    #[test]
    fn a_subshell_in_a_substitution_is_not_arithmetic() {
        assert!(matches!(word("$((1+2))")[..], [Piece::Arithmetic { .. }]));
        assert!(matches!(word("$((a); (b))")[..], [Piece::Substitution { .. }]));
    }

    #[test]
    fn a_parameter_with_an_operator_is_computed() {
        let inner = "x:-$(rm y)".to_owned();
        assert_eq!(
            word("\"${x:-$(rm y)}\""),
            [text("", true), Piece::Computed { inner, quoted: true }]
        );
    }

    #[test]
    fn what_has_no_end_is_unreadable() {
        for raw in ["'a", "\"a", "$(a", "${a", "`a", "$'a", "$[1"] {
            assert_eq!(pieces(raw, Mode::Word), Err(Unreadable), "{raw}");
        }
    }
}
