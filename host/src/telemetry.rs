//! Frame: the log and the metrics.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

use crate::config::{Log, LogFormat};
use crate::tasks::Tasks;

/// Upper bounds of histograms of times, in seconds.
const TIME_BUCKETS: [f64; 14] =
    [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

/// How long values of histograms are kept one by one before they are counted in.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts the log, once in a process.
pub(crate) fn start_log(config: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|error| anyhow::anyhow!("log.filter: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => registry.with(layer).try_init()?,
        LogFormat::Json => registry.with(layer.json()).try_init()?,
    }
    Ok(())
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
        .install_recorder()?;
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
