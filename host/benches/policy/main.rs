//! P1: one policy decision, a fresh instance each, beside the same analysis
//! compiled natively and beside bare wasmtime; then the built-in policies, and
//! one small policy in three languages, each in the host.
//!
//! Plain harness: each figure is taken by itself, call by call, after a warm-up;
//! printed are the percentiles over all its calls. Other work on the machine
//! lengthens times on the wall; processor time tells what a decision costs.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark builds what it measures, and talks to a terminal"
)]

mod bare;
mod examples;
mod host;
mod samples;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bare::{Bare, Parts};
use host::{Decisions, Host};

/// What a developer types all day.
const COMMAND: &str = "pip install -r requirements.txt && python -m pytest -q tests | tail -20";
const WARM_UP: usize = 100;
const CALLS: usize = 5_000;
/// A figure of something slow is taken over fewer calls.
const LONGEST: Duration = Duration::from_secs(5);

/// Percentiles of one figure, in microseconds.
#[derive(serde::Serialize)]
struct Figure {
    what: &'static str,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    calls: usize,
}

#[derive(serde::Serialize)]
struct Report {
    method: &'static str,
    command: &'static str,
    pagemap_scan: bool,
    figures: Vec<Figure>,
    plugins: Vec<Decisions>,
    /// Why a plugin is missing.
    not_built: Vec<String>,
}

fn main() {
    let (host, layered) = (Host::start(), built_in("layered"));
    let mut figures = alone(&layered);
    let mut plugins = vec![host.measure("layered", &layered)];
    figures.append(&mut plugins[0].figures);
    plugins.push(host.measure("strict", &built_in("strict")));
    let mut not_built = Vec::new();
    for (language, heading) in examples::LANGUAGES {
        match examples::component(language, heading) {
            Ok(bytes) => plugins.push(host.measure(language, &bytes)),
            Err(why) => not_built.push(format!("example in {language}: {why}")),
        }
    }
    let report = Report {
        method: "call by call after a warm-up, each in a fresh instance",
        command: COMMAND,
        pagemap_scan: host.pagemap_scan(),
        figures,
        plugins,
        not_built,
    };
    print(&report);
    write(&report);
}

/// The layered policy's work without the host.
fn alone(bytes: &[u8]) -> Vec<Figure> {
    let request = command_analysis::Request { command: COMMAND.to_owned(), ..Default::default() };
    let settings = command_analysis::Settings::default();
    let native = each(|| {
        let began = Instant::now();
        drop(command_analysis::judge(black_box(&request), &settings));
        began.elapsed()
    });
    let bare = Bare::new(bytes, COMMAND);
    let calls = each(|| bare.evaluate());
    let part = |what, part: fn(&Parts) -> Duration| Figure::of(what, calls.iter().map(part));
    vec![
        Figure::of("native analysis", native.into_iter()),
        part("bare wasmtime: store and instance", |parts| parts.instantiate),
        part("bare wasmtime: call", |parts| parts.call),
        part("bare wasmtime: wiping", |parts| parts.drop),
        part("bare wasmtime: all of it", |parts| parts.instantiate + parts.call + parts.drop),
    ]
}

/// Calls again and again, after a warm-up.
fn each<T>(mut call: impl FnMut() -> T) -> Vec<T> {
    (0..WARM_UP).for_each(|_| drop(call()));
    let began = Instant::now();
    (0..CALLS).map(|_| call()).take_while(|_| began.elapsed() < LONGEST).collect()
}

impl Figure {
    fn of(what: &'static str, times: impl Iterator<Item = Duration>) -> Self {
        let mut micros: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e6).collect();
        micros.sort_by(f64::total_cmp);
        let calls = micros.len();
        let at = |share: f64| micros[(calls as f64 * share) as usize];
        Self { what, p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), calls }
    }
}

fn built_in(name: &str) -> Vec<u8> {
    let path = root().join(format!("target/components/{name}.wasm"));
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes));
    assert!(read.is_ok(), "{} is missing: run `make components`", path.display());
    bytes
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn print(report: &Report) {
    println!("P1, decisions of policies: {}\ncommand: {}\n", report.method, report.command);
    println!("{:<44} {:>9} {:>9} {:>9}", "µs", "p50", "p90", "p99");
    for figure in &report.figures {
        let Figure { what, p50_us, p90_us, p99_us, .. } = figure;
        println!("{what:<44} {p50_us:>9.1} {p90_us:>9.1} {p99_us:>9.1}");
    }
    println!("\neach policy in the host; µs, of decisions alone and of their parts");
    print!("{:<12} {:>8} {:>8} {:>8} {:>8}", "", "p50", "p99", "instance", "call");
    println!("{:>9} {:>9} {:>10} {:>8} {:>9}", "1 caller", "16", "processor", "memory", "compiled");
    for plugin in &report.plugins {
        print!("{:<12} {:>8.1} {:>8.1}", plugin.plugin, plugin.p50_us, plugin.p99_us);
        print!(" {:>8.1} {:>8.1}", plugin.instantiate_p50_us, plugin.call_p50_us);
        print!("{:>7.0}/s {:>7.0}/s", plugin.per_second_alone, plugin.per_second_together);
        let (kib, ms) = (plugin.memory_bytes / 1024.0, plugin.compile_ms);
        println!(" {:>8.0}/s {kib:>4.0} KiB {ms:>6.0} ms", plugin.per_processor_second);
    }
    println!("\nbar: p50 ≤ 40 µs and ≥ 25000 decisions a second of processor time (layered)");
    report.not_built.iter().for_each(|missing| println!("not measured: {missing}"));
}

fn write(report: &Report) {
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder).unwrap();
    let mut file = File::create(folder.join("policy.json")).unwrap();
    file.write_all(serde_json::to_string_pretty(report).unwrap().as_bytes()).unwrap();
}
