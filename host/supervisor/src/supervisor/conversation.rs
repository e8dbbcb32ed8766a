//! One stream that the host opened: what it asks, and who answers.

use std::rc::Rc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::protocol::{Codec, CodecError, Event, Failure, Frame, Open, Reply};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use tokio_util::codec::Framed;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use super::handing::Handing;
use super::{Supervisor, dial, execs, process, refused, terminals};

/// Time for the host to say what a stream is for.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);

pub(super) type Frames = Framed<Compat<yamux::Stream>, Codec>;

/// What an open stream leads to.
type Answer = Result<Reply, Failure>;

pub(super) async fn hold(supervisor: Rc<Supervisor>, handing: Handing, stream: yamux::Stream) {
    let mut frames = Framed::new(stream.compat(), Codec);
    if let Ok(Some(Ok(Frame::Open(open)))) = timeout(OPEN_DEADLINE, frames.next()).await {
        // A stream or link that broke is no news to anybody here.
        let _ = answer(supervisor, &handing, open, frames).await;
    }
}

async fn answer(
    supervisor: Rc<Supervisor>,
    handing: &Handing,
    open: Open,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let answer: Answer = match open {
        Open::Exec(exec) => return execs::serve(supervisor, exec, frames).await,
        Open::AttachExec { id, since, watch } => {
            return execs::serve_again(&supervisor, (&id, since, watch), frames).await;
        }
        Open::ExecInput { id } => return execs::serve_input(&supervisor, &id, frames).await,
        Open::AttachTerminal(attach) => {
            return terminals::serve(&supervisor, &attach, frames).await;
        }
        Open::ProcessLogs { since, follow } => {
            return process::serve_logs(&supervisor, since, follow, frames).await;
        }
        Open::Dial { port } => return dial::serve(port, frames).await,
        Open::Events => return serve_events(&supervisor, false, frames).await,
        Open::AllEvents => return serve_events(&supervisor, true, frames).await,
        Open::Egress => Err(refused("egress is opened by the supervisor only")),
        Open::EndExec { id } => execs::end(&supervisor, &id).await.map(Reply::Exec),
        Open::ShowSession { name } => {
            Ok(Reply::Session(supervisor.sessions.state(&name, &supervisor.arguments.workspace)))
        }
        Open::ListExecs => Ok(Reply::Execs(supervisor.execs.states())),
        Open::OpenTerminal(open) => terminals::open(&supervisor, open).map(Reply::Terminal),
        Open::ResizeTerminal { session, cols, rows } => {
            terminals::resize(&supervisor, &session, (cols, rows)).map(Reply::Terminal)
        }
        Open::ListTerminals => Ok(Reply::Terminals(supervisor.terminals.states())),
        Open::CloseTerminal { session } => {
            terminals::close(&supervisor, &session).await.map(|()| Reply::Done)
        }
        Open::StartProcess(start) => {
            process::start(supervisor, start).await.map(|state| Reply::Process(Some(state)))
        }
        Open::StopProcess { grace_ms } => {
            Ok(Reply::Process(process::stop(&supervisor, Duration::from_millis(grace_ms)).await))
        }
        Open::ShowProcess => Ok(Reply::Process(supervisor.process.state())),
        Open::HandOver { port } => dial::hand_over(port, handing).await,
        Open::Ping => Ok(Reply::Health(supervisor.health())),
        Open::ListPorts => Ok(Reply::Ports(supervisor.ports.refresh(&supervisor))),
    };
    reply(&mut frames, answer).await?;
    frames.close().await
}

/// Sends the answer; false when it was a failure, after which the stream is closed.
pub(super) async fn reply(frames: &mut Frames, answer: Answer) -> Result<bool, CodecError> {
    match answer {
        Ok(reply) => {
            frames.send(Frame::Reply(reply)).await?;
            Ok(true)
        }
        Err(failure) => {
            frames.send(Frame::Failure(failure)).await?;
            frames.close().await?;
            Ok(false)
        }
    }
}

async fn serve_events(
    supervisor: &Supervisor,
    all: bool,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let mut events = supervisor.events.subscribe();
    reply(&mut frames, Ok(Reply::Done)).await?;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            // The host says nothing here; its end is the end.
            _ = frames.next() => return Ok(()),
        };
        let event = match event {
            // A host that does not know it would take it for nonsense.
            Ok(Event::ExecEnded(_)) if !all => None,
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => supervisor.process.state().map(Event::ProcessChanged),
            Err(RecvError::Closed) => return Ok(()),
        };
        if let Some(event) = event {
            frames.send(Frame::Event(event)).await?;
        }
    }
}
