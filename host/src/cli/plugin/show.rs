//! How plugins and their answers are shown.

use serde_json::{Value, json};

use crate::policy::Verdict;

pub(super) fn verdict(verdict: &Verdict) -> Value {
    json!({
        "decision": decision(verdict),
        "risk": verdict.risk.as_str(),
        "rule": verdict.rule,
        "reason": verdict.reason,
        "sanitised": verdict.sanitised,
        "advice": verdict.advice,
    })
}

fn decision(verdict: &Verdict) -> &'static str {
    if verdict.allow { "allow" } else { "deny" }
}

pub(super) fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    match bytes {
        bytes if bytes < KIB => format!("{bytes} bytes"),
        bytes if bytes < KIB * KIB => format!("{} KiB", bytes.div_ceil(KIB)),
        bytes => format!("{:.1} MiB", bytes as f64 / (KIB * KIB) as f64),
    }
}

pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
