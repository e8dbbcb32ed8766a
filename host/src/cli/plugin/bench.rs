//! `lockhouse plugin bench`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::samples::{self, Samples, Summary};
use super::{Source, answer, files, show};
use crate::cli::say;
use crate::plugins::{Config, Plugin, request};

/// Calls before the measured ones, so that caches are warm.
const WARM_UP: usize = 5;
/// How many callers ask at once in the second measurement of throughput.
const CALLERS: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Bench {
    #[command(flatten)]
    source: Source,
    /// The question that is asked again and again.
    #[arg(long, default_value = "request.json")]
    request: PathBuf,
    /// How many calls are measured.
    #[arg(long, default_value_t = 500)]
    calls: usize,
    /// Prints one JSON object, in the units that its keys name.
    #[arg(long)]
    json: bool,
}

/// What was measured.
struct Figures {
    compile: Duration,
    instantiate: Summary,
    call: Summary,
    memory: Summary,
    output_bytes: usize,
    /// Calls by one caller, and by several.
    alone: Throughput,
    together: Throughput,
}

#[derive(Clone, Copy)]
struct Throughput {
    calls_per_second: f64,
    /// Calls without an answer, such as those over a limit.
    faults: usize,
}

/// What a call of this sort of plugin may use.
struct Limits {
    budget_ms: u64,
    memory_bytes: usize,
    output_bytes: usize,
}

impl Bench {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        ensure!(self.calls > 0, "--calls: measure at least one");
        let samples = Samples::install()?;
        let question = files::read(&self.request, request::MAX_BYTES)?;
        let plugin = self.source.load().await?;
        let figures = measure(&plugin, &question, self.calls, &samples).await;
        let figures = figures.with_context(|| self.request.display().to_string())?;
        let limits = Limits::of(&plugin);
        if self.json {
            say(figures.json(plugin.name(), self.calls));
        } else {
            say(format_args!("{}, {} calls, each in a fresh instance", plugin.name(), self.calls));
            figures.say(&limits);
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn measure(
    plugin: &Plugin,
    question: &[u8],
    calls: usize,
    samples: &Samples,
) -> anyhow::Result<Figures> {
    let output_bytes = answer::of(plugin, question).await?.to_string().len();
    throughput(plugin, question, WARM_UP, 1).await;
    samples.clear();
    let alone = throughput(plugin, question, calls, 1).await;
    // Times of calls that wait for each other would say little of the plugin.
    let [instantiate, call, memory] = [samples::INSTANTIATE, samples::CALL, samples::MEMORY]
        .map(|metric| samples.summary(metric));
    Ok(Figures {
        compile: plugin.compile_time(),
        instantiate: instantiate?,
        call: call?,
        memory: memory?,
        output_bytes,
        alone,
        together: throughput(plugin, question, calls, CALLERS).await,
    })
}

/// Asks again and again, as many callers at once.
async fn throughput(plugin: &Plugin, question: &[u8], calls: usize, callers: usize) -> Throughput {
    let began = Instant::now();
    let asked = stream::iter(0..calls).map(|_| answer::of(plugin, question));
    let failed =
        asked.buffer_unordered(callers).filter(|answer| std::future::ready(answer.is_err()));
    let faults = failed.count().await;
    Throughput { calls_per_second: calls as f64 / began.elapsed().as_secs_f64(), faults }
}

impl Limits {
    fn of(plugin: &Plugin) -> Self {
        let Config { decisions, agents, reports, .. } = Config::default();
        match plugin {
            Plugin::Policy(_) => Self {
                budget_ms: decisions.budget_ms,
                memory_bytes: decisions.memory_bytes,
                output_bytes: decisions.output_bytes,
            },
            Plugin::Agent(_) => Self {
                budget_ms: agents.budget_ms,
                memory_bytes: agents.memory_bytes,
                output_bytes: agents.output_bytes,
            },
            Plugin::Report(_) => Self {
                budget_ms: reports.budget_ms,
                memory_bytes: reports.memory_bytes,
                output_bytes: reports.output_bytes,
            },
        }
    }
}

impl Figures {
    fn faults(&self) -> usize {
        self.alone.faults + self.together.faults
    }

    fn say(&self, limits: &Limits) {
        row("", "median", "worst", "limit");
        let [instantiate, call] = [self.instantiate, self.call].map(|times| times.map(time));
        row("instantiate", &instantiate.median, &instantiate.worst, "");
        row("call", &call.median, &call.worst, &format!("{} ms", limits.budget_ms));
        let memory = self.memory.map(|bytes| show::size(bytes as usize));
        row("memory", &memory.median, &memory.worst, &show::size(limits.memory_bytes));
        let output = show::size(self.output_bytes);
        row("output", &output, &output, &show::size(limits.output_bytes));
        let rate = |throughput: Throughput| format!("{:.0}", throughput.calls_per_second);
        row("calls/s, 1 caller", &rate(self.alone), "", "");
        row(&format!("calls/s, {CALLERS} callers"), &rate(self.together), "", "");
        row("without an answer", &format!("{}", self.faults()), "", "");
        row("compile, once", &time(self.compile.as_secs_f64()), "", "");
    }

    fn json(&self, plugin: &str, calls: usize) -> serde_json::Value {
        const MICROS: f64 = 1e6;
        json!({
            "plugin": plugin,
            "calls": calls,
            "instantiate_us": { "median": self.instantiate.median * MICROS, "worst": self.instantiate.worst * MICROS },
            "call_us": { "median": self.call.median * MICROS, "worst": self.call.worst * MICROS },
            "memory_bytes": self.memory.worst,
            "output_bytes": self.output_bytes,
            "calls_per_second": {
                "1": self.alone.calls_per_second,
                "4": self.together.calls_per_second,
            },
            "faults": self.faults(),
            "compile_ms": self.compile.as_millis(),
        })
    }
}

fn row(what: &str, median: &str, worst: &str, limit: &str) {
    say(format!("{what:<20} {median:>12} {worst:>12} {limit:>12}").trim_end());
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}
