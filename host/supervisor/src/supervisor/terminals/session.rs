//! One terminal session: a program on a PTY, what it has shown, and who looks at it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use lockhouse_supervisor::protocol::{Event, Exit, TERMINAL_WINDOW_BYTES, TerminalState};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::scrollback::Scrollback;
use super::super::spawn::{self, Launch};
use super::super::title::TitleReader;
use super::super::{Supervisor, milliseconds, orphans, start, tree};

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

/// How far a client is.
#[derive(Debug, Clone, Copy)]
struct Client {
    acknowledged: u64,
    progress: Instant,
}

pub(in super::super) struct Session {
    name: String,
    master: AsyncFd<OwnedFd>,
    leader: i32,
    started: Instant,
    scrollback: Rc<RefCell<Scrollback>>,
    size: Cell<(u16, u16)>,
    title: RefCell<Option<String>>,
    directory: RefCell<Option<String>>,
    clients: RefCell<HashMap<u64, Client>>,
    next_client: Cell<u64>,
    /// Raised by whatever the state shows.
    version: Cell<u64>,
    input: mpsc::Sender<Bytes>,
    exit: Cell<Option<Exit>>,
    closed: Cell<bool>,
    /// There is more to show, room to show it, or news.
    pub(super) changed: Notify,
    /// A client got on.
    progress: Notify,
}

fn winsize((cols, rows): (u16, u16)) -> Winsize {
    Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A PTY's two ends.
fn open_pty(size: (u16, u16)) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = rustix::pty::openpt(flags)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    rustix::termios::tcsetwinsize(&master, winsize(size))?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let program = rustix::fs::open(name, flags, rustix::fs::Mode::empty())?;
    let status = rustix::fs::fcntl_getfl(&master)?;
    rustix::fs::fcntl_setfl(&master, status | OFlags::NONBLOCK)?;
    Ok((master, program))
}

#[expect(unsafe_code, reason = "the descriptor must stay what it is while it is watched")]
fn watched(master: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` stays open and the same until dropped, and `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register(master)? })
}

impl Session {
    pub(super) fn start(
        supervisor: &Rc<Supervisor>,
        name: String,
        launch: &Launch,
        size: (u16, u16),
        scrollback: Rc<RefCell<Scrollback>>,
    ) -> io::Result<Rc<Self>> {
        let (master, program) = open_pty(size)?;
        let leader = spawn::on_terminal(launch, &program)?;
        let status = supervisor.children.status_of(leader);
        drop(program);
        let (input, inputs) = mpsc::channel(INPUTS);
        let session = Rc::new(Self {
            name,
            master: watched(master)?,
            leader,
            started: Instant::now(),
            scrollback,
            size: Cell::new(size),
            title: RefCell::default(),
            directory: RefCell::new(directory_of(leader)),
            clients: RefCell::default(),
            next_client: Cell::new(0),
            version: Cell::new(0),
            input,
            exit: Cell::new(None),
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

    pub(super) fn scrollback(&self) -> Rc<RefCell<Scrollback>> {
        Rc::clone(&self.scrollback)
    }

    pub(super) fn state(&self) -> TerminalState {
        let (cols, rows) = self.size.get();
        TerminalState {
            session: self.name.clone(),
            cols,
            rows,
            clients: u32::try_from(self.clients.borrow().len()).unwrap_or(u32::MAX),
            title: self.title.borrow().clone(),
            cwd: self.directory.borrow().clone(),
            end_seq: self.scrollback.borrow().end(),
            exit: self.exit.get(),
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

    /// Passes keystrokes on; waits while the program reads nothing and much is waiting.
    pub(super) async fn type_in(&self, bytes: Bytes) {
        // A session that has ended takes no more input; its state says so.
        let _ = self.input.send(bytes).await;
    }

    pub(super) fn resize(&self, size: (u16, u16)) {
        if size.0 == 0 || size.1 == 0 || size == self.size.get() {
            return;
        }
        if rustix::termios::tcsetwinsize(&self.master, winsize(size)).is_ok() {
            self.size.set(size);
            self.news();
        }
    }

    pub(super) fn join(&self, at: u64) -> u64 {
        let id = self.next_client.get();
        self.next_client.set(id + 1);
        let client = Client { acknowledged: at, progress: Instant::now() };
        self.clients.borrow_mut().insert(id, client);
        self.news();
        id
    }

    pub(super) fn leave(&self, id: u64) {
        self.clients.borrow_mut().remove(&id);
        self.progress.notify_waiters();
        self.news();
    }

    /// All output before `seq` was consumed.
    pub(super) fn acknowledge(&self, id: u64, seq: u64) {
        if let Some(client) = self.clients.borrow_mut().get_mut(&id)
            && seq > client.acknowledged
        {
            *client = Client { acknowledged: seq, progress: Instant::now() };
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
        let end = self.scrollback.borrow().end();
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
        self.scrollback.borrow_mut().push(bytes);
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

/// Reads until nothing is there or the buffer is full. True: the other end is closed.
fn read_all(master: &OwnedFd, buffer: &mut [u8]) -> (usize, bool) {
    let mut length = 0;
    while length < buffer.len() {
        match rustix::io::read(master, &mut buffer[length..]) {
            Ok(0) => return (length, true),
            Ok(read) => length += read,
            Err(rustix::io::Errno::AGAIN) => return (length, false),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return (length, true),
        }
    }
    (length, false)
}

fn directory_of(pid: i32) -> Option<String> {
    let path = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    Some(path.to_string_lossy().into_owned())
}
