//! The keeper: a small process between the supervisor and a command, to which the command's
//! orphans fall.
//!
//! A daemon that forked twice has lost every tie to the command that started it, but one: an
//! orphan falls to its nearest ancestor that is a child subreaper. The keeper is that ancestor. So
//! "everything the command started" is exactly what is below the keeper, and it is gone when the
//! keeper has no child left. Only the keeper reaps its children, so a process id it reads among
//! them can't belong to anyone else by the time it is signalled.
//!
//! A keeper is this program again, started ahead of need with a socket as its standard input. It
//! keeps one command at a time and is used again. It starts the command itself, by `posix_spawn`,
//! which on a busy machine is many times faster than the fork of a larger process.
//!
//! | from | bytes | means |
//! |---|---|---|
//! | supervisor | `L` 0, with two to four descriptors; u32 length, JSON | launch: stdout, stderr, stdin, session |
//! | supervisor | `s` u8 | signal the command's group, or what is left of it |
//! | supervisor | `k` 0 | kill everything, until nothing is left |
//! | keeper | `T` i32 0 | the launch was taken |
//! | keeper | `F` i32 | it failed; the error's number |
//! | keeper | `S` i32 | it succeeded; the command's process id |
//! | keeper | `E` i32 | the command has ended; its wait status |
//! | keeper | `G` i32 0 | nothing the command started is left; ready for the next launch |
//!
//! When the supervisor vanishes the socket ends: the keeper kills everything and leaves.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal as NixSignal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::FdFlags;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{Pid, Signal, WaitOptions};

use super::sessions;
use super::spawn::{self, Launch};

pub(super) const LAUNCH: u8 = b'L';
pub(super) const SIGNAL: u8 = b's';
pub(super) const KILL: u8 = b'k';
pub(super) const TAKEN: u8 = b'T';
pub(super) const FAILED: u8 = b'F';
pub(super) const STARTED: u8 = b'S';
pub(super) const ENDED: u8 = b'E';
pub(super) const GONE: u8 = b'G';
/// Length of what the keeper sends.
pub(super) const REPORT_BYTES: usize = 5;
/// Length of an order, without what follows a launch.
pub(super) const ORDER_BYTES: usize = 2;
/// A launch is never longer than the frame it came in, but for the words of a shell around it.
const MAX_LAUNCH_BYTES: usize = 2 * lockhouse_supervisor::protocol::MAX_PAYLOAD_BYTES;
/// Pause between rounds of killing when nothing has died meanwhile.
const ROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
/// Room for the list of children; what does not fit is killed in the next round.
const CHILDREN_BYTES: usize = 16 * 1024;

/// Standard output, standard error, then standard input and the session's pipe if there are any.
type Streams = (OwnedFd, OwnedFd, Vec<OwnedFd>);

/// Keeps commands until the supervisor is gone.
pub(super) fn keep() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // Commands share the session, so that one whose keeper was killed can still be found.
    rustix::process::setsid()?;
    rustix::thread::set_name(c"lockhouse-keep")?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    let mut deaths = SigSet::empty();
    deaths.add(NixSignal::SIGCHLD);
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let deaths = SignalFd::with_flags(&deaths, flags)?;
    let control = rustix::stdio::stdin();
    while let Some((order, streams)) = read_order(control)? {
        // Orders to a command that has ended meanwhile come to nothing.
        if let ([LAUNCH, _], Some(streams)) = (order, streams) {
            let launch = read_launch(control)?;
            report(control, TAKEN, 0);
            match start(&launch, streams) {
                Ok(main) => {
                    report(control, STARTED, main.as_raw_nonzero().get());
                    Keeper { control, main, main_ended: false, killing: false }.run(&deaths);
                }
                Err(error) => report(control, FAILED, error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
    }
    Ok(())
}

/// The next order with its descriptors; none when the supervisor is gone.
fn read_order(control: BorrowedFd<'_>) -> io::Result<Option<([u8; ORDER_BYTES], Option<Streams>)>> {
    let mut order = [0; ORDER_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        control,
        &mut [IoSliceMut::new(&mut order)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            descriptors.extend(more);
        }
    }
    let mut descriptors = descriptors.into_iter();
    let streams = descriptors.next().zip(descriptors.next());
    let streams = streams.map(|(stdout, stderr)| (stdout, stderr, descriptors.collect()));
    Ok((received.bytes == ORDER_BYTES).then_some((order, streams)))
}

fn read_launch(control: BorrowedFd<'_>) -> io::Result<Launch> {
    let mut length = [0; 4];
    read_exact(control, &mut length)?;
    let length = u32::from_ne_bytes(length) as usize;
    if length > MAX_LAUNCH_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut launch = vec![0; length];
    read_exact(control, &mut launch)?;
    Ok(serde_json::from_slice(&launch)?)
}

fn read_exact(control: BorrowedFd<'_>, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match rustix::io::read(control, &mut *buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => buffer = &mut buffer[length..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The command leads a process group of its own.
fn start(launch: &Launch, (stdout, stderr, mut more): Streams) -> io::Result<Pid> {
    let session = if launch.session { more.pop().map(inherited).transpose()? } else { None };
    // Here and not by `Command`, which would have to fork for it.
    std::env::set_current_dir(&launch.directory)?;
    // The command inherits the mask. A death meanwhile is seen by the first look at the dead.
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    let child = spawn::grouped(launch, more.pop(), stdout, stderr);
    drop(session);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    Pid::from_raw(child?).ok_or_else(|| io::ErrorKind::Other.into())
}

/// The same at the number where commands look for it, and handed on to them.
fn inherited(pipe: OwnedFd) -> io::Result<OwnedFd> {
    let pipe = rustix::io::fcntl_dupfd_cloexec(pipe, sessions::PIPE)?;
    if pipe.as_raw_fd() != sessions::PIPE {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    rustix::io::fcntl_setfd(&pipe, FdFlags::empty())?;
    Ok(pipe)
}

fn report(control: BorrowedFd<'_>, what: u8, number: i32) {
    let [a, b, c, d] = number.to_ne_bytes();
    // A supervisor that is gone shows as the end of the socket.
    let _ = rustix::io::write(control, &[what, a, b, c, d]);
}

/// The keeper while it keeps a command.
struct Keeper<'fd> {
    control: BorrowedFd<'fd>,
    main: Pid,
    main_ended: bool,
    killing: bool,
}

impl Keeper<'_> {
    fn run(&mut self, deaths: &SignalFd) {
        while !self.reap() {
            self.wait(deaths);
            if self.killing {
                self.signal_children(Signal::KILL);
            }
        }
        report(self.control, GONE, 0);
    }

    /// Until a child dies, an order comes, or the next round of killing is due.
    fn wait(&mut self, deaths: &SignalFd) {
        let mut fds = [
            PollFd::from_borrowed_fd(deaths.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.control, PollFlags::IN),
        ];
        // Once everything is to be killed there is nothing more to be told.
        let (watched, timeout) =
            if self.killing { (&mut fds[..1], Some(&ROUND)) } else { (&mut fds[..], None) };
        let _ = poll(watched, timeout);
        let ordered = !fds[1].revents().is_empty();
        while let Ok(Some(_)) = deaths.read_signal() {}
        if ordered && !self.killing {
            self.obey();
        }
    }

    fn obey(&mut self) {
        match read_order(self.control) {
            Ok(Some(([SIGNAL, number], _))) => {
                if let Some(signal) = Signal::from_named_raw(i32::from(number)) {
                    self.signal(signal);
                }
            }
            // An order to kill, or the supervisor is gone.
            _ => self.killing = true,
        }
    }

    fn signal(&self, signal: Signal) {
        if self.main_ended {
            self.signal_children(signal);
        } else if rustix::process::kill_process_group(self.main, signal).is_err() {
            // It has left its group, or has ended.
            let _ = rustix::process::kill_process(self.main, signal);
        }
    }

    fn signal_children(&self, signal: Signal) {
        let mut list = [0; CHILDREN_BYTES];
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        let none = rustix::fs::Mode::empty();
        let length = rustix::fs::open(c"/proc/thread-self/children", flags, none)
            .and_then(|file| rustix::io::read(file, &mut list));
        if length.is_err() {
            // A kernel without that file: the command's group is what can be told.
            let _ = rustix::process::kill_process_group(self.main, signal);
        }
        // A number at the buffer's end may be cut: it is not followed by a blank.
        for word in list[..length.unwrap_or(0)].split_inclusive(|byte| *byte == b' ') {
            if let Some(child) = process_id(word) {
                let _ = rustix::process::kill_process(child, signal);
            }
        }
    }

    /// Takes the dead; true when nothing is left.
    fn reap(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.main => {
                    self.main_ended = true;
                    report(self.control, ENDED, status.as_raw());
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }
}

fn process_id(word: &[u8]) -> Option<Pid> {
    let digits = std::str::from_utf8(word.strip_suffix(b" ")?).ok()?;
    Pid::from_raw(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_id_that_is_cut_off_is_not_used() {
        assert_eq!(process_id(b"123 "), Pid::from_raw(123));
        assert_eq!(process_id(b"12"), None);
        assert_eq!(process_id(b"x2 "), None);
        assert_eq!(process_id(b"99999999999 "), None);
    }
}
