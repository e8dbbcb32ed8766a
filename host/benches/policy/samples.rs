//! Keeps each value of the plugins' own metrics, so that what is measured in the
//! host is what an operator sees.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

pub(crate) const INSTANTIATE: &str = "plugin_instantiate_seconds";
pub(crate) const CALL: &str = "plugin_call_seconds";
pub(crate) const MEMORY: &str = "plugin_memory_bytes";

/// Each metric's values, by its name and its plugin.
type Known = HashMap<(String, String), Arc<Values>>;

/// Every value of every histogram, by its name and its plugin. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct Samples(Arc<Mutex<Known>>);

#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl Samples {
    /// Before any plugin is loaded.
    pub(crate) fn install() -> Self {
        let samples = Self::default();
        assert!(metrics::set_global_recorder(samples.clone()).is_ok());
        samples
    }

    /// What was recorded of a plugin since this was last asked.
    pub(crate) fn take(&self, metric: &str, plugin: &str) -> Vec<f64> {
        std::mem::take(&mut self.values(metric, plugin).0.lock().unwrap())
    }

    fn values(&self, metric: &str, plugin: &str) -> Arc<Values> {
        let key = (metric.to_owned(), plugin.to_owned());
        Arc::clone(self.0.lock().unwrap().entry(key).or_default())
    }
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

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
        let plugin = key.labels().find(|label| label.key() == "plugin");
        Histogram::from_arc(self.values(key.name(), plugin.map_or("", |label| label.value())))
    }
}
