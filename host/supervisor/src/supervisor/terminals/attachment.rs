//! One host's view of a session: what it is shown, and what it types.

use std::rc::Rc;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use lockhouse_supervisor::protocol::{
    CodecError, Frame, OUTPUT_CHUNK_BYTES, Reply, TERMINAL_WINDOW_BYTES,
};

use super::super::Supervisor;
use super::super::conversation::{Frames, reply};
use super::super::scrollback::Next;
use super::Session;

/// What a client that was too slow is shown first when it goes on: about a screen of the newest.
const RESUME_BYTES: u64 = 16 * 1024;

pub(in super::super) async fn serve(
    supervisor: &Supervisor,
    name: &str,
    since: Option<u64>,
    mut frames: Frames,
) -> Result<(), CodecError> {
    let session = match supervisor.terminals.get(name) {
        Ok(session) => session,
        Err(failure) => return reply(&mut frames, Err(failure)).await.map(drop),
    };
    let attachment = Attachment::new(session, since);
    let mut state = attachment.session.state();
    // The exit comes last, after all output.
    state.exit = None;
    reply(&mut frames, Ok(Reply::Terminal(state))).await?;
    let (sink, frames) = frames.split();
    tokio::select! {
        sent = attachment.show(sink) => sent,
        () = attachment.listen(frames) => Ok(()),
    }
}

struct Attachment {
    session: Rc<Session>,
    id: u64,
    from: u64,
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
}

impl Attachment {
    fn new(session: Rc<Session>, since: Option<u64>) -> Self {
        let from = since.unwrap_or(0).min(session.scrollback().borrow().end());
        let id = session.join(from);
        Self { session, id, from }
    }

    async fn show(&self, mut sink: SplitSink<Frames, Frame>) -> Result<(), CodecError> {
        let session = &self.session;
        let mut view = View { cursor: self.from, version: session.version(), live: false };
        loop {
            let changed = session.changed.notified();
            if let Some(frame) = self.next(&mut view) {
                sink.send(frame).await?;
                continue;
            }
            if session.is_closed() || self.is_over(&view) {
                break;
            }
            changed.await;
        }
        sink.send(Frame::Terminal(session.state())).await?;
        sink.close().await
    }

    fn is_over(&self, view: &View) -> bool {
        let end = self.session.scrollback().borrow().end();
        self.session.exit().is_some() && view.cursor >= end
    }

    fn next(&self, view: &mut View) -> Option<Frame> {
        let session = &self.session;
        if session.exit().is_none() && view.version != session.version() {
            view.version = session.version();
            return Some(Frame::Terminal(session.state()));
        }
        let unacknowledged = view.cursor.saturating_sub(session.acknowledged(self.id));
        let window = TERMINAL_WINDOW_BYTES.saturating_sub(unacknowledged);
        let most = usize::try_from(window).unwrap_or(usize::MAX).min(OUTPUT_CHUNK_BYTES);
        if most == 0 {
            return None;
        }
        let next = session.scrollback().borrow().next(view.cursor, most);
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
        let newest = self.session.scrollback().borrow().end().saturating_sub(RESUME_BYTES);
        let to = if view.live { oldest.max(newest) } else { oldest };
        view.live = true;
        view.cursor = to;
        // What is skipped needs no acknowledgement.
        self.session.acknowledge(self.id, to);
        Frame::Skipped { from, to }
    }

    /// Until the host closes its end.
    async fn listen(&self, mut frames: SplitStream<Frames>) {
        while let Some(Ok(frame)) = frames.next().await {
            match frame {
                Frame::Input(bytes) => self.session.type_in(bytes).await,
                Frame::Resize { cols, rows } => self.session.resize((cols, rows)),
                Frame::Ack(seq) => self.session.acknowledge(self.id, seq),
                _ => return,
            }
        }
    }
}
