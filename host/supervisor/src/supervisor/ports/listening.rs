//! Which TCP ports somebody listens on, as the kernel tells it.
//!
//! It is asked by netlink (`sock_diag(7)`), which looks at listening sockets alone. The tables in
//! `/proc/net` tell of every socket, and to find out that there are no more the kernel walks all
//! connections of the machine: milliseconds for each read. They are for kernels, such as gVisor's,
//! that don't answer by netlink.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};

use rustix::buffer::spare_capacity;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// As much as the kernel answers at once.
const ANSWER_BYTES: usize = 32 * 1024;
/// Answers to one question: about fifty thousand sockets.
const MAX_ANSWERS: usize = 128;

/// What stands before each message: its length, type, flags, number and sender.
const HEADER_BYTES: usize = 16;
const TYPE_ERROR: u16 = 2;
const TYPE_DONE: u16 = 3;
const TYPE_SOCKETS: u16 = 20;
/// A question, to which all that fits is the answer.
const REQUEST_DUMP: u16 = 0x1 | 0x300;

/// A question about sockets: a family, a protocol, states, and an address that counts for nothing.
const QUESTION_BYTES: usize = 56;
const TCP: u8 = 6;
const STATE_LISTEN: u32 = 1 << 10;
/// Where the local port stands in an answer about a socket.
const PORT_AT: usize = HEADER_BYTES + 4;

/// Most that is read of one table: about seven thousand sockets.
const TABLE_BYTES: u64 = 1024 * 1024;
/// How a table writes the state of a socket that listens.
const LISTEN: &str = "0A";

pub(super) fn ports() -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    // A kernel without IPv6 has no sockets of it, and no table.
    let families = [
        (AddressFamily::INET, "/proc/self/net/tcp"),
        (AddressFamily::INET6, "/proc/self/net/tcp6"),
    ];
    for (family, table) in families {
        match asked(family) {
            Ok(ports) => found.extend(ports),
            Err(_) => found.extend(in_table(table)),
        }
    }
    found
}

fn asked(family: AddressFamily) -> io::Result<BTreeSet<u16>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let sockets = Some(netlink::SOCK_DIAG);
    let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, sockets)?;
    send(&socket, &question(family), SendFlags::empty())?;
    let (mut found, mut answer) = (BTreeSet::new(), Vec::with_capacity(ANSWER_BYTES));
    for _ in 0..MAX_ANSWERS {
        answer.clear();
        recv(&socket, spare_capacity(&mut answer), RecvFlags::empty())?;
        if read(&answer, &mut found)? {
            break;
        }
    }
    Ok(found)
}

fn question(family: AddressFamily) -> Vec<u8> {
    let mut question = Vec::with_capacity(HEADER_BYTES + QUESTION_BYTES);
    question.extend(((HEADER_BYTES + QUESTION_BYTES) as u32).to_ne_bytes());
    question.extend(TYPE_SOCKETS.to_ne_bytes());
    question.extend(REQUEST_DUMP.to_ne_bytes());
    // The first and only one, from nobody in particular.
    question.extend([0; 8]);
    question.extend([family.as_raw() as u8, TCP, 0, 0]);
    question.extend(STATE_LISTEN.to_ne_bytes());
    question.resize(HEADER_BYTES + QUESTION_BYTES, 0);
    question
}

/// Reads the messages of an answer; true if they were the last.
fn read(mut answer: &[u8], found: &mut BTreeSet<u16>) -> io::Result<bool> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    while !answer.is_empty() {
        let length = number(answer, 0, u32::from_ne_bytes).ok_or_else(malformed)? as usize;
        let message = answer.get(..length).filter(|it| it.len() >= HEADER_BYTES);
        let message = message.ok_or_else(malformed)?;
        match number(message, 4, u16::from_ne_bytes).ok_or_else(malformed)? {
            TYPE_DONE => return Ok(true),
            TYPE_ERROR => {
                let error = number(message, HEADER_BYTES, i32::from_ne_bytes);
                return Err(io::Error::from_raw_os_error(-error.ok_or_else(malformed)?));
            }
            TYPE_SOCKETS => {
                found.insert(number(message, PORT_AT, u16::from_be_bytes).ok_or_else(malformed)?);
            }
            _ => {}
        }
        answer = answer.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn number<const N: usize, T>(bytes: &[u8], at: usize, made: fn([u8; N]) -> T) -> Option<T> {
    bytes.get(at..at + N)?.try_into().ok().map(made)
}

fn in_table(table: &str) -> BTreeSet<u16> {
    let mut text = String::new();
    if let Ok(file) = File::open(table) {
        // What could be read counts.
        let _ = file.take(TABLE_BYTES).read_to_string(&mut text);
    }
    text.lines().skip(1).filter_map(listening_port).collect()
}

/// `  0: 0100007F:1F90 00000000:0000 0A …`
fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = fields.next()?;
    let state = fields.nth(1)?;
    let port = local.rsplit_once(':')?.1;
    (state == LISTEN).then(|| u16::from_str_radix(port, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_sockets_of_a_table_that_listen_count() {
        let listens = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        let connected = "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000";
        let six = "   2: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 0";
        assert_eq!(listening_port(listens), Some(8080));
        assert_eq!(listening_port(connected), None);
        assert_eq!(listening_port(six), Some(3000));
        assert_eq!(listening_port("nonsense"), None);
    }

    #[test]
    fn netlink_and_the_table_tell_of_the_same_listeners() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(asked(AddressFamily::INET).unwrap().contains(&port));
        assert!(in_table("/proc/self/net/tcp").contains(&port));
    }

    #[test]
    fn a_connection_is_no_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let port = client.local_addr().unwrap().port();
        assert!(!asked(AddressFamily::INET).unwrap().contains(&port));
    }

    #[test]
    fn more_sockets_than_one_answer_holds_are_all_told() {
        let listeners: Vec<_> =
            (0..400).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let found = asked(AddressFamily::INET).unwrap();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        assert!(listeners.iter().all(|listener| found.contains(&port(listener))));
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_no_panic() {
        let mut found = BTreeSet::new();
        for answer in [&[1][..], &[0; 16], &[255; 40], &[40, 0, 0, 0, 20, 0, 0, 0]] {
            assert!(read(answer, &mut found).is_err());
        }
        assert!(found.is_empty());
    }
}
