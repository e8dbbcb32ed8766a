//! One call of a plugin: a fresh store with its limits, dropped after the call
//! whatever became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, StoreContextMut, Trap, UpdateDeadline};
use wasmtime_wasi::WasiCtx;

use super::config::Limits;
use super::fault::{FaultKind, Identity};
use super::imports::LogBudget;
use super::reach::Reach;
use super::wasm::MAX_STACK_BYTES;
use crate::agents::ProgressSender;

/// wasmtime keeps these errors' types to itself; their texts are what is left.
const TRANSFER_SPENT: &str = "fuel allocated for hostcalls has been exhausted";
const HANDLES_SPENT: &str = "store handle limit exceeded";

/// What a store carries: the plugin's name, its limits and what it used.
pub(super) struct State {
    pub(super) plugin: Arc<Identity>,
    pub(super) settings: Arc<str>,
    pub(super) log: LogBudget,
    pub(super) progress: Option<ProgressSender>,
    /// What lies beyond the call.
    pub(super) reach: Reach,
    /// What the guest holds of it.
    pub(super) table: ResourceTable,
    /// Made when the guest first asks for it.
    pub(super) wasi: Option<WasiCtx>,
    /// What time it was when the guest first asked.
    pub(super) now_us: Option<u64>,
    limits: Limits,
    /// All memories of the call together.
    pub(super) memory_bytes: usize,
    /// A limit that was hit; a guest that does not survive it traps later.
    refused: Option<FaultKind>,
}

/// For whom, and within what, a call is made.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) plugin: Arc<Identity>,
    pub(super) settings: Arc<str>,
    pub(super) limits: Limits,
    pub(super) progress: Option<ProgressSender>,
    pub(super) reach: Reach,
}

/// Carries the reason from where a guest is interrupted to where its call ends.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Interrupted(FaultKind);

/// Processor time that a call has used.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent(Arc<AtomicU64>);

impl Spent {
    pub(super) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// Processor time of this thread since it began.
pub(super) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let whole = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(whole, u32::try_from(time.tv_nsec).unwrap_or_default())
}

impl Call {
    fn store(self, engine: &Engine) -> Store<State> {
        let state = State {
            plugin: self.plugin,
            settings: self.settings,
            log: LogBudget::new(self.limits.log_bytes),
            progress: self.progress,
            // What it waited for a thread does not count.
            reach: Reach { until: Instant::now() + self.limits.wall, ..self.reach },
            table: ResourceTable::new(),
            wasi: None,
            now_us: None,
            limits: self.limits,
            memory_bytes: 0,
            refused: None,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(self.limits.transfer_bytes);
        store.set_max_component_handles(self.limits.handles);
        store.set_epoch_deadline(1);
        store
    }

    /// A store for a call that stays on this thread.
    pub(super) fn store_here(self, engine: &Engine) -> Store<State> {
        let (began, limit) = (thread_time(), self.limits.budget);
        let mut store = self.store(engine);
        store.epoch_deadline_callback(move |store: StoreContextMut<'_, State>| {
            interrupt(thread_time().saturating_sub(began), limit)?;
            // Nobody waits any more for a call that waits in the host, again and again.
            give_up(store.data())?;
            Ok(UpdateDeadline::Continue(1))
        });
        store
    }

    /// A store for a call that gives way to others at each tick; `spent` is
    /// what it has used in all.
    pub(super) fn store_in_turns(self, engine: &Engine, spent: Spent) -> Store<State> {
        let limit = self.limits.budget;
        let mut store = self.store(engine);
        store.epoch_deadline_callback(move |_: StoreContextMut<'_, State>| {
            interrupt(spent.get(), limit)?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

fn interrupt(after: Duration, limit: Duration) -> Result<(), Interrupted> {
    if after < limit { Ok(()) } else { Err(Interrupted(FaultKind::Budget { after, limit })) }
}

fn give_up(call: &State) -> Result<(), Interrupted> {
    let (limit, now) = (call.limits.wall, Instant::now());
    if now < call.reach.until {
        return Ok(());
    }
    let after = limit + now.duration_since(call.reach.until);
    Err(Interrupted(FaultKind::Blocked { after, limit }))
}

/// Says why a call ended without an answer.
pub(super) fn fault(error: &wasmtime::Error, store: &Store<State>) -> FaultKind {
    if let Some(Interrupted(kind)) = error.downcast_ref() {
        return kind.clone();
    }
    if let Some(refused) = &store.data().refused {
        return refused.clone();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => FaultKind::Stack { limit: MAX_STACK_BYTES },
        Some(trap) => FaultKind::Trap(trap.to_string()),
        None => {
            let (why, limits) = (format!("{error:#}"), &store.data().limits);
            if why.contains(TRANSFER_SPENT) {
                FaultKind::Transfer { limit: limits.transfer_bytes }
            } else if why.contains(HANDLES_SPENT) {
                FaultKind::Handles { limit: limits.handles }
            } else {
                FaultKind::Host(why)
            }
        }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The limit is on all memories of the call together.
        let wanted = self.memory_bytes.saturating_sub(current).saturating_add(desired);
        let limit = self.limits.memory_bytes;
        if wanted > limit {
            self.refused = Some(FaultKind::Memory { wanted, limit });
            return Ok(false);
        }
        self.memory_bytes = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let limit = self.limits.table_elements;
        if desired > limit {
            self.refused = Some(FaultKind::Table { wanted: desired, limit });
        }
        Ok(desired <= limit)
    }
}
