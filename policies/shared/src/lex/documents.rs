//! Here-documents: their bodies begin on the next line, the parser wants them behind their tags.

use brush_parser::Token;

use super::Script;
use crate::{parse::ParseError, word};

/// One whose body has not been read yet.
pub(super) struct Document {
    tag: String,
    without_tabs: bool,
    is_quoted: bool,
    /// Where its body goes among the tokens.
    token: usize,
}

impl Script<'_, '_> {
    /// Notes a document; its body is filled in at the end of the line.
    pub(super) fn document(&mut self, raw: &str, without_tabs: bool) -> Result<(), ParseError> {
        let tag = word::without_quotes(raw).ok_or(ParseError::Unreadable)?;
        self.emit_plain(String::new())?;
        let token = self.output.as_ref().map_or(0, |output| output.lexed.tokens.len() - 1);
        self.emit_plain(raw.to_owned())?;
        let is_quoted = raw.contains(['\'', '"', '\\']);
        self.waiting.push(Document { tag, without_tabs, is_quoted, token });
        Ok(())
    }

    pub(super) fn documents(&mut self) -> Result<(), ParseError> {
        for document in std::mem::take(&mut self.waiting) {
            let body = self.body(&document)?;
            let token =
                self.output.as_mut().and_then(|output| output.lexed.tokens.get_mut(document.token));
            if let Some(Token::Word(text, _)) = token {
                *text = body;
            }
        }
        Ok(())
    }

    fn body(&mut self, document: &Document) -> Result<String, ParseError> {
        let mut body = String::new();
        loop {
            let line = self.document_line(document)?;
            if line == document.tag {
                return Ok(body);
            }
            body += &line;
            body.push('\n');
        }
    }

    /// One line; where parameters are expanded, a backslash at its end joins the next one.
    fn document_line(&mut self, document: &Document) -> Result<String, ParseError> {
        let mut whole = String::new();
        loop {
            self.scan.burn()?;
            if self.scan.byte(self.at).is_none() {
                return Err(ParseError::Unreadable);
            }
            let end = self.scan.line_end(self.at);
            let mut line = self.scan.slice(self.at, end);
            self.at = end + usize::from(self.scan.byte(end).is_some());
            if document.without_tabs && whole.is_empty() {
                line = line.trim_start_matches('\t');
            }
            let backslashes = line.bytes().rev().take_while(|byte| *byte == b'\\').count();
            if document.is_quoted || backslashes % 2 == 0 {
                return Ok(whole + line);
            }
            whole += line.get(..line.len() - 1).unwrap_or_default();
        }
    }
}
