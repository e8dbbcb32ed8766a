//! Keepers, seen from the supervisor: started ahead, given a command, used again.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

use super::keeper::{FAILED, LAUNCH, ORDER_BYTES, REPORT_BYTES, STARTED, TAKEN};
use super::say;
use super::spawn::{self, Launch};

/// Keepers that wait for a command; more are let go.
const MAX_IDLE: usize = 2;

#[derive(Debug)]
pub(super) struct Keeper {
    control: UnixStream,
    /// Its process and its session.
    pub(super) id: i32,
}

/// The supervisor's ends of a command's streams.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// A command under its keeper.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) keeper: Keeper,
    /// The command's process id, unless it has killed its keeper already.
    pub(super) main: Option<i32>,
    pub(super) pipes: Pipes,
    /// Where it tells what it leaves to its session.
    pub(super) session: Option<OwnedFd>,
}

/// Those that wait; none once the supervisor stops.
#[derive(Debug, Clone)]
pub(super) struct Keepers(Rc<RefCell<Option<Vec<Keeper>>>>);

impl Default for Keepers {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Some(Vec::new()))))
    }
}

impl Keepers {
    /// Has one keeper wait, so that the first command need not.
    pub(super) fn prepare(&self) {
        match Keeper::start() {
            Ok(keeper) => self.put_back(keeper),
            // Each command tries again and says so to whoever wants it.
            Err(error) => say(&format!("no keeper can be started: {error}")),
        }
    }

    /// Takes a keeper that has nothing left to keep.
    pub(super) fn put_back(&self, keeper: Keeper) {
        let mut idle = self.0.borrow_mut();
        if let Some(idle) = idle.as_mut().filter(|idle| idle.len() < MAX_IDLE) {
            idle.push(keeper);
        }
    }

    /// Lets those go that wait, and those that come back.
    pub(super) fn dismiss(&self) {
        self.0.take();
    }

    /// Starts a command. Dropping what comes back ends it.
    pub(super) async fn launch(&self, launch: &Launch, stdin: bool) -> io::Result<Kept> {
        loop {
            let idle = self.0.borrow_mut().as_mut().and_then(Vec::pop);
            let waited = idle.is_some();
            let keeper = idle.map_or_else(Keeper::start, Ok)?;
            match keeper.launch(launch, stdin).await? {
                Some(kept) => return Ok(kept),
                // One that waited may have been killed by anybody; a fresh one has no excuse.
                None if waited => {}
                None => return Err(io::Error::other("its keeper has vanished")),
            }
        }
    }
}

impl Keeper {
    fn start() -> io::Result<Self> {
        let (control, theirs) = std::os::unix::net::UnixStream::pair()?;
        control.set_nonblocking(true)?;
        let control = UnixStream::from_std(control)?;
        Ok(Self { control, id: spawn::keeper(theirs.into())? })
    }

    /// None when the keeper is gone and has started nothing.
    async fn launch(mut self, launch: &Launch, stdin: bool) -> io::Result<Option<Kept>> {
        let (stdout, their_stdout) = std::io::pipe()?;
        let (stderr, their_stderr) = std::io::pipe()?;
        let (their_stdin, stdin) = if stdin { Some(std::io::pipe()?) } else { None }.unzip();
        let (session, their_session) =
            if launch.session { Some(std::io::pipe()?) } else { None }.unzip();
        let mut streams = vec![their_stdout.as_fd(), their_stderr.as_fd()];
        streams.extend(their_stdin.as_ref().map(AsFd::as_fd));
        streams.extend(their_session.as_ref().map(AsFd::as_fd));
        let sent = self.send(launch, &streams).await;
        drop((their_stdin, their_stdout, their_stderr, their_session));
        if sent.is_err() || !matches!(self.report().await, Some((TAKEN, _))) {
            return Ok(None);
        }
        let main = match self.report().await {
            Some((FAILED, number)) => return Err(io::Error::from_raw_os_error(number)),
            Some((STARTED, number)) => Some(number),
            _ => None,
        };
        let stdin = stdin.map(OwnedFd::from);
        let pipes = Pipes { stdin, stdout: stdout.into(), stderr: stderr.into() };
        Ok(Some(Kept { keeper: self, main, pipes, session: session.map(OwnedFd::from) }))
    }

    async fn send(&mut self, launch: &Launch, streams: &[BorrowedFd<'_>]) -> io::Result<()> {
        let words = serde_json::to_vec(launch)?;
        let length = u32::try_from(words.len()).map_err(io::Error::other)?;
        let control = &self.control;
        let order = || send_order(control.as_fd(), streams);
        control.async_io(Interest::WRITABLE, order).await?;
        self.control.write_all(&length.to_ne_bytes()).await?;
        self.control.write_all(&words).await
    }

    /// Gives an order of two bytes. A keeper that is gone shows as the end of its reports.
    pub(super) fn order(&self, what: u8, number: i32) {
        // Orders are few: the socket's buffer never fills.
        let _ = self.control.try_write(&[what, u8::try_from(number).unwrap_or(0)]);
    }

    /// The next report; none when the keeper is gone. Giving up in the middle loses nothing.
    pub(super) async fn report(&mut self) -> Option<(u8, i32)> {
        let mut report = [0; REPORT_BYTES];
        // The keeper writes each report whole.
        let read = self.control.read(&mut report).await;
        let [what, a, b, c, d] = report;
        matches!(read, Ok(REPORT_BYTES)).then_some((what, i32::from_ne_bytes([a, b, c, d])))
    }
}

fn send_order(control: BorrowedFd<'_>, streams: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(streams)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let order: [u8; ORDER_BYTES] = [LAUNCH, 0];
    sendmsg(control, &[IoSlice::new(&order)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}
