//! One program with its arguments: which rules apply, and what it runs in turn.

mod builtins;
mod decode;
mod find;
mod git;
mod interpreters;
mod options;
mod output;
mod shells;
mod wrappers;

use crate::{
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    rules::{allowed, blocked, network, operands, paths, removal},
    scope::Scope,
    verdict::Risk,
    walk::{Stream, Walk},
};

/// Variables whose value some program runs as a command.
pub(crate) fn is_command_variable(name: &str) -> bool {
    matches!(
        name,
        "PAGER"
            | "EDITOR"
            | "VISUAL"
            | "BROWSER"
            | "LESSOPEN"
            | "PROMPT_COMMAND"
            | "SSH_ASKPASS"
            | "GIT_ASKPASS"
            | "GIT_EDITOR"
            | "GIT_EXTERNAL_DIFF"
            | "GIT_PAGER"
            | "GIT_PROXY_COMMAND"
            | "GIT_SEQUENCE_EDITOR"
            | "GIT_SSH"
            | "GIT_SSH_COMMAND"
            | "MANPAGER"
            | "LESSCLOSE"
    ) || name.starts_with("GIT_CONFIG_VALUE_")
}

/// Variables that put foreign code into every program or shell.
pub(crate) fn is_loader_variable(name: &str) -> bool {
    matches!(name, "LD_PRELOAD" | "LD_AUDIT" | "BASH_ENV")
}

pub(crate) fn loads_code(what: &str) -> Finding {
    let reason = format!("`{what}` would put code into programs that is not judged.");
    Finding::deny(Rule::LoadedCode, Risk::Dangerous, reason)
        .advise("Leave it out; run the code as a program of its own.")
}

/// A program about to start.
struct Call<'c> {
    /// Without its folder.
    name: &'c str,
    arguments: &'c [Field],
    input: Stream,
}

/// The program's path, where at least its name is known: `$JAVA_HOME/bin/java` is some java.
fn known_program(field: &Field) -> Option<&str> {
    field.known().or_else(|| {
        let name = field.text.strip_prefix(UNKNOWN)?.strip_prefix('/')?;
        let is_known = !name.contains(UNKNOWN) && !field.glob && !field.splits;
        (is_known && field.stream.is_none() && !name.ends_with('/')).then_some(name)
    })
}

/// A program that is looked for, or lies in a folder of the system, has a name of plain letters.
fn is_plain_name(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic())
        || (path.contains('/') && !path.starts_with('/') && !path.contains(char::is_control))
        || paths::is_below(path, paths::WORKSPACE)
}

impl Walk<'_> {
    /// Judges a program and its arguments; returns what it writes.
    pub(crate) fn invoke(
        &mut self,
        fields: Vec<Field>,
        scope: &mut Scope,
        input: Stream,
    ) -> Stream {
        let Some((program, arguments)) = fields.split_first() else { return input };
        if !self.count() {
            return Stream::Unknown;
        }
        let Some(path) = known_program(program) else {
            self.unknown_program(program, arguments);
            return Stream::Unknown;
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        if path == name
            && let Some(function) = scope.function(name)
        {
            return self.call(&function, arguments, scope, &input);
        }
        if !is_plain_name(path) {
            self.look_alike(program);
            return Stream::Unknown;
        }
        let call = Call { name, arguments, input };
        self.check_program(program, &call, scope);
        self.deeper(|walk| walk.run(&call, scope)).unwrap_or(Stream::Unknown)
    }

    /// A name with letters that only look like others is never an ordinary program.
    fn look_alike(&mut self, program: &Field) {
        let reason = format!("The name `{}` holds characters no program has.", program.shown());
        self.report(
            Finding::deny(Rule::UnknownCommand, Risk::Dangerous, reason)
                .advise("Write the program's name in plain letters."),
        );
    }

    fn unknown_program(&mut self, program: &Field, arguments: &[Field]) {
        let is_network = std::iter::once(program)
            .chain(arguments)
            .any(|field| field.stream == Some(Stream::Network));
        if is_network {
            return self.report(shells::from_network("A shell"));
        }
        let reason = format!("Which program `{}` would start can't be known.", program.shown());
        self.report(
            Finding::deny(Rule::UnknownCommand, Risk::Dangerous, reason)
                .advise("Write the program's name out."),
        );
    }

    fn check_program(&mut self, program: &Field, call: &Call<'_>, scope: &Scope) {
        let strict = self.settings.strict;
        let report = |walk: &mut Self, finding: Option<Finding>| {
            if let Some(finding) = finding {
                walk.report(finding);
            }
        };
        report(self, blocked::check(call.name, call.arguments, self.settings));
        report(self, network::check(call.name, call.arguments));
        if program.text.contains('/') {
            report(self, paths::check_program(program, scope, strict));
        }
        if strict {
            let extra = &self.settings.allowed;
            report(self, allowed::check(call.name, &program.text, call.arguments, extra));
        }
    }

    fn check_arguments(&mut self, call: &Call<'_>, scope: &Scope) {
        if let Some(finding) = removal::check(call.name, call.arguments, scope) {
            self.report(finding);
        }
        let link = operands::link_target(call.name, call.arguments);
        for (at, field) in operands::files(call.name, call.arguments, self.settings.strict) {
            let field = link.as_ref().filter(|(link, _)| *link == at).map_or(field, |(_, to)| to);
            if let Some(finding) = paths::check(field, scope, self.settings.strict) {
                self.report(finding);
            }
        }
    }

    fn run(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        if matches!(call.name, "env" | "exec" | "cross-env" | "dotenv") {
            for field in call.arguments {
                let Some((name, value)) = field.text.split_once('=') else { continue };
                self.assigned(name, &Field { text: value.to_owned(), ..field.clone() }, scope);
            }
        }
        if let Some(inner) = wrappers::inner(call.name, call.arguments) {
            return self.wrapped(inner, call, scope);
        }
        if shells::is_shell(call.name) {
            return self.shell(call, scope);
        }
        if let Some(stream) = self.builtin(call, scope) {
            return stream;
        }
        match call.name {
            "parallel" => return self.parallel(call, scope),
            "find" | "fd" | "fdfind" => self.find(call, scope),
            "xargs" => {
                let files = call.arguments.windows(2).filter(|pair| pair[0].text == "-a");
                let findings: Vec<_> = files
                    .filter_map(|pair| paths::check(&pair[1], scope, self.settings.strict))
                    .collect();
                findings.into_iter().for_each(|finding| self.report(finding));
                return self.xargs(call, scope);
            }
            _ => self.interpreter(call, scope),
        }
        self.scripts_in_options(call, scope);
        self.check_arguments(call, scope);
        output::of(call, scope)
    }

    fn wrapped(&mut self, inner: wrappers::Inner, call: &Call<'_>, scope: &mut Scope) -> Stream {
        match inner {
            wrappers::Inner::Nothing if call.name == "command" => match call.arguments {
                // `command -v x` writes where x lies.
                [_, name] if name.known().is_some() => Stream::Known(name.text.clone()),
                _ => Stream::Unknown,
            },
            wrappers::Inner::Nothing if call.name == "ssh-agent" => output::of(call, scope),
            wrappers::Inner::Nothing => Stream::Unknown,
            wrappers::Inner::Command(fields) if call.name == "env" => {
                let mut inner = scope.clone();
                if let Some(folder) = wrappers::folder(call.arguments) {
                    inner.change_directory(folder.known());
                }
                self.invoke(fields, &mut inner, call.input.clone())
            }
            wrappers::Inner::Command(fields) => self.invoke(fields, scope, call.input.clone()),
            wrappers::Inner::Script(script) => {
                let text = script.text.clone();
                self.check_network_text(&script);
                self.script(&text, &mut scope.clone(), &call.input)
            }
        }
    }

    /// A script that was read from the network is told apart from one that is only unknown.
    fn check_network_text(&mut self, script: &Field) {
        if script.text.contains(UNKNOWN) && script.stream == Some(Stream::Network) {
            self.report(shells::from_network("A shell"));
        }
    }
}
