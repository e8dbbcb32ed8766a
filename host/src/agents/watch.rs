//! Following a run: what is kept of it, then what comes, until it ends.

use std::collections::VecDeque;

use tokio::sync::watch;

use super::elsewhere::LOOK_EVERY;
use super::run::Recorded;
use super::store::Store;
use crate::db::Error;
use crate::ids::RunId;

/// Steps read from the database at once.
const PAGE: u32 = 256;

/// One watcher's place in a run.
#[derive(Debug)]
pub struct Watch {
    store: Store,
    run: RunId,
    /// The number of the last step that was read.
    last: u64,
    read: VecDeque<Recorded>,
    /// Number of the newest step, while the run goes on.
    head: Option<watch::Receiver<u64>>,
    /// Whether another server carries it out.
    elsewhere: bool,
    over: bool,
}

impl Watch {
    pub(super) fn new(
        store: Store,
        run: RunId,
        since: u64,
        (head, elsewhere): (Option<watch::Receiver<u64>>, bool),
    ) -> Self {
        Self { store, run, last: since, read: VecDeque::new(), head, elsewhere, over: false }
    }

    /// The next event; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<Recorded, Error>> {
        while !self.over {
            if let Some(step) = self.read.pop_front() {
                self.over = step.event.is_last();
                return Some(Ok(step));
            }
            if let Err(error) = self.read_on().await {
                self.over = true;
                return Some(Err(error));
            }
        }
        None
    }

    /// Reads what is there; where nothing is, waits until something comes.
    async fn read_on(&mut self) -> Result<(), Error> {
        let steps = self.store.steps(&self.run, self.last, PAGE).await?;
        if let Some(newest) = steps.last() {
            self.last = newest.seq;
            self.read.extend(steps);
            return Ok(());
        }
        if self.elsewhere {
            return self.look_there().await;
        }
        let last = self.last;
        let Some(head) = &mut self.head else {
            self.over = true;
            return Ok(());
        };
        if head.wait_for(|newest| *newest > last).await.is_err() {
            // Who recorded is gone: what it wrote last is still to be read.
            self.head = None;
        }
        Ok(())
    }

    /// Waits for another server; what it wrote last is read after its run has ended.
    async fn look_there(&mut self) -> Result<(), Error> {
        let found = self.store.find(&self.run).await?;
        self.elsewhere = found.is_some_and(|run| !run.state.is_final());
        if self.elsewhere {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
