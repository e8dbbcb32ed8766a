//! The link protocol: what host and supervisor say to each other, and how it looks on the wire.

mod codec;
mod messages;

use std::path::{Path, PathBuf};

pub use codec::{
    Codec, CodecError, Frame, HEADER_BYTES, MAX_PAYLOAD_BYTES, OUTPUT_CHUNK_BYTES, read_frame,
    write_frame,
};
pub use messages::{
    AttachTerminal, Command, Event, Exec, ExecId, ExecState, Exit, ExitReason, Failure,
    FailureCode, Health, Hello, LinkKey, Open, OpenTerminal, OutputStream, ProcessState,
    ProcessStatus, Reply, Restart, SessionState, StartProcess, TerminalState, Welcome,
};

/// A host and a supervisor whose majors differ do not talk.
pub const MAJOR: u16 = 1;
/// Raised when something is added that the other side may ignore. 1: watching and ending
/// commands, news of their ends, shell sessions. 2: connections are handed over.
pub const MINOR: u16 = 2;

/// Variable in which the supervisor finds its [`LinkKey`]; what it starts does not.
pub const LINK_KEY_VARIABLE: &str = "LOCKHOUSE_LINK_KEY";

/// Hosts that one runtime may have a link to at once.
pub const MAX_HOSTS: usize = 4;
/// Longest name of a terminal session or an exec, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest name of who types with numbers, in bytes.
pub const MAX_TYPIST_BYTES: usize = 160;
/// Most arguments of one command.
pub const MAX_ARGUMENTS: usize = 1024;
/// Most variables set by one request.
pub const MAX_VARIABLES: usize = 512;
/// Longest title a terminal may report, in bytes.
pub const MAX_TITLE_BYTES: usize = 256;
/// Most columns and most rows of a terminal.
pub const MAX_TERMINAL_SIDE: u16 = 1000;
/// Most ports reported as listening.
pub const MAX_PORTS: usize = 512;
/// Most streams of one link, both directions together.
pub const MAX_STREAMS: usize = 1024;
/// Streams the host may have open at once, which leaves room for the supervisor's.
pub const MAX_HOST_STREAMS: usize = 512;
/// Connections that go to the host with one write, and that it keeps without being asked.
pub const MAX_HANDED: usize = 16;
/// Egress connections the supervisor may have open at once.
pub const MAX_EGRESS: usize = 256;
/// Bytes of terminal output sent to one attachment and not yet acknowledged.
pub const TERMINAL_WINDOW_BYTES: u64 = 256 * 1024;

/// Where the host with this seat listens, `first` being where the first one does: beside
/// `host.sock` lies `host-1.sock`.
#[must_use]
pub fn host_socket(first: &Path, seat: usize) -> PathBuf {
    if seat == 0 {
        return first.to_owned();
    }
    let part =
        |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    first.with_file_name(format!("{}-{seat}.{}", part(first.file_stem()), part(first.extension())))
}

/// What either side gathers before it asks the kernel to carry it: the head of a frame goes with
/// what follows it, and wakes nobody by itself.
pub const LINK_BUFFER_BYTES: usize = 8 * 1024;

/// How both sides set up the multiplexer: windows stay at 256 KiB per stream, because a window
/// that grows is memory the other side can make us spend.
#[must_use]
pub fn multiplexer_config() -> yamux::Config {
    let mut config = yamux::Config::default();
    config
        .set_max_num_streams(MAX_STREAMS)
        .set_max_connection_receive_window(Some(MAX_STREAMS * yamux::DEFAULT_CREDIT as usize))
        .set_split_send_size(32 * 1024);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seat_has_a_socket_of_its_own_beside_the_first() {
        let first = Path::new("/run/lockhouse/host.sock");
        assert_eq!(host_socket(first, 0), first);
        assert_eq!(host_socket(first, 2), Path::new("/run/lockhouse/host-2.sock"));
    }
}
