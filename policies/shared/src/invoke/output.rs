//! What a program writes, as far as its arguments tell.

use super::{Call, find::listed};
use crate::{expand::UNKNOWN, rules::network, scope::Scope, walk::Stream};

/// Programs that write lines of what they read.
const FILTERS_OF_LINES: &[&str] =
    &["grep", "egrep", "fgrep", "sort", "uniq", "head", "tail", "shuf", "tee", "cat"];

pub(super) fn of(call: &Call<'_>, scope: &Scope) -> Stream {
    if call.input == Stream::Network {
        return Stream::Network;
    }
    match call.name {
        "echo" => text(call, "\n", |word| !matches!(word, "-n" | "-e" | "-E" | "-ne" | "-en")),
        "printf" => printf(call),
        "pwd" => scope.cwd.clone().map_or(Stream::Unknown, Stream::Known),
        "which" => text(call, "\n", |word| !word.starts_with('-')),
        "find" | "fd" | "fdfind" => Stream::Files(listed(call)),
        "git" if call.arguments.first().is_some_and(|field| field.text == "ls-files") => {
            Stream::Files(vec![".".to_owned()])
        }
        "ls" | "rg" => Stream::Files(listed_operands(call)),
        "grep" if lists_files(call) => Stream::Files(vec![".".to_owned()]),
        name if FILTERS_OF_LINES.contains(&name) && reads_input(call) => match &call.input {
            Stream::Files(paths) => Stream::Files(paths.clone()),
            Stream::Known(text) if name == "cat" || name == "tee" => Stream::Known(text.clone()),
            _ => Stream::Unknown,
        },
        name if network::check(name, call.arguments).is_some() => Stream::Network,
        "true" | "false" | ":" | "mkdir" | "touch" | "cp" | "mv" | "rm" | "chmod" | "sleep" => {
            Stream::Known(String::new())
        }
        _ => Stream::Unknown,
    }
}

fn text(call: &Call<'_>, end: &str, keep: impl Fn(&str) -> bool) -> Stream {
    let words: Vec<_> =
        call.arguments.iter().map(|field| field.text.as_str()).skip_while(|w| !keep(w)).collect();
    let escapes = call.arguments.iter().any(|field| field.text.starts_with("-e"));
    let text = words.join(" ") + end;
    // Escapes may spell anything.
    if escapes && text.contains('\\') { Stream::Unknown } else { known(text) }
}

/// `printf TEXT` and `printf %s WORD`; other formats are not computed.
fn printf(call: &Call<'_>) -> Stream {
    match call.arguments {
        [format] if !format.text.contains(['%', '\\']) => known(format.text.clone()),
        [format, word] if matches!(format.text.as_str(), "%s" | "%s\\n") => {
            known(word.text.clone())
        }
        _ => Stream::Unknown,
    }
}

fn known(text: String) -> Stream {
    if text.contains(UNKNOWN) { Stream::Unknown } else { Stream::Known(text) }
}

fn listed_operands(call: &Call<'_>) -> Vec<String> {
    let operands = call.arguments.iter().filter(|field| !field.text.starts_with('-'));
    let paths: Vec<_> = operands.map(|field| field.text.clone()).collect();
    if paths.is_empty() { vec![".".to_owned()] } else { paths }
}

fn lists_files(call: &Call<'_>) -> bool {
    call.arguments.iter().any(|field| {
        let text = field.text.as_str();
        text.starts_with("--files-with")
            || (text.starts_with('-') && !text.starts_with("--") && text.contains(['l', 'L']))
    })
}

/// Whether a filter reads its input rather than files.
fn reads_input(call: &Call<'_>) -> bool {
    let operands = call.arguments.iter().filter(|field| !field.text.starts_with('-')).count();
    match call.name {
        "cat" | "sort" | "uniq" | "shuf" | "head" | "tail" => operands == 0,
        _ => operands <= 1,
    }
}
