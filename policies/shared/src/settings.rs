//! What an operator may change about the rules.

use serde::Deserialize;
use serde_json::Value;

use crate::finding::Rule;

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
    /// Further programs that strict mode allows: `awk`, or `terraform plan` for one sub-command.
    /// Never lifts a refusal.
    pub allowed: Vec<String>,
    /// Rules that are switched off, by id; `blocked-command:crontab` for one program.
    pub disabled: Vec<String>,
}

impl Settings {
    /// Whether a rule counts. Most bindings disable none.
    pub(crate) fn applies(&self, rule: Rule) -> bool {
        self.disabled.is_empty() || !self.disabled.iter().any(|id| id == rule.id())
    }

    /// Whether the operator took this program off the list of blocked ones.
    pub(crate) fn unblocks(&self, program: &str) -> bool {
        self.disabled.iter().any(|entry| {
            entry.split_once(':').is_some_and(|(rule, name)| rule == BLOCKED && name == program)
        })
    }
}

/// The rule of which single programs can be taken out.
const BLOCKED: &str = "blocked-command";

/// What is wrong with one value of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A JSON pointer into the settings; empty for the whole text.
    pub path: String,
    pub message: String,
}

const KEYS: [&str; 4] = ["strict", "blocked", "allowed", "disabled"];

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

impl Settings {
    /// Reads the settings of the policy that is always strict: they have no switch for that.
    ///
    /// # Errors
    /// Every problem found, each with the place it is at.
    pub fn strict_from_json(text: &str) -> Result<Self, Vec<Problem>> {
        let has_switch =
            serde_json::from_str(text).is_ok_and(|value: Value| value.get("strict").is_some());
        if has_switch {
            let message = "This policy is always strict; leave the switch out.".to_owned();
            return Err(vec![problem("/strict", message)]);
        }
        Ok(Self { strict: true, ..Self::from_json(text)? })
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
            "blocked" => names(key, value, name_problem),
            "allowed" => names(key, value, entry_problem),
            "disabled" => names(key, value, rule_problem),
            _ => vec![problem(
                &format!("/{}", escape(key)),
                format!(
                    "There is no such setting{}; there are {}.",
                    suggestion(key, KEYS.into_iter()),
                    KEYS.join(", ")
                ),
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

fn names(key: &str, value: &Value, problem_of: fn(&str) -> Option<String>) -> Vec<Problem> {
    let Value::Array(names) = value else {
        return vec![problem(&format!("/{key}"), "This must be a list of names.".to_owned())];
    };
    if names.len() > MAX_NAMES {
        return vec![problem(&format!("/{key}"), format!("At most {MAX_NAMES} names fit."))];
    }
    let wrong = names.iter().enumerate().filter_map(|(index, name)| {
        let message = match name.as_str() {
            Some(name) => problem_of(name)?,
            None => "This must be a text.".to_owned(),
        };
        Some(problem(&format!("/{key}/{index}"), message))
    });
    wrong.collect()
}

fn name_problem(name: &str) -> Option<String> {
    let is_name = !name.is_empty()
        && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control());
    (!is_name).then(|| "This must be a program's plain name, such as `make`.".to_owned())
}

/// `awk`, or `terraform plan`.
fn entry_problem(entry: &str) -> Option<String> {
    let (name, subcommand) = entry.split_once(' ').unwrap_or((entry, "x"));
    (name_problem(name).is_some() || name_problem(subcommand).is_some()).then(|| {
        "This must be a program's plain name, with a sub-command behind a space if only that is \
         allowed: `awk` or `terraform plan`."
            .to_owned()
    })
}

fn rule_problem(entry: &str) -> Option<String> {
    if let Some((rule, name)) = entry.split_once(':') {
        return if rule == BLOCKED {
            name_problem(name)
        } else {
            Some(format!("Only `{BLOCKED}` takes a program, as in `{BLOCKED}:crontab`."))
        };
    }
    match Rule::all().find(|(_, id, _)| *id == entry) {
        Some((rule, _, _)) if rule.can_be_disabled() => None,
        Some((Rule::NotAllowed, _, _)) => Some(
            "The allow-list is what strict mode is: add to `allowed`, or leave strict mode."
                .to_owned(),
        ),
        Some(_) => Some("What can't be judged is always refused; this stays on.".to_owned()),
        None => Some(format!(
            "There is no rule `{entry}`{}.",
            suggestion(entry, Rule::all().map(|(_, id, _)| id))
        )),
    }
}

/// What was perhaps meant.
fn suggestion<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let nearest = known.min_by_key(|known| strsim::damerau_levenshtein(name, known));
    nearest.map_or(String::new(), |nearest| format!("; the nearest is `{nearest}`"))
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
    fn rules_are_disabled_by_id() {
        let text = r#"{"disabled": ["network", "blocked-command:crontab"]}"#;
        let settings = Settings::from_json(text).unwrap();
        assert!(!settings.applies(Rule::Network) && settings.applies(Rule::SystemPath));
        assert!(settings.unblocks("crontab") && !settings.unblocks("sudo"));
    }

    #[test]
    fn an_unknown_rule_is_answered_with_the_nearest() {
        let problems = Settings::from_json(r#"{"disabled": ["sytem-path"]}"#).unwrap_err();
        assert_eq!(problems[0].path, "/disabled/0");
        assert!(problems[0].message.contains("`system-path`"), "{problems:?}");
    }

    #[test]
    fn what_keeps_judging_possible_stays_on() {
        let text = r#"{"disabled": ["unparsable", "too-complex", "not-allowed", "network:x"]}"#;
        assert_eq!(paths(text), ["/disabled/0", "/disabled/1", "/disabled/2", "/disabled/3"]);
    }

    #[test]
    fn an_allowed_program_may_have_a_sub_command() {
        assert!(Settings::from_json(r#"{"allowed": ["awk", "terraform plan"]}"#).is_ok());
        assert_eq!(paths(r#"{"allowed": ["a b c", " x", "/bin/x"]}"#).len(), 3);
    }

    #[test]
    fn a_text_that_is_not_an_object_is_one_problem() {
        assert_eq!(paths("[]"), [""]);
        assert_eq!(paths("{"), [""]);
    }
}
