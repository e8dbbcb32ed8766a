//! `find` and `xargs`: commands run on files that are found.

use super::Call;
use crate::{
    expand::Field,
    rules::removal,
    scope::Scope,
    walk::{Stream, Walk},
};

/// Options of `xargs` that take the next argument as their value.
const XARGS_VALUES: &[&str] = &[
    "-a",
    "-d",
    "-E",
    "-I",
    "-L",
    "-n",
    "-P",
    "-s",
    "-j",
    "--arg-file",
    "--delimiter",
    "--max-args",
    "--max-procs",
    "--replace",
    "--jobs",
];
/// Most words of a known input that are handed to a command.
const MAX_WORDS: usize = 256;

impl Walk<'_> {
    /// Judges what `find` does with what it finds; its paths are judged as any argument.
    pub(super) fn find(&mut self, call: &Call<'_>, scope: &mut Scope) {
        let found = found(call);
        let mut arguments = call.arguments;
        while let Some((field, rest)) = arguments.split_first() {
            arguments = rest;
            match field.text.as_str() {
                "-delete" => {
                    for path in &found {
                        let finding = removal::check_tree("find -delete", path, scope);
                        finding.into_iter().for_each(|finding| self.report(finding));
                    }
                }
                "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec"
                | "--exec-batch" => {
                    let end = rest.iter().position(|field| matches!(&*field.text, ";" | "+"));
                    let command = &rest[..end.unwrap_or(rest.len())];
                    self.invoke(filled(command, "{}", &found), scope, Stream::Inherited);
                }
                _ => {}
            }
        }
    }

    pub(super) fn xargs(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        let (command, placeholder) = xargs_command(call.arguments);
        let operands = match &call.input {
            Stream::Known(text) if is_unsplit(call.arguments) => {
                vec![Field::plain(text.trim_end())]
            }
            Stream::Known(text) => {
                text.split_whitespace().take(MAX_WORDS).map(Field::plain).collect()
            }
            Stream::Files(paths) => paths.iter().map(below).collect(),
            Stream::Inherited | Stream::Network | Stream::Unknown => {
                vec![Field::from_stream(call.input.clone())]
            }
        };
        let fields = match placeholder {
            Some(placeholder) => filled(command, placeholder, &operands),
            None => command.iter().cloned().chain(operands).collect(),
        };
        self.invoke(fields, scope, Stream::Inherited);
        Stream::Unknown
    }
}

/// Whether `xargs` takes its input in one piece, as far as it is known here.
fn is_unsplit(arguments: &[Field]) -> bool {
    arguments.iter().any(|field| matches!(&*field.text, "-0" | "--null" | "-d" | "--delimiter"))
}

fn xargs_command(arguments: &[Field]) -> (&[Field], Option<&str>) {
    let mut rest = arguments;
    let mut placeholder = None;
    while let Some((field, after)) = rest.split_first() {
        let text = field.text.as_str();
        if !text.starts_with('-') {
            break;
        }
        let value = after.first().map(|field| field.text.as_str());
        let takes_value = XARGS_VALUES.contains(&text);
        match text.strip_prefix("-I").or(text.strip_prefix("--replace=")) {
            Some("") => placeholder = value,
            Some(attached) => placeholder = Some(attached),
            None if text == "-i" => placeholder = Some("{}"),
            None => {}
        }
        rest = if takes_value { after.get(1..).unwrap_or_default() } else { after };
    }
    (rest, placeholder)
}

/// What a search may find: anything below where it begins.
fn found(call: &Call<'_>) -> Vec<Field> {
    let starts = call.arguments.iter().take_while(|field| !field.text.starts_with(['-', '(', '!']));
    let starts: Vec<_> = match call.name {
        "find" => starts.map(|field| below(&field.text)).collect(),
        _ => starts.skip(1).map(|field| below(&field.text)).collect(),
    };
    if starts.is_empty() { vec![below(".")] } else { starts }
}

fn below(path: impl AsRef<str>) -> Field {
    let path = path.as_ref().trim_end_matches('/');
    Field { glob: true, ..Field::plain(format!("{path}/*")) }
}

/// The command with each placeholder replaced by what was found.
fn filled(command: &[Field], placeholder: &str, found: &[Field]) -> Vec<Field> {
    let mut fields = Vec::with_capacity(command.len());
    for field in command {
        if field.text == placeholder {
            fields.extend(found.iter().cloned());
        } else if field.text.contains(placeholder) {
            let first = found.first().map_or("", |found| found.text.as_str());
            fields.push(Field { text: field.text.replace(placeholder, first), ..field.clone() });
        } else {
            fields.push(field.clone());
        }
    }
    fields
}

/// Where a command's list of files begins, for whoever reads it.
pub(super) fn listed(call: &Call<'_>) -> Vec<String> {
    let paths = found(call);
    paths.iter().map(|field| field.text.trim_end_matches("/*").to_owned()).collect()
}
