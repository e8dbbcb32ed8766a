//! One program with its arguments: which rules apply, and what it runs in turn.

mod builtins;
mod find;
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
            | "GIT_SSH_COMMAND"
            | "MANPAGER"
    )
}

/// A program about to start.
struct Call<'c> {
    /// Without its folder.
    name: &'c str,
    arguments: &'c [Field],
    input: Stream,
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
        let Some(path) = program.known() else {
            self.unknown_program(program, arguments);
            return Stream::Unknown;
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        if path == name && scope.is_function(name) {
            // Its body was judged where it was defined.
            return Stream::Unknown;
        }
        let call = Call { name, arguments, input };
        self.check_program(program, &call, scope);
        self.deeper(|walk| walk.run(&call, scope)).unwrap_or(Stream::Unknown)
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
        let mut findings = vec![
            blocked::check(call.name, call.arguments, &self.settings.blocked),
            network::check(call.name, call.arguments),
        ];
        if program.text.contains('/') {
            findings.push(paths::check_program(program, scope, strict));
        }
        if strict {
            findings.push(allowed::check(call.name, call.arguments, &self.settings.allowed));
        }
        findings.into_iter().flatten().for_each(|finding| self.report(finding));
    }

    fn check_arguments(&mut self, call: &Call<'_>, scope: &Scope) {
        for field in operands::files(call.name, call.arguments) {
            if let Some(finding) = paths::check(field, scope, self.settings.strict) {
                self.report(finding);
            }
        }
        if let Some(finding) = removal::check(call.name, call.arguments, scope) {
            self.report(finding);
        }
    }

    fn run(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
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
            "find" | "fd" | "fdfind" => self.find(call, scope),
            "xargs" | "parallel" => return self.xargs(call, scope),
            _ => self.interpreter(call, scope),
        }
        self.scripts_in_options(call, scope);
        self.check_arguments(call, scope);
        output::of(call, scope)
    }

    fn wrapped(&mut self, inner: wrappers::Inner, call: &Call<'_>, scope: &mut Scope) -> Stream {
        match inner {
            wrappers::Inner::Nothing => Stream::Unknown,
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
