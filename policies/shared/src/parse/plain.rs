//! Reads the commands that people type all day without the grammar: programs with arguments and
//! redirections, in pipelines and lists. The tree is the grammar's own; for anything else there is
//! none, and the grammar is asked.

use std::{iter::Peekable, vec};

use brush_parser::{
    SourceSpan, Token,
    ast::{
        AndOr, AndOrList, Command, CommandPrefixOrSuffixItem, CommandSuffix, CompoundList,
        CompoundListItem, IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline, Program,
        SeparatorOperator, SimpleCommand, Word,
    },
};

use crate::{
    names::{Name, is_among, sorted},
    word::is_name_start,
};

/// Words that mean something else where a command begins.
const RESERVED: &[Name] = &sorted([
    "!", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function",
    "if", "in", "select", "then", "time", "until", "while", "[[", "]]",
]);

/// The tree of a script that is plain throughout; otherwise its tokens are given back.
pub(super) fn program(tokens: Vec<Token>) -> Result<Program, Vec<Token>> {
    if !is_plain(&tokens) {
        return Err(tokens);
    }
    let mut reader = Reader { tokens: tokens.into_iter().peekable() };
    Ok(reader.program())
}

/// What the tokens before allow to come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A command, or the end.
    Line,
    /// A command behind `&&`, `||` or `|`, perhaps on another line.
    Command,
    /// More of a command.
    Argument,
    /// The file of a redirection.
    Target,
    /// Behind `;` or `&`.
    List,
}

/// Whether there is nothing but commands in the places where commands may be.
fn is_plain(tokens: &[Token]) -> bool {
    let mut next = Next::Line;
    for token in tokens {
        let after = match token {
            Token::Word(word, _) => after_word(next, word),
            Token::Operator(operator, _) => after_operator(next, operator),
        };
        let Some(after) = after else { return false };
        next = after;
    }
    matches!(next, Next::Line | Next::Argument | Next::List)
}

fn after_word(next: Next, word: &str) -> Option<Next> {
    // Digits may be the descriptor of a redirection.
    let is_number = || word.bytes().all(|byte| byte.is_ascii_digit());
    let is_readable = match next {
        Next::Line | Next::Command | Next::List => {
            !is_among(word, RESERVED) && !may_assign(word) && !is_number()
        }
        Next::Argument => !may_assign(word),
        Next::Target => true,
    };
    is_readable.then_some(Next::Argument)
}

fn after_operator(next: Next, operator: &str) -> Option<Next> {
    match (next, operator) {
        (Next::Argument, "&&" | "||" | "|") => Some(Next::Command),
        (Next::Argument, ";" | "&") => Some(Next::List),
        (Next::Argument | Next::Line | Next::List, "\n") => Some(Next::Line),
        (Next::Command, "\n") => Some(Next::Command),
        (Next::Argument, "&>" | "&>>") => Some(Next::Target),
        (Next::Argument, operator) => kind(operator).map(|_| Next::Target),
        _ => None,
    }
}

fn may_assign(word: &str) -> bool {
    word.contains('=') && word.bytes().next().is_some_and(is_name_start)
}

fn kind(operator: &str) -> Option<IoFileRedirectKind> {
    Some(match operator {
        "<" => IoFileRedirectKind::Read,
        ">" => IoFileRedirectKind::Write,
        ">>" => IoFileRedirectKind::Append,
        "<>" => IoFileRedirectKind::ReadAndWrite,
        ">|" => IoFileRedirectKind::Clobber,
        "<&" => IoFileRedirectKind::DuplicateInput,
        ">&" => IoFileRedirectKind::DuplicateOutput,
        _ => return None,
    })
}

struct Reader {
    tokens: Peekable<vec::IntoIter<Token>>,
}

impl Reader {
    fn program(&mut self) -> Program {
        let mut complete_commands = Vec::new();
        self.lines();
        while self.tokens.peek().is_some() {
            complete_commands.push(self.line());
            self.lines();
        }
        Program { complete_commands }
    }

    /// Takes the next operator if it is this one.
    fn takes(&mut self, operator: &str) -> bool {
        self.tokens
            .next_if(|token| matches!(token, Token::Operator(text, _) if text == operator))
            .is_some()
    }

    fn lines(&mut self) {
        while self.takes("\n") {}
    }

    fn line(&mut self) -> CompoundList {
        let mut items = Vec::new();
        loop {
            let list = self.and_or();
            let separator = if self.takes("&") {
                Some(SeparatorOperator::Async)
            } else {
                self.takes(";").then_some(SeparatorOperator::Sequence)
            };
            let ends = separator.is_none() || !matches!(self.tokens.peek(), Some(Token::Word(..)));
            let separator = separator.unwrap_or(SeparatorOperator::Sequence);
            items.push(CompoundListItem(list, separator));
            if ends {
                return CompoundList(items);
            }
        }
    }

    fn and_or(&mut self) -> AndOrList {
        let (first, mut additional) = (self.pipeline(), Vec::new());
        loop {
            let join = if self.takes("&&") {
                AndOr::And
            } else if self.takes("||") {
                AndOr::Or
            } else {
                return AndOrList { first, additional };
            };
            self.lines();
            additional.push(join(self.pipeline()));
        }
    }

    fn pipeline(&mut self) -> Pipeline {
        let mut seq = vec![self.command()];
        while self.takes("|") {
            self.lines();
            seq.push(self.command());
        }
        Pipeline { timed: None, bang: false, seq }
    }

    fn command(&mut self) -> Command {
        let word_or_name = self.word();
        let mut items = Vec::new();
        while let Some(item) = self.item() {
            items.push(item);
        }
        let suffix = (!items.is_empty()).then_some(CommandSuffix(items));
        Command::Simple(SimpleCommand { prefix: None, word_or_name, suffix })
    }

    fn word(&mut self) -> Option<Word> {
        let token = self.tokens.next_if(|token| matches!(token, Token::Word(..)))?;
        let (Token::Word(value, span) | Token::Operator(value, span)) = token;
        Some(Word { value, loc: Some(span) })
    }

    fn item(&mut self) -> Option<CommandPrefixOrSuffixItem> {
        let Some(word) = self.word() else {
            return self.redirection(None).map(CommandPrefixOrSuffixItem::IoRedirect);
        };
        let descriptor = self.descriptor(&word);
        let redirection = descriptor.and_then(|number| self.redirection(Some(number)));
        Some(match redirection {
            Some(redirection) => CommandPrefixOrSuffixItem::IoRedirect(redirection),
            None => CommandPrefixOrSuffixItem::Word(word),
        })
    }

    /// Digits that touch the redirection behind them.
    fn descriptor(&mut self, word: &Word) -> Option<i32> {
        let Some(Token::Operator(operator, next)) = self.tokens.peek() else { return None };
        let touches = |span: &SourceSpan| span.end.index == next.start.index;
        let is_descriptor = word.value.bytes().all(|byte| byte.is_ascii_digit())
            && word.loc.as_ref().is_some_and(touches)
            && operator.starts_with(['<', '>']);
        if is_descriptor { word.value.parse().ok() } else { None }
    }

    fn redirection(&mut self, descriptor: Option<i32>) -> Option<IoRedirect> {
        let redirects = |text: &str| text.starts_with(['<', '>']) || text.starts_with("&>");
        let operator = self
            .tokens
            .next_if(|token| matches!(token, Token::Operator(text, _) if redirects(text)))?;
        let target = self.word()?;
        let Some(kind) = kind(operator.to_str()) else {
            return Some(IoRedirect::OutputAndError(target, operator.to_str() == "&>>"));
        };
        let target = match kind {
            IoFileRedirectKind::DuplicateInput | IoFileRedirectKind::DuplicateOutput => {
                IoFileRedirectTarget::Duplicate(target)
            }
            _ => IoFileRedirectTarget::Filename(target),
        };
        Some(IoRedirect::File(descriptor, kind, target))
    }
}

#[cfg(test)]
mod tests {
    use brush_parser::{ParserOptions, parse_tokens};
    use proptest::prelude::*;

    use super::*;
    use crate::lex::lex;

    fn tokens(text: &str) -> Option<Vec<Token>> {
        lex(text, 8).ok().map(|lexed| lexed.tokens)
    }

    fn is_read(text: &str) -> bool {
        program(tokens(text).unwrap()).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_is_what_the_grammar_reads(
            text in "(a|ls|-x|b=c|--b=c|'a b'|\"\\$x\"| | | |2|12|>|<|>>|>&|<&|<>|>\\||&>|&>>|<<<|;|;;|&&|\\|\\||\\||\\|&|&|\n|!|time|if|in|\\{|\\}|\\[\\[|\\(|\\)|#|a\\[1\\]=2|-|1){0,16}"
        ) {
            if let Some(tokens) = tokens(&text)
                && let Ok(program) = program(tokens.clone())
            {
                let grammar = parse_tokens(&tokens, &ParserOptions::default());
                prop_assert_eq!(format!("{:?}", Ok::<_, ()>(program)), format!("{:?}", grammar.map_err(drop)));
            }
        }
    }

    #[test]
    fn what_people_type_all_day_needs_no_grammar() {
        for text in [
            "pip install -r requirements.txt && python -m pytest -q tests | tail -20",
            "",
            "\n\nls\n\n",
            "npm run build -- --out=dist 2>&1 >log.txt &\nwait;",
            "a | b |\n c || d &&\n e; f & g",
            "cat <x >>y &>z 3<>w; git commit -m \"it's done\" # really",
        ] {
            assert!(is_read(text), "{text}");
        }
    }

    #[test]
    fn all_else_is_left_to_the_grammar() {
        let texts = "x=1 , x=1 ls , make CC=gcc , (ls) , ! ls , time ls , { ls; } , f() { ls; } , \
                     cat <<<x , a |& b , if a; then b; fi , >x ls , 2>x ls , diff <(a) b , [[ a ]] , \
                     a=(1 2) , coproc x , cat <<E\nE\n";
        for text in texts.split(" , ") {
            assert!(!is_read(text), "{text}");
        }
    }
}
