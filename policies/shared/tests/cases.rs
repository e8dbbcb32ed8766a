//! The policies' cases, judged natively.

#![expect(clippy::unwrap_used, reason = "a case file that can't be read fails its test")]
#![expect(clippy::print_stdout, reason = "the error rates are what the corpora are for")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use command_analysis::{Decision, Request, Risk, Settings, judge};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    command: String,
    decision: String,
    risk: Option<String>,
    rule: Option<String>,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    cwd: String,
    argv: Option<Vec<String>>,
    /// Programs that the operator allows besides, or a table of any settings.
    settings: Option<toml::Value>,
}

impl Case {
    fn settings(&self, policy: &str) -> Settings {
        let strict = self.strict || policy == "strict";
        let read = match &self.settings {
            None => Settings::default(),
            Some(toml::Value::Array(allowed)) => {
                Settings { allowed: allowed.iter().map(text).collect(), ..Settings::default() }
            }
            Some(table) => Settings::from_json(&serde_json::to_string(table).unwrap()).unwrap(),
        };
        Settings { strict, ..read }
    }

    fn request(&self) -> Request {
        Request {
            command: self.command.clone(),
            argv: self.argv.clone(),
            cwd: self.cwd.clone(),
            env_names: Vec::new(),
        }
    }

    /// What is wrong with the verdict on the case, if anything.
    fn fault(&self, policy: &str) -> Option<String> {
        let verdict = judge(&self.request(), &self.settings(policy));
        let decision = if verdict.decision == Decision::Allow { "allow" } else { "deny" };
        let risk = match verdict.risk {
            Risk::Safe => "safe",
            Risk::Moderate => "moderate",
            Risk::Dangerous => "dangerous",
            Risk::Blocked => "blocked",
        };
        let is_right = decision == self.decision
            && self.risk.as_deref().is_none_or(|expected| expected == risk)
            && self.rule.as_deref().is_none_or(|expected| expected == verdict.rule);
        (!is_right).then(|| {
            format!(
                "{:?} {:?}: {decision} {risk} {} ({}), expected {} {:?} {:?}",
                self.command,
                self.argv,
                verdict.rule,
                verdict.reason,
                self.decision,
                self.risk,
                self.rule
            )
        })
    }

    /// What makes it another case than the rest.
    fn key(&self) -> String {
        format!("{:?}", (&self.command, &self.argv, &self.cwd, self.strict, self.settings.as_ref()))
    }
}

fn text(value: &toml::Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn folder(policy: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(policy).join("cases")
}

/// The cases of all files whose name begins so.
fn cases(policy: &str, prefix: &str) -> Vec<Case> {
    let entries = std::fs::read_dir(folder(policy)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    paths.sort();
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    paths.iter().flat_map(|path| toml::from_str::<Cases>(&read(path)).unwrap().case).collect()
}

/// Judges a corpus, says how many are judged wrong, and fails if any is.
fn all_hold(policy: &str, prefix: &str, least: usize, error: &str) {
    let cases = cases(policy, prefix);
    assert!(cases.len() >= least, "{policy} has only {} cases of {prefix}", cases.len());
    let faults: Vec<_> = cases.iter().filter_map(|case| case.fault(policy)).collect();
    println!("{policy}: {} {error} of {} {prefix} cases", faults.len(), cases.len());
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn every_documented_example_is_judged_as_documented() {
    all_hold("layered", "documented", 60, "misjudged");
}

#[test]
fn no_known_way_around_the_rules_is_open() {
    all_hold("layered", "bypasses", 400, "let through");
}

#[test]
fn ordinary_commands_are_let_through() {
    all_hold("layered", "ordinary", 400, "refused");
}

#[test]
fn strict_judges_every_documented_example_as_documented() {
    all_hold("strict", "documented", 30, "misjudged");
}

#[test]
fn strict_leaves_no_known_way_around_its_list_open() {
    all_hold("strict", "bypasses", 60, "let through");
}

#[test]
fn strict_lets_its_list_through() {
    all_hold("strict", "ordinary", 60, "refused");
}

#[test]
fn what_layered_refuses_strict_refuses() {
    let faults = cases("layered", "bypasses").into_iter().filter(|case| {
        judge(&case.request(), &case.settings("strict")).decision == Decision::Allow
    });
    let faults: Vec<_> = faults.map(|case| case.command).collect();
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn no_case_stands_twice() {
    let all = ["documented", "bypasses", "ordinary"].map(|prefix| cases("layered", prefix));
    let mut seen = BTreeSet::new();
    let twice: Vec<_> =
        all.iter().flatten().filter(|case| !seen.insert(case.key())).map(Case::key).collect();
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}
