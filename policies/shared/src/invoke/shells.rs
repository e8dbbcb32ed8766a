//! Shells: what `sh -c`, a pipe, a here-document or a process substitution makes them run.

use std::rc::Rc;

use super::Call;
use crate::{
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    names::{Name, is_among, sorted},
    rules::paths,
    scope::Scope,
    verdict::Risk,
    walk::{Stream, Walk},
};

const SHELLS: &[Name] = &sorted([
    "sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "mksh", "yash", "rbash",
    "ksh93", "pwsh",
]);

/// Options of shells that take the next argument as their value.
const WITH_VALUE: &[&str] = &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"];
const STANDARD_INPUT: &[&str] = &["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

pub(super) fn is_shell(name: &str) -> bool {
    is_among(name, SHELLS)
}

pub(super) fn from_network(who: &str) -> Finding {
    let reason = format!("{who} would run what was just downloaded, unseen.");
    Finding::deny(Rule::PipeToShell, Risk::Dangerous, reason)
        .advise("Download it to a file of the project, read it, then run that file.")
}

fn from_unknown(who: &str) -> Finding {
    let reason = format!("What `{who}` would run comes from another command and can't be known.");
    Finding::deny(Rule::PipeToShell, Risk::Dangerous, reason)
        .advise("Write it to a file of the project, read it, then run that file.")
}

/// How a shell was called.
struct Arguments<'f> {
    takes_script: bool,
    /// `-s`: the operands are arguments of a script that is read.
    reads_input: bool,
    operands: Vec<&'f Field>,
}

fn read_arguments(arguments: &[Field]) -> Arguments<'_> {
    let mut read = Arguments { takes_script: false, reads_input: false, operands: Vec::new() };
    let mut fields = arguments.iter();
    while let Some(field) = fields.next() {
        let text = field.text.as_str();
        if !read.operands.is_empty() || text == "-" || text.len() < 2 {
            read.operands.push(field);
        } else if text == "--" {
            read.operands.extend(fields.by_ref());
        } else if text.starts_with(['-', '+']) {
            let is_cluster = text.starts_with('-') && !text.starts_with("--");
            // An unknown option may well be `-c`.
            read.takes_script |= is_cluster && text.contains(['c', UNKNOWN]);
            read.reads_input |= is_cluster && text.contains('s');
            if WITH_VALUE.contains(&text) {
                fields.next();
            }
        } else {
            read.operands.push(field);
        }
    }
    read
}

impl Walk<'_> {
    pub(super) fn shell(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        let arguments = read_arguments(call.arguments);
        let Some((first, rest)) = arguments.operands.split_first() else {
            return self.feed(call.name, &call.input, scope);
        };
        if arguments.takes_script {
            self.check_network_text(first);
            let mut inner = scope.clone();
            if let Some(name) = rest.first() {
                inner.set("0", name.known().map(str::to_owned));
            }
            inner.positional = positional(rest.get(1..).unwrap_or_default());
            return self.script(&first.text, &mut inner, &call.input);
        }
        if let Some(stream) = &first.stream {
            return self.feed(call.name, stream, scope);
        }
        if first.text.starts_with("/dev/fd/") && first.text != "/dev/fd/0" {
            return self.feed(call.name, &Stream::Unknown, scope);
        }
        if arguments.reads_input || STANDARD_INPUT.contains(&first.text.as_str()) {
            return self.feed(call.name, &call.input, scope);
        }
        for field in &arguments.operands {
            if let Some(finding) = paths::check(field, scope, self.settings.strict) {
                self.report(finding);
            }
        }
        Stream::Unknown
    }

    /// A shell that reads its script from a stream.
    pub(super) fn feed(&mut self, who: &str, stream: &Stream, scope: &Scope) -> Stream {
        match stream {
            Stream::Inherited => Stream::Unknown,
            Stream::Known(text) => {
                let mut inner = scope.clone();
                inner.positional = Some(Rc::new([]));
                self.script(text, &mut inner, &Stream::Inherited)
            }
            Stream::Network => {
                self.report(from_network(&format!("`{who}`")));
                Stream::Unknown
            }
            Stream::Files(_) | Stream::Unknown => {
                self.report(from_unknown(who));
                Stream::Unknown
            }
        }
    }

    /// The same for an interpreter, whose code is looked through rather than parsed.
    pub(super) fn feed_code(&mut self, who: &str, stream: &Stream, scope: &Scope) {
        match stream {
            Stream::Inherited => {}
            Stream::Known(text) => self.code(who, text, scope),
            Stream::Network => self.report(from_network(&format!("`{who}`"))),
            Stream::Files(_) | Stream::Unknown => self.report(from_unknown(who)),
        }
    }
}

/// Arguments of a script; none if one isn't known.
fn positional(fields: &[&Field]) -> Option<Rc<[String]>> {
    fields.iter().map(|field| field.known().map(str::to_owned)).collect()
}
