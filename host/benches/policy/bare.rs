//! The same component on wasmtime with nothing around it: no threads, no limits.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use wit::exports::lockhouse::policy::command_policy as policy;
use wit::lockhouse::types::common;

mod wit {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/policy"],
        world: "lockhouse:policy/policy",
    });
}

/// One call, and what its parts took.
pub(crate) struct Parts {
    /// From nothing to an instance.
    pub(crate) instantiate: Duration,
    pub(crate) call: Duration,
    /// Wiping what the call left.
    pub(crate) drop: Duration,
}

pub(crate) struct Bare {
    ready: wit::PolicyPre<Imports>,
    request: policy::Request,
}

struct Imports;

impl wit::lockhouse::host::log::Host for Imports {
    fn write(&mut self, _level: wit::lockhouse::host::log::Level, _message: String) {}
}

impl wit::lockhouse::host::settings::Host for Imports {
    fn get(&mut self) -> String {
        "{}".to_owned()
    }
}

impl wit::lockhouse::types::common::Host for Imports {}
impl wit::lockhouse::types::errors::Host for Imports {}

/// What the component imports, and nothing else.
fn link(linker: &mut Linker<Imports>) -> wasmtime::Result<()> {
    use wit::lockhouse::{host, types};
    host::log::add_to_linker::<_, HasSelf<_>>(linker, |own: &mut Imports| own)?;
    host::settings::add_to_linker::<_, HasSelf<_>>(linker, |own: &mut Imports| own)?;
    types::common::add_to_linker::<_, HasSelf<_>>(linker, |own: &mut Imports| own)?;
    types::errors::add_to_linker::<_, HasSelf<_>>(linker, |own: &mut Imports| own)
}

impl Bare {
    pub(crate) fn new(bytes: &[u8], command: &str) -> Self {
        let scans = [Enabled::Yes, Enabled::No];
        let engine = scans.into_iter().find_map(|scan| Engine::new(&settings(scan)).ok()).unwrap();
        let component = Component::from_binary(&engine, bytes).unwrap();
        let mut linker = Linker::new(&engine);
        link(&mut linker).unwrap();
        let ready = linker.instantiate_pre(&component).unwrap();
        Self { ready: wit::PolicyPre::new(ready).unwrap(), request: request(command) }
    }

    pub(crate) fn evaluate(&self) -> Parts {
        let began = Instant::now();
        let mut store = Store::new(self.ready.engine(), Imports);
        let policy = self.ready.instantiate(&mut store).unwrap();
        let instantiated = Instant::now();
        let policy = policy.lockhouse_policy_command_policy();
        black_box(policy.call_evaluate(&mut store, &self.request).unwrap().unwrap());
        let called = Instant::now();
        drop(store);
        Parts {
            instantiate: instantiated - began,
            call: called - instantiated,
            drop: called.elapsed(),
        }
    }
}

fn request(command: &str) -> policy::Request {
    policy::Request {
        command: command.to_owned(),
        argv: None,
        cwd: String::new(),
        env_names: Vec::new(),
        channel: policy::Channel::Exec,
        caller: common::Caller { id: "ada".to_owned(), role: common::Role::Learner },
        project: common::ProjectRef {
            id: "0".repeat(32),
            name: "todo".to_owned(),
            kind: common::ProjectKind::Python,
        },
        network: policy::NetworkMode::Registries,
        id: "0".repeat(32),
    }
}

/// As `plugins/wasm.rs` has them.
fn settings(scan: Enabled) -> wasmtime::Config {
    let mut pool = PoolingAllocationConfig::new();
    let keep = if matches!(scan, Enabled::Yes) { 256 * 1024 } else { 0 };
    pool.linear_memory_keep_resident(keep).table_keep_resident(keep).pagemap_scan(scan);
    let mut config = wasmtime::Config::new();
    config
        .concurrency_support(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
