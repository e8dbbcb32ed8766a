//! Holds calls of plugins against their [`Breaker`], which all who loaded the
//! same bytes share, and tells of each change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::breaker::{Admission, Breaker, Config, Outcome, Pass, Quarantine};
use super::fault::{Fault, FaultKind, Identity};
use super::loaded::Loaded;
use crate::clock::Clock;

/// News that a listener may fall behind by; the state itself can be read again.
const NEWS: usize = 64;
/// How much of a fault is remembered.
const MAX_FAULT_CHARS: usize = 300;

/// A quarantine began or was prolonged, or it ended (`None`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineChange {
    pub plugin: Arc<Identity>,
    pub quarantine: Option<Quarantine>,
}

/// What all breakers of a host have in common.
pub(super) struct Quarantines {
    config: Config,
    clock: Clock,
    news: broadcast::Sender<QuarantineChange>,
}

/// One breaker for all bindings of one component.
pub(super) struct Shared(Mutex<Breaker>);

impl Shared {
    pub(super) fn new(config: Config) -> Self {
        Self(Mutex::new(Breaker::new(config)))
    }

    fn with<R>(&self, act: impl FnOnce(&mut Breaker) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn quarantine(&self) -> Option<Quarantine> {
        self.with(|breaker| breaker.quarantine().cloned())
    }
}

/// A call on its way. One that nobody waits for any more teaches nothing.
struct Guard<'a> {
    loaded: &'a Loaded,
    quarantines: &'a Quarantines,
    pass: Pass,
    outcome: Outcome,
}

impl Quarantines {
    pub(super) fn new(config: Config, clock: Clock) -> Self {
        Self { config, clock, news: broadcast::Sender::new(NEWS) }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<QuarantineChange> {
        self.news.subscribe()
    }

    /// Makes a call, or answers at once that the plugin is in quarantine.
    pub(super) async fn hold<R>(
        &self,
        loaded: &Loaded,
        call: impl Future<Output = Result<R, Fault>>,
    ) -> Result<R, Fault> {
        let pass = match loaded.code.breaker.with(|breaker| breaker.admit(self.clock.now())) {
            Admission::Granted(pass) => pass,
            Admission::Refused(held) => return Err(loaded.fault(self.refusal(held))),
        };
        let mut guard = Guard { loaded, quarantines: self, pass, outcome: Outcome::Unknown };
        let answer = call.await;
        guard.outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(fault) => outcome(&fault.kind),
        };
        answer
    }

    /// Ends a quarantine by the operator's will.
    pub(super) fn reset(&self, loaded: &Loaded) {
        if loaded.code.breaker.with(Breaker::reset) {
            self.tell(loaded);
        }
    }

    fn refusal(&self, held: Quarantine) -> FaultKind {
        let left = held.retry_at.duration_since(self.clock.now());
        FaultKind::Quarantined {
            faults: self.config.faults.get(),
            within: Duration::from_secs(self.config.within_seconds.into()),
            last: held.last_fault,
            retry_in: left.try_into().unwrap_or_default(),
        }
    }

    fn tell(&self, loaded: &Loaded) {
        let (plugin, quarantine) = (Arc::clone(&loaded.identity), loaded.quarantine());
        match &quarantine {
            Some(held) => {
                tracing::warn!(%plugin, last_fault = held.last_fault, retry_at = %held.retry_at, "plugin is quarantined");
            }
            None => tracing::info!(%plugin, "plugin is out of quarantine"),
        }
        loaded.meters.quarantined(quarantine.is_some());
        // Nobody may be listening.
        let _ = self.news.send(QuarantineChange { plugin, quarantine });
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Unknown);
        let now = self.quarantines.clock.now();
        if self.loaded.code.breaker.with(|breaker| breaker.tell(self.pass, outcome, now)) {
            self.quarantines.tell(self.loaded);
        }
    }
}

fn outcome(kind: &FaultKind) -> Outcome {
    match kind {
        FaultKind::Declined(_) => Outcome::Answered,
        kind if kind.is_the_plugins() => {
            Outcome::Fault(kind.to_string().chars().take(MAX_FAULT_CHARS).collect())
        }
        _ => Outcome::Unknown,
    }
}
