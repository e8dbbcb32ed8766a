//! One terminal session: a program on a PTY, what it has shown, and who looks at it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use lockhouse_supervisor::protocol::{
    Event, Exit, MAX_TERMINAL_SIDE, TERMINAL_WINDOW_BYTES, TerminalState,
};
use rustix::process::{Pid, Signal};
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::spawn::{self, Launch};
use super::super::title::TitleReader;
use super::super::{Supervisor, milliseconds, orphans, start, tree};
use super::pty::{self, read_all, watched, winsize};
use super::shown::Shown;
use super::typists::{Typist, Typists};

/// Read from the PTY before others get their turn.
const READ_BYTES: usize = 64 * 1024;
/// Keystrokes and pastes that wait for the program to read; each piece is one frame.
const INPUTS: usize = 8;
/// Output that no attached client has taken yet before the program is held back.
const PACE_BYTES: u64 = 2 * TERMINAL_WINDOW_BYTES;
/// A client that has acknowledged nothing for so long holds nobody back.
const STALL: Duration = Duration::from_secs(5);
/// Time between HUP and KILL when a session is closed.
const END_GRACE: Duration = Duration::from_secs(1);
/// Time for the last output to pass through the kernel when the program has ended, while another
/// one still holds the terminal.
const DRAIN_DEADLINE: Duration = Duration::from_millis(500);
/// Time for what survives KILL.
const KILL_DEADLINE: Duration = Duration::from_secs(5);

/// How far a client is, and how large.
#[derive(Debug, Clone, Copy)]
struct Client {
    acknowledged: u64,
    progress: Instant,
    size: Option<(u16, u16)>,
    /// Another wished to be alone.
    sent_away: bool,
}

pub(in super::super) struct Session {
    name: String,
    master: AsyncFd<OwnedFd>,
    leader: i32,
    started: Instant,
    shown: Rc<Shown>,
    size: Cell<(u16, u16)>,
    title: RefCell<Option<String>>,
    directory: RefCell<Option<String>>,
    clients: RefCell<HashMap<u64, Client>>,
    next_client: Cell<u64>,
    pub(super) typists: Typists,
    /// Raised by whatever the state shows.
    version: Cell<u64>,
    input: mpsc::Sender<Bytes>,
    exit: Cell<Option<Exit>>,
    /// Somebody wished it to end.
    closing: Cell<bool>,
    closed: Cell<bool>,
    /// There is more to show, room to show it, or news.
    pub(super) changed: Notify,
    /// A client got on.
    progress: Notify,
}

impl Session {
    pub(super) fn start(
        supervisor: &Rc<Supervisor>,
        name: String,
        launch: &Launch,
        size: (u16, u16),
        shown: Rc<Shown>,
    ) -> io::Result<Rc<Self>> {
        let (master, program) = pty::open(size)?;
        let leader = spawn::on_terminal(launch, &program)?;
        let status = supervisor.children.status_of(leader);
        drop(program);
        let (input, inputs) = mpsc::channel(INPUTS);
        shown.resize(size);
        let session = Rc::new(Self {
            name,
            master: watched(master)?,
            leader,
            started: Instant::now(),
            shown,
            size: Cell::new(size),
            title: RefCell::default(),
            directory: RefCell::new(directory_of(leader)),
            clients: RefCell::default(),
            next_client: Cell::new(0),
            typists: Typists::default(),
            version: Cell::new(0),
            input,
            exit: Cell::new(None),
            closing: Cell::new(false),
            closed: Cell::new(false),
            changed: Notify::new(),
            progress: Notify::new(),
        });
        start(Rc::clone(&session).show(Rc::clone(supervisor), status));
        start(Rc::clone(&session).write(inputs));
        Ok(session)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_open(&self) -> bool {
        self.exit.get().is_none() && !self.closed.get()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.exit.get()
    }

    pub(super) fn version(&self) -> u64 {
        self.version.get()
    }

    pub(super) fn shown(&self) -> &Rc<Shown> {
        &self.shown
    }

    pub(super) fn state(&self) -> TerminalState {
        let (cols, rows) = self.size.get();
        TerminalState {
            session: self.name.clone(),
            output: self.shown.name.clone(),
            cols,
            rows,
            clients: u32::try_from(self.clients.borrow().len()).unwrap_or(u32::MAX),
            title: self.title.borrow().clone(),
            cwd: self.directory.borrow().clone(),
            end_seq: self.shown.end(),
            exit: self.exit.get(),
            closed: self.closing.get(),
            typed: None,
        }
    }

    fn news(&self) {
        self.version.set(self.version.get() + 1);
        self.changed.notify_waiters();
    }

    pub(super) fn look_at_directory(&self) {
        if self.is_open()
            && let now @ Some(_) = directory_of(self.leader)
            && *self.directory.borrow() != now
        {
            self.directory.replace(now);
            self.news();
        }
    }

    /// Passes keystrokes on; waits while the program reads nothing and much is waiting. The
    /// session has the size of the client that typed last.
    pub(super) async fn type_in(&self, id: u64, bytes: Bytes) {
        self.take_size_of(id);
        // A session that has ended takes no more input; its state says so.
        let _ = self.input.send(bytes).await;
    }

    /// The same with numbered keys, which may come again.
    pub(super) async fn type_numbered(&self, id: u64, by: &Typist, (seq, keys): (u64, Bytes)) {
        self.take_size_of(id);
        let Ok(room) = self.input.reserve().await else { return };
        // No wait between the two: what counts as typed is on its way.
        if let Some(fresh) = by.accept(seq, keys) {
            room.send(fresh);
            self.changed.notify_waiters();
        }
    }

    fn take_size_of(&self, id: u64) {
        let size = self.clients.borrow().get(&id).and_then(|client| client.size);
        if let Some(size) = size {
            self.set_size(size);
        }
    }

    pub(super) fn resize_client(&self, id: u64, size: (u16, u16)) {
        if let Some(client) = self.clients.borrow_mut().get_mut(&id) {
            client.size = Some(size);
        }
        self.set_size(size);
    }

    /// Whatever sizes the clients had, it is this one now.
    pub(super) fn resize(&self, size: (u16, u16)) {
        self.clients.borrow_mut().values_mut().for_each(|client| client.size = Some(size));
        self.set_size(size);
    }

    fn set_size(&self, (cols, rows): (u16, u16)) {
        let size = (cols.min(MAX_TERMINAL_SIDE), rows.min(MAX_TERMINAL_SIDE));
        if cols == 0 || rows == 0 || size == self.size.get() {
            return;
        }
        if rustix::termios::tcsetwinsize(&self.master, winsize(size)).is_ok() {
            self.size.set(size);
            self.shown.resize(size);
            self.news();
        }
    }

    pub(super) fn join(&self, at: u64) -> u64 {
        let id = self.next_client.get();
        self.next_client.set(id + 1);
        let client =
            Client { acknowledged: at, progress: Instant::now(), size: None, sent_away: false };
        self.clients.borrow_mut().insert(id, client);
        self.news();
        id
    }

    pub(super) fn leave(&self, id: u64) {
        self.clients.borrow_mut().remove(&id);
        self.progress.notify_waiters();
        self.news();
    }

    /// Sends all clients away that there are.
    pub(super) fn send_away(&self) {
        self.clients.borrow_mut().values_mut().for_each(|client| client.sent_away = true);
        self.changed.notify_waiters();
    }

    pub(super) fn is_sent_away(&self, id: u64) -> bool {
        self.clients.borrow().get(&id).is_some_and(|client| client.sent_away)
    }

    /// All output before `seq` was consumed.
    pub(super) fn acknowledge(&self, id: u64, seq: u64) {
        if let Some(client) = self.clients.borrow_mut().get_mut(&id)
            && seq > client.acknowledged
        {
            *client = Client { acknowledged: seq, progress: Instant::now(), ..*client };
        }
        self.progress.notify_waiters();
        self.changed.notify_waiters();
    }

    pub(super) fn acknowledged(&self, id: u64) -> u64 {
        self.clients.borrow().get(&id).map_or(0, |client| client.acknowledged)
    }

    /// Until when the program is held back, if nothing changes: the fastest client sets the pace,
    /// as long as it moves at all.
    fn held_until(&self) -> Option<Instant> {
        let end = self.shown.end();
        let clients = self.clients.borrow();
        let behind = |client: &&Client| end.saturating_sub(client.acknowledged) > PACE_BYTES;
        if clients.values().any(|client| !behind(&client)) {
            return None;
        }
        let latest = clients.values().map(|client| client.progress + STALL).max()?;
        (latest > Instant::now()).then_some(latest)
    }

    async fn keep_pace(&self) {
        loop {
            let progress = self.progress.notified();
            let Some(until) = self.held_until() else { return };
            tokio::select! {
                () = progress => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// Reads all the program shows, to its end.
    async fn show(self: Rc<Self>, supervisor: Rc<Supervisor>, mut status: oneshot::Receiver<i32>) {
        let mut buffer = vec![0; READ_BYTES];
        let mut titles = TitleReader::default();
        let mut ended = None;
        let mut deadline = None;
        loop {
            let ready = tokio::select! {
                biased;
                ready = self.readable(ended.is_none()) => ready,
                code = &mut status, if ended.is_none() => {
                    ended = Some(code);
                    deadline = Some(Instant::now() + DRAIN_DEADLINE);
                    continue;
                }
                () = tree::at(deadline) => break,
            };
            let Ok(mut ready) = ready else { break };
            let (length, over) = read_all(self.master.get_ref(), &mut buffer);
            if length < buffer.len() {
                ready.clear_ready();
            }
            self.take(&buffer[..length], &mut titles);
            if self.shown.is_far_behind() {
                self.shown.catch_up().await;
            }
            if over {
                break;
            }
            tokio::task::yield_now().await;
        }
        let ended = match ended {
            Some(ended) => ended,
            None => status.await,
        };
        self.finish(&supervisor, ended.unwrap_or(libc::SIGKILL));
    }

    async fn readable(&self, paced: bool) -> io::Result<AsyncFdReadyGuard<'_, OwnedFd>> {
        if paced {
            self.keep_pace().await;
        }
        self.master.readable().await
    }

    fn take(&self, bytes: &[u8], titles: &mut TitleReader) {
        if bytes.is_empty() {
            return;
        }
        self.shown.push(bytes);
        if let Some(title) = titles.read(bytes) {
            self.title.replace(Some(title));
            self.news();
        }
        self.changed.notify_waiters();
    }

    fn finish(&self, supervisor: &Supervisor, status: i32) {
        let exit = tree::exit(status, None, milliseconds(self.started.elapsed()));
        self.exit.set(Some(exit));
        self.news();
        supervisor.tell(Event::TerminalExited { session: self.name.clone(), exit });
    }

    async fn write(self: Rc<Self>, mut inputs: mpsc::Receiver<Bytes>) {
        while let Some(mut bytes) = inputs.recv().await {
            while !bytes.is_empty() && self.is_open() {
                let Ok(mut ready) = self.master.writable().await else { return };
                match ready.try_io(|master| Ok(rustix::io::write(master.get_ref(), &bytes)?)) {
                    Ok(Ok(length)) => drop(bytes.split_to(length)),
                    Ok(Err(_)) => break,
                    Err(_not_ready) => {}
                }
            }
        }
    }

    pub(super) fn hang_up(&self) {
        if let Some(leader) = Pid::from_raw(self.leader).filter(|_| self.is_open()) {
            let _ = rustix::process::kill_process_group(leader, Signal::HUP);
            let _ = rustix::process::kill_process_group(leader, Signal::CONT);
        }
    }

    async fn ended(&self) {
        loop {
            let changed = self.changed.notified();
            if self.exit.get().is_some() {
                return;
            }
            changed.await;
        }
    }

    /// Hangs up, and kills what stays in the session.
    pub(super) async fn end(&self) {
        self.closing.set(true);
        if self.is_open() {
            self.hang_up();
            // Whoever does not listen is killed next.
            let _ = timeout(END_GRACE, self.ended()).await;
            orphans::kill_session(self.leader, KILL_DEADLINE).await;
            let _ = timeout(END_GRACE, self.ended()).await;
        }
        self.closed.set(true);
        self.news();
    }
}

fn directory_of(pid: i32) -> Option<String> {
    let path = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    Some(path.to_string_lossy().into_owned())
}
