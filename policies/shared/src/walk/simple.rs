//! A simple command: its assignments, its redirections, its words.

use brush_parser::ast::{
    Assignment, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem, SimpleCommand,
};

use super::{Stream, Walk};
use crate::{
    expand::{Field, UNKNOWN},
    invoke::{is_command_variable, is_loader_variable, loads_code},
    scope::Scope,
    word::Mode,
};

impl Walk<'_> {
    pub(super) fn simple(
        &mut self,
        command: &SimpleCommand,
        scope: &mut Scope,
        input: Stream,
    ) -> Stream {
        let runs = command.word_or_name.is_some();
        let mut parts =
            Parts { fields: Vec::new(), assigned: Vec::new(), input, redirected: false, runs };
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            self.prefix(item, scope, &mut parts, runs);
        }
        if let Some(word) = &command.word_or_name {
            parts.fields.extend(self.fields(&word.value, scope));
        }
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, scope, &mut parts);
        }
        for (name, value) in &parts.assigned {
            self.assigned(name, value, scope);
        }
        if !runs && parts.fields.is_empty() {
            // `$(< x)` writes what it reads.
            return if parts.redirected { parts.input } else { Stream::Known(String::new()) };
        }
        self.invoke(parts.fields, scope, parts.input)
    }

    /// A variable that gets a value which some program runs or loads.
    pub(crate) fn assigned(&mut self, name: &str, value: &Field, scope: &Scope) {
        if is_loader_variable(name) {
            return self.report(loads_code(name));
        }
        let text = value.text.as_str();
        if matches!(name, "PS0" | "PS1" | "PS2" | "PS4") {
            self.value(text, Mode::Document, &mut scope.clone());
        } else if is_command_variable(name) && !text.contains(UNKNOWN) {
            self.script(text, &mut scope.clone(), &Stream::Unknown);
        } else if text.starts_with("() {") {
            // A function that a shell takes from its environment.
            self.script(&format!("x{text}"), &mut scope.clone(), &Stream::Unknown);
        }
    }

    fn prefix(
        &mut self,
        item: &CommandPrefixOrSuffixItem,
        scope: &mut Scope,
        parts: &mut Parts,
        runs: bool,
    ) {
        let CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) = item else {
            return self.item(item, scope, parts);
        };
        let (name, value) = self.assignment(assignment, scope);
        if !runs {
            self.assigned(&name, &value, scope);
        }
        if runs {
            // Set for the command only: its own words are expanded without it.
            parts.assigned.push((name, value));
        } else {
            let text = (!value.text.contains(UNKNOWN)).then_some(value.text);
            scope.set(&name, text);
        }
    }

    fn item(&mut self, item: &CommandPrefixOrSuffixItem, scope: &mut Scope, parts: &mut Parts) {
        match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                if let Some(input) = self.redirect(redirect, scope) {
                    parts.redirected = true;
                    // What a file holds is not known.
                    parts.input = if input == Stream::Inherited && !parts.runs {
                        Stream::Unknown
                    } else {
                        input
                    };
                }
            }
            CommandPrefixOrSuffixItem::Word(word)
            | CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                parts.fields.extend(self.fields(&word.value, scope));
            }
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, shell) => {
                self.refuse_substitution();
                let stream = self.list(&shell.list, &mut scope.clone(), &Stream::Unknown);
                parts.fields.push(Field::from_stream(stream));
            }
        }
    }

    fn assignment(&mut self, assignment: &Assignment, scope: &mut Scope) -> (String, Field) {
        let name = match &assignment.name {
            AssignmentName::VariableName(name) => name.clone(),
            AssignmentName::ArrayElementName(name, index) => {
                self.value(index, Mode::Document, scope);
                name.clone()
            }
        };
        let value = match &assignment.value {
            AssignmentValue::Scalar(word) => self.value(&word.value, Mode::Word, scope),
            AssignmentValue::Array(words) => {
                for (key, word) in words {
                    if let Some(key) = key {
                        self.value(&key.value, Mode::Document, scope);
                    }
                    self.fields(&word.value, scope);
                }
                Field::unknown()
            }
        };
        let is_whole =
            matches!(assignment.name, AssignmentName::VariableName(_)) && !assignment.append;
        (name, if is_whole { value } else { Field::unknown() })
    }
}

/// What a simple command is made of.
struct Parts {
    fields: Vec<Field>,
    assigned: Vec<(String, Field)>,
    input: Stream,
    redirected: bool,
    /// There is a program, or there are only assignments and redirections.
    runs: bool,
}
