//! Frame: the log, the metrics, and traces.

mod gauges;
mod table;
mod traces;

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

pub(crate) use gauges::keep_gauges;
pub(crate) use traces::Traces;

use crate::config::{Config, Log, LogFormat};
use crate::tasks::Tasks;
use crate::traces::SPANS;

/// Upper bounds of histograms of times, in seconds.
const TIME_BUCKETS: [f64; 14] =
    [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

/// Upper bounds of histograms of memory, in bytes.
const BYTE_BUCKETS: [f64; 8] = [
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
];

/// How long values of histograms are kept one by one before they are counted in.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts the log and, where a collector is named, the export of traces; once in a
/// process.
pub(crate) fn start_log(config: &Config) -> anyhow::Result<Option<Traces>> {
    let filter = log_filter(&config.log)?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match config.log.format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    let traces = Traces::start(&config.telemetry)?;
    // Each sees what is meant for it; where traces go nowhere, nobody makes their spans.
    let spans = Targets::new().with_target(SPANS, tracing::Level::INFO);
    let exported = traces.as_ref().map(|traces| traces.layer().with_filter(spans));
    tracing_subscriber::registry().with(layer.with_filter(filter)).with(exported).try_init()?;
    Ok(traces)
}

fn log_filter(config: &Log) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|error| anyhow::anyhow!("log.filter: {error}"))?;
    Ok(filter.add_directive(format!("{SPANS}=off").parse()?))
}

/// Starts counting, once in a process; a second server in it shares the first
/// one's counts.
pub(crate) fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    static STARTED: std::sync::Mutex<Option<PrometheusHandle>> = std::sync::Mutex::new(None);
    let mut started = STARTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(handle) = &*started {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &TIME_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTE_BUCKETS)?
        .install_recorder()?;
    table::describe();
    *started = Some(handle.clone());
    Ok(handle)
}

/// Counts values in also where nobody ever reads the metrics: until then each
/// takes memory of its own.
pub(crate) async fn keep_metrics(handle: PrometheusHandle, tasks: Tasks) {
    loop {
        tokio::select! {
            () = tasks.stopping() => return,
            () = tokio::time::sleep(UPKEEP_EVERY) => handle.run_upkeep(),
        }
    }
}
