//! `[[ … ]]`: words and operators mean other things there.

use super::Script;
use crate::parse::ParseError;

/// Most `&&` and `||` of one test; the parser makes each a level of its tree.
const MAX_JOINS: usize = 32;

#[derive(Default)]
struct Test {
    brackets: usize,
    negations: usize,
    joins: usize,
}

impl Script<'_, '_> {
    /// Reads behind `[[` up to its `]]`.
    pub(super) fn test(&mut self) -> Result<(), ParseError> {
        self.emit_plain("[[".to_owned())?;
        let mut test = Test::default();
        loop {
            self.scan.burn()?;
            match self.scan.byte(self.at).ok_or(ParseError::Unreadable)? {
                b' ' | b'\t' => self.at += 1,
                b'\\' if self.scan.byte(self.at + 1) == Some(b'\n') => self.at += 2,
                b'\n' | b'(' | b')' | b'<' | b'>' | b'&' | b'|' => self.test_operator(&mut test)?,
                b';' => return Err(ParseError::Unreadable),
                _ => {
                    if self.test_word(&mut test)? {
                        self.shape.tested();
                        return Ok(());
                    }
                }
            }
            if test.brackets + test.negations + self.shape.weight() > self.levels
                || test.joins > MAX_JOINS
            {
                return Err(ParseError::TooComplex);
            }
        }
    }

    fn test_operator(&mut self, test: &mut Test) -> Result<(), ParseError> {
        let rest = self.scan.rest(self.at);
        let operators = ["&&", "||", "(", ")", "<", ">", "\n"];
        let operator = operators.into_iter().find(|operator| rest.starts_with(operator));
        let operator = operator.ok_or(ParseError::Unreadable)?;
        match operator {
            "(" => test.brackets += 1,
            ")" => {
                test.brackets = test.brackets.checked_sub(1).ok_or(ParseError::Unreadable)?;
            }
            "&&" | "||" => {
                test.joins += 1;
                if test.brackets == 0 {
                    test.negations = 0;
                }
            }
            _ => {}
        }
        self.at += operator.len();
        self.emit_operator(operator)
    }

    /// True once the test ends.
    fn test_word(&mut self, test: &mut Test) -> Result<bool, ParseError> {
        let start = self.at;
        self.at = self.scan.word_end(start, self.levels)?;
        let raw = self.scan.slice(start, self.at);
        test.negations += usize::from(raw == "!");
        self.emit_plain(raw.to_owned())?;
        if raw == "=~" {
            self.regex()?;
        }
        Ok(raw == "]]")
    }

    fn regex(&mut self) -> Result<(), ParseError> {
        while matches!(self.scan.byte(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let start = self.at;
        self.at = self.scan.regex_end(start, self.levels)?;
        if self.at == start {
            return Err(ParseError::Unreadable);
        }
        self.emit_plain(self.scan.slice(start, self.at).to_owned())
    }
}
