//! Cases: questions to a plugin, and what it must answer.
//!
//! A case is a request, written as [`crate::plugins::request`] takes it, and beside it what is
//! expected. For a policy that is `decision`, `risk` and `rule`; for an agent `kind`,
//! `expect_files`, `expect_text`, `refused` or `fault`; for a report `expect_queries`,
//! `expect_text` or `refused`. `settings` are those of this case alone, and `host` says what
//! its host answers.

mod answer;
mod carried;
mod judge;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use answer::{Answer, of_agent};
pub use carried::{MAX_CARRIED, MAX_CARRIED_BYTES, SECTION, check_carried};
pub use judge::{Difference, Error as JudgeError, Judge, Judged, judge, verdict_line};

use crate::plugins::Stated;

/// More cases in one file than this are refused.
const MAX_CASES: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    #[serde(default)]
    pub case: Vec<Case>,
}

/// Why a text of cases can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Syntax(String),
    #[error("it has no [[case]]")]
    Empty,
    #[error("it has more than {MAX_CASES} cases: split it")]
    TooMany,
    #[error(
        "there are {0} cases, and a plugin carries at most {MAX_CARRIED}, by which it is tried \
         before it goes live: choose the most telling ones"
    )]
    TooManyCarried(usize),
    #[error(
        "the cases are {0} bytes, and a plugin carries at most {MAX_CARRIED_BYTES}, by which it \
         is tried before it goes live: choose the most telling ones"
    )]
    TooLongCarried(usize),
    #[error("the cases inside the component can't be read: {0}")]
    Section(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Case {
    name: Option<String>,
    pub decision: Option<Decision>,
    pub(super) risk: Option<String>,
    pub(super) rule: Option<String>,
    /// Kind of the project that a plan is for.
    kind: Option<String>,
    /// Paths that a plan names or an answer edits; an empty list means none at all.
    expect_files: Option<Vec<String>>,
    /// Texts that the answer contains.
    expect_text: Vec<String>,
    /// Questions that a report asks of the host, in order.
    expect_queries: Option<Vec<String>>,
    /// Whether the plugin says that the request can't be served.
    pub refused: bool,
    /// A text in the fault that the call ends with.
    pub fault: Option<String>,
    /// What the host answers.
    pub host: Stated,
    strict: bool,
    settings: Settings,
    /// What remains is the request; its reader knows its keys.
    #[serde(flatten)]
    request: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Allow,
    Deny,
}

/// All settings, or short for `allowed`: the names of programs.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Settings {
    All(Map<String, Value>),
    Allowed(Vec<String>),
}

impl Default for Settings {
    fn default() -> Self {
        Self::All(Map::new())
    }
}

/// How many cases hold, and how many of those that do not matter most.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub cases: usize,
    pub failures: usize,
    pub to_deny: usize,
    pub wrongly_allowed: usize,
    pub to_allow: usize,
    pub wrongly_refused: usize,
}

impl Cases {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let cases: Self = toml::from_str(text).map_err(|error| Error::Syntax(error.to_string()))?;
        match cases.case.len() {
            0 => Err(Error::Empty),
            count if count > MAX_CASES => Err(Error::TooMany),
            _ => Ok(cases),
        }
    }
}

impl Case {
    /// The request as its reader takes it.
    pub fn request(&self) -> Vec<u8> {
        Value::Object(self.request.clone()).to_string().into_bytes()
    }

    /// The plugin's settings in this case.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let mut settings = match &self.settings {
            Settings::All(settings) => settings.clone(),
            Settings::Allowed(names) => {
                Map::from_iter([("allowed".to_owned(), names.clone().into())])
            }
        };
        if self.strict {
            settings.insert("strict".to_owned(), true.into());
        }
        settings
    }

    pub fn expected_verdict(&self) -> String {
        let decision = self.decision.map(|decision| decision.as_str().to_owned());
        let risk = self.risk.as_ref().map(|risk| format!("risk {risk}"));
        let rule = self.rule.as_ref().map(|rule| format!("rule {rule}"));
        joined([decision, risk, rule].into_iter().flatten(), "a verdict")
    }

    pub fn expected_answer(&self) -> String {
        let kind = self.kind.as_ref().map(|kind| format!("kind {kind}"));
        let files = self.expect_files.as_ref().map(|files| match files.as_slice() {
            [] => "no file".to_owned(),
            files => format!("files {}", files.join(" ")),
        });
        let texts = self.expect_text.iter().map(|text| format!("text {text:?}"));
        let refused = self.refused.then(|| "a refusal".to_owned());
        let fault = self.fault.as_ref().map(|text| format!("the fault {text:?}"));
        let queries = self.expect_queries.as_ref();
        let queries = queries.map(|queries| format!("questions {}", queries.join(" ")));
        let ends = refused.into_iter().chain(fault);
        joined(ends.chain(kind).chain(files).chain(queries).chain(texts), "an answer")
    }

    /// What is expected of what the plugin asks of its host.
    pub fn expected_calls(&self) -> String {
        "the calls that the case states, or that were recorded".to_owned()
    }

    /// Whether it expects an answer rather than none.
    pub fn wants_answer(&self) -> bool {
        !self.refused && self.fault.is_none()
    }

    pub(super) fn fits(&self, answer: &Answer) -> bool {
        let paths = answer.paths();
        self.kind.as_deref().is_none_or(|kind| answer.kind() == Some(kind))
            && self.expect_files.as_ref().is_none_or(|files| match files.as_slice() {
                [] => paths.is_empty(),
                files => files.iter().all(|path| paths.contains(&path.as_str())),
            })
            && self.expect_text.iter().all(|text| answer.contains(text))
    }

    pub fn fits_questions(&self, asked: &[&str]) -> bool {
        self.expect_queries.as_ref().is_none_or(|expected| expected == asked)
    }

    /// Whether each expected text stands somewhere in the answer.
    pub fn fits_texts(&self, answer: &Value) -> bool {
        self.expect_text.iter().all(|text| has_text(answer, text))
    }

    /// Whether the case itself says what the host answers, which only its author's
    /// machine does.
    pub(super) fn states_host(&self) -> bool {
        !self.host.is_empty()
    }

    /// What to call it where it fails.
    pub fn title(&self) -> String {
        let said = |key: &str| self.request.get(key).map(|value| format!("{key} = {value}"));
        let named = self.name.clone().or_else(|| said("command")).or_else(|| said("argv"));
        named.or_else(|| said("prompt")).unwrap_or_else(|| "a case without a name".to_owned())
    }
}

/// Whether a text stands anywhere in an answer.
fn has_text(answer: &Value, text: &str) -> bool {
    match answer {
        Value::String(found) => found.contains(text),
        Value::Number(found) => found.to_string().contains(text),
        Value::Array(parts) => parts.iter().any(|part| has_text(part, text)),
        Value::Object(parts) => parts.values().any(|part| has_text(part, text)),
        Value::Null | Value::Bool(_) => false,
    }
}

fn joined(parts: impl Iterator<Item = String>, none: &str) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { none.to_owned() } else { parts.join(", ") }
}

impl Decision {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl Outcome {
    /// Counts a case on which the plugin decided, or gave no verdict.
    pub fn count(&mut self, expected: Option<Decision>, allowed: Option<bool>, holds: bool) {
        self.cases += 1;
        self.failures += usize::from(!holds);
        match expected {
            Some(Decision::Deny) => {
                self.to_deny += 1;
                self.wrongly_allowed += usize::from(allowed == Some(true));
            }
            Some(Decision::Allow) => {
                self.to_allow += 1;
                self.wrongly_refused += usize::from(allowed != Some(true));
            }
            None => {}
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cases, failures, .. } = self;
        write!(f, "{cases} cases: {} hold, {failures} fail", cases - failures)?;
        if self.to_deny + self.to_allow == 0 {
            return Ok(());
        }
        let rate = |part: usize, whole: usize| {
            let percent = 100.0 * part as f64 / whole.max(1) as f64;
            format!("{part} of {whole} ({percent:.1} %)")
        };
        write!(
            f,
            "; wrongly allowed {}, wrongly refused {}",
            rate(self.wrongly_allowed, self.to_deny),
            rate(self.wrongly_refused, self.to_allow)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_expected_of_a_case_is_its_request() {
        let text =
            "[[case]]\ncommand = \"ls\"\ncwd = \"src\"\ndecision = \"allow\"\nrisk = \"safe\"";
        let case = &Cases::parse(text).unwrap().case[0];
        let request: Value = serde_json::from_slice(&case.request()).unwrap();
        assert_eq!(request, serde_json::json!({"command": "ls", "cwd": "src"}));
        assert_eq!((case.decision, case.settings()), (Some(Decision::Allow), Map::new()));
    }

    fn shown(case: &Case) -> String {
        Value::Object(case.settings()).to_string()
    }

    #[test]
    fn settings_are_a_table_or_the_names_of_allowed_programs() {
        let text = "[[case]]\nsettings = { protected = [\"a\"] }\n[[case]]\nstrict = true\nsettings = [\"make\"]";
        let cases = Cases::parse(text).unwrap().case;
        assert_eq!(shown(&cases[0]), r#"{"protected":["a"]}"#);
        assert_eq!(shown(&cases[1]), r#"{"allowed":["make"],"strict":true}"#);
    }

    #[test]
    fn both_error_rates_are_told() {
        let mut outcome = Outcome::default();
        outcome.count(Some(Decision::Deny), Some(true), false);
        outcome.count(Some(Decision::Deny), Some(false), true);
        outcome.count(Some(Decision::Allow), Some(true), true);
        assert_eq!(
            outcome.to_string(),
            "3 cases: 2 hold, 1 fail; wrongly allowed 1 of 2 (50.0 %), wrongly refused 0 of 1 (0.0 %)"
        );
    }

    #[test]
    fn a_file_without_cases_is_refused() {
        assert!(Cases::parse("").unwrap_err().to_string().contains("[[case]]"));
        assert!(Cases::parse("[[cases]]\n").is_err());
    }
}
