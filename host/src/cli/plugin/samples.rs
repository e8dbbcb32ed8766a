//! Keeps the values of the plugins' own metrics, so that what is told to an
//! author is what an operator sees.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

pub(super) const INSTANTIATE: &str = "plugin_instantiate_seconds";
pub(super) const CALL: &str = "plugin_call_seconds";
pub(super) const MEMORY: &str = "plugin_memory_bytes";

/// A metric's median and its highest value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary<T = f64> {
    pub(super) median: T,
    pub(super) worst: T,
}

/// Every value of every histogram, by name. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(Arc<Mutex<HashMap<String, Arc<Values>>>>);

#[derive(Debug, Default)]
struct Values(Mutex<Vec<f64>>);

impl Samples {
    /// Takes the place of the server's recorder; before any plugin is loaded.
    pub(super) fn install() -> anyhow::Result<Self> {
        let samples = Self::default();
        metrics::set_global_recorder(samples.clone()).context("metrics are recorded already")?;
        Ok(samples)
    }

    pub(super) fn clear(&self) {
        for values in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            values.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    pub(super) fn summary(&self, metric: &str) -> anyhow::Result<Summary> {
        let mut values =
            self.values(metric).0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        values.sort_by(f64::total_cmp);
        let worst = values.last().with_context(|| format!("{metric} was not recorded"))?;
        Ok(Summary { median: values[values.len() / 2], worst: *worst })
    }

    fn values(&self, metric: &str) -> Arc<Values> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(metric.to_owned()).or_default())
    }
}

impl<T> Summary<T> {
    pub(super) fn map<R>(self, with: impl Fn(T) -> R) -> Summary<R> {
        Summary { median: with(self.median), worst: with(self.worst) }
    }
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
}

/// A metric's values are kept under its name, whatever its labels: only one
/// plugin is measured.
impl Recorder for Samples {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.values(key.name()))
    }
}
