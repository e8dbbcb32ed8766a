//! A component that has been compiled, asked for its name, and given settings.

use std::sync::Arc;
use std::time::Instant as Began;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Span;

use super::Host;
use super::bindings::{policy, report};
use super::breaker::Quarantine;
use super::compile::{Agent, Code, Ready};
use super::config::{Limits, OwnLimits};
use super::fault::{Fault, FaultKind, Identity};
use super::grant::Granted;
use super::instance::{Call, State};
use super::manifest::Manifest;
use super::reach::{Behalf, Reach};
use crate::agents::ProgressSender;
use crate::traces::SPANS;

pub(super) struct Loaded {
    pub(super) code: Arc<Code>,
    pub(super) identity: Arc<Identity>,
    /// Such as `layered@0.1.0`.
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) settings: Arc<str>,
    pub(super) granted: Granted,
    pub(super) meters: Meters,
    /// Where the operator set other limits for it than for its sort.
    pub(super) own: OwnLimits,
    pub(super) manifest: Option<Manifest>,
}

/// Where the times of a plugin's calls go.
pub(super) struct Meters {
    pub(super) instantiate: Timer,
    pub(super) call: Timer,
    /// What a call's memories had grown to at its end; they never shrink.
    pub(super) memory: metrics::Histogram,
    quarantined: metrics::Gauge,
}

pub(super) struct Timer(metrics::Histogram);

impl Meters {
    pub(super) fn of(plugin: &str) -> Self {
        let plugin = plugin.to_owned();
        Self {
            instantiate: Timer(
                metrics::histogram!("plugin_instantiate_seconds", "plugin" => plugin.clone()),
            ),
            call: Timer(metrics::histogram!("plugin_call_seconds", "plugin" => plugin.clone())),
            memory: metrics::histogram!("plugin_memory_bytes", "plugin" => plugin.clone()),
            quarantined: metrics::gauge!("plugin_quarantined", "plugin" => plugin),
        }
    }

    pub(super) fn quarantined(&self, is: bool) {
        self.quarantined.set(f64::from(u8::from(is)));
    }
}

impl Timer {
    /// How long calls wait for one of these threads.
    pub(super) fn of_waiting(threads: &'static str) -> Self {
        Self(metrics::histogram!("plugin_wait_seconds", "threads" => threads))
    }

    pub(super) fn time<R>(&self, work: impl FnOnce() -> R) -> R {
        let began = Began::now();
        let result = work();
        self.0.record(began.elapsed());
        result
    }

    pub(super) async fn time_async<R>(&self, work: impl Future<Output = R>) -> R {
        let began = Began::now();
        let result = work.await;
        self.0.record(began.elapsed());
        result
    }
}

impl Loaded {
    /// At most what the operator allows, and at most what its manifest asks for.
    pub(super) fn limits(&self, allowed: Limits) -> Limits {
        let allowed = allowed.of_its_own(self.own);
        self.manifest.as_ref().map_or(allowed, |manifest| allowed.narrowed(manifest.limits))
    }

    /// A call from within the server's runtime.
    pub(super) fn call(
        &self,
        host: &Host,
        limits: Limits,
        behalf: Option<Behalf>,
        progress: Option<ProgressSender>,
    ) -> Call {
        let reach = Reach {
            rooms: Arc::clone(&host.rooms),
            secrets: Arc::clone(&host.secrets),
            granted: self.granted.clone(),
            plugin: Arc::clone(&self.identity),
            behalf,
            until: Instant::now() + limits.wall,
            runtime: Handle::current(),
        };
        Call {
            plugin: Arc::clone(&self.identity),
            settings: Arc::clone(&self.settings),
            limits,
            progress,
            reach,
        }
    }

    /// In which a call of this plugin stands.
    pub(super) fn span(&self, asked: &'static str) -> Span {
        let Identity { id, version, digest } = &*self.identity;
        tracing::info_span!(
            target: SPANS,
            "plugin call",
            lockhouse.asked = asked,
            lockhouse.plugin.id = id,
            lockhouse.plugin.version = version,
            lockhouse.plugin.digest = %digest,
        )
    }

    /// The fault of a call of this plugin, counted.
    pub(super) fn fault(&self, kind: FaultKind) -> Fault {
        let plugin = Arc::clone(&self.identity);
        metrics::counter!("plugin_faults_total", "plugin" => self.name.clone(), "kind" => kind.label())
            .increment(1);
        Fault { plugin, kind }
    }

    /// Whether calls are answered without asking it.
    pub(super) fn quarantine(&self) -> Option<Quarantine> {
        self.code.breaker.quarantine()
    }

    pub(super) fn policy(&self) -> Result<&policy::PolicyPre<State>, FaultKind> {
        match &self.code.ready {
            Ready::Policy(ready) => Ok(ready),
            Ready::Agent(_) | Ready::Report(_) => {
                Err(FaultKind::Host("it is no policy".to_owned()))
            }
        }
    }

    pub(super) fn agent(&self) -> Result<&Agent, FaultKind> {
        match &self.code.ready {
            Ready::Agent(ready) => Ok(ready),
            Ready::Policy(_) | Ready::Report(_) => {
                Err(FaultKind::Host("it is no agent".to_owned()))
            }
        }
    }

    pub(super) fn report(&self) -> Result<&report::AdminReportPre<State>, FaultKind> {
        match &self.code.ready {
            Ready::Report(ready) => Ok(ready),
            Ready::Policy(_) | Ready::Agent(_) => {
                Err(FaultKind::Host("it is no report".to_owned()))
            }
        }
    }
}
