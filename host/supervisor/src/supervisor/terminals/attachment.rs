//! One host's view of a session: what it is shown, and what it types.

use std::rc::Rc;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::protocol::{
    AttachTerminal, CodecError, Failure, FailureCode, Frame, OUTPUT_CHUNK_BYTES, Reply,
    TERMINAL_WINDOW_BYTES,
};

use super::super::conversation::{Frames, reply};
use super::super::scrollback::Next;
use super::super::{Supervisor, refused};
use super::Session;
use super::shown::Drawn;
use super::typists::Typist;

/// What a client that was too slow is shown first when it goes on: about a screen of the newest.
const RESUME_BYTES: u64 = 16 * 1024;

pub(in super::super) async fn serve(
    supervisor: &Supervisor,
    attach: &AttachTerminal,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let found = attach.check().map_err(refused);
    let session = match found.and_then(|()| supervisor.terminals.get(&attach.session)) {
        Ok(session) => session,
        Err(failure) => return reply(&mut frames, Err(failure)).await.map(drop),
    };
    let attachment = Attachment::new(session, attach);
    let mut state = attachment.session.state();
    let typed = attachment.typed();
    state.typed = typed;
    // The exit comes last, after all output.
    state.exit = None;
    reply(&mut frames, Ok(Reply::Terminal(state))).await?;
    let (sink, frames) = frames.split();
    tokio::select! {
        sent = attachment.show(sink, typed) => sent,
        () = attachment.listen(frames) => Ok(()),
    }
}

struct Attachment {
    session: Rc<Session>,
    id: u64,
    from: u64,
    draws: bool,
    /// It sees the end and not what led there.
    stale: bool,
    typist: Option<Rc<Typist>>,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.session.leave(self.id);
    }
}

/// Where the next byte comes from.
struct View {
    cursor: u64,
    version: u64,
    /// It was shown everything once, or has lost output already: the next loss is its slowness.
    live: bool,
    /// Its screen is not what it should be, and is drawn once it has caught up.
    stale: bool,
    /// Of which keys it is known that they were typed.
    typed: Option<u64>,
}

impl Attachment {
    fn new(session: Rc<Session>, attach: &AttachTerminal) -> Self {
        let end = session.shown().end();
        let is_other = |output: &String| *output != session.shown().name;
        let since = attach.since.filter(|_| !attach.output.as_ref().is_some_and(is_other));
        if attach.alone {
            session.send_away();
        }
        let from = since.unwrap_or(0).min(end);
        let id = session.join(from);
        if let Some(size) = attach.size {
            session.resize_client(id, size);
        }
        let draws = attach.snapshot;
        // Output that was made for another size does not add up to the screen.
        let stale = draws && since.is_none() && end > 0;
        let typist = attach.typist.as_deref().map(|typist| session.typists.come(typist));
        Self { session, id, from, draws, stale, typist }
    }

    /// How many of the typist's keys were typed, if there is one.
    fn typed(&self) -> Option<u64> {
        self.typist.as_deref().map(Typist::typed)
    }

    /// `typed`: what the host was told of.
    async fn show(
        &self,
        mut sink: SplitSink<Frames, Frame>,
        typed: Option<u64>,
    ) -> Result<(), CodecError> {
        let session = &self.session;
        let version = session.version();
        let mut view = View { cursor: self.from, version, live: false, stale: self.stale, typed };
        let last = loop {
            let changed = session.changed.notified();
            if session.is_sent_away(self.id) {
                break Frame::Failure(taken_over());
            }
            if let Some(frame) = self.next(&mut view) {
                sink.send(frame).await?;
                continue;
            }
            if view.stale && self.is_at_end(&view) && self.draw(&mut view, &mut sink).await? {
                continue;
            }
            if session.is_closed() || session.exit().is_some() && self.is_at_end(&view) {
                break Frame::Terminal(session.state());
            }
            changed.await;
        };
        sink.send(last).await?;
        sink.close().await
    }

    fn is_at_end(&self, view: &View) -> bool {
        view.cursor >= self.session.shown().end()
    }

    /// Draws the screen; false while more output comes than it takes time.
    async fn draw(
        &self,
        view: &mut View,
        sink: &mut SplitSink<Frames, Frame>,
    ) -> Result<bool, CodecError> {
        let shown = self.session.shown();
        shown.catch_up().await;
        let mut drawn = match shown.draw(view.cursor) {
            Drawn::Now(drawn) => drawn,
            Drawn::Later => return Ok(false),
            Drawn::Never => Bytes::new(),
        };
        view.stale = false;
        while !drawn.is_empty() {
            let bytes = drawn.split_to(drawn.len().min(OUTPUT_CHUNK_BYTES));
            sink.send(Frame::Snapshot { seq: view.cursor, bytes }).await?;
        }
        Ok(true)
    }

    fn next(&self, view: &mut View) -> Option<Frame> {
        let session = &self.session;
        if session.exit().is_none() && view.version != session.version() {
            view.version = session.version();
            return Some(Frame::Terminal(session.state()));
        }
        if view.typed != self.typed() {
            view.typed = self.typed();
            return view.typed.map(Frame::Typed);
        }
        let unacknowledged = view.cursor.saturating_sub(session.acknowledged(self.id));
        let window = TERMINAL_WINDOW_BYTES.saturating_sub(unacknowledged);
        let most = usize::try_from(window).unwrap_or(usize::MAX).min(OUTPUT_CHUNK_BYTES);
        if most == 0 {
            return None;
        }
        let next = session.shown().scrollback.borrow().next(view.cursor, most);
        match next {
            Next::Output { seq, bytes } => {
                view.cursor = seq + bytes.len() as u64;
                Some(Frame::Screen { seq, bytes })
            }
            Next::Skipped { from, to } => Some(self.skip(view, from, to)),
            Next::Nothing => {
                view.live = true;
                None
            }
        }
    }

    /// What is gone is gone. A client that was too slow is taken to the newest, or it would be too
    /// slow again at once.
    fn skip(&self, view: &mut View, from: u64, oldest: u64) -> Frame {
        let newest = self.session.shown().end().saturating_sub(RESUME_BYTES);
        let to = if view.live { oldest.max(newest) } else { oldest };
        (view.live, view.stale) = (true, self.draws);
        view.cursor = to;
        // What is skipped needs no acknowledgement.
        self.session.acknowledge(self.id, to);
        Frame::Skipped { from, to }
    }

    /// Until the host closes its end.
    async fn listen(&self, mut frames: SplitStream<Frames>) {
        while let Some(Ok(frame)) = frames.next().await {
            match frame {
                Frame::Input(bytes) => self.session.type_in(self.id, bytes).await,
                Frame::Keys { seq, bytes } => {
                    let Some(typist) = &self.typist else { return };
                    self.session.type_numbered(self.id, typist, (seq, bytes)).await;
                }
                Frame::Resize { cols, rows } => {
                    self.session.resize_client(self.id, (cols, rows));
                }
                Frame::Ack(seq) => self.session.acknowledge(self.id, seq),
                _ => return,
            }
        }
    }
}

fn taken_over() -> Failure {
    Failure {
        code: FailureCode::TakenOver,
        message: "another client has taken the terminal over".to_owned(),
        process: None,
    }
}
