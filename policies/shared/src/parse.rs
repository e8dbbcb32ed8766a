//! From text to a tree, by `brush-parser`, behind checks for what that parser can't bear.

use brush_parser::{ParserOptions, Token, ast::Program, parse_tokens, uncached_tokenize_str};

use crate::limits::{MAX_NESTING, MAX_TOKENS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// No shell would read it, or this parser can't.
    Unreadable,
    TooComplex,
}

/// Longest run of digits before a redirection: the parser reads it as a 32-bit number.
const MAX_DESCRIPTOR_DIGITS: usize = 9;

/// Parses a script that may nest so many levels deep. The parser's caches are passed by: each
/// decision is made in a fresh instance.
pub(crate) fn program(text: &str, levels: usize) -> Result<Program, ParseError> {
    check_text(text)?;
    let options = ParserOptions::default();
    let tokens = uncached_tokenize_str(text, &options.tokenizer_options())
        .map_err(|_| ParseError::Unreadable)?;
    check_tokens(&tokens, levels)?;
    parse_tokens(&tokens, &options).map_err(|_| ParseError::Unreadable)
}

fn check_text(text: &str) -> Result<(), ParseError> {
    // NUL stands for what is unknown from here on, and no command can hold one.
    if text.contains('\0') || has_huge_descriptor(text) {
        return Err(ParseError::Unreadable);
    }
    if nesting(text) > MAX_NESTING {
        return Err(ParseError::TooComplex);
    }
    Ok(())
}

fn has_huge_descriptor(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'<' | b'>' if digits > MAX_DESCRIPTOR_DIGITS => return true,
            _ => digits = 0,
        }
    }
    false
}

/// How deep expansions nest; the tokenizer recurses once for each level. Here-documents are not
/// told apart, so this is an estimate; a text that deceives it meets the end of the stack, which
/// is a trap and so a refusal.
fn nesting(text: &str) -> usize {
    let mut open = Vec::new();
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (open.last(), byte) {
            (Some(b')'), b')') | (Some(b'}'), b'}') => {
                open.pop();
                depth -= 1;
            }
            (Some(b'\''), b'\'') | (Some(b'"'), b'"') | (Some(b'('), b')') => {
                open.pop();
            }
            (Some(b'\''), _) => {}
            (_, b'\\') => at += 1,
            (Some(b'"'), b'\'') => {}
            (_, b'\'' | b'"') => open.push(byte),
            (_, b'$') if matches!(bytes.get(at), Some(b'(' | b'{' | b'[')) => {
                open.push(if bytes.get(at) == Some(&b'(') { b')' } else { b'}' });
                depth += 1;
                at += 1;
            }
            (Some(b')' | b'('), b'(') => open.push(b'('),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn check_tokens(tokens: &[Token], levels: usize) -> Result<(), ParseError> {
    if tokens.len() > MAX_TOKENS {
        return Err(ParseError::TooComplex);
    }
    let mut depth = Depth { now: 0, negations: 0, begins: true };
    for token in tokens {
        match token {
            Token::Operator(text, _) => depth.operator(text),
            Token::Word(text, _) if is_computed_index(text) => return Err(ParseError::Unreadable),
            Token::Word(text, _) => depth.word(text),
        }
        if depth.now + depth.negations > levels {
            return Err(ParseError::TooComplex);
        }
    }
    Ok(())
}

/// Reserved words behind which a command begins.
const BEFORE_COMMANDS: &[&str] = &[
    "{", "}", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "!",
    "time", "coproc",
];

/// How deep compound commands nest at one token.
struct Depth {
    now: usize,
    /// `! ! !`: each is a level of its own to the parser.
    negations: usize,
    /// A command begins here, so a reserved word is one.
    begins: bool,
}

impl Depth {
    fn operator(&mut self, text: &str) {
        match text {
            "(" => self.now += 1,
            ")" => self.now = self.now.saturating_sub(1),
            _ => {}
        }
        self.negations = 0;
        self.begins = !text.starts_with(['<', '>']);
    }

    fn word(&mut self, text: &str) {
        // `{` follows `function name` as well, where no command begins.
        let begins = self.begins || text == "{";
        self.begins = begins && BEFORE_COMMANDS.contains(&text);
        match text {
            "!" => self.negations += 1,
            "{" | "if" | "while" | "until" | "for" | "case" if begins => self.now += 1,
            "}" | "fi" | "done" | "esac" if begins => self.now = self.now.saturating_sub(1),
            _ => self.negations = 0,
        }
    }
}

/// `name[$(…` makes the parser try both readings of each bracket, twice the time for each level.
fn is_computed_index(word: &str) -> bool {
    let Some((name, index)) = word.split_once('[') else { return false };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name && !name.is_empty() && index.contains(['(', '`', '{', '"', '\'', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_are_counted_where_they_open() {
        assert_eq!(nesting("echo hi"), 0);
        assert_eq!(nesting("echo $(echo \"$(date)\")"), 2);
        assert_eq!(nesting("echo '$($($('"), 0);
        assert_eq!(nesting(r"echo \$\( \' $(a)$(b)"), 1);
    }

    #[test]
    fn a_descriptor_that_is_no_number_is_unreadable() {
        assert!(program("echo 99999999999>x", 1).is_err());
        assert!(program("echo 99999999999 >x", 1).is_ok());
    }

    #[test]
    fn reserved_words_count_only_where_a_command_begins() {
        assert!(program("echo if for while case do a", 0).is_ok());
        assert!(program("if true; then echo fi; fi; for i in a; do b; done", 1).is_ok());
        let hidden = format!("{}true", "if echo fi; then ".repeat(40));
        assert_eq!(program(&hidden, MAX_NESTING).unwrap_err(), ParseError::TooComplex);
        let negated = format!("[[ {} a ]]", "! ".repeat(40));
        assert_eq!(program(&negated, MAX_NESTING).unwrap_err(), ParseError::TooComplex);
    }

    #[test]
    fn deep_brackets_are_refused_before_they_are_parsed() {
        let text = format!("{}true{}", "( ".repeat(40), " )".repeat(40));
        assert_eq!(program(&text, MAX_NESTING).unwrap_err(), ParseError::TooComplex);
    }
}
