//! The policies' cases, judged natively.

#![expect(clippy::unwrap_used, reason = "a case file that can't be read fails its test")]

use std::path::Path;

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
    /// Programs that the operator allows besides.
    #[serde(default)]
    settings: Vec<String>,
}

fn cases(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../layered/cases").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    toml::from_str::<Cases>(&text).unwrap().case
}

/// What is wrong with the verdict on a case, if anything.
fn fault(case: &Case) -> Option<String> {
    let request = Request {
        command: case.command.clone(),
        argv: case.argv.clone(),
        cwd: case.cwd.clone(),
        env_names: Vec::new(),
    };
    let settings =
        Settings { strict: case.strict, allowed: case.settings.clone(), ..Settings::default() };
    let verdict = judge(&request, &settings);
    let decision = if verdict.decision == Decision::Allow { "allow" } else { "deny" };
    let risk = match verdict.risk {
        Risk::Safe => "safe",
        Risk::Moderate => "moderate",
        Risk::Dangerous => "dangerous",
        Risk::Blocked => "blocked",
    };
    let is_right = decision == case.decision
        && case.risk.as_deref().is_none_or(|expected| expected == risk)
        && case.rule.as_deref().is_none_or(|expected| expected == verdict.rule);
    (!is_right).then(|| {
        format!(
            "{:?} {:?}: {decision} {risk} {} ({}), expected {} {:?} {:?}",
            case.command,
            case.argv,
            verdict.rule,
            verdict.reason,
            case.decision,
            case.risk,
            case.rule
        )
    })
}

fn all_hold(name: &str, least: usize) {
    let cases = cases(name);
    assert!(cases.len() >= least, "{name} has only {} cases", cases.len());
    let faults: Vec<_> = cases.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn every_documented_example_is_judged_as_documented() {
    all_hold("documented.toml", 60);
}

#[test]
fn no_known_way_around_the_rules_is_open() {
    all_hold("bypasses.toml", 80);
}

#[test]
fn ordinary_commands_are_let_through() {
    all_hold("benign.toml", 120);
}
