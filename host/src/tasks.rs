//! Ground: every background task, and how all of them end.
//!
//! Shutdown has two stages. `stop` asks: listeners close, loops finish what
//! they hold. After the grace given to `finish` what is left is aborted.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The server's tasks. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    aborting: CancellationToken,
}

/// A task that ends when this is dropped.
#[derive(Debug)]
#[must_use = "dropping the handle ends the task"]
pub struct Task {
    _end: DropGuard,
}

impl Tasks {
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task that ends when its handle is dropped or the server ends.
    pub fn spawn(
        &self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Task {
        let end = self.aborting.child_token();
        self.run_until(name, end.clone(), work);
        Task { _end: end.drop_guard() }
    }

    /// Runs a task that lives until it is done or the server ends.
    pub fn run(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.run_until(name, self.aborting.clone(), work);
    }

    fn run_until(
        &self,
        name: &'static str,
        end: CancellationToken,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        // It may live longer than what began it, whose span must end all the same.
        let span = tracing::info_span!(parent: None, "task", name);
        self.tracker.spawn(
            async move {
                tokio::select! {
                    () = work => {}
                    () = end.cancelled() => tracing::debug!("task ended before it was done"),
                }
            }
            .instrument(span),
        );
    }

    /// Resolves once the server has been asked to stop.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// First stage: asks every task to finish.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Second stage: waits `grace` for them, then aborts what is left.
    pub async fn finish(&self, grace: Duration) {
        self.stop();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "aborting tasks that did not finish");
            self.aborting.cancel();
            self.tracker.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_whose_handle_is_dropped_ends() {
        let tasks = Tasks::new();
        drop(tasks.spawn("forever", std::future::pending()));
        tasks.finish(Duration::from_secs(5)).await;
        assert!(tasks.tracker.is_empty());
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_is_aborted_after_the_grace() {
        let tasks = Tasks::new();
        tasks.run("stubborn", std::future::pending());
        tasks.finish(Duration::from_millis(1)).await;
        assert!(tasks.tracker.is_empty());
    }
}
