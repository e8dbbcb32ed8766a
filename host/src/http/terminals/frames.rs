//! The frames of `lockhouse.terminal.v1`, as the table in `http/terminals.rs` has
//! them.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::terminals::Size;

/// The byte that names a frame of a client.
mod from_client {
    pub(super) const INPUT: u8 = 0;
    pub(super) const RESIZE: u8 = 1;
    pub(super) const ACK: u8 = 2;
    pub(super) const PING: u8 = 3;
    pub(super) const PAUSE: u8 = 4;
    pub(super) const RESUME: u8 = 5;
    pub(super) const NUMBERED: u8 = 6;
}

/// The byte that names a frame of the server.
mod from_server {
    pub(super) const OUTPUT: u8 = 0;
    pub(super) const STATE: u8 = 1;
    pub(super) const NOTICE: u8 = 2;
    pub(super) const PONG: u8 = 3;
    pub(super) const SNAPSHOT: u8 = 4;
    pub(super) const TYPED: u8 = 5;
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Keys(Bytes),
    /// With the number of the first.
    Numbered(u64, Bytes),
    Resize(Size),
    /// All before this number was taken.
    Ack(u64),
    Ping,
    Pause,
    Resume,
    Nothing,
}

#[derive(Debug, Deserialize)]
struct Resize {
    cols: u16,
    rows: u16,
}

/// Reads a client's frame; says what is wrong with one that is none.
pub(super) fn read(mut frame: Bytes) -> Result<Said, &'static str> {
    if frame.is_empty() {
        return Ok(Said::Nothing);
    }
    let kind = frame.split_to(1);
    match kind.first().copied().unwrap_or_default() {
        from_client::INPUT => Ok(Said::Keys(frame)),
        from_client::RESIZE => match serde_json::from_slice::<Resize>(&frame) {
            Ok(Resize { cols, rows }) => Ok(Said::Resize(Size { cols, rows })),
            Err(_) => Err("resize: send {\"cols\":80,\"rows\":24}"),
        },
        from_client::ACK => match <[u8; 8]>::try_from(&frame[..]) {
            Ok(seq) => Ok(Said::Ack(u64::from_be_bytes(seq))),
            Err(_) => Err("ack: send 8 bytes"),
        },
        from_client::PING => Ok(Said::Ping),
        from_client::PAUSE => Ok(Said::Pause),
        from_client::RESUME => Ok(Said::Resume),
        from_client::NUMBERED => match frame.try_get_u64() {
            Ok(seq) => Ok(Said::Numbered(seq, frame)),
            Err(_) => Err("numbered keys: send 8 bytes, then the keys"),
        },
        _ => Err("the frame's first byte is not known"),
    }
}

pub(super) fn output(seq: u64, bytes: &[u8]) -> Bytes {
    numbered(from_server::OUTPUT, seq, bytes)
}

pub(super) fn snapshot(seq: u64, bytes: &[u8]) -> Bytes {
    numbered(from_server::SNAPSHOT, seq, bytes)
}

pub(super) fn typed(seq: u64) -> Bytes {
    numbered(from_server::TYPED, seq, &[])
}

pub(super) fn pong() -> Bytes {
    Bytes::from_static(&[from_server::PONG])
}

pub(super) fn state(view: &impl Serialize) -> Bytes {
    json(from_server::STATE, view)
}

pub(super) fn notice(view: &impl Serialize) -> Bytes {
    json(from_server::NOTICE, view)
}

fn numbered(kind: u8, seq: u64, bytes: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(9 + bytes.len());
    frame.put_u8(kind);
    frame.put_u64(seq);
    frame.put_slice(bytes);
    frame.freeze()
}

fn json(kind: u8, view: &impl Serialize) -> Bytes {
    let mut frame = vec![kind];
    if let Err(error) = serde_json::to_writer(&mut frame, view) {
        tracing::error!(%error, "a frame could not be written");
    }
    frame.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_frame_of_a_client_is_read() {
        let read = |frame: &'static [u8]| read(Bytes::from_static(frame));
        assert_eq!(read(b"\0ls\r"), Ok(Said::Keys("ls\r".into())));
        assert_eq!(
            read(b"\x01{\"cols\":80,\"rows\":24}"),
            Ok(Said::Resize(Size { cols: 80, rows: 24 }))
        );
        assert_eq!(read(&[2, 0, 0, 0, 0, 0, 0, 1, 2]), Ok(Said::Ack(258)));
        assert_eq!(read(&[3]), Ok(Said::Ping));
        assert_eq!((read(&[4]), read(&[5])), (Ok(Said::Pause), Ok(Said::Resume)));
        assert_eq!(read(&[6, 0, 0, 0, 0, 0, 0, 1, 2, 9]), Ok(Said::Numbered(258, [9][..].into())));
    }

    #[test]
    fn output_carries_the_number_of_its_first_byte() {
        assert_eq!(output(258, b"hi"), [0, 0, 0, 0, 0, 0, 0, 1, 2, b'h', b'i'][..]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let first = bytes.first().copied();
            let said = read(bytes.into());
            prop_assert!(said.is_ok() || first.is_some_and(|first| first > 5 || first == 1 || first == 2));
        }
    }
}
