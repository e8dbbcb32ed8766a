//! What a check found, and how it is told.

use std::fmt::Display;

use serde::Serialize;

use crate::cli::say;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    /// A server works, and less well than it could.
    Warning,
    /// A server can't work, or not safely.
    Wrong,
}

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    pub(super) says: String,
    /// What to do; nothing where all is well, or where `says` tells already.
    pub(super) advice: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, says: impl Display) -> Self {
        Self { check, verdict: Verdict::Ok, says: says.to_string(), advice: None }
    }

    pub(super) fn warning(
        check: &'static str,
        says: impl Display,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into()).filter(|advice| !advice.is_empty());
        Self { check, verdict: Verdict::Warning, says: says.to_string(), advice }
    }

    pub(super) fn wrong(
        check: &'static str,
        says: impl Display,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Wrong, ..Self::warning(check, says, advice) }
    }
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

/// One line for each, and one for all; or one JSON object.
pub(super) fn report(found: &[Finding], json: bool) {
    let count = |verdict| found.iter().filter(|finding| finding.verdict == verdict).count();
    let (warnings, wrong) = (count(Verdict::Warning), count(Verdict::Wrong));
    if json {
        say(serde_json::json!({ "ok": wrong == 0, "checks": found }));
        return;
    }
    for finding in found {
        say(line(finding));
    }
    let ok = count(Verdict::Ok);
    say(format_args!("{} checks: {ok} ok, {warnings} with a warning, {wrong} wrong", found.len()));
}

fn line(finding: &Finding) -> String {
    let Finding { check, verdict, says, advice } = finding;
    let says = one_line(says);
    let advice = advice.as_deref().map(|advice| format!("; {}", one_line(advice)));
    format!("{:<8} {check:<16} {says}{}", verdict.as_str(), advice.unwrap_or_default())
}

/// Errors of others may have several.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_that_says_what_to_do() {
        let finding = Finding::wrong("database", "it does\nnot answer", "start it");
        assert_eq!(line(&finding), "wrong    database         it does not answer; start it");
    }

    #[test]
    fn where_all_is_well_there_is_nothing_to_do() {
        assert_eq!(
            line(&Finding::ok("clock", "it is right")),
            "ok       clock            it is right"
        );
    }
}
