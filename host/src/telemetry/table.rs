//! Frame: every metric there is, in one table, from which come the HELP lines of
//! `/metrics` and the document `deploy/metrics.md`.

use metrics::{describe_counter, describe_gauge, describe_histogram};

use Sort::{Counter, Gauge, Histogram};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Only grows.
    Counter,
    /// What is at one moment.
    Gauge,
    /// How often a value lay below each of some bounds.
    Histogram,
}

/// One metric. Its labels have few values each, none of which a client chooses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) sort: Sort,
    #[cfg_attr(not(test), expect(dead_code, reason = "told by the document, which a test makes"))]
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

const fn metric(
    name: &'static str,
    sort: Sort,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, sort, labels, help }
}

/// A part of the table, under a heading.
pub(super) struct Part {
    #[cfg_attr(not(test), expect(dead_code, reason = "as the labels"))]
    pub(super) heading: &'static str,
    pub(super) metrics: &'static [Metric],
}

/// All of them, by what they tell of.
pub(super) const TABLE: [Part; 8] = [
    Part { heading: "Requests", metrics: REQUESTS },
    Part { heading: "Runtimes and what runs in them", metrics: RUNTIMES },
    Part { heading: "Policies", metrics: POLICIES },
    Part { heading: "Plugins", metrics: PLUGINS },
    Part { heading: "Agents and models", metrics: AGENTS },
    Part { heading: "Egress", metrics: EGRESS },
    Part { heading: "Database and audit record", metrics: DATABASE },
    Part { heading: "The machine", metrics: MACHINE },
];

const REQUESTS: &[Metric] = &[
    metric(
        "http_requests_total",
        Counter,
        &["method", "route", "status"],
        "Requests that were answered. `route` is the pattern of the URL, or `unmatched`.",
    ),
    metric(
        "http_request_seconds",
        Histogram,
        &["method", "route"],
        "Time until a request's answer began; a stream goes on after that.",
    ),
    metric("http_requests_active", Gauge, &[], "Requests whose answer has not begun yet."),
    metric(
        "preview_requests_total",
        Counter,
        &["status"],
        "Requests to previews, by what the project answered: `1xx` to `5xx`, or `failed` where it \
         could not be reached.",
    ),
];

const RUNTIMES: &[Metric] = &[
    metric(
        "runtimes",
        Gauge,
        &["status"],
        "Runtimes of the installation by state; every server says the same.",
    ),
    metric(
        "runtime_transitions_total",
        Counter,
        &["status"],
        "Changes of a runtime's state, by the new one.",
    ),
    metric(
        "runtime_step_seconds",
        Histogram,
        &["step"],
        "Time of one step of a runtime: `create`, `start`, `await-link`, `stop`, `remove`.",
    ),
    metric("runtime_crashes_total", Counter, &[], "Runtimes that ended by themselves."),
    metric("runtime_pool_size", Gauge, &["kind"], "Runtimes that stand ready for new projects."),
    metric(
        "runtime_pool_claims_total",
        Counter,
        &["kind", "start"],
        "New projects, by whether their runtime came from the pool (`warm`) or was made (`cold`).",
    ),
    metric(
        "execs_total",
        Counter,
        &["outcome"],
        "Commands: `success`, `failure`, `timeout`, `ended` (by somebody), `refused` (by a policy), `not-started`.",
    ),
    metric("exec_seconds", Histogram, &[], "How long commands ran."),
    metric("execs_running", Gauge, &[], "Commands that are followed on this server."),
    metric("terminals_attached", Gauge, &[], "Clients that look at terminals on this server."),
];

const POLICIES: &[Metric] = &[
    metric(
        "policy_decisions_total",
        Counter,
        &["policy", "decision", "risk"],
        "Commands that were judged: `allow` or `deny`, and by which policy.",
    ),
    metric(
        "policy_decision_seconds",
        Histogram,
        &[],
        "Time that the whole chain took for one command.",
    ),
    metric(
        "policy_shadow_verdicts_total",
        Counter,
        &["policy", "decision", "agrees"],
        "Verdicts of policies that only look on, and whether they agree with what was decided.",
    ),
    metric(
        "policy_judgements_unkept_total",
        Counter,
        &[],
        "Judgements that were not kept for replays, because too many waited.",
    ),
];

const PLUGINS: &[Metric] = &[
    metric(
        "plugin_instantiate_seconds",
        Histogram,
        &["plugin"],
        "Time to make an instance for one call.",
    ),
    metric("plugin_call_seconds", Histogram, &["plugin"], "Time of the call itself."),
    metric("plugin_memory_bytes", Histogram, &["plugin"], "Memory that a call had at its end."),
    metric(
        "plugin_wait_seconds",
        Histogram,
        &["threads"],
        "Time that a call waited for one of the threads (`decisions`, `agents`).",
    ),
    metric(
        "plugin_faults_total",
        Counter,
        &["plugin", "kind"],
        "Calls that failed: traps, budgets, time, answers that are too long.",
    ),
    metric(
        "plugin_quarantined",
        Gauge,
        &["plugin"],
        "1 while a plugin is left alone because it failed too often.",
    ),
];

const AGENTS: &[Metric] = &[
    metric("runs_total", Counter, &["outcome"], "Runs of agents that ended."),
    metric("run_seconds", Histogram, &[], "How long runs took."),
    metric("run_fixes_total", Counter, &[], "Repairs that agents were asked for."),
    metric(
        "model_calls_total",
        Counter,
        &["model", "outcome"],
        "Questions to models, by the operator's name for the model.",
    ),
    metric("model_seconds", Histogram, &["model"], "How long models took to answer."),
    metric(
        "model_retries_total",
        Counter,
        &["model"],
        "Questions that were asked again after a failure.",
    ),
    metric("model_tokens_total", Counter, &["model", "direction"], "Tokens, `input` and `output`."),
];

const EGRESS: &[Metric] = &[
    metric(
        "lockhouse_egress_requests_total",
        Counter,
        &["verdict", "rule"],
        "What wanted to leave runtimes: `allowed` or `refused`, and by which rule.",
    ),
    metric(
        "lockhouse_egress_bytes_total",
        Counter,
        &["direction"],
        "Bytes that left runtimes (`out`) and came to them (`in`).",
    ),
];

const DATABASE: &[Metric] = &[
    metric("database_up", Gauge, &[], "1 while the database answers."),
    metric(
        "database_ping_seconds",
        Histogram,
        &[],
        "Time to get a connection and an answer, asked every few seconds.",
    ),
    metric(
        "database_connections",
        Gauge,
        &["state"],
        "Connections of this server, `idle` and `used`.",
    ),
    metric(
        "database_write_wait_seconds",
        Histogram,
        &[],
        "Time that writers of this server waited for their turn; SQLite only.",
    ),
    metric(
        "audit_waiting_entries",
        Gauge,
        &[],
        "Entries of the audit record that are not written yet.",
    ),
    metric("audit_write_seconds", Histogram, &[], "Time to write one batch of entries."),
];

const MACHINE: &[Metric] = &[
    metric("lockhouse_info", Gauge, &["version", "engine"], "1, with what runs here."),
    metric("disk_free_bytes", Gauge, &[], "Free where the data directory is."),
    metric("disk_capacity_bytes", Gauge, &[], "Size of the file system there."),
    metric("disk_free_inodes", Gauge, &[], "Files that can still be made there."),
    metric(
        "process_cpu_seconds_total",
        Gauge,
        &[],
        "Processor time of the server, without its runtimes; it only grows.",
    ),
    metric(
        "process_resident_memory_bytes",
        Gauge,
        &[],
        "Memory of the server, without its runtimes.",
    ),
    metric("process_threads", Gauge, &[], "Threads of the server."),
    metric("process_open_fds", Gauge, &[], "Files, sockets and pipes that the server has open."),
    metric("process_max_fds", Gauge, &[], "How many it may have open."),
    metric(
        "process_start_time_seconds",
        Gauge,
        &[],
        "When the server started, in seconds since 1970.",
    ),
    metric(
        "scheduled_reports_total",
        Counter,
        &["schedule", "outcome"],
        "Reports on a schedule that were written (`success`) or could not be (`failure`).",
    ),
];

/// Says to the recorder what each metric is.
pub(super) fn describe() {
    for metric in TABLE.iter().flat_map(|part| part.metrics) {
        let Metric { name, help, .. } = *metric;
        match metric.sort {
            Counter => describe_counter!(name, help),
            Gauge => describe_gauge!(name, help),
            Histogram => describe_histogram!(name, help),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    const HEAD: &str = "\
# Metrics

What `GET /metrics` answers, as Prometheus reads it. A histogram has `_bucket`, `_sum` and `_count`.
A metric is there once something was counted. Labels have few values each, none of which a client
chooses; `plugin` and `policy` are names with versions of what is installed.

Made from the table in `host/src/telemetry/table.rs`, by whose test it is kept the same.
";

    fn document() -> String {
        let mut text = HEAD.to_owned();
        for part in &TABLE {
            writeln!(
                text,
                "\n## {}\n\n| name | type | labels | meaning |\n|---|---|---|---|",
                part.heading
            )
            .unwrap();
            for Metric { name, sort, labels, help } in part.metrics {
                let sort = format!("{sort:?}").to_lowercase();
                let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
                writeln!(text, "| `{name}` | {sort} | {} | {help} |", labels.join(" ")).unwrap();
            }
        }
        text
    }

    #[test]
    fn the_document_says_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/metrics.md");
        let made = document();
        #[expect(
            clippy::disallowed_methods,
            reason = "the document is renewed where that is asked for"
        )]
        if std::env::var("RENEW").is_ok() {
            std::fs::write(&path, &made).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == made,
            "deploy/metrics.md is old: run this test with RENEW=1 and look at the change"
        );
    }

    #[test]
    fn each_metric_has_one_place_in_the_table() {
        let mut names: Vec<_> =
            TABLE.iter().flat_map(|part| part.metrics).map(|it| it.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
