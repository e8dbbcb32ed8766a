//! P1: one policy decision, a fresh instance each, beside the same analysis
//! compiled natively and beside bare wasmtime.
//!
//! Plain harness: each figure is taken by itself, call by call, after a warm-up;
//! printed are the percentiles over all its calls.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark talks to a terminal")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockhouse::ids::{Kind, ProjectId, RequestId};
use lockhouse::plugins::{Config, Plugins, Rooms};
use lockhouse::policy::{Binding, Channel, CommandPolicy, NetworkMode, Policies, Request, Role};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use wit::exports::lockhouse::policy::command_policy as bare;
use wit::lockhouse::types::common;

/// What a developer types all day.
const COMMAND: &str = "pip install -r requirements.txt && python -m pytest -q tests | tail -20";
const WARM_UP: usize = 500;
const CALLS: usize = 5_000;
const CALLERS: usize = 16;

/// Percentiles of one figure, in microseconds.
#[derive(serde::Serialize)]
struct Figure {
    what: &'static str,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    calls: usize,
}

#[derive(serde::Serialize)]
struct Report {
    method: &'static str,
    command: &'static str,
    component_bytes: usize,
    /// From bytes to code, without a cache.
    compile_ms: f64,
    pagemap_scan: bool,
    decisions_per_second: f64,
    callers: usize,
    figures: Vec<Figure>,
}

fn main() {
    let bytes = component();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let host = Plugins::start(Config::default(), None, Rooms::default()).unwrap();
    let plugin = runtime.block_on(host.load("layered.wasm", &bytes, "{}")).unwrap();
    let compile_ms = plugin.compile_time().as_secs_f64() * 1e3;
    let policy: Arc<dyn CommandPolicy> = Arc::new(plugin.into_policy().unwrap());
    let chain = Policies::new([Binding::enforced(Arc::clone(&policy))]);
    assert!(runtime.block_on(chain.decide(&request())).allow, "the bench judges a fair command");
    let bare = Bare::new(&bytes);
    let bare_request = bare_request();
    let native = command_analysis::Request { command: COMMAND.to_owned(), ..Default::default() };
    let settings = command_analysis::Settings::default();
    let figures = vec![
        measure("native analysis", || drop(command_analysis::judge(black_box(&native), &settings))),
        measure("bare wasmtime: store + instantiate + drop", || bare.instantiate()),
        measure("bare wasmtime: the same + evaluate()", || bare.evaluate(&bare_request)),
        measure("decision in the host (thread, store, instance, call)", || {
            drop(black_box(runtime.block_on(chain.decide(&request()))));
        }),
    ];
    let report = Report {
        method: "one caller, call by call after a warm-up; decisions per second with several callers",
        command: COMMAND,
        component_bytes: bytes.len(),
        compile_ms,
        pagemap_scan: host.tuning().pagemap_scan,
        decisions_per_second: runtime.block_on(throughput(&chain)),
        callers: CALLERS,
        figures,
    };
    print(&report);
    write(&report);
}

fn component() -> Vec<u8> {
    let path = target().join("components/layered.wasm");
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes));
    assert!(read.is_ok(), "{} is missing: run `cargo run -p guests`", path.display());
    bytes
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")
}

fn request() -> Request {
    Request {
        command: COMMAND.to_owned(),
        argv: None,
        cwd: String::new(),
        env_names: Vec::new(),
        channel: Channel::Exec,
        caller: "ada".parse().unwrap(),
        caller_role: Role::Learner,
        project: ProjectId::generate(),
        project_name: "todo".parse().unwrap(),
        kind: Kind::Python,
        network: NetworkMode::Registries,
        request_id: RequestId::generate(),
    }
}

fn measure(what: &'static str, mut call: impl FnMut()) -> Figure {
    (0..WARM_UP).for_each(|_| call());
    let mut times: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let began = Instant::now();
            call();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: f64| times[(CALLS as f64 * share) as usize].as_secs_f64() * 1e6;
    Figure { what, p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), calls: CALLS }
}

/// Decisions in a second, asked for by several callers at once.
async fn throughput(chain: &Policies) -> f64 {
    let began = Instant::now();
    let caller = || async {
        for _ in 0..CALLS / 4 {
            drop(black_box(chain.decide(&request()).await));
        }
    };
    futures::future::join_all((0..CALLERS).map(|_| caller())).await;
    (CALLERS * (CALLS / 4)) as f64 / began.elapsed().as_secs_f64()
}

/// The same component on wasmtime with nothing around it: no threads, no limits.
struct Bare {
    ready: wit::PolicyPre<Imports>,
}

mod wit {
    wasmtime::component::bindgen!({
        path: ["../wit/types", "../wit/host", "../wit/plugin", "../wit/policy"],
        world: "lockhouse:policy/policy",
    });
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
    fn new(bytes: &[u8]) -> Self {
        let scans = [Enabled::Yes, Enabled::No];
        let engine = scans.into_iter().find_map(|scan| Engine::new(&settings(scan)).ok()).unwrap();
        let component = Component::from_binary(&engine, bytes).unwrap();
        let mut linker = Linker::new(&engine);
        link(&mut linker).unwrap();
        let ready = linker.instantiate_pre(&component).unwrap();
        Self { ready: wit::PolicyPre::new(ready).unwrap() }
    }

    fn instantiate(&self) {
        let mut store = Store::new(self.ready.engine(), Imports);
        black_box(self.ready.instantiate(&mut store).unwrap());
    }

    fn evaluate(&self, request: &bare::Request) {
        let mut store = Store::new(self.ready.engine(), Imports);
        let policy = self.ready.instantiate(&mut store).unwrap();
        let policy = policy.lockhouse_policy_command_policy();
        black_box(policy.call_evaluate(&mut store, request).unwrap().unwrap());
    }
}

fn bare_request() -> bare::Request {
    bare::Request {
        command: COMMAND.to_owned(),
        argv: None,
        cwd: String::new(),
        env_names: Vec::new(),
        channel: bare::Channel::Exec,
        caller: common::Caller { id: "ada".to_owned(), role: common::Role::Learner },
        project: common::ProjectRef {
            id: "0".repeat(32),
            name: "todo".to_owned(),
            kind: common::ProjectKind::Python,
        },
        network: bare::NetworkMode::Registries,
        id: "0".repeat(32),
    }
}

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

fn print(report: &Report) {
    println!("{}\ncommand: {}", report.method, report.command);
    println!(
        "component {} bytes, compiled in {:.0} ms, page scan {}\n",
        report.component_bytes, report.compile_ms, report.pagemap_scan
    );
    println!("{:<56} {:>9} {:>9} {:>9}", "µs", "p50", "p90", "p99");
    for figure in &report.figures {
        let Figure { what, p50_us, p90_us, p99_us, .. } = figure;
        println!("{what:<56} {p50_us:>9.1} {p90_us:>9.1} {p99_us:>9.1}");
    }
    println!("\n{:.0} decisions/s with {} callers", report.decisions_per_second, report.callers);
}

fn write(report: &Report) {
    let folder = target().join("bench");
    fs::create_dir_all(&folder).unwrap();
    let mut file = File::create(folder.join("policy.json")).unwrap();
    file.write_all(serde_json::to_string_pretty(report).unwrap().as_bytes()).unwrap();
}
