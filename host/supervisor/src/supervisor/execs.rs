//! Short-lived commands: started, followed, ended, and their results kept for a while.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::protocol::{
    CodecError, Event, Exec, ExecId, ExecState, Exit, ExitReason, Failure, Frame, Reply,
};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::conversation::{Frames, reply};
use super::keepers::{Keepers, Kept};
use super::output::{Output, Slow};
use super::ring::Next;
use super::sessions::Taken;
use super::spawn::{self, Launch};
use super::tree::{END_GRACE, ORDERS, Order, Tree};
use super::{Supervisor, milliseconds, not_found, not_started, refused, sessions, start};

/// Commands that run at once.
const MAX_RUNNING: usize = 128;
/// Results kept for a host that comes back.
const MAX_RESULTS: usize = 64;
/// Output of kept results, all together.
const MAX_RESULT_BYTES: usize = 8 * 1024 * 1024;
/// How long a result is kept.
const RESULT_AGE: Duration = Duration::from_secs(600);

#[derive(Default)]
pub(super) struct Execs(RefCell<Vec<Rc<Running>>>);

/// A command that runs or has run.
struct Running {
    id: ExecId,
    detach: bool,
    started: Instant,
    output: Rc<Output>,
    /// While it runs; a result has no need of them.
    orders: RefCell<Option<mpsc::Sender<Order>>>,
    stdin: RefCell<Option<pipe::Sender>>,
    ended: Cell<Option<(Exit, Instant)>>,
}

impl Running {
    fn exit(&self) -> Option<Exit> {
        self.ended.get().map(|(exit, _)| exit)
    }

    /// Up to now, or up to its end.
    fn ran(&self) -> Duration {
        let until = self.ended.get().map_or_else(Instant::now, |(_, end)| end);
        until - self.started
    }

    fn state(&self) -> ExecState {
        ExecState {
            id: self.id.clone(),
            running_ms: milliseconds(self.ran()),
            start_seq: self.output.start(),
            end_seq: self.output.end(),
            detach: self.detach,
            exit: self.exit(),
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &*self.orders.borrow() {
            // One that has many waiting gets the first.
            let _ = orders.try_send(order);
        }
    }

    async fn run(
        &self,
        home: Keepers,
        kept: Kept,
        timeout: Option<Duration>,
        orders: Orders,
    ) -> Option<Vec<u8>> {
        let gone = CancellationToken::new();
        let left = sessions::read(kept.session, &gone);
        let ending = async {
            let exit = Tree::new(kept.keeper, home).run(timeout, orders).await;
            gone.cancel();
            exit
        };
        let (exit, (), left) = tokio::join!(ending, self.output.take(kept.pipes, &gone), left);
        drop((self.stdin.take(), self.orders.take()));
        self.ended.set(Some((exit, Instant::now())));
        left
    }
}

type Orders = mpsc::Receiver<Order>;

impl Execs {
    fn find(&self, id: &ExecId) -> Result<Rc<Running>, Failure> {
        let found = self.0.borrow().iter().find(|exec| exec.id == *id).cloned();
        found.ok_or_else(|| not_found(format!("no command has the id {id}, or it ended long ago")))
    }

    /// Those that run and those whose results are kept, oldest first.
    pub(super) fn states(&self) -> Vec<ExecState> {
        self.forget();
        self.0.borrow().iter().map(|exec| exec.state()).collect()
    }

    pub(super) fn running(&self) -> u32 {
        let running = self.0.borrow().iter().filter(|exec| exec.exit().is_none()).count();
        u32::try_from(running).unwrap_or(u32::MAX)
    }

    /// Drops the oldest results beyond the bounds.
    fn forget(&self) {
        let (mut results, mut bytes) = (0, 0);
        let mut keep = |exec: &Rc<Running>| {
            let Some((_, ended)) = exec.ended.get() else { return true };
            results += 1;
            bytes += exec.output.len();
            results <= MAX_RESULTS && bytes <= MAX_RESULT_BYTES && ended.elapsed() < RESULT_AGE
        };
        // From the newest back, so that the oldest meet the bounds.
        let mut execs = self.0.borrow_mut();
        let mut kept: Vec<_> = execs.drain(..).rev().filter(|exec| keep(exec)).collect();
        kept.reverse();
        *execs = kept;
    }

    fn check(&self, exec: &Exec) -> Result<(), Failure> {
        exec.check().map_err(refused)?;
        self.forget();
        if self.find(&exec.id).is_ok() {
            return Err(refused(format!("the exec id {} is in use", exec.id)));
        }
        if self.running() as usize >= MAX_RUNNING {
            return Err(refused(format!(
                "{MAX_RUNNING} commands run already: wait for one to end"
            )));
        }
        Ok(())
    }
}

/// Starts a command in a task of its own, which a link that breaks does not touch.
async fn begin(supervisor: Rc<Supervisor>, exec: Exec) -> Result<Rc<Running>, Failure> {
    supervisor.execs.check(&exec)?;
    if supervisor.stopping.get() {
        return Err(refused("the runtime is being stopped"));
    }
    let session = exec.session.as_deref().map(|name| supervisor.sessions.begin(name));
    let session = session.transpose()?;
    let (orders, receiver) = mpsc::channel(ORDERS);
    let running = Rc::new(Running {
        id: exec.id.clone(),
        detach: exec.detach,
        started: Instant::now(),
        output: Rc::new(Output::new(Slow::HoldsBack)),
        orders: RefCell::new(Some(orders)),
        stdin: RefCell::default(),
        ended: Cell::new(None),
    });
    // Known before it starts, so that its id is not used twice.
    supervisor.execs.0.borrow_mut().push(Rc::clone(&running));
    let (begun, result) = oneshot::channel();
    start(carry_out(supervisor, Rc::clone(&running), exec, receiver, (begun, session)));
    match result.await {
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(())) | Err(_) => Ok(running),
    }
}

async fn carry_out(
    supervisor: Rc<Supervisor>,
    running: Rc<Running>,
    exec: Exec,
    orders: Orders,
    (begun, session): (oneshot::Sender<Result<(), Failure>>, Option<Taken>),
) {
    let given = exec.env.clone();
    let mut launch = supervisor.launch(spawn::words(&exec.command), exec.cwd.as_deref(), exec.env);
    if let Some(session) = &session {
        session.prepare(&mut launch, &exec.command, (exec.cwd.as_deref(), &given));
    }
    // Whoever waited for the result may be gone with its link; the command runs all the same.
    match take_start(&supervisor, &running, &launch, exec.stdin).await {
        Ok(kept) => {
            let _ = begun.send(Ok(()));
            let timeout = exec.timeout_ms.map(Duration::from_millis);
            let left = running.run(supervisor.keepers.clone(), kept, timeout, orders).await;
            if let Some(session) = session {
                session.end(left.as_deref(), &given);
            }
            // What the session was left is there before anybody hears of the end.
            running.output.finish();
            supervisor.tell(Event::ExecEnded(running.state()));
        }
        Err(error) => {
            supervisor.execs.0.borrow_mut().retain(|other| !Rc::ptr_eq(other, &running));
            running.output.finish();
            let _ = begun.send(Err(not_started(&launch, &error)));
        }
    }
}

async fn take_start(
    supervisor: &Supervisor,
    running: &Running,
    launch: &Launch,
    stdin: bool,
) -> io::Result<Kept> {
    let mut kept = supervisor.keepers.launch(launch, stdin).await?;
    let stdin = kept.pipes.stdin.take().map(pipe::Sender::from_owned_fd).transpose()?;
    *running.stdin.borrow_mut() = stdin;
    Ok(kept)
}

pub(super) async fn serve(
    supervisor: Rc<Supervisor>,
    exec: Exec,
    mut frames: Frames,
) -> Result<(), CodecError> {
    match begin(supervisor, exec).await {
        Ok(running) => follow(&running, 0, false, frames).await,
        Err(failure) => reply(&mut frames, Err(failure)).await.map(drop),
    }
}

pub(super) async fn serve_again(
    supervisor: &Supervisor,
    (id, since, watch): (&ExecId, u64, bool),
    mut frames: Frames,
) -> Result<(), CodecError> {
    match supervisor.execs.find(id) {
        Ok(running) => follow(&running, since, watch, frames).await,
        Err(failure) => reply(&mut frames, Err(failure)).await.map(drop),
    }
}

/// Ends a command and waits for it.
pub(super) async fn end(supervisor: &Supervisor, id: &ExecId) -> Result<ExecState, Failure> {
    let running = supervisor.execs.find(id)?;
    running.order(Order::End { reason: ExitReason::Cancelled, grace: END_GRACE });
    let mut reader = running.output.reader(u64::MAX);
    while reader.next().await != Next::Nothing {}
    Ok(running.state())
}

/// Output to the host, orders from it. Who only watches ends nothing by leaving.
async fn follow(
    running: &Running,
    since: u64,
    watch: bool,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let mut reader = running.output.reader(since);
    reply(&mut frames, Ok(Reply::Exec(running.state()))).await?;
    let (sink, frames) = frames.split();
    let sending = async {
        let sent = send_output(running, &mut reader, sink).await;
        if sent.is_err() {
            // The host closed its end: that shows on the other half, where it counts.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = sending => {}
        closed = take_orders(running, frames) => if closed && !running.detach && !watch {
            running.order(Order::End { reason: ExitReason::Cancelled, grace: END_GRACE });
        },
    }
    Ok(())
}

async fn send_output(
    running: &Running,
    reader: &mut super::output::Reader,
    mut sink: SplitSink<Frames, Frame>,
) -> Result<(), CodecError> {
    loop {
        let frame = match reader.next().await {
            Next::Output { stream, seq, bytes } => Frame::Output { stream, seq, bytes },
            Next::Skipped { from, to } => Frame::Skipped { from, to },
            Next::Nothing => break,
        };
        sink.send(frame).await?;
    }
    if let Some(exit) = running.exit() {
        sink.send(Frame::Exit(exit)).await?;
    }
    sink.close().await
}

/// True when the host closed the stream, false when it said that the command is to go on.
async fn take_orders(running: &Running, mut frames: SplitStream<Frames>) -> bool {
    while let Some(Ok(frame)) = frames.next().await {
        match frame {
            Frame::Signal(signal) => running.order(Order::Signal(signal)),
            Frame::Leave => return false,
            _ => return true,
        }
    }
    true
}

/// The stream that carries a command's standard input. It is apart from the one that carries
/// orders, so that a command that does not read can still be signalled.
pub(super) async fn serve_input(
    supervisor: &Supervisor,
    id: &ExecId,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let found = supervisor.execs.find(id).and_then(|running| {
        let stdin = running.stdin.take();
        let stdin = stdin.ok_or_else(|| refused("the command takes no input, or not any more"))?;
        Ok((running, stdin))
    });
    let (running, stdin) = match found {
        Ok(found) => found,
        Err(failure) => return reply(&mut frames, Err(failure)).await.map(drop),
    };
    // Given back when the link breaks and this conversation with it.
    let mut held = Held { running: &running, stdin: Some(stdin) };
    reply(&mut frames, Ok(Reply::Done)).await?;
    while let Some(Ok(frame)) = frames.next().await {
        match (frame, &mut held.stdin) {
            (Frame::Input(bytes), Some(stdin)) => {
                if stdin.write_all(&bytes).await.is_err() {
                    held.stdin = None;
                    let closed = refused("the command has closed its input, or has ended");
                    return reply(&mut frames, Err(closed)).await.map(drop);
                }
            }
            (Frame::InputEnd, stdin) => {
                *stdin = None;
                break;
            }
            _ => break,
        }
    }
    // Whoever hears of the end may be the next one to write.
    drop(held);
    frames.close().await
}

struct Held<'exec> {
    running: &'exec Running,
    stdin: Option<pipe::Sender>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.running.exit().is_none() {
            *self.running.stdin.borrow_mut() = self.stdin.take();
        }
    }
}
