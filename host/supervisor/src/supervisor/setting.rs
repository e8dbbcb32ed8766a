//! What the supervisor sets right about its own process before it starts anything.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::fs::{File, read_to_string};
use std::io;
use std::os::fd::AsRawFd;

use lockhouse_supervisor::protocol::{LINK_KEY_VARIABLE, LinkKey};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::{DEFAULT_PATH, say};

/// Signals from 1 up to this number have dispositions that children would inherit.
const LAST_SIGNAL: i32 = 64;

pub(super) fn prepare() {
    restore_signals();
    if let Err(error) = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None) {
        say(&format!("signals stay blocked in children: {error}"));
    }
    if let Err(error) = keep_descriptors() {
        say(&format!("descriptors stay open in children: {error}"));
    }
    let own = rustix::process::getpid();
    if let Err(error) = rustix::process::set_child_subreaper(Some(own)) {
        say(&format!("orphans can't be reaped: {error}"));
    }
    if let Err(error) = raise_loopback() {
        // Without the capability the engine sees to it.
        if error.raw_os_error() != Some(libc::EPERM) {
            say(&format!("the loopback interface stays as it is: {error}"));
        }
    }
}

/// A signal that is ignored stays so across exec. `Command` sees to SIGPIPE. The C
/// library refuses to touch the signals it uses itself, so the kernel is asked.
#[expect(unsafe_code, reason = "dispositions have no safe wrapper")]
fn restore_signals() {
    // Handler, flags, restorer and mask: zero is the default disposition.
    let default = [0_u64; 4];
    let mask_bytes = std::mem::size_of::<u64>();
    for signal in (1..=LAST_SIGNAL).filter(|signal| *signal != libc::SIGPIPE) {
        // SAFETY: the kernel reads a structure that is no longer than the array; the default
        // disposition runs no code; signals that can't be set are refused.
        unsafe {
            let none = std::ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, mask_bytes);
        }
    }
}

/// Whatever the engine left open must not reach children.
#[expect(unsafe_code, reason = "marking a range of descriptors has no safe wrapper")]
fn keep_descriptors() -> io::Result<()> {
    // SAFETY: the call marks descriptors and closes none.
    let marked =
        unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if marked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// In a fresh network namespace loopback is down and has no address.
#[expect(unsafe_code, reason = "interface flags have no safe wrapper")]
fn raise_loopback() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: the structure is plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    // SAFETY: both calls get a structure that lives across them; the first fills in the flags
    // that are then read.
    unsafe {
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS as _, &mut request) != 0 {
            return Err(io::Error::last_os_error());
        }
        let flags = request.ifr_ifru.ifru_flags;
        let up = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        if flags & up == up {
            return Ok(());
        }
        request.ifr_ifru.ifru_flags = flags | up;
        if libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &mut request) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The key by which hosts know this process, if they need one. Everybody in the runtime is the
/// same user: of a process that must not be dumped the kernel shows them no memory, but gVisor's
/// still shows the environment that it was started with, so the key is wiped from there.
#[expect(clippy::disallowed_methods, reason = "the engine gives it by the environment")]
pub(super) fn link_key() -> Result<Option<LinkKey>, String> {
    let Ok(key) = std::env::var(LINK_KEY_VARIABLE) else { return Ok(None) };
    wipe(LINK_KEY_VARIABLE);
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the link's key can't be kept secret: {error}"))?;
    Ok(Some(LinkKey(key)))
}

/// Overwrites the value of a variable in place, where the kernel put it.
#[expect(unsafe_code, reason = "nothing safe changes the environment where it is")]
fn wipe(variable: &str) {
    let Ok(name) = CString::new(variable) else { return };
    // SAFETY: this is the only thread, and nobody holds a reference to the environment. The value
    // ends with a zero, before which alone is written.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if !value.is_null() {
            std::ptr::write_bytes(value, 0, libc::strlen(value));
        }
    }
}

/// Differs for each start of a supervisor.
pub(super) fn boot_id() -> String {
    use std::io::Read;
    let mut bytes = [0; 16];
    let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if random.is_err() {
        // The start time in ticks and the process id tell starts apart nearly as well.
        return read_to_string("/proc/self/stat").unwrap_or_default().chars().take(200).collect();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of this program; a newer one may have taken its place.
pub(super) fn own_program() -> Option<String> {
    let path = std::env::current_exe().ok()?.into_os_string().into_string().ok()?;
    Some(path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned())
}

/// What a command has in its environment if nothing is set for it.
pub(super) fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let mut all: BTreeMap<_, _> = inherited().filter_map(text).collect();
    all.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
    all
}

/// What this process was handed for itself and its children.
pub(super) fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name != LINK_KEY_VARIABLE)
}

#[expect(clippy::disallowed_methods, reason = "the environment is what children inherit")]
pub(super) fn has_path() -> bool {
    std::env::var_os("PATH").is_some()
}
