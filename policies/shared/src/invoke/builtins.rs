//! The shell's own commands, which change its state or run a text.

use std::rc::Rc;

use super::Call;
use crate::{
    expand::{Field, UNKNOWN},
    rules::paths,
    scope::Scope,
    walk::{Stream, Walk},
};

impl Walk<'_> {
    /// What a builtin writes; none if the name is not one that matters here.
    pub(super) fn builtin(&mut self, call: &Call<'_>, scope: &mut Scope) -> Option<Stream> {
        match call.name {
            "cd" | "pushd" | "popd" => self.change_directory(call, scope),
            "export" | "declare" | "typeset" | "local" | "readonly" => declare(call, scope),
            "unset" => each_operand(call, |name| scope.set(name, Some(String::new()))),
            "read" | "mapfile" | "readarray" | "getopts" => {
                each_operand(call, |name| scope.set(name, None));
                scope.set("REPLY", None);
            }
            "printf" if call.arguments.first().is_some_and(|field| field.text == "-v") => {
                let name = call.arguments.get(1).map_or("", |field| field.text.as_str());
                scope.set(name, None);
            }
            "set" => set_arguments(call, scope),
            "shift" => scope.positional = None,
            "eval" => return Some(self.eval(call, scope)),
            "source" | "." => return Some(self.source_file(call, scope)),
            "trap" => {
                if let Some(script) = call.arguments.iter().find(|field| field.text != "--") {
                    self.script(&script.text, &mut scope.clone(), &Stream::Inherited);
                }
            }
            "alias" => self.aliases(call, scope),
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
            return scope.change_directory(home.as_deref().filter(|_| !is_back));
        };
        if let Some(finding) = paths::check(target, scope, self.settings.strict) {
            self.report(finding);
        }
        scope.change_directory(target.known());
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

/// `export a=b`; a name alone keeps its value, but `declare -n a=b` makes it another's.
fn declare(call: &Call<'_>, scope: &mut Scope) {
    let is_reference =
        call.arguments.iter().any(|field| field.text.starts_with('-') && field.text.contains('n'));
    for field in call.arguments {
        let Some((name, value)) = field.text.split_once('=') else { continue };
        let known = !is_reference && !name.ends_with('+') && !value.contains(UNKNOWN);
        scope.set(name.trim_end_matches('+'), known.then(|| value.to_owned()));
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
