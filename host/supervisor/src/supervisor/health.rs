//! The supervisor's account of itself.

use std::fs::read_to_string;

use lockhouse_supervisor::protocol::Health;

use super::{Supervisor, milliseconds};

/// `/proc` counts processor time in hundredths of a second on every Linux.
const TICK_US: u64 = 10_000;

/// The number of the first field after a process's name.
const FIRST_FIELD: usize = 3;

impl Supervisor {
    pub(super) fn health(&self) -> Health {
        let fields = fields("self");
        let field = |number: usize| fields.get(number - FIRST_FIELD).copied().unwrap_or(0);
        Health {
            uptime_ms: milliseconds(self.started.elapsed()),
            resident_bytes: field(24) * rustix::param::page_size() as u64,
            cpu_us: (field(14) + field(15)) * TICK_US,
            children_cpu_us: (field(16) + field(17)) * TICK_US,
            execs: self.execs.running(),
            terminals: u32::try_from(self.terminals.states().len()).unwrap_or(u32::MAX),
            egress: self.egress.get(),
            threads: threads(),
        }
    }
}

/// Threads of all programs: each has a directory that is named by a number.
fn threads() -> u64 {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let programs = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    programs.filter_map(|pid| fields(&pid).get(20 - FIRST_FIELD).copied()).sum()
}

/// What stands after a process's name, which may hold blanks; what is no number counts as zero.
fn fields(process: &str) -> Vec<u64> {
    let stat = read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    after_name.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0)).collect()
}
