//! The two wasm engines, tuned to the machine, and the clock that interrupts
//! their guests.
//!
//! Decisions and agents have an engine each, so that agents, however many and
//! however slow, never take what a decision needs.

use std::time::Duration;

use wasmtime::{Cache, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::config::Config;
use super::fault::Error;

/// How often guests are looked at.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// Stack of a guest's native code; its own stack lies in its memory.
pub(super) const MAX_STACK_BYTES: usize = 512 * 1024;

/// Kept mapped between calls; resetting it by page scan is cheaper than
/// unmapping, while wiping all of it is dearer.
const KEEP_RESIDENT_BYTES: usize = 256 * 1024;
/// Address space for one memory: with this much no access needs a bounds check.
const WIDE_RESERVATION_BYTES: u64 = 4 << 30;
const WIDE_GUARD_BYTES: u64 = 32 << 20;
/// Guard for machines that limit address space.
const NARROW_GUARD_BYTES: u64 = 64 << 10;

const MEMORIES_PER_CALL: u32 = 4;
const TABLES_PER_CALL: u32 = 20;
/// Components from Python need close to a hundred.
const CORE_INSTANCES_PER_CALL: u32 = 100;

/// What was found out about the machine and chosen for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Whether the kernel tells which pages a guest has touched.
    pub pagemap_scan: bool,
    pub keep_resident_bytes: usize,
    /// Address space set aside for each memory of a guest.
    pub reservation_bytes: u64,
    /// Calls that may run at once.
    pub decision_calls: u32,
    pub agent_calls: u32,
    pub report_calls: u32,
}

pub(super) struct Engines {
    pub(super) decisions: Engine,
    pub(super) agents: Engine,
    pub(super) tuning: Tuning,
}

impl Engines {
    /// Builds both and starts their clock, which ends when they are dropped.
    pub(super) fn start(config: &Config, cache: Option<&Cache>) -> Result<Self, Error> {
        let tuning = probe(config)?;
        let machine = |error: wasmtime::Error| Error::Machine(format!("{error:#}"));
        let engine = |calls, largest| {
            let mut engine = settings(&pool(&tuning, calls, largest), &tuning);
            engine.cache(cache.cloned());
            Engine::new(&engine).map_err(machine)
        };
        let [of_decisions, of_agents] = largest(config);
        // Reports run where decisions do, on threads of their own.
        let decisions = engine(tuning.decision_calls + tuning.report_calls, of_decisions)?;
        let agents = engine(tuning.agent_calls, of_agents)?;
        start_clock(&[&decisions, &agents])?;
        tracing::info!(
            pagemap_scan = tuning.pagemap_scan,
            keep_resident_bytes = tuning.keep_resident_bytes,
            reservation_bytes = tuning.reservation_bytes,
            decision_calls = tuning.decision_calls,
            agent_calls = tuning.agent_calls,
            report_calls = tuning.report_calls,
            "plugins can be run"
        );
        Ok(Self { decisions, agents, tuning })
    }
}

/// What one call may have at most; a pool sets that much aside.
#[derive(Debug, Clone, Copy)]
struct Largest {
    memory_bytes: usize,
    table_elements: usize,
}

/// Of decisions and reports, and of agents. A plugin's name does not tell which
/// it is, so what one plugin has of its own counts for both.
fn largest(config: &Config) -> [Largest; 2] {
    let Config { decisions, agents, reports, .. } = config;
    let sorts = [
        (
            decisions.memory_bytes.max(reports.memory_bytes),
            decisions.table_elements.max(reports.table_elements),
        ),
        (agents.memory_bytes, agents.table_elements),
    ];
    sorts.map(|(memory_bytes, table_elements)| Largest {
        memory_bytes: config.most(memory_bytes, |own| own.memory_bytes),
        table_elements: config.most(table_elements, |own| own.table_elements),
    })
}

/// Tries what the machine can do, best first.
fn probe(config: &Config) -> Result<Tuning, Error> {
    let decision_calls = config.decisions.threads.max(1);
    let agent_calls = config.agents.calls.max(1);
    let report_calls = config.reports.threads.max(1);
    let [decisions, agents] = largest(config);
    let largest = Largest {
        memory_bytes: decisions.memory_bytes.max(agents.memory_bytes),
        table_elements: decisions.table_elements.max(agents.table_elements),
    };
    let mut last = String::new();
    for reservation_bytes in [WIDE_RESERVATION_BYTES, largest.memory_bytes as u64] {
        for pagemap_scan in [true, false] {
            let keep_resident_bytes = if pagemap_scan { KEEP_RESIDENT_BYTES } else { 0 };
            let tuning = Tuning {
                pagemap_scan,
                keep_resident_bytes,
                reservation_bytes,
                decision_calls,
                agent_calls,
                report_calls,
            };
            let calls = decision_calls + agent_calls + report_calls;
            let pool = pool(&tuning, calls, largest);
            match Engine::new(&settings(&pool, &tuning)) {
                Ok(_) => return Ok(tuning),
                Err(error) => last = format!("{error:#}"),
            }
        }
    }
    Err(Error::Machine(last))
}

fn pool(tuning: &Tuning, calls: u32, largest: Largest) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls * CORE_INSTANCES_PER_CALL)
        .total_memories(calls * MEMORIES_PER_CALL)
        .total_tables(calls * TABLES_PER_CALL)
        .total_stacks(calls)
        .max_core_instances_per_component(CORE_INSTANCES_PER_CALL)
        .max_memories_per_component(MEMORIES_PER_CALL)
        .max_tables_per_component(TABLES_PER_CALL)
        .max_memory_size(largest.memory_bytes)
        .table_elements(largest.table_elements)
        .linear_memory_keep_resident(tuning.keep_resident_bytes)
        .table_keep_resident(tuning.keep_resident_bytes)
        .pagemap_scan(if tuning.pagemap_scan { Enabled::Yes } else { Enabled::No });
    pool
}

fn settings(pool: &PoolingAllocationConfig, tuning: &Tuning) -> wasmtime::Config {
    let wide = tuning.reservation_bytes == WIDE_RESERVATION_BYTES;
    let mut config = wasmtime::Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(MAX_STACK_BYTES)
        // Nobody reads a guest's backtrace, and its map doubles the code's size.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .memory_reservation(tuning.reservation_bytes)
        .memory_guard_size(if wide { WIDE_GUARD_BYTES } else { NARROW_GUARD_BYTES })
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool.clone()));
    config
}

/// Guests are interrupted by a thread of its own: a timer among the server's
/// tasks would stand still just when it is needed.
fn start_clock(engines: &[&Engine]) -> Result<(), Error> {
    let engines: Vec<_> = engines.iter().map(|engine| engine.weak()).collect();
    let tick = move || {
        while engines
            .iter()
            .filter_map(wasmtime::EngineWeak::upgrade)
            .map(|e| e.increment_epoch())
            .count()
            > 0
        {
            std::thread::sleep(TICK);
        }
    };
    let thread = std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(tick);
    thread.map(drop).map_err(|error| Error::Machine(format!("no thread for the clock: {error}")))
}
