//! What is known of a shell's state at one point of a script: variables, directory, functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::rules::paths::{self, WORKSPACE};

/// Where `~` leads. The true place differs; rules only need to know that it is a home.
pub(crate) const HOME: &str = "/home/user";
const DEFAULT_SEPARATORS: &str = " \t\n";

/// What a parameter expands to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Known(String),
    /// Known well enough for the rules, but not the true text.
    Stand(String),
    Unknown,
}

/// Cloned for each subshell, so large parts are shared.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    variables: BTreeMap<String, Option<String>>,
    functions: Rc<BTreeSet<String>>,
    /// Names that the caller set to values that are not told.
    environment: Rc<BTreeSet<String>>,
    /// Arguments of the script; none where they can't be known.
    pub(crate) positional: Option<Rc<[String]>>,
    /// Absolute and normal; none where it can't be known.
    pub(crate) cwd: Option<String>,
}

impl Scope {
    pub(crate) fn new(cwd: &str, env_names: &[String]) -> Self {
        Self {
            variables: BTreeMap::new(),
            functions: Rc::default(),
            environment: Rc::new(env_names.iter().cloned().collect()),
            positional: Some(Rc::new([])),
            cwd: paths::resolve(WORKSPACE, cwd),
        }
    }

    pub(crate) fn value(&self, name: &str) -> Value {
        match self.variables.get(name) {
            Some(Some(text)) => Value::Known(text.clone()),
            Some(None) => Value::Unknown,
            None if self.environment.contains(name) => Value::Unknown,
            None => self.preset(name),
        }
    }

    /// Parameters that have a value before anything is assigned.
    fn preset(&self, name: &str) -> Value {
        let stand = |text: &str| Value::Stand(text.to_owned());
        match name {
            "IFS" => Value::Known(DEFAULT_SEPARATORS.to_owned()),
            "HOME" => stand(HOME),
            "PWD" => self.cwd.as_deref().map_or(Value::Unknown, stand),
            "USER" | "LOGNAME" => stand("user"),
            "SHELL" | "BASH" | "0" => stand("sh"),
            "?" | "#" | "$" | "!" | "RANDOM" | "SECONDS" | "UID" | "EUID" | "PPID" | "LINENO" => {
                stand("1")
            }
            "@" | "*" => self.arguments(),
            _ => name.parse().map_or(Value::Unknown, |number| self.argument(number)),
        }
    }

    fn arguments(&self) -> Value {
        self.positional.as_ref().map_or(Value::Unknown, |words| Value::Known(words.join(" ")))
    }

    fn argument(&self, number: usize) -> Value {
        let Some(words) = &self.positional else { return Value::Unknown };
        Value::Known(words.get(number.wrapping_sub(1)).cloned().unwrap_or_default())
    }

    /// What unquoted expansions are split at; none where it can't be known.
    pub(crate) fn separators(&self) -> Option<String> {
        match self.value("IFS") {
            Value::Known(text) => Some(text),
            Value::Stand(_) | Value::Unknown => None,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Option<String>) {
        self.variables.insert(name.to_owned(), value);
    }

    pub(crate) fn define(&mut self, function: &str) {
        Rc::make_mut(&mut self.functions).insert(function.to_owned());
    }

    pub(crate) fn is_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// Follows `cd`.
    pub(crate) fn change_directory(&mut self, path: Option<&str>) {
        self.cwd = match (&self.cwd, path) {
            (_, Some(path)) if path.starts_with('/') => paths::resolve("/", path),
            (Some(cwd), Some(path)) => paths::resolve(cwd, path),
            _ => None,
        };
    }

    /// After a part that may not have run: what it changed is no longer known. The directory is
    /// taken as changed, since `mkdir x && cd x` is how people write it.
    pub(crate) fn forget_changes_since(&mut self, before: &Self) {
        for (name, value) in &mut self.variables {
            if before.variables.get(name) != Some(value) {
                *value = None;
            }
        }
    }
}
