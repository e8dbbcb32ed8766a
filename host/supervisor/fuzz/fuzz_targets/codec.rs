//! Any bytes decode to frames or an error, within the bounds; and what decodes encodes back.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use lockhouse_supervisor::protocol::{Codec, HEADER_BYTES, MAX_PAYLOAD_BYTES};
use tokio_util::codec::{Decoder, Encoder};

fuzz_target!(|bytes: &[u8]| {
    let mut input = BytesMut::from(bytes);
    while let Ok(Some(frame)) = Codec.decode(&mut input) {
        let mut again = BytesMut::new();
        // JSON may grow when written in full, so a frame near the limit may no longer fit.
        if Codec.encode(frame.clone(), &mut again).is_ok() {
            assert!(again.len() <= HEADER_BYTES + MAX_PAYLOAD_BYTES);
            assert_eq!(Codec.decode(&mut again).ok().flatten(), Some(frame));
            assert!(again.is_empty());
        }
    }
});
