//! Bytes of an output as text for JSON: a character split between two reads is
//! put together again; what is no UTF-8 stays bytes.

/// The longest character of UTF-8.
const LONGEST_CHARACTER: usize = 4;

/// A part of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Bytes(Vec<u8>),
}

/// Reads one output.
#[derive(Debug, Default)]
pub(super) struct Utf8Reader {
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl Utf8Reader {
    /// One that has read the beginning of a character before.
    pub(super) fn resumed(begun: Vec<u8>) -> Self {
        Self { begun }
    }

    /// The beginning of a character that was read and not told yet.
    pub(super) fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// What can be told now.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let whole = all.len() - unfinished(&all);
        self.begun = all.split_off(whole);
        pieces(all)
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Vec<Piece> {
        pieces(std::mem::take(&mut self.begun))
    }
}

fn pieces(bytes: Vec<u8>) -> Vec<Piece> {
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => Vec::new(),
        Ok(text) => vec![Piece::Text(text)],
        Err(error) => vec![Piece::Bytes(error.into_bytes())],
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(LONGEST_CHARACTER - 1);
    for start in (from..bytes.len()).rev() {
        let needed = match bytes[start] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        let here = bytes.len() - start;
        return if here < needed { here } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(pieces: Vec<Piece>) -> String {
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Bytes(bytes) => panic!("not text: {bytes:?}"),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn text_cut_anywhere_is_put_together_again(whole: String, cut in 0_usize..64) {
            let cut = cut.min(whole.len());
            let mut reader = Utf8Reader::default();
            let mut read = text(reader.read(&whole.as_bytes()[..cut]));
            read += &text(reader.read(&whole.as_bytes()[cut..]));
            read += &text(reader.finish());
            prop_assert_eq!(read, whole);
        }

        #[test]
        fn no_byte_is_lost(bytes: Vec<u8>, cut in 0_usize..64) {
            let cut = cut.min(bytes.len());
            let mut reader = Utf8Reader::default();
            let mut pieces = reader.read(&bytes[..cut]);
            pieces.extend(reader.read(&bytes[cut..]));
            pieces.extend(reader.finish());
            let read: Vec<u8> = pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Piece::Text(text) => text.into_bytes(),
                    Piece::Bytes(bytes) => bytes,
                })
                .collect();
            prop_assert_eq!(read, bytes);
        }
    }

    #[test]
    fn a_byte_that_is_no_text_comes_as_bytes() {
        assert_eq!(Utf8Reader::default().read(&[0xff, b'a']), vec![Piece::Bytes(vec![0xff, b'a'])]);
    }
}
