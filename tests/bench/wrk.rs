//! `wrk`, which asks again and again over some connections.

use std::path::Path;
use std::process::Command;

const SECONDS: &str = "2s";

/// What one round gave.
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Milliseconds of the request in the middle.
    pub(crate) p50_ms: f64,
}

/// Whether it is there; if not, why.
pub(crate) fn present() -> Result<(), String> {
    let version = Command::new("wrk").arg("--version").output();
    version.map(drop).map_err(|error| format!("wrk asks, and does not start: {error}"))
}

/// Asks for one address, or for what a script says.
pub(crate) fn round(
    url: &str,
    connections: usize,
    token: Option<&str>,
    script: Option<&Path>,
) -> Round {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "--latency", "-d", SECONDS, "-c", &connections.to_string()]);
    if let Some(token) = token {
        wrk.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let output = wrk.arg(url).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let after = |begin: &str| said.lines().find_map(|line| line.trim().strip_prefix(begin));
    let per_second = after("Requests/sec:").and_then(|figure| figure.trim().parse().ok());
    let p50_ms = after("50%").and_then(|figure| milliseconds(figure.trim()));
    Round { per_second: per_second.unwrap_or(0.0), p50_ms: p50_ms.unwrap_or(f64::NAN) }
}

/// Reads `980.00us`, `1.20ms` or `2.00s`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let (number, factor) =
        units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.parse::<f64>().ok().map(|number| number * factor)
}
