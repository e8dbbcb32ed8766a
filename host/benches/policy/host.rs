//! Decisions as the server takes them: by a chain with one policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockhouse::ids::{Kind, ProjectId, RequestId};
use lockhouse::plugins::{Config, Plugins, Rooms};
use lockhouse::policy::{Binding, Channel, CommandPolicy, NetworkMode, Policies, Request, Role};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::samples::{CALL, INSTANTIATE, MEMORY, Samples};
use super::{COMMAND, Figure, each};

const CALLERS: usize = 16;
/// How long several callers ask.
const ROUND: Duration = Duration::from_secs(2);

pub(crate) struct Host {
    samples: Samples,
    runtime: Runtime,
    plugins: Plugins,
}

/// What one policy's decisions take in the host.
#[derive(serde::Serialize)]
pub(crate) struct Decisions {
    pub(crate) plugin: &'static str,
    pub(crate) component_bytes: usize,
    /// From bytes to code, without a cache.
    pub(crate) compile_ms: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) instantiate_p50_us: f64,
    pub(crate) call_p50_us: f64,
    pub(crate) per_second_alone: f64,
    pub(crate) callers: usize,
    pub(crate) per_second_together: f64,
    /// With several callers, for each second of processor time that the whole
    /// process used.
    pub(crate) per_processor_second: f64,
    /// The most that a call's memories had grown to.
    pub(crate) memory_bytes: f64,
    #[serde(skip)]
    pub(crate) figures: Vec<Figure>,
}

impl Host {
    pub(crate) fn start() -> Self {
        let samples = Samples::install();
        let runtime = Runtime::new().unwrap();
        let plugins = Plugins::start(Config::default(), None, Rooms::default()).unwrap();
        Self { samples, runtime, plugins }
    }

    pub(crate) fn pagemap_scan(&self) -> bool {
        self.plugins.tuning().pagemap_scan
    }

    pub(crate) fn measure(&self, plugin: &'static str, bytes: &[u8]) -> Decisions {
        let loaded = self.runtime.block_on(self.plugins.load(plugin, bytes, "{}")).unwrap();
        let (name, compiled) = (loaded.name().to_owned(), loaded.compile_time());
        let policy: Arc<dyn CommandPolicy> = Arc::new(loaded.into_policy().unwrap());
        let chain = Policies::new([Binding::enforced(policy)]);
        let first = self.runtime.block_on(chain.decide(&request()));
        assert!(first.opinions.iter().all(|opinion| opinion.fault.is_none()), "{first:?}");
        let take = |metric| self.samples.take(metric, &name);
        drop((take(INSTANTIATE), take(CALL)));
        let began = Instant::now();
        let decisions = each(|| self.decision(&chain));
        let alone = decisions.len() as f64 / began.elapsed().as_secs_f64();
        let seconds = |values: Vec<f64>| values.into_iter().map(Duration::from_secs_f64);
        let whole = Figure::of("in the host: decision", decisions.into_iter());
        let instantiate = Figure::of("in the host: instance", seconds(take(INSTANTIATE)));
        let call = Figure::of("in the host: call", seconds(take(CALL)));
        let (together, per_processor_second) = self.runtime.block_on(together(&chain));
        Decisions {
            plugin,
            component_bytes: bytes.len(),
            compile_ms: compiled.as_secs_f64() * 1e3,
            p50_us: whole.p50_us,
            p99_us: whole.p99_us,
            instantiate_p50_us: instantiate.p50_us,
            call_p50_us: call.p50_us,
            per_second_alone: alone,
            callers: CALLERS,
            per_second_together: together,
            per_processor_second,
            memory_bytes: take(MEMORY).into_iter().fold(0.0, f64::max),
            figures: vec![instantiate, call, whole],
        }
    }

    fn decision(&self, chain: &Policies) -> Duration {
        let request = request();
        let began = Instant::now();
        drop(self.runtime.block_on(chain.decide(&request)));
        began.elapsed()
    }
}

/// Decisions in a second, and in a second of processor time, asked for by
/// several callers at once.
async fn together(chain: &Policies) -> (f64, f64) {
    let (began, used) = (Instant::now(), processor_time());
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let chain = chain.clone();
        callers.spawn(async move {
            let mut decisions = 0;
            while began.elapsed() < ROUND {
                drop(chain.decide(&request()).await);
                decisions += 1;
            }
            decisions
        });
    }
    let decisions = f64::from(callers.join_all().await.into_iter().sum::<i32>());
    let used = processor_time() - used;
    (decisions / began.elapsed().as_secs_f64(), decisions / used.as_secs_f64())
}

/// Of the whole process, since it began.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
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
