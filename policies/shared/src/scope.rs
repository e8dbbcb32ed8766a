//! What is known of a shell's state at one point of a script: variables, directory, functions.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use brush_parser::ast::FunctionDefinition;

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
    functions: Rc<BTreeMap<String, Rc<FunctionDefinition>>>,
    /// Names that the caller set to values that are not told.
    environment: Rc<BTreeSet<String>>,
    /// Arguments of the script; none where they can't be known.
    pub(crate) positional: Option<Rc<[String]>>,
    /// Absolute and normal; none where it can't be known.
    pub(crate) cwd: Option<Rc<str>>,
}

impl Scope {
    pub(crate) fn new(cwd: &str, env_names: &[String]) -> Self {
        Self {
            variables: BTreeMap::new(),
            functions: Rc::default(),
            environment: Rc::new(env_names.iter().cloned().collect()),
            positional: Some(Rc::new([])),
            cwd: if cwd.is_empty() { Some(WORKSPACE.into()) } else { folder(WORKSPACE, cwd) },
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
            "PATH" => stand("/usr/local/bin:/usr/bin:/bin"),
            "OLDPWD" | "TMPDIR" => stand("/tmp"),
            "PWD" => self.cwd.as_deref().map_or(Value::Unknown, stand),
            "USER" | "LOGNAME" => stand("user"),
            "SHELL" | "BASH" | "0" => stand("sh"),
            "?" | "#" | "RANDOM" | "SECONDS" | "UID" | "EUID" | "LINENO" => stand("1"),
            "$" | "!" | "PPID" => stand("4242"),
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

    pub(crate) fn define(&mut self, function: &FunctionDefinition) {
        let name = function.fname.value.clone();
        Rc::make_mut(&mut self.functions).insert(name, Rc::new(function.clone()));
    }

    pub(crate) fn function(&self, name: &str) -> Option<Rc<FunctionDefinition>> {
        if self.functions.is_empty() { None } else { self.functions.get(name).cloned() }
    }

    /// Nobody gave it a value: neither this command nor the caller.
    pub(crate) fn is_unset(&self, name: &str) -> bool {
        !self.variables.contains_key(name)
            && !self.environment.contains(name)
            && self.preset(name) == Value::Unknown
    }

    /// The state in which a body may be run later: any variable may have changed.
    pub(crate) fn later(&self) -> Self {
        let mut later = self.clone();
        later.positional = None;
        later.variables.values_mut().for_each(|value| *value = None);
        later
    }

    /// Follows `cd`.
    pub(crate) fn change_directory(&mut self, path: Option<&str>) {
        self.cwd = match (&self.cwd, path) {
            (_, Some(path)) if path.starts_with('/') => folder("/", path),
            (Some(cwd), Some(path)) => folder(cwd, path),
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

fn folder(base: &str, path: &str) -> Option<Rc<str>> {
    paths::resolve(base, path).map(Rc::from)
}
