//! Output of a program on its way from its pipes through a bounded ring to hosts.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use lockhouse_supervisor::protocol::{OUTPUT_CHUNK_BYTES, OutputStream};
use rustix::buffer::spare_capacity;
use tokio::net::unix::pipe;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::keepers::Pipes;
use super::ring::{Next, OutputRing, RING_BYTES};

/// Output that an attached host has not been sent yet before a program is held back. With what is
/// on its way it stays well below the ring, so a link that breaks loses nothing.
const BACKLOG_BYTES: u64 = 256 * 1024;
/// Read from a pipe at once.
const READ_BYTES: usize = 64 * 1024;

/// Whether a slow reader holds the program back or loses output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slow {
    HoldsBack,
    Loses,
}

pub(super) struct Output {
    ring: RefCell<OutputRing>,
    slow: Slow,
    /// Where each reader is.
    readers: RefCell<HashMap<u64, u64>>,
    next_reader: Cell<u64>,
    /// There is more to read, or the end.
    changed: Notify,
    /// A reader got on or left.
    room: Notify,
    ended: Cell<bool>,
}

impl Output {
    pub(super) fn new(slow: Slow) -> Self {
        Self {
            ring: RefCell::new(OutputRing::new(RING_BYTES)),
            slow,
            readers: RefCell::default(),
            next_reader: Cell::new(0),
            changed: Notify::new(),
            room: Notify::new(),
            ended: Cell::new(false),
        }
    }

    pub(super) fn start(&self) -> u64 {
        self.ring.borrow().start()
    }

    pub(super) fn end(&self) -> u64 {
        self.ring.borrow().end()
    }

    pub(super) fn len(&self) -> usize {
        self.ring.borrow().len()
    }

    /// No more will come.
    pub(super) fn finish(&self) {
        self.ended.set(true);
        self.changed.notify_waiters();
    }

    fn push(&self, stream: OutputStream, bytes: &[u8]) {
        self.ring.borrow_mut().push(stream, bytes);
        self.changed.notify_waiters();
    }

    fn is_full(&self) -> bool {
        let slowest = self.readers.borrow().values().min().copied();
        self.slow == Slow::HoldsBack
            && slowest.is_some_and(|slowest| {
                self.end().saturating_sub(slowest) >= BACKLOG_BYTES
                    || self.ring.borrow().is_crowded_for(slowest)
            })
    }

    async fn has_room(&self) {
        loop {
            let room = self.room.notified();
            if !self.is_full() {
                return;
            }
            room.await;
        }
    }

    /// Takes both outputs to their ends. After `gone` nothing can write any more, so an empty
    /// pipe is at its end even if somebody was handed its other end.
    pub(super) async fn take(&self, pipes: Pipes, gone: &CancellationToken) {
        tokio::join!(
            self.take_one(pipes.stdout, OutputStream::Stdout, gone),
            self.take_one(pipes.stderr, OutputStream::Stderr, gone),
        );
    }

    async fn take_one(&self, pipe: OwnedFd, stream: OutputStream, gone: &CancellationToken) {
        let Ok(pipe) = pipe::Receiver::from_owned_fd(pipe) else {
            return;
        };
        // Most commands print little: of the buffer they take what they fill.
        let mut buffer = Vec::with_capacity(READ_BYTES);
        loop {
            buffer.clear();
            self.has_room().await;
            let last = gone.is_cancelled();
            // An ordinary read tries only what was announced; the last bytes may not have been.
            let read = if last {
                rustix::io::read(&pipe, spare_capacity(&mut buffer)).map_err(io::Error::from)
            } else {
                pipe.try_read_buf(&mut buffer)
            };
            match read {
                Ok(0) => return,
                Ok(_) => {
                    self.push(stream, &buffer);
                    tokio::task::yield_now().await;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && !last => {
                    tokio::select! {
                        _ = pipe.readable() => {}
                        () = gone.cancelled() => {}
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    pub(super) fn reader(self: &Rc<Self>, from: u64) -> Reader {
        let id = self.next_reader.get();
        self.next_reader.set(id + 1);
        let cursor = from.min(self.end());
        self.readers.borrow_mut().insert(id, cursor);
        Reader { output: Rc::clone(self), id, cursor }
    }
}

/// One reader's place in the output.
pub(super) struct Reader {
    output: Rc<Output>,
    id: u64,
    cursor: u64,
}

impl Reader {
    /// What is there now.
    pub(super) fn now(&mut self) -> Next {
        let next = self.output.ring.borrow().next(self.cursor, OUTPUT_CHUNK_BYTES);
        match &next {
            Next::Output { bytes, .. } => self.advance(self.cursor + bytes.len() as u64),
            Next::Skipped { to, .. } => self.advance(*to),
            Next::Nothing => {}
        }
        next
    }

    fn advance(&mut self, to: u64) {
        self.cursor = to;
        self.output.readers.borrow_mut().insert(self.id, to);
        self.output.room.notify_waiters();
    }

    /// What comes next; `Nothing` is the end.
    pub(super) async fn next(&mut self) -> Next {
        let output = Rc::clone(&self.output);
        loop {
            let changed = output.changed.notified();
            let next = self.now();
            if next != Next::Nothing || output.ended.get() {
                return next;
            }
            changed.await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.output.readers.borrow_mut().remove(&self.id);
        self.output.room.notify_waiters();
    }
}
