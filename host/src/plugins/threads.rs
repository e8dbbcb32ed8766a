//! Where guests run: threads for decisions and threads for agents, so that no
//! guest ever stands on a thread that serves requests or drives timers.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::fault::{Error, FaultKind};
use super::instance::{Spent, thread_time};
use super::loaded::Timer;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that run one call each, without `async`.
pub(super) struct DecisionThreads {
    queue: Arc<Queue>,
    free: Arc<Semaphore>,
    waited: Timer,
}

/// Calls on their way to a thread. Who adds one wakes one thread: woken threads
/// are most of what a call costs beyond the plugin's own work.
#[derive(Default)]
struct Queue {
    calls: Mutex<Calls>,
    added: Condvar,
}

#[derive(Default)]
struct Calls {
    /// No more than there are permits, each of which is a thread.
    waiting: VecDeque<Job>,
    ended: bool,
}

impl DecisionThreads {
    /// They end when this is dropped and their last call is over.
    pub(super) fn start(count: u32) -> Result<Self, Error> {
        let count = count.max(1);
        let threads = Self {
            queue: Arc::default(),
            free: Arc::new(Semaphore::new(count as usize)),
            waited: Timer::of_waiting("decisions"),
        };
        for n in 0..count {
            let queue = Arc::clone(&threads.queue);
            std::thread::Builder::new()
                .name(format!("decision-{n}"))
                .spawn(move || work(&queue))
                .map_err(|error| Error::Machine(format!("no thread for decisions: {error}")))?;
        }
        Ok(threads)
    }

    /// A place for a call on the thread that asks, as if it were one of these: there are never
    /// more calls at once than threads.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Runs `work` on a thread of its own. Given up after `wall`, it still
    /// holds its thread until it ends. What it leaves beside its answer is
    /// dropped there, once the answer is on its way.
    pub(super) async fn run<R: Send + 'static, L>(
        &self,
        wall: Duration,
        work: impl FnOnce() -> (Result<R, FaultKind>, L) + Send + 'static,
    ) -> Result<R, FaultKind> {
        let permit = self.waited.time_async(free(&self.free, wall)).await?;
        let (answer, answered) = oneshot::channel();
        let job = move || {
            let (result, left) = work();
            // Whoever asked may have given up.
            let _ = answer.send(result);
            drop((left, permit));
        };
        let ended = |_| FaultKind::Host("its thread ended".to_owned());
        self.queue.add(Box::new(job));
        let started = Instant::now();
        match tokio::time::timeout(wall, answered).await {
            Ok(answer) => answer.map_err(ended)?,
            Err(_) => Err(FaultKind::Blocked { after: started.elapsed(), limit: wall }),
        }
    }
}

impl Drop for DecisionThreads {
    fn drop(&mut self) {
        self.queue.calls().ended = true;
        self.queue.added.notify_all();
    }
}

impl Queue {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, job: Job) {
        self.calls().waiting.push_back(job);
        self.added.notify_one();
    }

    /// Waits for the next call; none once no more will come.
    fn next(&self) -> Option<Job> {
        let idle = |calls: &mut Calls| calls.waiting.is_empty() && !calls.ended;
        let calls = self.added.wait_while(self.calls(), idle);
        calls.unwrap_or_else(PoisonError::into_inner).waiting.pop_front()
    }
}

fn work(queue: &Queue) {
    while let Some(job) = queue.next() {
        // The caller sees its answer's channel close; the thread goes on.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a call of a plugin panicked in the host");
        }
    }
}

/// Threads that run many calls in turns.
pub(super) struct AgentThreads {
    /// Taken only when dropped.
    runtime: Option<Runtime>,
    free: Arc<Semaphore>,
    waited: Timer,
}

impl AgentThreads {
    pub(super) fn start(threads: u32, calls: u32) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1) as usize)
            .thread_name("agent")
            // A guest that sleeps, by its language's own clock, sleeps here.
            .enable_time()
            .build()
            .map_err(|error| Error::Machine(format!("no threads for agents: {error}")))?;
        let free = Arc::new(Semaphore::new(calls.max(1) as usize));
        Ok(Self { runtime: Some(runtime), free, waited: Timer::of_waiting("agents") })
    }

    /// Runs `work`, which is dropped when the caller gives up or `wall` is over;
    /// its processor time goes to `spent`.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        wall: Duration,
        spent: Spent,
        work: impl Future<Output = Result<R, FaultKind>> + Send + 'static,
    ) -> Result<R, FaultKind> {
        let permit = self.waited.time_async(free(&self.free, wall)).await?;
        let Some(runtime) = &self.runtime else {
            return Err(FaultKind::Host("the server ends".to_owned()));
        };
        let work = metered(spent, work);
        let task = runtime.spawn(async move {
            let result = work.await;
            drop(permit);
            result
        });
        let started = Instant::now();
        match tokio::time::timeout(wall, AbortOnDropHandle::new(task)).await {
            Ok(answer) => answer.map_err(|error| FaultKind::Host(error.to_string()))?,
            Err(_) => Err(FaultKind::Blocked { after: started.elapsed(), limit: wall }),
        }
    }
}

impl Drop for AgentThreads {
    fn drop(&mut self) {
        // A runtime must not wait for its threads inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A place among those that are free, or after `wall` none.
pub(super) async fn free(
    free: &Arc<Semaphore>,
    wall: Duration,
) -> Result<OwnedSemaphorePermit, FaultKind> {
    // Mostly one is there, and no timer is needed.
    if let Ok(permit) = Arc::clone(free).try_acquire_owned() {
        return Ok(permit);
    }
    match tokio::time::timeout(wall, Arc::clone(free).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(FaultKind::Busy { waited: wall }),
    }
}

/// Adds up the processor time of each turn.
async fn metered<R>(spent: Spent, work: impl Future<Output = R>) -> R {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        let began = thread_time();
        let turn = work.as_mut().poll(context);
        spent.add(thread_time().saturating_sub(began));
        turn
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_call_that_blocks_is_given_up_and_its_thread_comes_back() {
        let threads = DecisionThreads::start(1).unwrap();
        let (release, released) = sync_channel::<()>(0);
        let stuck = threads.run(SHORT, move || (Ok(released.recv().is_ok()), ())).await;
        assert!(matches!(stuck, Err(FaultKind::Blocked { .. })));
        let busy = threads.run(SHORT, || (Ok(1), ())).await;
        assert!(matches!(busy, Err(FaultKind::Busy { .. })));
        release.send(()).unwrap();
        assert_eq!(threads.run(LONG, || (Ok(2), ())).await, Ok(2));
    }

    #[tokio::test]
    async fn as_many_calls_run_at_once_as_there_are_threads() {
        let threads = DecisionThreads::start(2).unwrap();
        let (meet, met) = sync_channel::<()>(0);
        let first = threads.run(LONG, move || (Ok(met.recv_timeout(LONG).is_ok()), ()));
        let second = threads.run(LONG, move || (Ok(meet.send(()).is_ok()), ()));
        assert_eq!(futures::join!(first, second), (Ok(true), Ok(true)));
    }

    #[tokio::test]
    async fn an_answer_does_not_wait_for_what_the_call_leaves() {
        struct Slow(std::sync::mpsc::Receiver<()>);
        impl Drop for Slow {
            fn drop(&mut self) {
                self.0.recv_timeout(LONG).unwrap();
            }
        }
        let threads = DecisionThreads::start(1).unwrap();
        let (release, released) = sync_channel::<()>(0);
        assert_eq!(threads.run(LONG, move || (Ok(1), Slow(released))).await, Ok(1));
        let busy = threads.run(SHORT, || (Ok(2), ())).await;
        assert!(matches!(busy, Err(FaultKind::Busy { .. })));
        release.send(()).unwrap();
    }

    #[tokio::test]
    async fn the_threads_end_when_nobody_can_ask_them_any_more() {
        let threads = DecisionThreads::start(2).unwrap();
        let queue = Arc::downgrade(&threads.queue);
        threads.run(LONG, || (Ok(()), ())).await.unwrap();
        drop(threads);
        let began = Instant::now();
        while queue.strong_count() > 0 {
            assert!(began.elapsed() < LONG, "a thread still waits");
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_panic_in_one_call_leaves_the_thread_for_the_next() {
        let threads = DecisionThreads::start(1).unwrap();
        let panicked = threads.run(LONG, || -> (Result<(), _>, ()) { panic!("oh") }).await;
        assert!(matches!(panicked, Err(FaultKind::Host(_))));
        assert_eq!(threads.run(LONG, || (Ok(2), ())).await, Ok(2));
    }

    #[tokio::test]
    async fn an_agent_that_waits_for_ever_is_given_up() {
        let threads = AgentThreads::start(1, 1).unwrap();
        let stuck = threads.run::<()>(SHORT, Spent::default(), std::future::pending()).await;
        assert!(matches!(stuck, Err(FaultKind::Blocked { .. })));
        assert_eq!(threads.run(LONG, Spent::default(), async { Ok(2) }).await, Ok(2));
    }
}
