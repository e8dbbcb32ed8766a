//! TCP ports that something in the runtime listens on.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::rc::Rc;
use std::time::Duration;

use lockhouse_supervisor::protocol::{Event, MAX_PORTS};
use tokio::time::{MissedTickBehavior, interval};

use super::Supervisor;

/// How often is looked, while a host wants to know.
const PERIOD: Duration = Duration::from_secs(1);
/// Most that is read of one table: about seven thousand sockets.
const TABLE_BYTES: u64 = 1024 * 1024;
/// How the kernel writes the state of a socket that listens.
const LISTEN: &str = "0A";

#[derive(Debug)]
pub(super) struct Ports {
    own: Option<u16>,
    known: RefCell<BTreeSet<u16>>,
}

impl Ports {
    /// `own` is the supervisor's own port, which is not reported.
    pub(super) fn new(own: Option<u16>) -> Self {
        Self { own, known: RefCell::default() }
    }

    /// Looks now, and tells hosts what has changed.
    pub(super) fn refresh(&self, supervisor: &Supervisor) -> Vec<u16> {
        let mut now = BTreeSet::new();
        listening("/proc/self/net/tcp", &mut now);
        listening("/proc/self/net/tcp6", &mut now);
        if let Some(own) = self.own {
            now.remove(&own);
        }
        let before = self.known.replace(now.clone());
        for port in now.difference(&before) {
            supervisor.tell(Event::PortOpened(*port));
        }
        for port in before.difference(&now) {
            supervisor.tell(Event::PortClosed(*port));
        }
        now.into_iter().collect()
    }
}

/// Looks again and again while a host listens to events.
pub(super) async fn watch(supervisor: Rc<Supervisor>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if supervisor.events.receiver_count() > 0 {
            supervisor.ports.refresh(&supervisor);
            supervisor.terminals.look_at_directories();
        }
    }
}

fn listening(table: &str, ports: &mut BTreeSet<u16>) {
    let mut text = String::new();
    // A kernel without IPv6 has no second table.
    if let Ok(file) = File::open(table) {
        let _ = file.take(TABLE_BYTES).read_to_string(&mut text);
    }
    for port in text.lines().skip(1).filter_map(listening_port) {
        if ports.len() < MAX_PORTS {
            ports.insert(port);
        }
    }
}

/// `  0: 0100007F:1F90 00000000:0000 0A …`
fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = fields.next()?;
    let state = fields.nth(1)?;
    let port = local.rsplit_once(':')?.1;
    (state == LISTEN).then(|| u16::from_str_radix(port, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_that_listen_count() {
        let listens = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        let connected = "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000";
        let six = "   2: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 0";
        assert_eq!(listening_port(listens), Some(8080));
        assert_eq!(listening_port(connected), None);
        assert_eq!(listening_port(six), Some(3000));
        assert_eq!(listening_port("nonsense"), None);
    }
}
