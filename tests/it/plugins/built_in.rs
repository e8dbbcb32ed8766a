//! The policies that the server carries, as the host runs them: each judges
//! every one of its cases as they say, and exactly as the same analysis compiled
//! natively.

use std::fs;
use std::path::Path;

use lockhouse::policy::{CommandPolicy as _, Request, Risk, Verdict};
use serde::Deserialize;
use serde_json::json;

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
    /// Programs that the operator allows besides, or a table of any settings.
    settings: Option<toml::Value>,
}

impl Case {
    fn settings(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut settings = match &self.settings {
            None => serde_json::Map::new(),
            Some(toml::Value::Array(allowed)) => {
                [("allowed".to_owned(), json!(allowed))].into_iter().collect()
            }
            Some(table) => serde_json::from_value(json!(table)).unwrap(),
        };
        if self.strict {
            settings.insert("strict".to_owned(), json!(true));
        }
        settings
    }

    fn request(&self) -> Request {
        Request { argv: self.argv.clone(), cwd: self.cwd.clone(), ..request(&self.command) }
    }

    fn judged_natively(&self, policy: &str) -> Verdict {
        let request = command_analysis::Request {
            command: self.command.clone(),
            argv: self.argv.clone(),
            cwd: self.cwd.clone(),
            env_names: Vec::new(),
        };
        let mut settings = self.settings();
        settings.insert("strict".to_owned(), json!(self.strict || policy == "strict"));
        let settings = command_analysis::Settings::from_json(&json!(settings).to_string());
        verdict(command_analysis::judge(&request, &settings.unwrap()))
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

/// The cases of all files whose name begins so.
fn cases(policy: &str, prefix: &str) -> Vec<Case> {
    let folder = format!("{}/../policies/{policy}/cases", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    paths.sort();
    let read = |path| fs::read_to_string(path).unwrap();
    paths.iter().flat_map(|path| toml::from_str::<Cases>(&read(path)).unwrap().case).collect()
}

/// Cases that the component judges otherwise than they say, or than native code.
async fn misjudged(policy: &str, cases: &[Case], bytes: &[u8]) -> Vec<String> {
    let host = host();
    let mut loaded = std::collections::HashMap::new();
    let mut misjudged = Vec::new();
    for case in cases {
        let settings = json!(case.settings()).to_string();
        if !loaded.contains_key(&settings) {
            let plugin = host.load(policy, bytes, &settings).await.unwrap();
            loaded.insert(settings.clone(), plugin.into_policy().unwrap());
        }
        let judged = loaded[&settings].evaluate(&case.request()).await.unwrap();
        if judged != case.judged_natively(policy) || !case.is_met_by(&judged) {
            misjudged.push(format!("{:?} {:?}: {judged:?}", case.command, case.argv));
        }
    }
    misjudged
}

async fn assert_all_hold(policy: &str, prefix: &str, least: usize) {
    let bytes = need!(plugins, built(policy).ok_or("run `cargo run -p guests`".to_owned()));
    let cases = cases(policy, prefix);
    assert!(cases.len() >= least, "{policy} has only {} cases of {prefix}", cases.len());
    let misjudged = misjudged(policy, &cases, &bytes).await;
    assert!(misjudged.is_empty(), "{}:\n{}", misjudged.len(), misjudged.join("\n"));
}

#[tokio::test]
async fn layered_judges_every_documented_example_as_documented() {
    assert_all_hold("layered", "documented", 60).await;
}

#[tokio::test]
async fn layered_leaves_no_known_way_around_the_rules_open() {
    assert_all_hold("layered", "bypasses", 400).await;
}

#[tokio::test]
async fn layered_lets_ordinary_commands_through() {
    assert_all_hold("layered", "ordinary", 400).await;
}

#[tokio::test]
async fn strict_judges_every_documented_example_as_documented() {
    assert_all_hold("strict", "documented", 50).await;
}

#[tokio::test]
async fn strict_leaves_no_known_way_around_the_rules_open() {
    assert_all_hold("strict", "bypasses", 100).await;
}

#[tokio::test]
async fn strict_lets_what_it_allows_through() {
    assert_all_hold("strict", "ordinary", 100).await;
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

/// Folders that are one machine's: of this source, of cargo and of the toolchains.
fn folders_of_the_builder() -> Vec<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let home = std::env::home_dir().unwrap();
    let of = |name: &str, below: &str| std::env::var_os(name).map_or(home.join(below), Into::into);
    let folders = [workspace, of("CARGO_HOME", ".cargo"), of("RUSTUP_HOME", ".rustup")];
    folders.map(|folder| folder.display().to_string()).to_vec()
}

#[test]
fn no_component_names_a_folder_of_its_builder() {
    let components: Vec<_> = ["layered", "strict", "scaffold"].into_iter().map(built).collect();
    let named = |folder: &String| {
        let is_in = |bytes: &Vec<u8>| bytes.windows(folder.len()).any(|it| it == folder.as_bytes());
        components.iter().any(|component| is_in(component.as_ref().unwrap()))
    };
    let named: Vec<_> = folders_of_the_builder().into_iter().filter(named).collect();
    assert_eq!(named, [] as [&str; 0]);
}
