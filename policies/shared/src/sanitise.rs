//! Prints a command again with plain quoting, where that certainly means the same.

use brush_parser::ast::{
    AndOr, Command, CommandPrefixOrSuffixItem, CompoundList, IoFileRedirectTarget, IoRedirect,
    Pipeline, SeparatorOperator, SimpleCommand,
};

use crate::{
    letters::Letters,
    lex::written,
    names::{Name, is_among, sorted},
    parse::Script,
    word::{Mode, Piece, braces, pieces},
};

/// Words that a shell reads as syntax where a command begins.
const RESERVED: &[Name] = &sorted([
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for",
    "in", "function", "select", "time", "coproc", "{", "}", "!", "[[", "]]",
]);

/// A command given as words.
pub(crate) fn words(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// None where a word is expanded in any way, or the command is more than lists and pipelines.
pub(crate) fn script(text: &str, script: &Script) -> Option<String> {
    // An index is no longer in its word; a carriage return was taken for the end of a line.
    if !script.indices.is_empty() || text.contains('\r') {
        return None;
    }
    let mut printed = String::with_capacity(text.len());
    for (index, commands) in script.program.complete_commands.iter().enumerate() {
        if index > 0 {
            printed.push('\n');
        }
        list(commands, &mut printed)?;
    }
    Some(printed)
}

fn list(list: &CompoundList, printed: &mut String) -> Option<()> {
    for (index, item) in list.0.iter().enumerate() {
        pipeline(&item.0.first, printed)?;
        for next in &item.0.additional {
            let (mark, next) = match next {
                AndOr::And(next) => (" && ", next),
                AndOr::Or(next) => (" || ", next),
            };
            printed.push_str(mark);
            pipeline(next, printed)?;
        }
        let is_last = index + 1 == list.0.len();
        printed.push_str(match item.1 {
            SeparatorOperator::Async if is_last => " &",
            SeparatorOperator::Async => " & ",
            SeparatorOperator::Sequence if is_last => "",
            SeparatorOperator::Sequence => "; ",
        });
    }
    Some(())
}

fn pipeline(pipeline: &Pipeline, printed: &mut String) -> Option<()> {
    // `!` may stand alone.
    if pipeline.timed.is_some() || pipeline.seq.is_empty() {
        return None;
    }
    if pipeline.bang {
        printed.push_str("! ");
    }
    for (index, command) in pipeline.seq.iter().enumerate() {
        if index > 0 {
            printed.push_str(" | ");
        }
        match command {
            Command::Simple(simple) => simple_command(simple, printed)?,
            _ => return None,
        }
    }
    Some(())
}

fn simple_command(command: &SimpleCommand, printed: &mut String) -> Option<()> {
    if command.prefix.is_some() {
        return None;
    }
    word(&command.word_or_name.as_ref()?.value, printed)?;
    for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
        printed.push(' ');
        match item {
            CommandPrefixOrSuffixItem::Word(next)
            | CommandPrefixOrSuffixItem::AssignmentWord(_, next) => word(&next.value, printed)?,
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => redirection(redirect, printed)?,
            CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return None,
        }
    }
    Some(())
}

fn redirection(redirect: &IoRedirect, printed: &mut String) -> Option<()> {
    match redirect {
        IoRedirect::File(descriptor, kind, target) => {
            if let Some(number) = descriptor {
                printed.push_str(&number.to_string());
            }
            printed.push_str(&kind.to_string());
            match target {
                IoFileRedirectTarget::Filename(target)
                | IoFileRedirectTarget::Duplicate(target) => word(&target.value, printed),
                IoFileRedirectTarget::Fd(number) => {
                    printed.push_str(&number.to_string());
                    Some(())
                }
                IoFileRedirectTarget::ProcessSubstitution(..) => None,
            }
        }
        IoRedirect::OutputAndError(target, append) => {
            printed.push_str(if *append { "&>>" } else { "&>" });
            word(&target.value, printed)
        }
        IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => None,
    }
}

/// Most words are printed as they are.
fn word(raw: &str, printed: &mut String) -> Option<()> {
    let raw = written(raw);
    if is_plain(raw) {
        printed.push_str(raw);
    } else {
        printed.push_str(&quoted(&literal(raw)?));
    }
    Some(())
}

/// The text of a word in which nothing is expanded: no parameters, patterns, braces or tildes.
fn literal(raw: &str) -> Option<String> {
    let raw = written(raw);
    if braces::expand(raw).ok()? != [raw] {
        return None;
    }
    let mut whole = String::new();
    for piece in pieces(raw, Mode::Word).ok()? {
        match piece {
            Piece::Text { text, quoted } if quoted || is_literal(&text) => {
                whole += &text;
            }
            _ => return None,
        }
    }
    // A control character is written out by nobody, and read by few.
    let is_printable = !whole.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
    is_printable.then_some(whole)
}

/// Nothing in it is expanded where a word stands or a variable is declared.
fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', '(']) && !text.contains("=~") && !text.contains(":~")
}

fn quoted(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn is_plain(word: &str) -> bool {
    static PLAIN: Letters = Letters::and(b"_./:@%+,-");
    !word.is_empty() && PLAIN.are_all_of(word) && !is_among(word, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    use brush_parser::Token;
    use proptest::prelude::*;

    fn sanitised(text: &str) -> Option<String> {
        script(text, &crate::parse::script(text, 8).ok()?)
    }

    /// What a shell reads: operators, and words without their quotes.
    fn read(text: &str) -> Vec<String> {
        let mut read: Vec<String> = Vec::new();
        for token in crate::lex::lex(text, 8).unwrap().tokens {
            let next = match token {
                // The end of a line ends a command, where one has begun.
                Token::Operator(mark, _) if mark == "\n" => {
                    if read.last().is_none_or(|last| last.starts_with("op ")) {
                        continue;
                    }
                    "op ;".to_owned()
                }
                Token::Operator(mark, _) => format!("op {mark}"),
                Token::Word(word, _) => format!("word {}", literal(&word).unwrap()),
            };
            read.push(next);
        }
        while read.last().is_some_and(|last| last == "op ;") {
            read.pop();
        }
        read
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_printed_reads_as_the_same_tree(
            text in "(a|ls|'a b'|\"x\"|\\\\ | |=|2|>|<|;|&&|\\|\\||\\||&|\n|'|\"|!|#|~|-|if|HEAD~1|\\$'\\\\x41'|/){0,14}"
        ) {
            // `a |& b` is printed as what it is short for.
            if let Some(printed) = sanitised(&text).filter(|_| !text.contains("|&")) {
                prop_assert_eq!(read(&text), read(&printed), "{:?} became {:?}", text, printed);
            }
        }
    }

    #[test]
    fn quoting_is_made_plain() {
        assert_eq!(
            sanitised(r#"l's'  "-la" a\ b && echo "it's" >'x y' 2>&1 | cat"#).unwrap(),
            r"ls -la 'a b' && echo 'it'\''s' >'x y' 2>&1 | cat"
        );
    }

    #[test]
    fn what_is_expanded_is_never_printed_again() {
        for text in [
            "echo $x",
            "ls *.py",
            "echo {a,b}",
            "ls ~",
            "a=1",
            "echo $(date)",
            "(ls)",
            r"echo $'\1'",
        ] {
            assert_eq!(sanitised(text), None, "{text}");
        }
    }

    #[test]
    fn a_quoted_reserved_word_stays_quoted() {
        assert_eq!(sanitised("'if' a").unwrap(), "'if' a");
    }
}
