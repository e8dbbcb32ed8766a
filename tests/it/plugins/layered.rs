//! The default policy, as the host runs it: it judges every one of its cases as
//! they say, and exactly as the same analysis compiled natively.

use std::fs;
use std::path::Path;

use lockhouse::policy::{CommandPolicy as _, Request, Risk, Verdict};
use serde::Deserialize;

use super::harness::{built, decide, host, load_policy, refusal, request};

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

impl Case {
    fn settings(&self) -> String {
        format!("{{\"strict\": {}, \"allowed\": {:?}}}", self.strict, self.settings)
    }

    fn request(&self) -> Request {
        Request { argv: self.argv.clone(), cwd: self.cwd.clone(), ..request(&self.command) }
    }

    fn judged_natively(&self) -> Verdict {
        let request = command_analysis::Request {
            command: self.command.clone(),
            argv: self.argv.clone(),
            cwd: self.cwd.clone(),
            env_names: Vec::new(),
        };
        let settings = command_analysis::Settings::from_json(&self.settings()).unwrap();
        verdict(command_analysis::judge(&request, &settings))
    }

    fn is_met_by(&self, verdict: &Verdict) -> bool {
        verdict.allow == (self.decision == "allow")
            && self.risk.as_deref().is_none_or(|risk| risk == verdict.risk.as_str())
            && self.rule.as_deref().is_none_or(|rule| rule == verdict.rule)
    }
}

fn verdict(native: command_analysis::Verdict) -> Verdict {
    Verdict {
        allow: native.decision == command_analysis::Decision::Allow,
        risk: match native.risk {
            command_analysis::Risk::Safe => Risk::Safe,
            command_analysis::Risk::Moderate => Risk::Moderate,
            command_analysis::Risk::Dangerous => Risk::Dangerous,
            command_analysis::Risk::Blocked => Risk::Blocked,
        },
        rule: native.rule.to_owned(),
        reason: native.reason,
        sanitised: native.sanitised,
        advice: native.advice.map(str::to_owned),
    }
}

fn cases(name: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/layered/cases");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    toml::from_str::<Cases>(&text).unwrap().case
}

/// Cases that the component judges otherwise than they say, or than native code.
async fn misjudged(cases: &[Case], bytes: &[u8]) -> Vec<String> {
    let host = host();
    let mut misjudged = Vec::new();
    for case in cases {
        // Loading again shares the code; only the settings differ.
        let plugin = host.load("layered.wasm", bytes, &case.settings()).await.unwrap();
        let judged = plugin.into_policy().unwrap().evaluate(&case.request()).await.unwrap();
        if judged != case.judged_natively() || !case.is_met_by(&judged) {
            misjudged.push(format!("{:?} {:?}: {judged:?}", case.command, case.argv));
        }
    }
    misjudged
}

async fn assert_all_hold(name: &str, least: usize) {
    need!(plugins, built("layered").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let cases = cases(name);
    assert!(cases.len() >= least, "{name} has only {} cases", cases.len());
    let misjudged = misjudged(&cases, &built("layered").unwrap()).await;
    assert!(misjudged.is_empty(), "{}:\n{}", misjudged.len(), misjudged.join("\n"));
}

#[tokio::test]
async fn the_component_judges_every_documented_example_as_documented() {
    assert_all_hold("documented.toml", 60).await;
}

#[tokio::test]
async fn the_component_leaves_no_known_way_around_the_rules_open() {
    assert_all_hold("bypasses.toml", 80).await;
}

#[tokio::test]
async fn the_component_lets_ordinary_commands_through() {
    assert_all_hold("benign.toml", 120).await;
}

#[tokio::test]
async fn a_refusal_names_the_policy_the_rule_and_the_reason() {
    need!(plugins, built("layered").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let policy = load_policy(&host(), &built("layered").unwrap()).await;
    let decision = decide(&policy, "rm -rf /").await;
    assert!(!decision.allow);
    assert_eq!((decision.policy.as_str(), decision.risk), ("layered@0.1.0", Risk::Blocked));
    assert!(!decision.rule.is_empty() && !decision.reason.is_empty(), "{decision:?}");
}

#[tokio::test]
async fn its_rules_are_told_in_words() {
    need!(plugins, built("layered").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let policy = load_policy(&host(), &built("layered").unwrap()).await;
    assert!(policy.explain().await.unwrap().contains("sudo"));
}

#[tokio::test]
async fn settings_it_does_not_know_are_refused_by_name() {
    need!(plugins, built("layered").map(|_| ()).ok_or("run `cargo run -p guests`".to_owned()));
    let error = refusal(&built("layered").unwrap(), r#"{"stict": true}"#).await.to_string();
    assert!(error.contains("refuses its settings: /stict"), "{error}");
}
