//! Figures and how they are told: percentiles, a row for each bar, JSON, and a table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// What one kind of work took, or gave, over many tries.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) tries: usize,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "nothing was tried");
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Self { p50: at(0.5), p99: at(0.99), tries: values.len() }
    }
}

/// One line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Such as `P3`.
    pub(crate) bar: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) own: Spread,
    /// Who it is compared with, and what that took.
    pub(crate) peer: Option<(String, Spread)>,
    /// What must hold, in words; none where a row is only told.
    pub(crate) wanted: &'static str,
    pub(crate) met: Option<bool>,
}

/// What one benchmark found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) rows: Vec<Row>,
    /// What could not be measured, and why.
    pub(crate) missing: Vec<String>,
    /// How many programs wanted a processor, on average over the last minute, before and after.
    pub(crate) load: [f64; 2],
}

impl Report {
    pub(crate) fn new(name: &'static str, method: &'static str) -> Self {
        println!("\n{name}: {method}");
        let load = [load(), 0.0];
        Self { name, method, rows: Vec::new(), missing: Vec::new(), load }
    }

    pub(crate) fn lacks(&mut self, what: &str, why: &str) {
        let why = why.lines().next().unwrap_or_default();
        println!("  not measured: {what}: {why}");
        self.missing.push(format!("{what}: {why}"));
    }

    pub(crate) fn add(&mut self, row: Row) {
        print!("{}", row.line());
        self.rows.push(row);
    }

    /// Writes it to `target/bench/<name>.json`.
    pub(crate) fn close(mut self) -> Self {
        self.load[1] = load();
        let folder = folder();
        std::fs::DirBuilder::new().recursive(true).create(&folder).unwrap();
        let file = std::fs::File::create(folder.join(format!("{}.json", self.name))).unwrap();
        serde_json::to_writer_pretty(file, &self).unwrap();
        self
    }
}

/// Where all benchmarks leave what they found.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

impl Row {
    fn line(&self) -> String {
        let mut line = format!("{:<4} {:<46}", self.bar, self.what);
        let Spread { p50, p99, .. } = self.own;
        let _ = write!(line, " {:>10} {:>10} {:<5}", number(p50), number(p99), self.unit);
        match &self.peer {
            Some((peer, spread)) => {
                let ratio = p50 / spread.p50;
                let _ = write!(line, " {peer:<20} {:>10} {ratio:>6.2}", number(spread.p50));
            }
            None => line.push_str(&" ".repeat(39)),
        }
        let met = self.met.map_or("", |met| if met { "met" } else { "MISSED" });
        let _ = writeln!(line, "  {:<28} {met}", self.wanted);
        line
    }
}

fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// All rows under one another.
pub(crate) fn table(reports: &[Report]) -> String {
    let mut text = format!(
        "{:<4} {:<46} {:>10} {:>10} {:<5} {:<20} {:>10} {:>6}  wanted\n",
        "", "", "p50", "p99", "", "beside", "p50", "ratio"
    );
    for report in reports {
        text.extend(report.rows.iter().map(Row::line));
    }
    for report in reports {
        let [before, after] = report.load;
        let _ = writeln!(text, "load during {}: {before:.1} to {after:.1}", report.name);
        for missing in &report.missing {
            let _ = writeln!(text, "not measured: {missing}");
        }
    }
    text
}
