//! The two ends of a pseudo-terminal.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use tokio::io::unix::AsyncFd;

pub(super) fn winsize((cols, rows): (u16, u16)) -> Winsize {
    Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A PTY's two ends.
pub(super) fn open(size: (u16, u16)) -> io::Result<(OwnedFd, OwnedFd)> {
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
pub(super) fn watched(master: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` stays open and the same until dropped, and `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register(master)? })
}

/// Reads until nothing is there or the buffer is full. True: the other end is closed.
pub(super) fn read_all(master: &OwnedFd, buffer: &mut [u8]) -> (usize, bool) {
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
