//! The shell's own commands, which change its state or run a text.

use std::rc::Rc;

use super::{Call, output};
use crate::{
    expand::{Field, UNKNOWN},
    finding::{Finding, Rule},
    rules::paths,
    scope::Scope,
    verdict::Risk,
    walk::{Stream, Walk},
};

impl Walk<'_> {
    /// What a builtin writes; none if the name is not one that matters here.
    pub(super) fn builtin(&mut self, call: &Call<'_>, scope: &mut Scope) -> Option<Stream> {
        match call.name {
            "cd" | "pushd" | "popd" => self.change_directory(call, scope),
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declare(call, scope),
            "let" => call.arguments.iter().for_each(|field| self.index(field, scope)),
            "test" | "[" => {
                call.arguments.iter().for_each(|field| self.index(field, scope));
                return None;
            }
            "unset" => each_operand(call, |name| scope.set(name, Some(String::new()))),
            "read" => read(call, scope),
            "mapfile" | "readarray" | "getopts" => {
                self.callback(call, "-C", scope);
                each_operand(call, |name| scope.set(name, None));
            }
            "printf" if call.arguments.first().is_some_and(|field| field.text == "-v") => {
                print_to_variable(call, scope);
            }
            "set" => set_arguments(call, scope),
            "shift" => scope.positional = None,
            "eval" => return Some(self.eval(call, scope)),
            "source" | "." => return Some(self.source_file(call, scope)),
            "trap" => {
                if let Some(script) = call.arguments.iter().find(|field| field.text != "--") {
                    self.at_exit(&script.text, scope);
                }
            }
            "alias" => self.aliases(call, scope),
            _ => return self.rare_builtin(call, scope),
        }
        Some(Stream::Known(String::new()))
    }

    /// Builtins of interactive shells, and those that only an attack needs.
    fn rare_builtin(&mut self, call: &Call<'_>, scope: &mut Scope) -> Option<Stream> {
        match call.name {
            "complete" => self.callback(call, "-C", scope),
            "fc" => self.callback(call, "-e", scope),
            "history" => self.callback(call, "-s", scope),
            "bind" => {
                for field in call.arguments {
                    if let Some((_, script)) = field.text.split_once(':') {
                        self.clear_findings(script.trim_matches([' ', '"']), scope);
                    }
                }
            }
            "hash" => {
                if let [option, path, ..] = call.arguments
                    && option.text == "-p"
                {
                    self.invoke(vec![path.clone()], scope, Stream::Inherited);
                }
            }
            "enable" if call.arguments.iter().any(|field| field.text.starts_with("-f")) => {
                self.report(crate::invoke::loads_code("enable -f"));
            }
            "kill" => self.kill(call),
            _ => return None,
        }
        Some(Stream::Known(String::new()))
    }

    fn change_directory(&mut self, call: &Call<'_>, scope: &mut Scope) {
        let target = call.arguments.iter().find(|field| !field.text.starts_with('-'));
        let Some(target) = target else {
            let is_back = call.name == "popd" || !call.arguments.is_empty();
            let home = match scope.value("HOME") {
                crate::scope::Value::Known(home) | crate::scope::Value::Stand(home) => Some(home),
                crate::scope::Value::Unknown => None,
            };
            let home = home.filter(|_| !is_back);
            if self.settings.strict
                && let Some(home) = &home
            {
                let finding = paths::check(&Field::plain(home.as_str()), scope, true);
                finding.into_iter().for_each(|finding| self.report(finding));
            }
            return scope.change_directory(home.as_deref());
        };
        if let Some(finding) = paths::check(target, scope, self.settings.strict) {
            self.report(finding);
        }
        scope.change_directory(target.known());
    }

    /// `export a=b`; a name alone keeps its value, but `declare -n a=b` makes it another's.
    fn declare(&mut self, call: &Call<'_>, scope: &mut Scope) {
        let has = |letter| {
            call.arguments
                .iter()
                .any(|field| field.text.starts_with('-') && field.text.contains(letter))
        };
        let is_reference = has('n');
        for field in call.arguments {
            self.index(field, scope);
            let Some((name, value)) = field.text.split_once('=') else { continue };
            self.assigned(name, &Field { text: value.to_owned(), ..field.clone() }, scope);
            let known = !is_reference && !name.ends_with('+') && !value.contains(UNKNOWN);
            scope.set(name.trim_end_matches('+'), known.then(|| value.to_owned()));
        }
    }

    /// An option whose value the shell runs later.
    fn callback(&mut self, call: &Call<'_>, option: &str, scope: &Scope) {
        let pairs = call.arguments.windows(2).filter(|pair| pair[0].text == option);
        for pair in pairs {
            self.script(&pair[1].text, &mut scope.clone(), &Stream::Unknown);
        }
    }

    /// Process 1 is the runtime's own, -1 stands for all processes.
    fn kill(&mut self, call: &Call<'_>) {
        let texts = || call.arguments.iter().map(|field| field.text.as_str());
        let is_all = texts().skip(1).any(|text| text == "-1") && texts().next_back() == Some("-1");
        if is_all || texts().any(|text| text == "1") {
            let reason = "`kill` would end the runtime itself.".to_owned();
            self.report(
                Finding::deny(Rule::BlockedCommand, Risk::Blocked, reason)
                    .advise("Name the process that is to end."),
            );
        }
    }

    fn eval(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        call.arguments.iter().for_each(|field| self.check_network_text(field));
        let words: Vec<_> = call.arguments.iter().map(|field| field.text.as_str()).collect();
        self.script(&words.join(" "), scope, &call.input)
    }

    fn source_file(&mut self, call: &Call<'_>, scope: &mut Scope) -> Stream {
        let Some(file) = call.arguments.first() else { return Stream::Unknown };
        if let Some(stream) = &file.stream {
            return self.feed(call.name, stream, scope);
        }
        if matches!(file.text.as_str(), "/dev/stdin" | "/dev/fd/0") {
            return self.feed(call.name, &call.input, scope);
        }
        if let Some(finding) = paths::check(file, scope, self.settings.strict) {
            self.report(finding);
        }
        Stream::Unknown
    }

    fn aliases(&mut self, call: &Call<'_>, scope: &Scope) {
        for field in call.arguments {
            if let Some((_, script)) = field.text.split_once('=') {
                self.script(script, &mut scope.clone(), &Stream::Inherited);
            }
        }
    }
}

/// `printf -v NAME …`.
fn print_to_variable(call: &Call<'_>, scope: &mut Scope) {
    let name = call.arguments.get(1).map_or("", |field| field.text.as_str());
    let arguments = call.arguments.get(2..).unwrap_or_default();
    let rest = Call { name: call.name, arguments, input: Stream::Inherited };
    let value = match output::of(&rest, scope) {
        Stream::Known(text) => Some(text),
        _ => None,
    };
    scope.set(name, value);
}

/// `read` from a text that is known: its words, the last variable with all that is left.
fn read(call: &Call<'_>, scope: &mut Scope) {
    scope.set("REPLY", None);
    let has_options = call.arguments.iter().any(|field| {
        field.text.starts_with('-') && !matches!(field.text.as_str(), "-r" | "-e" | "-s")
    });
    let line = match &call.input {
        Stream::Known(text) if !has_options => text.lines().next().map(str::to_owned),
        _ => None,
    };
    let names: Vec<_> =
        call.arguments.iter().filter(|field| !field.text.starts_with('-')).collect();
    let mut rest = line.as_deref();
    for (index, name) in names.iter().enumerate() {
        let is_last = index + 1 == names.len();
        let value = rest.map(|text| match text.trim().split_once([' ', '\t']) {
            Some((word, left)) if !is_last => {
                rest = Some(left);
                word.to_owned()
            }
            _ => {
                rest = Some("");
                text.trim().to_owned()
            }
        });
        scope.set(&name.text, value);
    }
}

fn each_operand(call: &Call<'_>, mut act: impl FnMut(&str)) {
    for field in call.arguments.iter().filter(|field| !field.text.starts_with('-')) {
        act(&field.text);
    }
}

/// `set -- a b` replaces the arguments.
fn set_arguments(call: &Call<'_>, scope: &mut Scope) {
    let words = match call.arguments.iter().position(|field| field.text == "--") {
        Some(at) => &call.arguments[at + 1..],
        None if call.arguments.iter().all(|field| field.text.starts_with(['-', '+'])) => return,
        None => call.arguments,
    };
    let words: Option<Rc<[String]>> =
        words.iter().map(|field: &Field| field.known().map(str::to_owned)).collect();
    scope.positional = words;
}
