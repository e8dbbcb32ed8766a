//! The questions that the host knows. A report names one and gives it
//! parameters; what it may ask, and how many rows it gets, is decided here.
//!
//! | question | one row for each | parameters |
//! |---|---|---|
//! | `activity` | day and project with commands | `since` `project` `limit` |
//! | `commands` | command, newest first | `since` `project` `decision` `limit` |
//! | `decisions` | day, policy, rule, risk and decision | `since` `limit` |
//! | `projects` | project, oldest first | `project` `limit` |
//! | `runtimes` | runtime, with what it uses now | `project` `limit` |
//! | `runs` | run of an agent, newest first | `since` `project` `limit` |
//! | `jobs` | job, newest first | `since` `limit` |
//! | `disk` | project, largest first | `project` `limit` |
//! | `actions` | day, actor, action and outcome | `since` `limit` |
//! | `audit` | audit entry that says how something ended, newest first | `since` `limit` |
//! | `plugins` | plugin that is installed | `limit` |
//! | `spend` | day, user, project and model that was asked | `since` `project` `limit` |

use jiff::Timestamp;
use serde::Deserialize;

use crate::clock;

/// Rows that one question answers where it names no limit.
const DEFAULT_ROWS: u32 = 500;
/// The most rows that one question answers.
pub(super) const MAX_ROWS: u32 = 2_000;
/// Longer parameters are refused unread.
const MAX_PARAMETERS_BYTES: usize = 4 * 1024;
/// How far back is looked where nothing is said.
const DEFAULT_SINCE: &str = "30d";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Activity,
    Commands,
    Decisions,
    Projects,
    Runtimes,
    Runs,
    Jobs,
    Disk,
    Actions,
    Audit,
    Plugins,
    Spend,
}

/// A question with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) since: Timestamp,
    /// Name or id of a project; every project where it is empty.
    pub(super) project: String,
    /// Of commands: those that were allowed, those that were not, or all.
    pub(super) allowed: Option<bool>,
    pub(super) limit: u32,
}

/// Why a question can't be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(super) struct Refused {
    pub(super) why: String,
    /// The value that can't be used, where it is for one. Whoever gave it to the
    /// report is to be told, not the report's author.
    pub(super) value: Option<String>,
}

impl Refused {
    fn question(why: impl Into<String>) -> Self {
        Self { why: why.into(), value: None }
    }

    fn value(why: impl Into<String>, value: impl Into<String>) -> Self {
        Self { why: why.into(), value: Some(value.into()) }
    }
}

/// Parameters as a report writes them. An empty text counts as left out, so
/// that a report can hand on what an operator gave it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Given {
    since: Option<String>,
    project: Option<String>,
    decision: Option<String>,
    limit: Option<Limit>,
}

/// Parameters of reports are texts, so a number may be written as one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Limit {
    Number(u32),
    Text(String),
}

impl Question {
    pub(super) const ALL: [Self; 12] = [
        Self::Activity,
        Self::Commands,
        Self::Decisions,
        Self::Projects,
        Self::Runtimes,
        Self::Runs,
        Self::Jobs,
        Self::Disk,
        Self::Actions,
        Self::Audit,
        Self::Plugins,
        Self::Spend,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Commands => "commands",
            Self::Decisions => "decisions",
            Self::Projects => "projects",
            Self::Runtimes => "runtimes",
            Self::Runs => "runs",
            Self::Jobs => "jobs",
            Self::Disk => "disk",
            Self::Actions => "actions",
            Self::Audit => "audit",
            Self::Plugins => "plugins",
            Self::Spend => "spend",
        }
    }

    /// The parameters it takes.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Activity | Self::Runs | Self::Spend => &["since", "project", "limit"],
            Self::Commands => &["since", "project", "decision", "limit"],
            Self::Decisions | Self::Jobs | Self::Actions | Self::Audit => &["since", "limit"],
            Self::Projects | Self::Runtimes | Self::Disk => &["project", "limit"],
            Self::Plugins => &["limit"],
        }
    }
}

impl Asked {
    /// What a report asks, or why that can't be asked.
    pub(super) fn read(question: &str, parameters: &str, now: Timestamp) -> Result<Self, Refused> {
        let known = Question::ALL.into_iter().find(|known| known.as_str() == question);
        let question = known.ok_or_else(|| {
            let known = Question::ALL.map(Question::as_str).join(", ");
            Refused::question(format!(
                "there is no question “{}”; there are {known}",
                cut(question)
            ))
        })?;
        let given = read_parameters(question, parameters)?;
        Ok(Self {
            question,
            since: since(now, given.since)?,
            project: project(given.project)?,
            allowed: allowed(given.decision)?,
            limit: limit(given.limit)?,
        })
    }
}

fn read_parameters(question: Question, text: &str) -> Result<Given, Refused> {
    if text.len() > MAX_PARAMETERS_BYTES {
        let why = format!("its parameters are over {MAX_PARAMETERS_BYTES} bytes");
        return Err(Refused::question(why));
    }
    let unreadable =
        |error: serde_json::Error| Refused::question(format!("its parameters: {error}"));
    let keys: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(unreadable)?;
    let takes = question.parameters();
    if let Some(key) = keys.keys().find(|key| !takes.contains(&key.as_str())) {
        let takes = takes.join(", ");
        let why = format!("it has no parameter “{}”; it takes {takes}", cut(key));
        return Err(Refused::question(why));
    }
    serde_json::from_value(keys.into()).map_err(unreadable)
}

fn since(now: Timestamp, given: Option<String>) -> Result<Timestamp, Refused> {
    let text = given.filter(|text| !text.is_empty());
    let text = text.as_deref().unwrap_or(DEFAULT_SINCE);
    let why = "since: use a time such as 2026-01-31T12:00:00Z, or how long ago, such as 7d";
    clock::since(now, text).ok_or_else(|| Refused::value(why, text))
}

/// Names and ids have no other characters.
fn project(given: Option<String>) -> Result<String, Refused> {
    let text = given.unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if text.len() <= 64 && text.bytes().all(plain) {
        return Ok(text);
    }
    Err(Refused::value("project: use a project's name or id", text))
}

fn allowed(given: Option<String>) -> Result<Option<bool>, Refused> {
    match given.as_deref().unwrap_or_default() {
        "" => Ok(None),
        "allow" => Ok(Some(true)),
        "deny" => Ok(Some(false)),
        other => Err(Refused::value("decision: use allow or deny", other)),
    }
}

/// More than the most is no error: the table says that it was cut.
fn limit(given: Option<Limit>) -> Result<u32, Refused> {
    let limit = match given {
        None => DEFAULT_ROWS,
        Some(Limit::Number(limit)) => limit,
        Some(Limit::Text(text)) if text.is_empty() => DEFAULT_ROWS,
        Some(Limit::Text(text)) => {
            let why = format!("limit: use a number from 1 to {MAX_ROWS}");
            text.parse().map_err(|_| Refused::value(why, text.as_str()))?
        }
    };
    Ok(limit.clamp(1, MAX_ROWS))
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str, parameters: &str) -> Result<Asked, String> {
        let asked = Asked::read(question, parameters, Timestamp::UNIX_EPOCH);
        asked.map_err(|refused| refused.why)
    }

    #[test]
    fn a_question_without_parameters_has_defaults() {
        let asked = asked("commands", "{}").unwrap();
        assert_eq!((asked.limit, asked.project.as_str(), asked.allowed), (500, "", None));
        assert_eq!(asked.since, "1969-12-02T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn what_an_operator_left_empty_counts_as_left_out() {
        let empty = r#"{"since": "", "project": "", "decision": "", "limit": ""}"#;
        assert_eq!(asked("commands", empty), asked("commands", "{}"));
    }

    #[test]
    fn a_limit_may_be_a_text_and_is_never_over_the_most() {
        assert_eq!(asked("audit", r#"{"limit": "7"}"#).unwrap().limit, 7);
        assert_eq!(asked("audit", r#"{"limit": 4000000000}"#).unwrap().limit, MAX_ROWS);
        assert_eq!(asked("audit", r#"{"limit": 0}"#).unwrap().limit, 1);
        assert!(asked("audit", r#"{"limit": "many"}"#).unwrap_err().contains("1 to 2000"));
    }

    #[test]
    fn an_unknown_question_is_told_which_there_are() {
        let error = asked("passwords", "{}").unwrap_err();
        assert!(error.starts_with("there is no question “passwords”; there are activity"));
    }

    #[test]
    fn a_parameter_of_another_question_is_told_which_it_takes() {
        let error = asked("audit", r#"{"project": "todo"}"#).unwrap_err();
        assert_eq!(error, "it has no parameter “project”; it takes since, limit");
    }

    #[test]
    fn what_is_no_project_no_time_and_no_decision_is_refused() {
        assert!(asked("disk", r#"{"project": "a' OR ''='"}"#).unwrap_err().contains("project:"));
        assert!(asked("audit", r#"{"since": "soon"}"#).unwrap_err().contains("since:"));
        assert!(asked("commands", r#"{"decision": "maybe"}"#).unwrap_err().contains("decision:"));
        assert!(asked("audit", "[]").is_err());
        assert!(asked("audit", &format!(r#"{{"since": "{}"}}"#, "x".repeat(5000))).is_err());
    }
}
