//! Prints a command again with plain quoting, where that certainly means the same.

use brush_parser::ast::{
    AndOr, Command, CommandPrefixOrSuffixItem, CompoundList, IoFileRedirectTarget, IoRedirect,
    Pipeline, Program, SeparatorOperator, SimpleCommand,
};

use crate::word::{Mode, Piece, braces, pieces};

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
pub(crate) fn program(program: &Program) -> Option<String> {
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
            Piece::Text { text, quoted } if quoted || !text.contains(['*', '?', '[', '(']) => {
                whole += &text;
            }
            _ => return None,
        }
    }
    Some(whole)
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

    fn sanitised(text: &str) -> Option<String> {
        program(&crate::parse::script(text, 8).unwrap().program)
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
