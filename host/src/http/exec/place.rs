//! A place in a command's output, as the `id` of an event: the number of the next byte,
//! and what was read of characters that are not whole yet. So whoever comes back with it
//! gets every byte once, and no character in two.

use std::fmt;
use std::str::FromStr;

/// Where a reader is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) next: u64,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.next)?;
        if self.stdout.is_empty() && self.stderr.is_empty() {
            return Ok(());
        }
        write!(f, ".{}.{}", hex(&self.stdout), hex(&self.stderr))
    }
}

impl FromStr for Place {
    type Err = ();

    /// A number alone is a place as well.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let next = parts.next().and_then(|next| next.parse().ok()).ok_or(())?;
        let mut bytes = || parts.next().map_or(Some(Vec::new()), begun).ok_or(());
        Ok(Self { next, stdout: bytes()?, stderr: bytes()? })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// At most the three bytes that a character may lack one of.
fn begun(text: &str) -> Option<Vec<u8>> {
    if text.len() > 6 || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_reads_back(
            next: u64, stdout in prop::collection::vec(any::<u8>(), 0..4),
            stderr in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let place = Place { next, stdout, stderr };
            prop_assert_eq!(place.to_string().parse(), Ok(place));
        }

        #[test]
        fn any_text_is_a_place_or_none(text: String) {
            let _ = text.parse::<Place>();
        }
    }

    #[test]
    fn a_number_is_a_place() {
        assert_eq!("17".parse(), Ok(Place { next: 17, ..Place::default() }));
        assert_eq!("17.zz.".parse::<Place>(), Err(()));
        assert_eq!("x".parse::<Place>(), Err(()));
    }
}
