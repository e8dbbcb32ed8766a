//! TCP ports that something in the runtime listens on.

mod listening;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use lockhouse_supervisor::protocol::{Event, MAX_PORTS};
use tokio::time::{MissedTickBehavior, interval};

use super::Supervisor;

/// How often is looked, while a host wants to know.
const PERIOD: Duration = Duration::from_secs(1);

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
        let others = listening::ports().into_iter().filter(|port| Some(*port) != self.own);
        let now: BTreeSet<u16> = others.take(MAX_PORTS).collect();
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
