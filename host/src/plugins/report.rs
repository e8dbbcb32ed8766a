//! A loaded report, as the room of reports sees it.

mod words;

use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument as _;
use wasmtime::Store;

use super::bindings::policy::lockhouse::types::errors;
use super::bindings::report::exports::lockhouse::plugin::lifecycle;
use super::bindings::report::{AdminReport, AdminReportPre};
use super::config::Limits;
use super::convert;
use super::fault::{Digest, Error, Fault, FaultKind};
use super::instance::{Call, State, fault};
use super::loaded::{Loaded, Meters};
use super::{Host, LOAD_WALL};
use crate::reports::{Description, Document, Query, Report, ReportError, Table, check_description};
use words::{
    description_from_wit, document_from_wit, document_size, queries_size, query_from_wit,
    table_to_wit,
};

/// A report with its settings. Cloning is cheap.
#[derive(Clone)]
pub struct ReportPlugin {
    pub(super) loaded: Arc<Loaded>,
    pub(super) host: Arc<Host>,
    about: Arc<Description>,
}

impl ReportPlugin {
    /// Asks a component that was just loaded what it reports.
    pub(super) async fn ask(loaded: Arc<Loaded>, host: Arc<Host>) -> Result<Self, Error> {
        let limits = Limits { wall: LOAD_WALL, ..loaded.limits(host.config.reports.limits()) };
        let ask = |report: &AdminReport, store: &mut Store<State>| {
            report.lockhouse_admin_report().call_describe(store)
        };
        let about = description_from_wit(host.report(&loaded, limits, ask).await?);
        check_description(&about).map_err(|why| Error::Role {
            name: loaded.name.clone(),
            why: format!("describes its report in a way that can't be shown: {why}"),
        })?;
        Ok(Self { loaded, host, about: Arc::new(about) })
    }

    pub fn digest(&self) -> Digest {
        self.loaded.identity.digest
    }

    fn limits(&self) -> Limits {
        self.loaded.limits(self.host.config.reports.limits())
    }

    /// One call, held against the report's faults; an answer that is too long
    /// is no answer.
    async fn call<R: Send + 'static>(
        &self,
        asked: &'static str,
        ask: impl FnOnce(&AdminReport, &mut Store<State>) -> wasmtime::Result<Result<R, errors::Error>>
        + Send
        + 'static,
        size: impl FnOnce(&R) -> usize,
    ) -> Result<R, ReportError> {
        let limits = self.limits();
        let call = async {
            let answer = match self.host.report(&self.loaded, limits, ask).await? {
                Ok(answer) => answer,
                Err(error) => return Ok(Err(self.declined(error))),
            };
            match (size(&answer), limits.output_bytes) {
                (size, limit) if size > limit => {
                    Err(self.loaded.fault(FaultKind::Output { size, limit }))
                }
                _ => Ok(Ok(answer)),
            }
        };
        let held = self.host.quarantines.hold(&self.loaded, None, call);
        let held = held.instrument(self.loaded.span(asked)).await;
        held.map_err(|fault| ReportError::Fault(fault.to_string()))?
    }

    /// What is wrong with the parameters is for whoever gave them; the rest is
    /// a fault.
    fn declined(&self, error: errors::Error) -> ReportError {
        match error {
            errors::Error::Invalid(_)
            | errors::Error::Denied(_)
            | errors::Error::NotFound(_)
            | errors::Error::TooLarge(_) => ReportError::Invalid(convert::reason(error)),
            _ => {
                let fault = self.loaded.fault(FaultKind::Declined(convert::reason(error)));
                ReportError::Fault(fault.to_string())
            }
        }
    }
}

#[async_trait]
impl Report for ReportPlugin {
    fn id(&self) -> &str {
        &self.loaded.identity.id
    }

    fn name(&self) -> &str {
        &self.loaded.name
    }

    fn description(&self) -> &Description {
        &self.about
    }

    async fn queries(&self, parameters: &str) -> Result<Vec<Query>, ReportError> {
        let parameters = parameters.to_owned();
        let ask = move |report: &AdminReport, store: &mut Store<State>| {
            report.lockhouse_admin_report().call_queries(store, &parameters)
        };
        let queries = self.call("queries", ask, |queries| queries_size(queries)).await?;
        Ok(queries.into_iter().map(query_from_wit).collect())
    }

    async fn render(&self, parameters: &str, dataset: Vec<Table>) -> Result<Document, ReportError> {
        let parameters = parameters.to_owned();
        let dataset: Vec<_> = dataset.into_iter().map(table_to_wit).collect();
        let ask = move |report: &AdminReport, store: &mut Store<State>| {
            report.lockhouse_admin_report().call_render(store, &parameters, &dataset)
        };
        self.call("render", ask, document_size).await.map(document_from_wit)
    }
}

impl Host {
    /// One call of a report: a thread, a fresh store, an answer or a fault.
    pub(super) async fn report<R: Send + 'static>(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
        ask: impl FnOnce(&AdminReport, &mut Store<State>) -> wasmtime::Result<R> + Send + 'static,
    ) -> Result<R, Fault> {
        let on_thread = Arc::clone(loaded);
        let call = loaded.call(self, limits, None, None);
        let work = move || match on_thread.report() {
            Ok(ready) => {
                let (answer, store) = run(ready, call, &on_thread.meters, ask);
                (answer, Some(store))
            }
            Err(kind) => (Err(kind), None),
        };
        let answer = self.reports.run(limits.wall, work).await;
        answer.map_err(|kind| loaded.fault(kind))
    }

    pub(super) async fn describe_report(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<lifecycle::Description, Fault> {
        let ask = |report: &AdminReport, store: &mut Store<State>| {
            report.lockhouse_plugin_lifecycle().call_describe(store)
        };
        self.report(loaded, limits, ask).await
    }

    pub(super) async fn report_problems(
        &self,
        loaded: &Arc<Loaded>,
        limits: Limits,
    ) -> Result<Vec<String>, Fault> {
        let settings = loaded.settings.to_string();
        let ask = move |report: &AdminReport, store: &mut Store<State>| {
            report.lockhouse_plugin_lifecycle().call_validate_settings(store, &settings)
        };
        let problems = self.report(loaded, limits, ask).await?.err().unwrap_or_default();
        Ok(problems.into_iter().map(|p| convert::problem(&p.path, &p.message)).collect())
    }
}

fn run<R>(
    ready: &AdminReportPre<State>,
    call: Call,
    meters: &Meters,
    ask: impl FnOnce(&AdminReport, &mut Store<State>) -> wasmtime::Result<R>,
) -> (Result<R, FaultKind>, Store<State>) {
    let runtime = call.reach.runtime.clone();
    // Where an import waits, it waits on the server's time.
    let _entered = runtime.enter();
    let mut store = call.store_here(ready.engine());
    let instance = meters.instantiate.time(|| ready.instantiate(&mut store));
    let answer = instance.and_then(|report| meters.call.time(|| ask(&report, &mut store)));
    meters.memory.record(store.data().memory_bytes as f64);
    let answer = answer.map_err(|error| fault(&error, &store));
    (answer, store)
}
