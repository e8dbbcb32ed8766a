//! `${…}` with an operator: computed where its value is known, since names of programs are built
//! that way.

use crate::{
    expand::UNKNOWN,
    scope::{Scope, Value},
    walk::Walk,
    word::{Mode, is_name},
};

impl Walk<'_> {
    /// What `${inner}` expands to. Substitutions in any part of it run; each part is looked at
    /// once, for twice would be twice again in what it holds.
    pub(super) fn computed(&mut self, inner: &str, quoted: bool, scope: &mut Scope) -> Value {
        if inner.starts_with('#') {
            self.value(inner, Mode::Document, scope);
            return Value::Stand("1".to_owned());
        }
        if let Some(name) = inner.strip_prefix('!') {
            self.value(name, Mode::Document, scope);
            return match scope.value(name) {
                Value::Known(target) if target.bytes().all(is_name) => scope.value(&target),
                _ => Value::Unknown,
            };
        }
        let special = inner.chars().next().filter(|first| !first.is_ascii_alphanumeric());
        let length = match special.filter(|first| *first != '_') {
            Some(first) => first.len_utf8(),
            None => inner.bytes().position(|byte| !is_name(byte)).unwrap_or(inner.len()),
        };
        let (name, operator) = inner.split_at(length);
        let (or_empty, kind) = match operator.as_bytes() {
            [b':', kind @ (b'-' | b'=' | b'+' | b'?'), ..] => (true, *kind),
            [kind @ (b'-' | b'=' | b'+' | b'?'), ..] => (false, *kind),
            _ => {
                self.value(operator, Mode::Document, scope);
                return map(scope.value(name), |text| changed(text, operator));
            }
        };
        let word = operator.get(1 + usize::from(or_empty)..).unwrap_or_default();
        // Whether a single quote is one depends on what is around it.
        let is_certain = !quoted || !word.contains('\'');
        let mode = if is_certain { Mode::Word } else { Mode::Document };
        let word = self.value(word, mode, scope).text;
        let word = (is_certain && !word.contains(UNKNOWN)).then_some(word);
        alternative(name, kind, or_empty, word, scope)
    }
}

/// `${x:-word}` and its like. A variable that nobody set is taken as not set.
fn alternative(
    name: &str,
    kind: u8,
    or_empty: bool,
    word: Option<String>,
    scope: &mut Scope,
) -> Value {
    let value = scope.value(name);
    let is_missing = match &value {
        Value::Known(text) => or_empty && text.is_empty(),
        Value::Stand(_) => false,
        Value::Unknown if scope.is_unset(name) => true,
        Value::Unknown => return Value::Unknown,
    };
    match (kind, is_missing) {
        (b'+', true) => Value::Known(String::new()),
        (b'+', false) | (b'-' | b'=', true) => {
            if kind == b'=' {
                scope.set(name, word.clone());
            }
            word.map_or(Value::Unknown, Value::Stand)
        }
        _ => value,
    }
}

fn map(value: Value, change: impl FnOnce(&str) -> Option<String>) -> Value {
    match value {
        Value::Known(text) => change(&text).map_or(Value::Unknown, Value::Known),
        Value::Stand(text) => change(&text).map_or(Value::Unknown, Value::Stand),
        Value::Unknown => Value::Unknown,
    }
}

/// The operators that cut, replace and change letters, with plain texts for patterns.
fn changed(text: &str, operator: &str) -> Option<String> {
    let plain = |pattern: &str| {
        let is_plain = !pattern.contains(['*', '?', '[', '$', '`', '\\', '\'', '"', '(']);
        is_plain.then(|| pattern.to_owned())
    };
    let operators = ["##", "#", "%%", "%", "//", "/", "^^", "^", ",,", ",", ":"];
    let kind = operators.into_iter().find(|kind| operator.starts_with(kind))?;
    let rest = plain(operator.strip_prefix(kind)?)?;
    Some(match kind {
        "##" | "#" => text.strip_prefix(rest.as_str()).unwrap_or(text).to_owned(),
        "%%" | "%" => text.strip_suffix(rest.as_str()).unwrap_or(text).to_owned(),
        "//" | "/" => {
            let (from, to) = rest.split_once('/').unwrap_or((rest.as_str(), ""));
            if from.is_empty() || from.starts_with(['#', '%']) {
                return None;
            }
            if kind == "/" { text.replacen(from, to, 1) } else { text.replace(from, to) }
        }
        "^^" if rest.is_empty() => text.to_uppercase(),
        ",," if rest.is_empty() => text.to_lowercase(),
        ":" => slice(text, &rest)?,
        _ => return None,
    })
}

fn slice(text: &str, range: &str) -> Option<String> {
    let (from, length) = match range.split_once(':') {
        Some((from, length)) => (from, Some(length.trim().parse().ok()?)),
        None => (range, None),
    };
    let rest = text.chars().skip(from.trim().parse().ok()?);
    Some(match length {
        Some(length) => rest.take(length).collect(),
        None => rest.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_cut_and_replaced() {
        let cases = [
            ("sudo_", "%_", "sudo"),
            ("xsudo", "#x", "sudo"),
            ("sXdo", "/X/u", "sudo"),
            ("SUDO", ",,", "sudo"),
            ("abcsudo", ":3:4", "sudo"),
            ("abcsudo", ": 3", "sudo"),
        ];
        for (text, operator, expected) in cases {
            assert_eq!(changed(text, operator).as_deref(), Some(expected), "{operator}");
        }
        assert_eq!(changed("a.b", "%.*"), None);
        assert_eq!(changed("a", "@Q"), None);
    }
}
