//! Prints a command again with plain quoting, where that certainly means the same.

use brush_parser::ast::{
    AndOr, Command, CommandPrefixOrSuffixItem, CompoundList, IoFileRedirectTarget, IoRedirect,
    Pipeline, Program, SeparatorOperator, SimpleCommand,
};

use crate::{
    parse::Script,
    word::{Mode, Piece, braces, pieces},
};

/// Words that a shell reads as syntax where a command begins.
const RESERVED: &[&str] = &[
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for",
    "in", "function", "select", "time", "coproc", "{", "}", "!", "[[", "]]",
];

/// A command given as words.
pub(crate) fn words(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// None where a word is expanded in any way, or the command is more than lists and pipelines.
pub(crate) fn script(text: &str, script: &Script) -> Option<String> {
    // An index is no longer in its word; a carriage return was taken for the end of a line.
    if !script.indices.is_empty() || text.contains('\r') { None } else { program(&script.program) }
}

fn program(program: &Program) -> Option<String> {
    let lists: Option<Vec<_>> = program.complete_commands.iter().map(list).collect();
    Some(lists?.join("\n"))
}

fn list(list: &CompoundList) -> Option<String> {
    let mut text = String::new();
    for (index, item) in list.0.iter().enumerate() {
        text += &pipeline(&item.0.first)?;
        for next in &item.0.additional {
            let (mark, next) = match next {
                AndOr::And(next) => (" && ", next),
                AndOr::Or(next) => (" || ", next),
            };
            text += mark;
            text += &pipeline(next)?;
        }
        let is_last = index + 1 == list.0.len();
        text += match item.1 {
            SeparatorOperator::Async if is_last => " &",
            SeparatorOperator::Async => " & ",
            SeparatorOperator::Sequence if is_last => "",
            SeparatorOperator::Sequence => "; ",
        };
    }
    Some(text)
}

fn pipeline(pipeline: &Pipeline) -> Option<String> {
    if pipeline.timed.is_some() {
        return None;
    }
    let commands: Option<Vec<_>> = pipeline
        .seq
        .iter()
        .map(|command| match command {
            Command::Simple(simple) => simple_command(simple),
            _ => None,
        })
        .collect();
    let text = commands?.join(" | ");
    Some(if pipeline.bang { format!("! {text}") } else { text })
}

fn simple_command(command: &SimpleCommand) -> Option<String> {
    if command.prefix.is_some() {
        return None;
    }
    let mut parts = vec![quoted(&literal(&command.word_or_name.as_ref()?.value)?)];
    for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
        parts.push(match item {
            CommandPrefixOrSuffixItem::Word(word)
            | CommandPrefixOrSuffixItem::AssignmentWord(_, word) => quoted(&literal(&word.value)?),
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => redirection(redirect)?,
            CommandPrefixOrSuffixItem::ProcessSubstitution(..) => return None,
        });
    }
    Some(parts.join(" "))
}

fn redirection(redirect: &IoRedirect) -> Option<String> {
    match redirect {
        IoRedirect::File(descriptor, kind, target) => {
            let target = match target {
                IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word) => {
                    quoted(&literal(&word.value)?)
                }
                IoFileRedirectTarget::Fd(number) => number.to_string(),
                IoFileRedirectTarget::ProcessSubstitution(..) => return None,
            };
            let descriptor = descriptor.map_or(String::new(), |number| number.to_string());
            Some(format!("{descriptor}{kind}{target}"))
        }
        IoRedirect::OutputAndError(word, append) => {
            let mark = if *append { "&>>" } else { "&>" };
            Some(format!("{mark}{}", quoted(&literal(&word.value)?)))
        }
        IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => None,
    }
}

/// The text of a word in which nothing is expanded: no parameters, patterns, braces or tildes.
fn literal(raw: &str) -> Option<String> {
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
    Some(whole)
}

/// Nothing in it is expanded where a word stands or a variable is declared.
fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', '(']) && !text.contains("=~") && !text.contains(":~")
}

fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && !RESERVED.contains(&word)
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@%+,-".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
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
        for text in ["echo $x", "ls *.py", "echo {a,b}", "ls ~", "a=1", "echo $(date)", "(ls)"] {
            assert_eq!(sanitised(text), None, "{text}");
        }
    }

    #[test]
    fn a_quoted_reserved_word_stays_quoted() {
        assert_eq!(sanitised("'if' a").unwrap(), "'if' a");
    }
}
