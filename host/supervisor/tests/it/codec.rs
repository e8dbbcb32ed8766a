//! The frame codec, on frames and bytes of every kind.

use bytes::{Bytes, BytesMut};
use lockhouse_supervisor::protocol::{
    AttachTerminal, Codec, CodecError, Exit, ExitReason, Frame, HEADER_BYTES, MAX_PAYLOAD_BYTES,
    Open, OutputStream, read_frame,
};
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..2000).prop_map(Bytes::from)
}

fn frame() -> impl Strategy<Value = Frame> {
    let stream = prop_oneof![Just(OutputStream::Stdout), Just(OutputStream::Stderr)];
    let exit = (any::<Option<i32>>(), any::<Option<i32>>(), any::<u64>()).prop_map(
        |(code, signal, duration_ms)| Exit {
            code,
            signal,
            reason: ExitReason::Timeout,
            duration_ms,
        },
    );
    prop_oneof![
        (stream, any::<u64>(), bytes()).prop_map(|(stream, seq, bytes)| Frame::Output {
            stream,
            seq,
            bytes
        }),
        (any::<u64>(), bytes()).prop_map(|(seq, bytes)| Frame::Screen { seq, bytes }),
        (any::<u64>(), bytes()).prop_map(|(seq, bytes)| Frame::Snapshot { seq, bytes }),
        any::<(u64, u64)>().prop_map(|(from, to)| Frame::Skipped { from, to }),
        exit.prop_map(Frame::Exit),
        bytes().prop_map(Frame::Input),
        Just(Frame::InputEnd),
        Just(Frame::Leave),
        any::<i32>().prop_map(Frame::Signal),
        any::<(u16, u16)>().prop_map(|(cols, rows)| Frame::Resize { cols, rows }),
        any::<u64>().prop_map(Frame::Ack),
        any::<u64>().prop_map(Frame::Typed),
        (any::<u64>(), bytes()).prop_map(|(seq, bytes)| Frame::Keys { seq, bytes }),
        (".{0,40}", any::<Option<u64>>()).prop_map(|(session, since)| {
            Frame::Open(Open::AttachTerminal(AttachTerminal::new(session, since)))
        }),
    ]
}

fn encoded(frames: &[Frame]) -> BytesMut {
    let mut wire = BytesMut::new();
    frames.iter().for_each(|frame| Codec.encode(frame.clone(), &mut wire).unwrap());
    wire
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut(
        frames in prop::collection::vec(frame(), 0..8), cut in 1_usize..300,
    ) {
        let wire = encoded(&frames);
        let (mut arrived, mut seen) = (BytesMut::new(), Vec::new());
        for piece in wire.chunks(cut) {
            arrived.extend_from_slice(piece);
            while let Some(frame) = Codec.decode(&mut arrived).unwrap() {
                seen.push(frame);
            }
        }
        prop_assert_eq!(seen, frames);
        prop_assert!(arrived.is_empty());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic_or_wait_for_more_than_a_frame(
        noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut noise = BytesMut::from(&noise[..]);
        while let Ok(Some(_)) = Codec.decode(&mut noise) {}
        prop_assert!(noise.capacity() <= HEADER_BYTES + MAX_PAYLOAD_BYTES + 300);
    }

    #[test]
    fn a_frame_read_alone_leaves_what_follows_it(frame in frame(), rest in bytes()) {
        let mut wire = encoded(std::slice::from_ref(&frame));
        wire.extend_from_slice(&rest);
        let mut wire = &wire[..];
        let read = futures::executor::block_on(read_frame(&mut wire)).unwrap();
        prop_assert_eq!((read, wire), (frame, &rest[..]));
    }
}

#[test]
fn a_frame_that_is_too_long_is_refused_on_both_sides() {
    let long = Frame::Input(vec![0; MAX_PAYLOAD_BYTES + 1].into());
    let mut wire = BytesMut::new();
    assert!(matches!(Codec.encode(long, &mut wire), Err(CodecError::TooLong { .. })));
    assert!(wire.is_empty());
    let mut header = BytesMut::from(&[0x20, 0, 1, 0, 1][..]);
    assert!(matches!(Codec.decode(&mut header), Err(CodecError::TooLong { .. })));
}

#[test]
fn bytes_behind_the_last_field_are_refused() {
    let mut wire = BytesMut::from(&[0x25, 0, 0, 0, 1, 9][..]);
    assert!(matches!(Codec.decode(&mut wire), Err(CodecError::Malformed { .. })));
}
