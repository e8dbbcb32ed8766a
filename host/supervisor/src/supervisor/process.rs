//! The runtime's one long-running process and its log.
//!
//! ```text
//!            start
//!  (none) ─────────▶ running ──ends, to be restarted──▶ waiting
//!                     │  ▲ └──ends for good──▶ ended       │ pause
//!                     │  └────────────────────────────────-┘
//!                     └─stop─▶ stopping ──gone──▶ ended ──start──▶ running
//! ```

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::protocol::{
    CodecError, Event, Exit, ExitReason, Failure, FailureCode, Frame, ProcessState, ProcessStatus,
    Reply, Restart, StartProcess,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::conversation::{Frames, reply};
use super::keepers::Kept;
use super::output::{Output, Reader, Slow};
use super::ring::Next;
use super::spawn;
use super::tree::{ORDERS, Order, Tree};
use super::{Supervisor, milliseconds, not_found, not_started, refused};

/// Pause before the first restart; doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// A process that ran for so long begins again with the shortest pause.
const GOOD_RUN: Duration = Duration::from_secs(30);

pub(super) struct Process {
    one: RefCell<Option<Rc<One>>>,
    /// One log for all starts: its numbers go on.
    log: Rc<Output>,
}

impl Default for Process {
    fn default() -> Self {
        Self { one: RefCell::default(), log: Rc::new(Output::new(Slow::Loses)) }
    }
}

struct One {
    start: StartProcess,
    status: Cell<ProcessStatus>,
    pid: Cell<Option<i32>>,
    restarts: Cell<u32>,
    started: Cell<Instant>,
    exit: Cell<Option<Exit>>,
    orders: RefCell<mpsc::Sender<Order>>,
    changed: Notify,
}

impl Process {
    pub(super) fn state(&self) -> Option<ProcessState> {
        self.one.borrow().as_ref().map(|one| self.state_of(one))
    }

    fn state_of(&self, one: &One) -> ProcessState {
        ProcessState {
            start: one.start.clone(),
            status: one.status.get(),
            pid: one.pid.get().map(i32::cast_unsigned),
            restarts: one.restarts.get(),
            running_ms: milliseconds(one.started.get().elapsed()),
            exit: one.exit.get(),
            log_end_seq: self.log.end(),
        }
    }
}

/// Starts the process, unless it runs already.
pub(super) async fn start(
    supervisor: Rc<Supervisor>,
    start: StartProcess,
) -> Result<ProcessState, Failure> {
    start.check().map_err(refused)?;
    if supervisor.stopping.get() {
        return Err(refused("the runtime is being stopped"));
    }
    let running = supervisor.process.state();
    if let Some(running) = running.filter(|one| one.status != ProcessStatus::Ended) {
        return same(start, running);
    }
    let (orders, receiver) = mpsc::channel(ORDERS);
    let one = Rc::new(One {
        start,
        status: Cell::new(ProcessStatus::Running),
        pid: Cell::new(None),
        restarts: Cell::new(0),
        started: Cell::new(Instant::now()),
        exit: Cell::new(None),
        orders: RefCell::new(orders),
        changed: Notify::new(),
    });
    // Known before it starts, so that there is never a second one.
    let before = supervisor.process.one.replace(Some(Rc::clone(&one)));
    let (begun, result) = oneshot::channel();
    super::start(begin(Rc::clone(&supervisor), Rc::clone(&one), before, receiver, begun));
    match result.await {
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(())) | Err(_) => Ok(supervisor.process.state_of(&one)),
    }
}

/// The first start, whose failure is told to whoever asked; then the process's life.
async fn begin(
    supervisor: Rc<Supervisor>,
    one: Rc<One>,
    before: Option<Rc<One>>,
    orders: mpsc::Receiver<Order>,
    begun: oneshot::Sender<Result<(), Failure>>,
) {
    // Whoever asked may be gone with its link; the process runs all the same.
    match launch(&supervisor, &one).await {
        Ok(kept) => {
            announce(&supervisor, &one);
            let _ = begun.send(Ok(()));
            run(supervisor, one, kept, orders).await;
        }
        Err(failure) => {
            one.status.set(ProcessStatus::Ended);
            one.changed.notify_waiters();
            supervisor.process.one.replace(before);
            let _ = begun.send(Err(failure));
        }
    }
}

fn same(start: StartProcess, running: ProcessState) -> Result<ProcessState, Failure> {
    if running.start == start && running.status != ProcessStatus::Stopping {
        return Ok(running);
    }
    Err(Failure {
        code: FailureCode::AlreadyRunning,
        message: "a different process is already running".to_owned(),
        process: Some(Box::new(running)),
    })
}

async fn launch(supervisor: &Supervisor, one: &One) -> Result<Kept, Failure> {
    let StartProcess { command, cwd, env, .. } = one.start.clone();
    let launch = supervisor.launch(spawn::words(&command), cwd.as_deref(), env);
    let kept = supervisor.keepers.launch(&launch, false).await;
    let kept = kept.map_err(|error| not_started(&launch, &error))?;
    one.pid.set(kept.main);
    Ok(kept)
}

fn announce(supervisor: &Supervisor, one: &One) {
    one.changed.notify_waiters();
    supervisor.tell(Event::ProcessChanged(supervisor.process.state_of(one)));
}

fn enter(supervisor: &Supervisor, one: &One, status: ProcessStatus) {
    one.status.set(status);
    announce(supervisor, one);
}

/// Runs the process, again and again if it is to be restarted.
async fn run(
    supervisor: Rc<Supervisor>,
    one: Rc<One>,
    first: Kept,
    mut orders: mpsc::Receiver<Order>,
) {
    let mut next = Some(first);
    let mut pause = MIN_PAUSE;
    loop {
        if let Some(kept) = next.take() {
            one.exit.set(Some(run_once(&supervisor, kept, orders).await));
            one.pid.set(None);
        }
        if !is_restarted(&supervisor, &one) {
            return enter(&supervisor, &one, ProcessStatus::Ended);
        }
        if one.started.get().elapsed() > GOOD_RUN {
            pause = MIN_PAUSE;
        }
        let (sender, receiver) = mpsc::channel(ORDERS);
        *one.orders.borrow_mut() = sender;
        orders = receiver;
        enter(&supervisor, &one, ProcessStatus::Waiting);
        tokio::select! {
            () = sleep(pause) => {}
            // Any order while it waits is one to end.
            _ = orders.recv() => return enter(&supervisor, &one, ProcessStatus::Ended),
        }
        if !is_restarted(&supervisor, &one) {
            return enter(&supervisor, &one, ProcessStatus::Ended);
        }
        pause = (pause * 2).min(MAX_PAUSE);
        one.restarts.set(one.restarts.get().saturating_add(1));
        one.started.set(Instant::now());
        // A program that can't be started now may be there after the next pause.
        if let Ok(kept) = launch(&supervisor, &one).await {
            next = Some(kept);
            enter(&supervisor, &one, ProcessStatus::Running);
        }
    }
}

async fn run_once(supervisor: &Supervisor, kept: Kept, orders: mpsc::Receiver<Order>) -> Exit {
    let tree = Tree::new(kept.keeper, supervisor.keepers.clone());
    let gone = CancellationToken::new();
    let ending = async {
        let exit = tree.run(None, orders).await;
        gone.cancel();
        exit
    };
    tokio::join!(ending, supervisor.process.log.take(kept.pipes, &gone)).0
}

fn is_restarted(supervisor: &Supervisor, one: &One) -> bool {
    if one.status.get() == ProcessStatus::Stopping || supervisor.stopping.get() {
        return false;
    }
    match one.start.restart {
        Restart::Never => false,
        Restart::OnFailure => !one.exit.get().is_some_and(|exit| exit.success()),
        Restart::Always => true,
    }
}

/// Ends the process and waits until nothing of it is left.
pub(super) async fn stop(supervisor: &Supervisor, grace: Duration) -> Option<ProcessState> {
    let one = supervisor.process.one.borrow().clone()?;
    let order = Order::End { reason: ExitReason::Cancelled, grace };
    if matches!(one.status.get(), ProcessStatus::Running | ProcessStatus::Waiting) {
        enter(supervisor, &one, ProcessStatus::Stopping);
        // The channel takes far more orders than stopping once can leave in it.
        let _ = one.orders.borrow().try_send(order);
    }
    loop {
        let changed = one.changed.notified();
        if one.status.get() == ProcessStatus::Ended {
            return Some(supervisor.process.state_of(&one));
        }
        changed.await;
    }
}

pub(super) async fn serve_logs(
    supervisor: &Supervisor,
    since: Option<u64>,
    follow: bool,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let Some(state) = supervisor.process.state() else {
        let failure = not_found("no process was started in this runtime");
        return reply(&mut frames, Err(failure)).await.map(drop);
    };
    let log = &supervisor.process.log;
    let mut reader = log.reader(since.unwrap_or_else(|| log.start()));
    reply(&mut frames, Ok(Reply::Process(Some(state)))).await?;
    while let Some(frame) = tokio::select! {
        next = next_line(&mut reader, follow) => next,
        // The host says nothing here; its end is the end.
        _ = frames.next() => return Ok(()),
    } {
        frames.send(frame).await?;
    }
    frames.send(Frame::InputEnd).await?;
    frames.close().await
}

async fn next_line(reader: &mut Reader, follow: bool) -> Option<Frame> {
    let next = if follow { reader.next().await } else { reader.now() };
    match next {
        Next::Output { stream, seq, bytes } => Some(Frame::Output { stream, seq, bytes }),
        Next::Skipped { from, to } => Some(Frame::Skipped { from, to }),
        Next::Nothing => None,
    }
}
