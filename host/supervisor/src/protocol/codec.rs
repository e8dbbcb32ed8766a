//! Frames on a stream: one byte of kind, four bytes of length, payload.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::codec::{Decoder, Encoder};

use super::{Event, Exit, Failure, Hello, Open, OutputStream, Reply, TerminalState, Welcome};

/// Largest payload of a frame.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Kind and length.
pub const HEADER_BYTES: usize = 5;
/// Most bytes of output in one frame: with its fields it fits a payload.
pub const OUTPUT_CHUNK_BYTES: usize = 32 * 1024;

/// One frame. `lib.rs` has the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Hello(Hello),
    Welcome(Welcome),
    Open(Open),
    Reply(Reply),
    Failure(Failure),
    /// Output of an exec or a process.
    Output {
        stream: OutputStream,
        seq: u64,
        bytes: Bytes,
    },
    /// Output of a terminal.
    Screen {
        seq: u64,
        bytes: Bytes,
    },
    /// Output from `from` up to, not including, `to` is no longer kept.
    Skipped {
        from: u64,
        to: u64,
    },
    Exit(Exit),
    Terminal(TerminalState),
    Event(Event),
    /// What draws a terminal's screen as it is after the output before `seq`; one screen may
    /// come in several of these.
    Snapshot {
        seq: u64,
        bytes: Bytes,
    },
    /// All keys of the attachment's typist before this number were typed.
    Typed(u64),
    Input(Bytes),
    InputEnd,
    Signal(i32),
    Resize {
        cols: u16,
        rows: u16,
    },
    /// All output before this sequence number was consumed.
    Ack(u64),
    /// The host goes, the command stays.
    Leave,
    /// A typist's keys, with the number of the first.
    Keys {
        seq: u64,
        bytes: Bytes,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error(
        "a frame of kind {kind:#04x} announces {length} bytes; at most {MAX_PAYLOAD_BYTES} are allowed"
    )]
    TooLong { kind: u8, length: usize },
    #[error("no frame has the kind {0:#04x}")]
    UnknownKind(u8),
    #[error("a frame of kind {kind:#04x} can't be read: {why}")]
    Malformed { kind: u8, why: String },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

mod kind {
    pub(super) const HELLO: u8 = 0x01;
    pub(super) const WELCOME: u8 = 0x02;
    pub(super) const OPEN: u8 = 0x03;
    pub(super) const REPLY: u8 = 0x04;
    pub(super) const FAILURE: u8 = 0x05;
    pub(super) const OUTPUT: u8 = 0x10;
    pub(super) const SCREEN: u8 = 0x11;
    pub(super) const SKIPPED: u8 = 0x12;
    pub(super) const EXIT: u8 = 0x13;
    pub(super) const TERMINAL: u8 = 0x14;
    pub(super) const EVENT: u8 = 0x15;
    pub(super) const SNAPSHOT: u8 = 0x16;
    pub(super) const TYPED: u8 = 0x17;
    pub(super) const INPUT: u8 = 0x20;
    pub(super) const INPUT_END: u8 = 0x21;
    pub(super) const SIGNAL: u8 = 0x22;
    pub(super) const RESIZE: u8 = 0x23;
    pub(super) const ACK: u8 = 0x24;
    pub(super) const LEAVE: u8 = 0x25;
    pub(super) const KEYS: u8 = 0x26;
}

/// Encodes and decodes [`Frame`]s; holds no state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Codec;

impl Decoder for Codec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        let Some((header, _)) = src.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let (kind, length) = split_header(*header)?;
        if src.len() < HEADER_BYTES + length {
            src.reserve(HEADER_BYTES + length - src.len());
            return Ok(None);
        }
        src.advance(HEADER_BYTES);
        parse(kind, src.split_to(length).freeze()).map(Some)
    }
}

/// Reads one frame and not a byte more, for a connection that goes on as something else.
///
/// # Errors
/// As the codec, and when the connection ends first.
pub async fn read_frame<R: AsyncRead + Unpin>(stream: &mut R) -> Result<Frame, CodecError> {
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).await?;
    let (kind, length) = split_header(header)?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    parse(kind, payload.into())
}

fn split_header([kind, a, b, c, d]: [u8; HEADER_BYTES]) -> Result<(u8, usize), CodecError> {
    match u32::from_be_bytes([a, b, c, d]) as usize {
        length if length > MAX_PAYLOAD_BYTES => Err(CodecError::TooLong { kind, length }),
        length => Ok((kind, length)),
    }
}

/// Writes one frame.
///
/// # Errors
/// As the codec, and when the connection is broken.
pub async fn write_frame<W: AsyncWrite + Unpin>(
    stream: &mut W,
    frame: Frame,
) -> Result<(), CodecError> {
    let mut bytes = BytesMut::new();
    Codec.encode(frame, &mut bytes)?;
    stream.write_all(&bytes).await?;
    Ok(stream.flush().await?)
}

fn parse(kind: u8, mut payload: Bytes) -> Result<Frame, CodecError> {
    let fields = &mut payload;
    let frame = match kind {
        kind::HELLO => Frame::Hello(json(kind, fields)?),
        kind::WELCOME => Frame::Welcome(json(kind, fields)?),
        kind::OPEN => Frame::Open(json(kind, fields)?),
        kind::REPLY => Frame::Reply(json(kind, fields)?),
        kind::FAILURE => Frame::Failure(json(kind, fields)?),
        kind::OUTPUT => Frame::Output {
            stream: output_stream(kind, fields)?,
            seq: number(kind, fields)?,
            bytes: std::mem::take(fields),
        },
        kind::SCREEN => Frame::Screen { seq: number(kind, fields)?, bytes: std::mem::take(fields) },
        kind::SKIPPED => Frame::Skipped { from: number(kind, fields)?, to: number(kind, fields)? },
        kind::EXIT => Frame::Exit(json(kind, fields)?),
        kind::TERMINAL => Frame::Terminal(json(kind, fields)?),
        kind::EVENT => Frame::Event(json(kind, fields)?),
        kind::SNAPSHOT => {
            Frame::Snapshot { seq: number(kind, fields)?, bytes: std::mem::take(fields) }
        }
        kind::INPUT => Frame::Input(std::mem::take(fields)),
        kind::INPUT_END => Frame::InputEnd,
        kind::SIGNAL => Frame::Signal(fields.try_get_i32().map_err(|why| malformed(kind, why))?),
        kind::RESIZE => Frame::Resize { cols: short(kind, fields)?, rows: short(kind, fields)? },
        kind::ACK => Frame::Ack(number(kind, fields)?),
        kind::LEAVE => Frame::Leave,
        kind::TYPED => Frame::Typed(number(kind, fields)?),
        kind::KEYS => Frame::Keys { seq: number(kind, fields)?, bytes: std::mem::take(fields) },
        unknown => return Err(CodecError::UnknownKind(unknown)),
    };
    if payload.has_remaining() {
        return Err(malformed(kind, "bytes follow its last field"));
    }
    Ok(frame)
}

fn malformed(kind: u8, why: impl ToString) -> CodecError {
    CodecError::Malformed { kind, why: why.to_string() }
}

fn json<T: DeserializeOwned>(kind: u8, payload: &mut Bytes) -> Result<T, CodecError> {
    serde_json::from_slice(&std::mem::take(payload)).map_err(|why| malformed(kind, why))
}

fn number(kind: u8, fields: &mut Bytes) -> Result<u64, CodecError> {
    fields.try_get_u64().map_err(|why| malformed(kind, why))
}

fn short(kind: u8, fields: &mut Bytes) -> Result<u16, CodecError> {
    fields.try_get_u16().map_err(|why| malformed(kind, why))
}

fn output_stream(kind: u8, fields: &mut Bytes) -> Result<OutputStream, CodecError> {
    match fields.try_get_u8().map_err(|why| malformed(kind, why))? {
        1 => Ok(OutputStream::Stdout),
        2 => Ok(OutputStream::Stderr),
        other => Err(malformed(kind, format!("no output has the number {other}"))),
    }
}

impl Encoder<Frame> for Codec {
    type Error = CodecError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), CodecError> {
        let start = dst.len();
        let kind = put(&frame, dst)?;
        let length = dst.len() - start - HEADER_BYTES;
        if length > MAX_PAYLOAD_BYTES {
            dst.truncate(start);
            return Err(CodecError::TooLong { kind, length });
        }
        if let Some(header) = dst.get_mut(start..start + HEADER_BYTES) {
            header[0] = kind;
            header[1..].copy_from_slice(&(length as u32).to_be_bytes());
        }
        Ok(())
    }
}

/// Writes room for the header, then the payload; answers the kind.
fn put(frame: &Frame, dst: &mut BytesMut) -> Result<u8, CodecError> {
    dst.put_bytes(0, HEADER_BYTES);
    match frame {
        Frame::Hello(hello) => put_json(kind::HELLO, hello, dst),
        Frame::Welcome(welcome) => put_json(kind::WELCOME, welcome, dst),
        Frame::Open(open) => put_json(kind::OPEN, open, dst),
        Frame::Reply(reply) => put_json(kind::REPLY, reply, dst),
        Frame::Failure(failure) => put_json(kind::FAILURE, failure, dst),
        Frame::Exit(exit) => put_json(kind::EXIT, exit, dst),
        Frame::Terminal(state) => put_json(kind::TERMINAL, state, dst),
        Frame::Event(event) => put_json(kind::EVENT, event, dst),
        Frame::Output { stream, seq, bytes } => {
            dst.put_u8(match stream {
                OutputStream::Stdout => 1,
                OutputStream::Stderr => 2,
            });
            dst.put_u64(*seq);
            Ok(put_bytes(kind::OUTPUT, bytes, dst))
        }
        Frame::Screen { seq, bytes } => {
            dst.put_u64(*seq);
            Ok(put_bytes(kind::SCREEN, bytes, dst))
        }
        Frame::Snapshot { seq, bytes } => {
            dst.put_u64(*seq);
            Ok(put_bytes(kind::SNAPSHOT, bytes, dst))
        }
        Frame::Skipped { from, to } => {
            dst.put_u64(*from);
            Ok(put_bytes(kind::SKIPPED, &to.to_be_bytes(), dst))
        }
        Frame::Input(bytes) => Ok(put_bytes(kind::INPUT, bytes, dst)),
        Frame::InputEnd => Ok(kind::INPUT_END),
        Frame::Signal(signal) => Ok(put_bytes(kind::SIGNAL, &signal.to_be_bytes(), dst)),
        Frame::Resize { cols, rows } => {
            dst.put_u16(*cols);
            Ok(put_bytes(kind::RESIZE, &rows.to_be_bytes(), dst))
        }
        Frame::Ack(seq) => Ok(put_bytes(kind::ACK, &seq.to_be_bytes(), dst)),
        Frame::Leave => Ok(kind::LEAVE),
        Frame::Typed(seq) => Ok(put_bytes(kind::TYPED, &seq.to_be_bytes(), dst)),
        Frame::Keys { seq, bytes } => {
            dst.put_u64(*seq);
            Ok(put_bytes(kind::KEYS, bytes, dst))
        }
    }
}

fn put_json<T: Serialize>(kind: u8, message: &T, dst: &mut BytesMut) -> Result<u8, CodecError> {
    serde_json::to_writer(dst.writer(), message).map_err(|why| malformed(kind, why))?;
    Ok(kind)
}

fn put_bytes(kind: u8, bytes: &[u8], dst: &mut BytesMut) -> u8 {
    dst.put_slice(bytes);
    kind
}
