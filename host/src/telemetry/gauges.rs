//! Frame: what is looked at now and then, since nobody tells of it: the machine, the
//! process, the database, and how many runtimes are in which state.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use metrics::{gauge, histogram};
use rustix::process::{Resource, getrlimit};

use crate::app::App;
use crate::runtimes::state::Status;
use crate::tasks::Tasks;

/// How often.
const EVERY: Duration = Duration::from_secs(5);

/// How long the database may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks, for as long as the server runs.
pub(crate) async fn keep_gauges(app: App, data: PathBuf, tasks: Tasks) {
    let engine = app.runtimes.engine().name();
    gauge!("lockhouse_info", "version" => env!("CARGO_PKG_VERSION"), "engine" => engine).set(1.0);
    loop {
        look(&app, &data).await;
        tokio::select! {
            () = tasks.stopping() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn look(app: &App, data: &std::path::Path) {
    let place = data.to_owned();
    // Asking a file system may take its time.
    let looked = tokio::task::spawn_blocking(move || {
        disk(&place);
        process();
    });
    if let Err(error) = looked.await {
        tracing::warn!(%error, "the machine was not looked at");
    }
    gauge!("audit_waiting_entries").set(float(app.audit.waiting() as u64));
    database(app).await;
}

async fn database(app: &App) {
    let (open, idle) = app.db.connections();
    gauge!("database_connections", "state" => "idle").set(float(idle as u64));
    let used = u64::from(open).saturating_sub(idle as u64);
    gauge!("database_connections", "state" => "used").set(float(used));
    let began = Instant::now();
    let up = matches!(tokio::time::timeout(PATIENCE, app.db.ping()).await, Ok(Ok(())));
    gauge!("database_up").set(if up { 1.0 } else { 0.0 });
    if !up {
        return;
    }
    histogram!("database_ping_seconds").record(began.elapsed());
    let Ok(Ok(counts)) = tokio::time::timeout(PATIENCE, app.runtimes.count_by_status()).await
    else {
        return;
    };
    for status in Status::ALL {
        let count =
            counts.iter().find(|(found, _)| *found == status).map_or(0, |(_, count)| *count);
        gauge!("runtimes", "status" => status.as_str()).set(float(count));
    }
}

fn disk(data: &std::path::Path) {
    let Ok(found) = rustix::fs::statvfs(data) else { return };
    gauge!("disk_free_bytes").set(float(found.f_bavail.saturating_mul(found.f_frsize)));
    gauge!("disk_capacity_bytes").set(float(found.f_blocks.saturating_mul(found.f_frsize)));
    gauge!("disk_free_inodes").set(float(found.f_favail));
}

fn process() {
    let open = std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default();
    gauge!("process_open_fds").set(float(open as u64));
    if let Some(most) = getrlimit(Resource::Nofile).current {
        gauge!("process_max_fds").set(float(most));
    }
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let machine = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let Some(process) = Process::read(&stat, &machine) else { return };
    let ticks = float(rustix::param::clock_ticks_per_second());
    gauge!("process_cpu_seconds_total").set(float(process.cpu_ticks) / ticks);
    gauge!("process_threads").set(float(process.threads));
    let page = rustix::param::page_size() as u64;
    gauge!("process_resident_memory_bytes").set(float(process.resident_pages.saturating_mul(page)));
    let started = float(process.booted_at) + float(process.started_ticks) / ticks;
    gauge!("process_start_time_seconds").set(started);
}

/// Of the kernel's two lines about a process, what is told.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    cpu_ticks: u64,
    threads: u64,
    resident_pages: u64,
    started_ticks: u64,
    booted_at: u64,
}

impl Process {
    /// Reads `/proc/self/stat` and `/proc/stat`.
    fn read(stat: &str, machine: &str) -> Option<Self> {
        // The program's name may hold anything, also a bracket.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let booted = machine.lines().find_map(|line| line.strip_prefix("btime "))?;
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            resident_pages: field(24)?,
            started_ticks: field(22)?,
            booted_at: booted.trim().parse().ok()?,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float, and none is so large")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_program_is_called() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 5 0 0 0 30 12 0 0 20 0 9 0 1000 8192 77 0";
        let read = Process::read(stat, "cpu 1\nbtime 1700000000\n").unwrap();
        assert_eq!((read.cpu_ticks, read.threads, read.resident_pages), (42, 9, 77));
        assert_eq!((read.started_ticks, read.booted_at), (1000, 1_700_000_000));
    }
}
