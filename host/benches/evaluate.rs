//! P2: a verdict over HTTP, beside an endpoint of the same server that answers a
//! constant; 16 connections that are kept alive, each with one request at a time.
//!
//! Both are asked in turns, a round each, so that what else the machine does
//! falls on both alike; printed are the medians of the rounds.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark starts what it measures, and talks to a terminal"
)]

use std::time::{Duration, Instant};

use lockhouse::Config;
use reqwest::{Client, RequestBuilder};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
/// How long nothing new must be heard from a server that has just started …
const QUIET: Duration = Duration::from_secs(10);
/// … and how long is waited for that at most.
const PATIENCE: Duration = Duration::from_secs(120);
const COMMAND: &str = "pip install -r requirements.txt && python -m pytest -q tests | tail -20";

#[derive(serde::Serialize)]
struct Report {
    method: &'static str,
    command: &'static str,
    connections: usize,
    constant: Figure,
    evaluate: Figure,
    /// Of requests a second.
    ratio: f64,
}

/// What one request takes, client and server together.
#[derive(Clone, Copy, serde::Serialize)]
struct Figure {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    processor_us: f64,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(measure());
    println!("P2, verdicts over HTTP ({CONNECTIONS} connections, medians of {ROUNDS} rounds)");
    println!(
        "{:<18} {:>10} {:>9} {:>9} {:>13}",
        "", "requests/s", "p50 µs", "p99 µs", "processor µs"
    );
    for (what, figure) in [("constant answer", &report.constant), ("evaluate", &report.evaluate)] {
        let Figure { per_second, p50_us, p99_us, processor_us } = figure;
        println!("{what:<18} {per_second:>10.0} {p50_us:>9.0} {p99_us:>9.0} {processor_us:>13.1}");
    }
    println!("ratio {:.2} (bar 0.60)", report.ratio);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench");
    std::fs::DirBuilder::new().recursive(true).create(folder).unwrap();
    let file = std::fs::File::create(format!("{folder}/evaluate.json")).unwrap();
    serde_json::to_writer_pretty(file, &report).unwrap();
}

async fn measure() -> Report {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config { data: data.path().to_owned(), ..Config::default() };
    // Measured is what the server can, not what it would put up with.
    let most = std::num::NonZeroU32::new(1_000_000);
    config.limits.general = lockhouse::limits::RateConfig { per_second: most, burst: most };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (told, started) = tokio::sync::oneshot::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(lockhouse::serve(
        config,
        listener,
        async { drop(stopped.await) },
        move |started| drop(told.send(started.sign_in_url.clone())),
    ));
    let url = started.await.unwrap();
    let (base, token) = url.split_once("/sign-in?token=").unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    settle(&client, base).await;
    let constant = client.get(format!("{base}/health"));
    let evaluate = client
        .post(format!("{base}/api/v1/admin/policies/evaluate"))
        .bearer_auth(token)
        .json(&json!({ "command": COMMAND }));
    let (mut constants, mut evaluates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        constants.push(round(&constant).await);
        evaluates.push(round(&evaluate).await);
    }
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    let (constant, evaluate) = (median(&constants), median(&evaluates));
    Report {
        method: "in turns, in one process; client and server share its threads",
        command: COMMAND,
        connections: CONNECTIONS,
        ratio: evaluate.per_second / constant.per_second,
        constant,
        evaluate,
    }
}

/// Waits until the server has looked at its images, for which it runs programs.
async fn settle(client: &Client, base: &str) {
    let (mut seen, mut since, began) = (json!(null), Instant::now(), Instant::now());
    while since.elapsed() < QUIET && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let ready = client.get(format!("{base}/health/ready")).send().await.unwrap();
        let mut ready: serde_json::Value = ready.json().await.unwrap();
        if seen != ready["registries"] {
            (seen, since) = (ready["registries"].take(), Instant::now());
        }
    }
}

async fn round(request: &RequestBuilder) -> Figure {
    let (began, used) = (Instant::now(), processor_time());
    let callers = (0..CONNECTIONS).map(|_| {
        let request = request.try_clone().unwrap();
        tokio::spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < ROUND {
                let asked = Instant::now();
                let answer = request.try_clone().unwrap().send().await.unwrap();
                assert!(answer.status().is_success());
                answer.bytes().await.unwrap();
                times.push(asked.elapsed().as_secs_f64() * 1e6);
            }
            times
        })
    });
    let mut times = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        times.extend(caller.await.unwrap());
    }
    let (took, used) = (began.elapsed().as_secs_f64(), processor_time() - used);
    times.sort_by(f64::total_cmp);
    let (requests, at) =
        (times.len() as f64, |share: f64| times[(times.len() as f64 * share) as usize]);
    Figure {
        per_second: requests / took,
        p50_us: at(0.5),
        p99_us: at(0.99),
        processor_us: used.as_secs_f64() * 1e6 / requests,
    }
}

/// Of the whole process, since it began.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Each figure's own median.
fn median(rounds: &[Figure]) -> Figure {
    let of = |value: fn(&Figure) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Figure {
        per_second: of(|figure| figure.per_second),
        p50_us: of(|figure| figure.p50_us),
        p99_us: of(|figure| figure.p99_us),
        processor_us: of(|figure| figure.processor_us),
    }
}
