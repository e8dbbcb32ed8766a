//! A command and everything it starts, seen from the supervisor: how it ends.
//!
//! ```text
//!  running ──main ends──▶ leftovers? ──none──▶ gone
//!     │                       │ LEFTOVER_GRACE, TERM, LEFTOVER_TERM, KILL
//!     │ timeout, cancel, stop └──────────────────────────▲
//!     └──TERM──▶ ending ──grace──▶ KILL ─────────────────┘
//! ```

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use lockhouse_supervisor::protocol::{Exit, ExitReason};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::keeper::{ENDED, GONE, KILL, SIGNAL};
use super::keepers::{Keeper, Keepers};
use super::orphans;

/// Time for what a command leaves behind to end by itself, as a `tee` that still writes does.
const LEFTOVER_GRACE: Duration = Duration::from_millis(200);
/// Time between TERM and KILL for what it leaves behind.
const LEFTOVER_TERM: Duration = Duration::from_millis(500);
/// Time between TERM and KILL for a command that timed out or was cancelled.
pub(super) const END_GRACE: Duration = Duration::from_millis(500);
/// Processes that survive KILL sit in the kernel; they are not waited for longer.
const KILL_DEADLINE: Duration = Duration::from_secs(10);
/// Orders to one command that wait to be carried out.
pub(super) const ORDERS: usize = 16;

/// What is wanted of a running command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Signal(i32),
    End { reason: ExitReason, grace: Duration },
}

/// The stages of an end, each with the time at which the next one begins.
#[derive(Clone, Copy)]
enum Stage {
    Running,
    /// Only leftovers are there.
    Leftovers,
    Terminating,
    Killing,
}

pub(super) struct Tree {
    keeper: Keeper,
    home: Keepers,
    started: Instant,
    status: Option<i32>,
    reason: Option<ExitReason>,
    stage: Stage,
    next_stage: Option<Instant>,
}

impl Tree {
    /// `home` gets the keeper back when it has nothing left to keep.
    pub(super) fn new(keeper: Keeper, home: Keepers) -> Self {
        Self {
            keeper,
            home,
            started: Instant::now(),
            status: None,
            reason: None,
            stage: Stage::Running,
            next_stage: None,
        }
    }

    /// Until everything is gone. Dropping the future kills everything.
    pub(super) async fn run(
        mut self,
        timeout: Option<Duration>,
        mut orders: mpsc::Receiver<Order>,
    ) -> Exit {
        let timeout = timeout.and_then(|timeout| self.started.checked_add(timeout));
        loop {
            let timeout = timeout.filter(|_| self.reason.is_none() && self.status.is_none());
            tokio::select! {
                report = self.keeper.report() => match report {
                    Some((ENDED, status)) => self.main_ended(status),
                    Some((GONE, _)) => return self.gone(),
                    _ => return self.keeper_lost().await,
                },
                Some(order) = orders.recv() => self.obey(order),
                () = at(timeout) => self.end(ExitReason::Timeout, END_GRACE),
                () = at(self.next_stage) => if self.advance() { return self.exit() },
            }
        }
    }

    fn gone(self) -> Exit {
        let exit = self.exit();
        self.home.put_back(self.keeper);
        exit
    }

    fn main_ended(&mut self, status: i32) {
        self.status = Some(status);
        if matches!(self.stage, Stage::Running) {
            self.enter(Stage::Leftovers, LEFTOVER_GRACE);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Signal(signal) => self.keeper.order(SIGNAL, signal),
            Order::End { reason, grace } => self.end(reason, grace),
        }
    }

    fn end(&mut self, reason: ExitReason, grace: Duration) {
        if self.status.is_none() && self.reason.is_none() {
            self.reason = Some(reason);
        }
        if matches!(self.stage, Stage::Running | Stage::Leftovers) {
            self.keeper.order(SIGNAL, libc::SIGTERM);
            self.enter(Stage::Terminating, grace);
        }
    }

    fn enter(&mut self, stage: Stage, time: Duration) {
        self.stage = stage;
        self.next_stage = Instant::now().checked_add(time);
    }

    /// The time of this stage is over. True: no more can be done.
    fn advance(&mut self) -> bool {
        match self.stage {
            Stage::Running => self.next_stage = None,
            Stage::Leftovers => {
                self.keeper.order(SIGNAL, libc::SIGTERM);
                self.enter(Stage::Terminating, LEFTOVER_TERM);
            }
            Stage::Terminating => {
                self.keeper.order(KILL, 0);
                self.enter(Stage::Killing, KILL_DEADLINE);
            }
            Stage::Killing => return true,
        }
        false
    }

    /// A program killed its own keeper: what can still be told apart is the keeper's session.
    async fn keeper_lost(mut self) -> Exit {
        orphans::kill_session(self.keeper.id, KILL_DEADLINE).await;
        self.status.get_or_insert(libc::SIGKILL);
        self.exit()
    }

    fn exit(&self) -> Exit {
        let status = self.status.unwrap_or(libc::SIGKILL);
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        exit(status, self.reason, duration_ms)
    }
}

/// What a wait status says.
pub(super) fn exit(status: i32, reason: Option<ExitReason>, duration_ms: u64) -> Exit {
    let status = ExitStatus::from_raw(status);
    let (code, signal) = (status.code(), status.signal());
    let own = if code.is_some() { ExitReason::Exited } else { ExitReason::Signalled };
    Exit { code, signal, reason: reason.unwrap_or(own), duration_ms }
}

pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
