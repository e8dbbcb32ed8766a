//! Holds calls of plugins against their [`Breaker`], which all who loaded the
//! same bytes share, and tells of each change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::breaker::{Breakers, CallersPass, Config, Held, Outcome, Quarantine};
use super::fault::{Fault, FaultKind, Identity};
use super::loaded::Loaded;
use crate::clock::Clock;
use crate::ids::UserId;

/// News that a listener may fall behind by; the state itself can be read again.
const NEWS: usize = 64;
/// How much of a fault is remembered.
const MAX_FAULT_CHARS: usize = 300;

/// A quarantine began or was prolonged, or it ended (`None`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineChange {
    pub plugin: Arc<Identity>,
    /// Whom alone it is for; for everybody where there is none.
    pub caller: Option<UserId>,
    pub quarantine: Option<Quarantine>,
}

/// What all breakers of a host have in common.
pub(super) struct Quarantines {
    config: Config,
    clock: Clock,
    news: broadcast::Sender<QuarantineChange>,
}

/// The breakers for all bindings of one component.
pub(super) struct Shared(Mutex<Breakers>);

impl Shared {
    pub(super) fn new(config: Config) -> Self {
        Self(Mutex::new(Breakers::new(config)))
    }

    fn with<R>(&self, act: impl FnOnce(&mut Breakers) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For everybody.
    pub(super) fn quarantine(&self) -> Option<Quarantine> {
        self.with(|breakers| breakers.quarantine().cloned())
    }

    /// For one caller alone.
    fn of_caller(&self, caller: &UserId) -> Option<Quarantine> {
        self.with(|breakers| breakers.of_caller(caller).cloned())
    }
}

/// A call on its way. One that nobody waits for any more teaches nothing.
struct Guard<'a> {
    loaded: &'a Loaded,
    quarantines: &'a Quarantines,
    caller: Option<&'a UserId>,
    pass: CallersPass,
    outcome: Outcome,
}

impl Quarantines {
    pub(super) fn new(config: Config, clock: Clock) -> Self {
        Self { config, clock, news: broadcast::Sender::new(NEWS) }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<QuarantineChange> {
        self.news.subscribe()
    }

    /// Makes a call on somebody's behalf, or answers at once that the plugin is
    /// in quarantine.
    pub(super) async fn hold<R>(
        &self,
        loaded: &Loaded,
        caller: Option<&UserId>,
        call: impl Future<Output = Result<R, Fault>>,
    ) -> Result<R, Fault> {
        let now = self.clock.now();
        let admitted = loaded.code.breaker.with(|breakers| breakers.admit(caller, now));
        let pass = admitted.map_err(|held| loaded.fault(self.refusal(held, caller)))?;
        let mut guard =
            Guard { loaded, quarantines: self, caller, pass, outcome: Outcome::Unknown };
        let answer = call.await;
        guard.outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(fault) => outcome(&fault.kind),
        };
        answer
    }

    /// Ends every quarantine of a plugin by the operator's will.
    pub(super) fn reset(&self, loaded: &Loaded) {
        let (everybodys, alone) = loaded.code.breaker.with(Breakers::reset);
        if everybodys {
            self.tell(loaded, None);
        }
        alone.iter().for_each(|caller| self.tell(loaded, Some(caller)));
    }

    fn refusal(&self, held: Held, caller: Option<&UserId>) -> FaultKind {
        let (held, caller) = match held {
            Held::ForEverybody(held) => (held, None),
            Held::ForTheCaller(held) => (held, caller.cloned()),
        };
        let left = held.retry_at.duration_since(self.clock.now());
        FaultKind::Quarantined {
            caller,
            faults: self.config.faults.get(),
            within: Duration::from_secs(self.config.within_seconds.into()),
            last: held.last_fault,
            retry_in: left.try_into().unwrap_or_default(),
        }
    }

    fn tell(&self, loaded: &Loaded, caller: Option<&UserId>) {
        let plugin = Arc::clone(&loaded.identity);
        let quarantine = match caller {
            Some(caller) => loaded.code.breaker.of_caller(caller),
            None => loaded.quarantine(),
        };
        let whom = caller.map_or("everybody", UserId::as_str);
        match &quarantine {
            Some(held) => {
                tracing::warn!(%plugin, whom, last_fault = held.last_fault, retry_at = %held.retry_at, "plugin is quarantined");
            }
            None => tracing::info!(%plugin, whom, "plugin is out of quarantine"),
        }
        if caller.is_none() {
            loaded.meters.quarantined(quarantine.is_some());
        }
        // Nobody may be listening.
        let _ = self.news.send(QuarantineChange { plugin, caller: caller.cloned(), quarantine });
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let Self { loaded, quarantines, caller, pass, .. } = *self;
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Unknown);
        let now = quarantines.clock.now();
        let ended = (outcome, caller);
        let changed = loaded.code.breaker.with(|breakers| breakers.tell(pass, ended, now));
        if changed.everybodys {
            quarantines.tell(loaded, None);
        }
        if changed.callers {
            quarantines.tell(loaded, caller);
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
