//! What the benchmarks inside the process left, so that one table tells of every bar.

use std::fmt::Write as _;

use serde_json::Value;

use crate::figures::folder;

/// P1 and P2, if they were measured here.
pub(crate) fn summary() -> String {
    let mut text = String::new();
    match read("policy.json") {
        Some(report) => policies(&mut text, &report),
        None => text.push_str("P1   not measured yet: cargo bench --workspace --bench policy\n"),
    }
    match read("evaluate.json").and_then(|report| report["ratio"].as_f64()) {
        Some(ratio) => {
            let met = met(ratio >= 0.6);
            let _ = writeln!(
                text,
                "P2   verdicts over HTTP: {ratio:.2} × a constant answer's (wanted ≥ 0.60) {met}"
            );
        }
        None => text.push_str("P2   not measured yet: cargo bench --workspace --bench evaluate\n"),
    }
    text
}

fn policies(text: &mut String, report: &Value) {
    for plugin in report["plugins"].as_array().into_iter().flatten() {
        let of = |name: &str| plugin[name].as_f64().unwrap_or(f64::NAN);
        let (p50, rate) = (of("p50_us"), of("per_processor_second"));
        let layered = plugin["plugin"] == "layered";
        let told = if layered { met(p50 <= 40.0 && rate >= 25_000.0) } else { "" };
        let _ = writeln!(
            text,
            "P1   a decision by {:<12} p50 {p50:>7.1} µs, {rate:>6.0} a second of processor time, \
             {:>5.0} KiB (wanted of layered ≤ 40 µs, ≥ 25000) {told}",
            plugin["plugin"].as_str().unwrap_or_default(),
            of("memory_bytes") / 1024.0,
        );
    }
    for missing in report["not_built"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "P1   not measured: {}", missing.as_str().unwrap_or_default());
    }
}

fn met(yes: bool) -> &'static str {
    if yes { "met" } else { "MISSED" }
}

fn read(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(folder().join(name)).ok()?;
    serde_json::from_str(&text).ok()
}
