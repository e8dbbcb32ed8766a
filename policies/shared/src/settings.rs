//! What an operator may change about the rules.

use serde::Deserialize;
use serde_json::Value;

/// Longest list of names in the settings.
const MAX_NAMES: usize = 1000;

/// Settings of one binding of the policy; `{}` is the default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Enforce the allow-list, refuse substitutions and every path outside the workspace.
    pub strict: bool,
    /// Further programs that are refused, by name.
    pub blocked: Vec<String>,
    /// Further programs that strict mode allows, by name; never lifts a refusal.
    pub allowed: Vec<String>,
}

/// What is wrong with one value of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A JSON pointer into the settings; empty for the whole text.
    pub path: String,
    pub message: String,
}

const KEYS: [&str; 3] = ["strict", "blocked", "allowed"];

impl Settings {
    /// Reads settings from a JSON object.
    ///
    /// # Errors
    /// Every problem found, each with the place it is at.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| vec![problem("", format!("The settings are not JSON: {error}."))])?;
        let problems = problems(&value);
        if !problems.is_empty() {
            return Err(problems);
        }
        Self::deserialize(&value)
            .map_err(|error| vec![problem("", format!("The settings can't be read: {error}."))])
    }
}

fn problems(value: &Value) -> Vec<Problem> {
    let Value::Object(object) = value else {
        return vec![problem("", "The settings must be a JSON object.".to_owned())];
    };
    object
        .iter()
        .flat_map(|(key, value)| match key.as_str() {
            "strict" => flag(value),
            "blocked" | "allowed" => names(key, value),
            _ => vec![problem(
                &format!("/{}", escape(key)),
                format!("There is no such setting; there are {}.", KEYS.join(", ")),
            )],
        })
        .collect()
}

fn flag(value: &Value) -> Vec<Problem> {
    if value.is_boolean() {
        return Vec::new();
    }
    vec![problem("/strict", "This must be true or false.".to_owned())]
}

fn names(key: &str, value: &Value) -> Vec<Problem> {
    let Value::Array(names) = value else {
        return vec![problem(&format!("/{key}"), "This must be a list of names.".to_owned())];
    };
    if names.len() > MAX_NAMES {
        return vec![problem(&format!("/{key}"), format!("At most {MAX_NAMES} names fit."))];
    }
    let wrong = names.iter().enumerate().filter(|(_, name)| !name.as_str().is_some_and(is_name));
    wrong
        .map(|(index, _)| {
            problem(
                &format!("/{key}/{index}"),
                "This must be a program's plain name, such as `make`.".to_owned(),
            )
        })
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
}

/// As RFC 6901 wants it.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn problem(path: &str, message: String) -> Problem {
    Problem { path: path.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Settings::from_json(text).unwrap_err().into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn an_empty_object_is_the_default() {
        assert!(!Settings::from_json("{}").unwrap().strict);
    }

    #[test]
    fn every_setting_is_read() {
        let text = r#"{"strict": true, "blocked": ["make"], "allowed": ["zig"]}"#;
        let settings = Settings::from_json(text).unwrap();
        assert!(settings.strict);
        assert_eq!((settings.blocked, settings.allowed), (vec!["make".into()], vec!["zig".into()]));
    }

    #[test]
    fn an_unknown_key_is_named_by_a_pointer() {
        assert_eq!(paths(r#"{"stric/t": true}"#), ["/stric~1t"]);
    }

    #[test]
    fn each_wrong_name_is_named_by_a_pointer() {
        assert_eq!(
            paths(r#"{"blocked": ["make", "", 7, "a b"], "strict": 1}"#),
            ["/blocked/1", "/blocked/2", "/blocked/3", "/strict"]
        );
    }

    #[test]
    fn a_text_that_is_not_an_object_is_one_problem() {
        assert_eq!(paths("[]"), [""]);
        assert_eq!(paths("{"), [""]);
    }
}
