//! The supervisor's account of itself.

use std::fs::read_to_string;

use lockhouse_supervisor::protocol::Health;

use super::{Supervisor, milliseconds};

/// `/proc` counts processor time in hundredths of a second on every Linux.
const TICK_US: u64 = 10_000;

impl Supervisor {
    pub(super) fn health(&self) -> Health {
        let stat = read_to_string("/proc/self/stat").unwrap_or_default();
        // Fields after the name, which may hold blanks; the first is number 3.
        let after_name = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let fields: Vec<u64> =
            after_name.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
        Health {
            uptime_ms: milliseconds(self.started.elapsed()),
            resident_bytes: field(24) * rustix::param::page_size() as u64,
            cpu_us: (field(14) + field(15)) * TICK_US,
            children_cpu_us: (field(16) + field(17)) * TICK_US,
            execs: self.execs.running(),
            terminals: u32::try_from(self.terminals.states().len()).unwrap_or(u32::MAX),
            egress: self.egress.get(),
        }
    }
}
