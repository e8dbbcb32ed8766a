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

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lockhouse::Config;
use reqwest::{Client, RequestBuilder};
use serde_json::json;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const COMMAND: &str = "pip install -r requirements.txt && python -m pytest -q tests | tail -20";

#[derive(serde::Serialize)]
struct Report {
    method: &'static str,
    command: &'static str,
    connections: usize,
    constant_per_second: f64,
    evaluate_per_second: f64,
    ratio: f64,
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(measure());
    println!("P2, verdicts over HTTP ({CONNECTIONS} connections, medians of {ROUNDS} rounds)");
    println!("  constant answer   {:>9.0} requests/s", report.constant_per_second);
    println!("  evaluate          {:>9.0} requests/s", report.evaluate_per_second);
    println!("  ratio             {:>9.2}   (bar 0.60)", report.ratio);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench");
    std::fs::DirBuilder::new().recursive(true).create(folder).unwrap();
    let file = std::fs::File::create(format!("{folder}/evaluate.json")).unwrap();
    serde_json::to_writer_pretty(file, &report).unwrap();
}

async fn measure() -> Report {
    let data = tempfile::tempdir().unwrap();
    let config = Config { data: data.path().to_owned(), ..Config::default() };
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
    let (constant, evaluate) = (median(constants), median(evaluates));
    Report {
        method: "in turns, in one process; client and server share its threads",
        command: COMMAND,
        connections: CONNECTIONS,
        constant_per_second: constant,
        evaluate_per_second: evaluate,
        ratio: evaluate / constant,
    }
}

/// Requests a second.
async fn round(request: &RequestBuilder) -> f64 {
    let (answered, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let callers = (0..CONNECTIONS).map(|_| {
        let (answered, request) = (Arc::clone(&answered), request.try_clone().unwrap());
        tokio::spawn(async move {
            while began.elapsed() < ROUND {
                let answer = request.try_clone().unwrap().send().await.unwrap();
                assert!(answer.status().is_success());
                answer.bytes().await.unwrap();
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    answered.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
