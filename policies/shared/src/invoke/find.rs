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
/// Most lines that are filled in one by one.
const MAX_LINES: usize = 32;

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
                    let mut fields = filled(command, "{}", &found);
                    if call.name != "find" && !command.iter().any(|field| field.text.contains('{'))
                    {
                        fields.extend(found.iter().cloned());
                    }
                    self.invoke(fields, scope, Stream::Inherited);
                }
                _ => {}
            }
        }
    }

    pub(super) fn xargs(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        let (command, placeholder) = xargs_command(call.arguments);
        if command.is_empty() {
            return Stream::Unknown;
        }
        let read = call.arguments.iter().find_map(|field| field.stream.as_ref());
        let input = read.unwrap_or(&call.input);
        let operands = match input {
            Stream::Known(text) if placeholder.is_some() => {
                let lines = text.lines().take(MAX_LINES);
                lines.for_each(|line| {
                    self.filled_in(command, placeholder, &[Field::plain(line)], scope)
                });
                return Stream::Unknown;
            }
            Stream::Known(text) if is_unsplit(call.arguments) => {
                vec![Field::plain(text.trim_end())]
            }
            Stream::Known(text) => {
                text.split_whitespace().take(MAX_WORDS).map(Field::plain).collect()
            }
            Stream::Files(paths) => paths.iter().map(pattern).collect(),
            Stream::Inherited | Stream::Network | Stream::Unknown => {
                vec![Field::from_stream(input.clone())]
            }
        };
        let command = match placeholder {
            Some(placeholder) => by_name(command, placeholder, input),
            None => command.to_vec(),
        };
        self.filled_in(&command, placeholder, &operands, scope);
        Stream::Unknown
    }

    /// `parallel COMMAND ::: VALUES`: a script for each value.
    pub(super) fn parallel(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        let (command, _) = xargs_command(call.arguments);
        let mut parts = command.split(|field| field.text == ":::");
        let words = parts.next().unwrap_or_default().iter().map(|field| field.text.as_str());
        let template = words.collect::<Vec<_>>().join(" ");
        let mut values: Vec<_> = parts.flatten().map(|field| field.text.clone()).collect();
        match &call.input {
            Stream::Known(text) => values.extend(text.lines().map(str::to_owned)),
            _ if values.is_empty() => values.push("${_item}".to_owned()),
            _ => {}
        }
        for value in values.iter().take(MAX_LINES) {
            let script = if template.contains("{}") {
                template.replace("{}", value)
            } else {
                format!("{template} {value}")
            };
            self.script(&script, &mut scope.clone(), &Stream::Inherited);
        }
        Stream::Unknown
    }

    fn filled_in(
        &mut self,
        command: &[Field],
        placeholder: Option<&str>,
        operands: &[Field],
        scope: &mut Scope,
    ) {
        let fields = match placeholder {
            Some(placeholder) => filled(command, placeholder, operands),
            None => command.iter().chain(operands).cloned().collect(),
        };
        self.invoke(fields, scope, Stream::Inherited);
    }
}

/// What a script gets in place of `{}` is data, of which only the place can be judged: it stands
/// there as a variable that nobody set.
fn by_name(command: &[Field], placeholder: &str, input: &Stream) -> Vec<Field> {
    let is_script = command
        .first()
        .is_some_and(|field| super::shells::is_shell(field.text.rsplit('/').next().unwrap_or("")));
    if !is_script || !matches!(input, Stream::Inherited | Stream::Unknown) {
        return command.to_vec();
    }
    let named = |field: &Field| Field {
        text: field.text.replace(placeholder, "${_item}"),
        ..field.clone()
    };
    command.iter().map(named).collect()
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

/// Tests of `find` by which it finds less than all.
const NARROWING: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-regex",
    "-iregex",
    "-empty",
    "-newer",
    "-mtime",
    "-mmin",
    "-atime",
    "-ctime",
    "-cmin",
    "-amin",
    "-size",
    "-perm",
    "-user",
    "-lname",
];

/// What a search may find: anything below where it begins.
fn found(call: &Call<'_>) -> Vec<Field> {
    listed(call).iter().map(pattern).collect()
}

fn pattern(text: impl AsRef<str>) -> Field {
    Field { glob: true, ..Field::plain(text.as_ref()) }
}

/// The same as patterns of paths.
pub(super) fn listed(call: &Call<'_>) -> Vec<String> {
    let is_find = call.name == "find";
    let operands = call
        .arguments
        .iter()
        .skip_while(|field| field.text.starts_with(['-', '(', '!']) && !is_find)
        .take_while(|field| !field.text.starts_with(['-', '(', '!']));
    let starts: Vec<_> = operands.skip(usize::from(!is_find)).collect();
    let is_narrow =
        !is_find || call.arguments.iter().any(|field| NARROWING.contains(&field.text.as_str()));
    // Fewer than all: what is below a folder, but not the folder.
    let below = if is_narrow { "/*/*" } else { "/*" };
    let pattern = |start: &str| format!("{}{below}", start.trim_end_matches('/'));
    if starts.is_empty() {
        return vec![pattern(".")];
    }
    starts.iter().map(|start| pattern(&start.text)).collect()
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
