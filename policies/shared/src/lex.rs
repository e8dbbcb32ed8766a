//! Splits a script into the parser's tokens.
//!
//! The parser's own tokenizer recurses without a bound and takes the first bracket for the last in
//! many a here-document; this one knows beforehand how deep a script nests, and says no. It also
//! writes down unambiguously what the parser's grammar would try in two ways, each of which
//! doubles the time for a level: arithmetic, regular expressions, a last branch without `;;`.

mod documents;
mod scan;
mod shape;
mod test;

use std::borrow::Cow;

use brush_parser::Token;

use crate::{limits::MAX_TOKENS, parse::ParseError};
use documents::Document;
pub(crate) use scan::Scan;
use shape::{Close, Shape};

/// Stands before an argument that can't be an assignment. Otherwise the parser would try to read
/// each word as one, and twice, to say why it is none: a fifth of the time for a decision.
const ARGUMENT: char = '\u{1}';

/// The word as it was written.
pub(crate) fn written(raw: &str) -> &str {
    raw.strip_prefix(ARGUMENT).unwrap_or(raw)
}

/// Whether a text could be mistaken for one that was marked.
pub(crate) fn has_marks(text: &str) -> bool {
    text.contains(ARGUMENT)
}

/// A script in tokens.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    /// Texts between the brackets of `name[…]=value`, in which substitutions run. The tokens have
    /// a plain number there.
    pub(crate) indices: Vec<String>,
}

/// Splits a whole script that may nest so many levels deep.
pub(crate) fn lex(text: &str, levels: usize) -> Result<Lexed, ParseError> {
    let mut scan = Scan::new(text);
    let mut script = Script::new(&mut scan, 0, levels, Some(Output::default()));
    script.run(false)?;
    Ok(script.output.map(|output| output.lexed).unwrap_or_default())
}

/// Where a substitution that begins at `at` ends: the position of its bracket.
fn end_of_script(scan: &mut Scan<'_>, at: usize, levels: usize) -> Result<usize, ParseError> {
    Script::new(scan, at, levels, None).run(true)
}

#[derive(Default)]
struct Output {
    lexed: Lexed,
    spans: shape::Spans,
}

struct Script<'s, 'a> {
    scan: &'s mut Scan<'a>,
    at: usize,
    levels: usize,
    shape: Shape,
    /// Here-documents whose bodies begin on the next line.
    waiting: Vec<Document>,
    /// None where only the end is looked for.
    output: Option<Output>,
}

/// Longest first where one begins another.
const OPERATORS: &[&str] = &[
    "&>>", "&>", "&&", "&", "||", "|&", "|", ";;&", ";;", ";&", ";", "<<<", "<<-", "<<", "<&",
    "<>", "<", ">>", ">&", ">|", ">",
];

/// Longest run of digits before a redirection: the parser reads it as a 32-bit number.
const MAX_DESCRIPTOR_DIGITS: usize = 9;

impl<'s, 'a> Script<'s, 'a> {
    fn new(scan: &'s mut Scan<'a>, at: usize, levels: usize, output: Option<Output>) -> Self {
        let shape = Shape::new(levels);
        Self { scan, at, levels, shape, waiting: Vec::new(), output }
    }

    /// Reads to the end of the text, or to the bracket that closes a substitution.
    fn run(&mut self, nested: bool) -> Result<usize, ParseError> {
        loop {
            self.scan.burn()?;
            match self.scan.byte(self.at) {
                None if nested || !self.waiting.is_empty() => return Err(ParseError::Unreadable),
                None => return self.shape.end().map(|()| self.at),
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.scan.byte(self.at + 1) == Some(b'\n') => self.at += 2,
                Some(b'#') => self.at = self.scan.line_end(self.at),
                Some(b'\n') => self.newline()?,
                Some(b'(') => self.open()?,
                Some(b')') if nested && self.shape.is_outermost() => {
                    self.shape.end()?;
                    return if self.waiting.is_empty() {
                        Ok(self.at)
                    } else {
                        Err(ParseError::Unreadable)
                    };
                }
                Some(b')') => self.close()?,
                Some(b'&' | b'|' | b';' | b'<' | b'>') => self.operator()?,
                Some(_) => self.word()?,
            }
        }
    }

    fn newline(&mut self) -> Result<(), ParseError> {
        self.at += 1;
        self.emit_operator("\n")?;
        self.shape.separator("\n")?;
        if !self.waiting.is_empty() && self.shape.is_in_process() {
            return Err(ParseError::Unreadable);
        }
        self.documents()
    }

    fn operator(&mut self) -> Result<(), ParseError> {
        let rest = self.scan.rest(self.at);
        let operator = *OPERATORS
            .iter()
            .find(|operator| rest.starts_with(**operator))
            .ok_or(ParseError::Unreadable)?;
        self.at += operator.len();
        // A line that goes on in the middle of an operator is never written by accident.
        if let Some(rest) = self.scan.rest(self.at).strip_prefix("\\\n")
            && rest.starts_with(['&', '|', ';', '<', '>', '('])
        {
            return Err(ParseError::Unreadable);
        }
        self.emit_operator(operator)?;
        if operator.starts_with(['<', '>']) || operator.starts_with("&>") {
            return self.redirection(operator);
        }
        self.shape.separator(operator)
    }

    fn redirection(&mut self, operator: &str) -> Result<(), ParseError> {
        if matches!(operator, "<" | ">") && self.scan.byte(self.at) == Some(b'(') {
            self.at += 1;
            self.emit_operator("(")?;
            self.shape.open_process()?;
            return self.part_brackets();
        }
        while matches!(self.scan.byte(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        // `> >(…)`: the process is the target.
        if self.scan.rest(self.at).starts_with(">(") || self.scan.rest(self.at).starts_with("<(") {
            return Ok(());
        }
        let start = self.at;
        let end = self.scan.word_end(start, self.levels)?;
        if end == start {
            return Err(ParseError::Unreadable);
        }
        self.at = end;
        let raw = self.scan.slice(start, end);
        self.emit_word(raw)?;
        self.shape.redirected();
        if matches!(operator, "<<" | "<<-") {
            return self.document(raw, operator == "<<-");
        }
        Ok(())
    }

    /// `(`: a subshell, arithmetic, a function's, a list's or a pattern's bracket.
    fn open(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        self.at += 1;
        let is_empty =
            || self.scan.rest(start + 1).trim_start_matches([' ', '\t']).starts_with(')');
        if self.shape.may_be_function() && is_empty() {
            self.emit_operator("(")?;
            self.at += self.scan.rest(self.at).find(')').map_or(0, |offset| offset + 1);
            self.emit_operator(")")?;
            self.shape.function();
            return Ok(());
        }
        if self.shape.takes_arithmetic()
            && self.scan.byte(self.at) == Some(b'(')
            && let Some(end) = self.scan.arithmetic_end(self.at + 1, self.levels)?
        {
            return self.arithmetic(end);
        }
        let is_list = start > 0 && self.scan.byte(start - 1) == Some(b'=');
        self.shape.open(is_list)?;
        self.emit_operator("(")?;
        self.part_brackets()
    }

    /// The parser sees no spaces, and would try `( (` as arithmetic first.
    fn part_brackets(&mut self) -> Result<(), ParseError> {
        let rest = self.scan.rest(self.at).trim_start_matches([' ', '\t']);
        if rest.starts_with('(') && self.shape.begins() { self.emit_operator("\n") } else { Ok(()) }
    }

    /// `((…))`, in one word, or in three between semicolons behind `for`.
    fn arithmetic(&mut self, end: usize) -> Result<(), ParseError> {
        let inner = self.scan.slice(self.at + 1, end);
        let is_loop = self.shape.arithmetic()?;
        self.emit_operator("(")?;
        self.emit_operator("(")?;
        for (index, part) in inner.split(';').enumerate() {
            if index > 0 {
                self.emit_operator(";")?;
            }
            if !part.trim().is_empty() {
                self.emit_plain(part.trim().to_owned())?;
            }
        }
        if !is_loop && inner.contains(';') {
            return Err(ParseError::Unreadable);
        }
        self.emit_operator(")")?;
        self.emit_operator(")")?;
        self.at = end + 2;
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        self.at += 1;
        self.emit_operator(")")?;
        self.shape.close()
    }

    fn word(&mut self) -> Result<(), ParseError> {
        let start = self.at;
        // With extended patterns off, as in scripts, `!(…)` negates a subshell.
        let negates = self.shape.begins() && self.scan.rest(start).starts_with("!(");
        let end = if negates { start + 1 } else { self.scan.word_end(start, self.levels)? };
        if end == start {
            return Err(ParseError::Unreadable);
        }
        self.at = end;
        let raw = self.scan.slice(start, end);
        // Shells differ on whose lines these are.
        if !self.waiting.is_empty() && raw.contains('\n') && raw.contains(['(', '`']) {
            return Err(ParseError::Unreadable);
        }
        if raw == "[[" && self.shape.begins() {
            return self.test();
        }
        let is_number = raw.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && matches!(self.scan.byte(end), Some(b'<' | b'>')) {
            if raw.len() > MAX_DESCRIPTOR_DIGITS {
                return Err(ParseError::Unreadable);
            }
            return self.emit_descriptor(raw);
        }
        let is_argument = self.shape.takes_arguments() && !raw.contains('=');
        match self.shape.word(raw)? {
            Close::Nothing if is_argument => return self.emit_argument(raw),
            // The grammar would read the branch twice if nothing ended it.
            Close::Branch => self.emit_operator(";;")?,
            Close::Nothing => {}
            Close::Select => return self.emit_word("for"),
        }
        self.emit_word(raw)
    }

    fn emit_operator(&mut self, text: &str) -> Result<(), ParseError> {
        let Some(output) = &mut self.output else { return Ok(()) };
        output.push(|spans| Token::Operator(text.to_owned(), spans.close.clone()))
    }

    /// Digits that touch the redirection behind them.
    fn emit_descriptor(&mut self, text: &str) -> Result<(), ParseError> {
        let Some(output) = &mut self.output else { return Ok(()) };
        output.push(|spans| Token::Word(text.to_owned(), spans.close.clone()))
    }

    fn emit_plain(&mut self, text: String) -> Result<(), ParseError> {
        let Some(output) = &mut self.output else { return Ok(()) };
        output.push(|spans| Token::Word(text, spans.apart.clone()))
    }

    fn emit_argument(&mut self, raw: &str) -> Result<(), ParseError> {
        let mut text = String::with_capacity(raw.len() + 1);
        text.push(ARGUMENT);
        text += &without_continuation(raw);
        self.emit_plain(text)
    }

    fn emit_word(&mut self, raw: &str) -> Result<(), ParseError> {
        let Some(output) = &mut self.output else { return Ok(()) };
        let (text, index) = scan::without_index(&without_continuation(raw), self.levels)?;
        output.lexed.indices.extend(index);
        self.emit_plain(text)
    }
}

impl Output {
    fn push(&mut self, token: impl FnOnce(&shape::Spans) -> Token) -> Result<(), ParseError> {
        if self.lexed.tokens.len() >= MAX_TOKENS {
            return Err(ParseError::TooComplex);
        }
        self.lexed.tokens.push(token(&self.spans));
        Ok(())
    }
}

/// A name may go on over the end of a line; behind quotes the word's reader sees to that.
fn without_continuation(raw: &str) -> Cow<'_, str> {
    if !raw.contains("\\\n") {
        return Cow::Borrowed(raw);
    }
    let quotes = raw.find(['\'', '"', '$', '`']).unwrap_or(raw.len());
    match raw.get(..quotes) {
        Some(plain) if plain.contains("\\\n") => {
            Cow::Owned(plain.replace("\\\n", "") + raw.get(quotes..).unwrap_or_default())
        }
        _ => Cow::Borrowed(raw),
    }
}
