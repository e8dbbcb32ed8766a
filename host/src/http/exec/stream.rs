//! A command as server-sent events.

use std::convert::Infallible;

use axum::response::sse::Event as SseEvent;
use futures::Stream;

use super::place::Place;
use super::view::{ExecEventView, ExitView, exit_view, output_view};
use crate::exec::{Entry, Error, Event, Exit, OutputStream, Running, State};
use crate::gate::Permit;
use crate::http::sse;
use crate::http::text::{Piece, Utf8Reader};
use crate::tasks::Tasks;

/// An exit code of what has none.
const NO_CODE: i32 = -1;

/// What is told, and how far it is.
struct Telling {
    running: Running,
    /// Open until the command's end is known.
    permit: Option<Permit>,
    stdout: Utf8Reader,
    stderr: Utf8Reader,
}

/// The stream holds the command and the permit, if any: a client that goes away ends
/// both, and the record says "interrupted".
pub(super) fn events(
    running: Running,
    place: Place,
    permit: Option<Permit>,
    tasks: Tasks,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        yield Ok(sse::event(&begun(&running.command, running.id.as_str())));
        let stdout = Utf8Reader::resumed(place.stdout);
        let stderr = Utf8Reader::resumed(place.stderr);
        let mut telling = Telling { running, permit, stdout, stderr };
        loop {
            let next = tokio::select! {
                next = telling.running.next() => next,
                // Whoever started it is waited for a while; others come back.
                () = tasks.stopping(), if telling.permit.is_none() => None,
            };
            let Some(event) = next else { break };
            for event in telling.tell(event) {
                yield Ok(event);
            }
        }
    }
}

/// A command of which nothing but its end is known any more.
pub(super) fn end_alone(entry: Entry) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    let mut events = vec![begun(&entry.command, entry.id.as_str())];
    match &entry.state {
        State::Ended(ended) => {
            events.push(status("its output is no longer kept".to_owned()));
            events.push(ExecEventView::Exit(exit_view(&ended.exit)));
        }
        State::Refused { policy, rule } => {
            events.push(status(format!("refused by {policy} ({rule})")));
            events.push(without_code("refused"));
        }
        State::Running { .. } | State::Lost => {
            events.push(status(Error::Lost.to_string()));
            events.push(without_code("lost"));
        }
    }
    futures::stream::iter(events.into_iter().map(|event| Ok(sse::event(&event))))
}

fn begun(command: &str, id: &str) -> ExecEventView {
    ExecEventView::Status { data: format!("Executing: {command}"), id: Some(id.to_owned()) }
}

fn status(data: String) -> ExecEventView {
    ExecEventView::Status { data, id: None }
}

fn without_code(reason: &'static str) -> ExecEventView {
    let (duration_ms, ending) = (0, Default::default());
    let reason = Some(reason);
    ExecEventView::Exit(ExitView { data: NO_CODE, success: false, duration_ms, reason, ending })
}

impl Telling {
    fn tell(&mut self, event: Result<Event, Error>) -> Vec<SseEvent> {
        match event {
            Ok(Event::Output { stream, bytes }) => {
                let reader = match stream {
                    OutputStream::Stdout => &mut self.stdout,
                    OutputStream::Stderr => &mut self.stderr,
                };
                let pieces = reader.read(&bytes);
                self.numbered(pieces, stream)
            }
            Ok(Event::Skipped { bytes }) => {
                let told = status(format!("{bytes} bytes of output were not kept"));
                vec![sse::event(&told).id(self.place().to_string())]
            }
            Ok(Event::Exit(exit)) => self.exit(&exit),
            Err(error) => {
                let mut told = vec![sse::event(&status(error.to_string()))];
                if matches!(error, Error::Lost) {
                    told.push(sse::event(&without_code("lost")));
                }
                seal(self.permit.take(), Err(error));
                told
            }
        }
    }

    fn exit(&mut self, exit: &Exit) -> Vec<SseEvent> {
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        let mut told = self.numbered(stdout, OutputStream::Stdout);
        told.extend(self.numbered(stderr, OutputStream::Stderr));
        seal(self.permit.take(), Ok(()));
        let view = ExitView { ending: self.running.ending().into(), ..exit_view(exit) };
        told.push(sse::event(&ExecEventView::Exit(view)).id(self.place().to_string()));
        told
    }

    fn numbered(&self, pieces: Vec<Piece>, stream: OutputStream) -> Vec<SseEvent> {
        let view = |piece| match stream {
            OutputStream::Stdout => ExecEventView::Stdout(output_view(piece)),
            OutputStream::Stderr => ExecEventView::Stderr(output_view(piece)),
        };
        let id = self.place().to_string();
        pieces.into_iter().map(|piece| sse::event(&view(piece)).id(id.clone())).collect()
    }

    fn place(&self) -> Place {
        let (stdout, stderr) = (self.stdout.begun().to_vec(), self.stderr.begun().to_vec());
        Place { next: self.running.seen(), stdout, stderr }
    }
}

fn seal(permit: Option<Permit>, result: Result<(), Error>) {
    if let Some(permit) = permit {
        // What went wrong is told to the client by the caller.
        let _ = permit.seal(result);
    }
}
