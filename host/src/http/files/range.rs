//! Which part of a file a request wants (RFC 9110, section 14).

/// What to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Part {
    Whole,
    /// These bytes, both included.
    Bytes {
        first: u64,
        last: u64,
    },
    /// No byte of the file is in what is wanted.
    Nothing,
}

/// Reads a `Range` header for a file of `size` bytes. What is no range of bytes,
/// and several ranges at once, are answered with the whole, as the RFC allows.
pub(in crate::http) fn parse(header: &str, size: u64) -> Part {
    let Some(range) = header.trim().strip_prefix("bytes=") else { return Part::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Part::Whole };
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => part(first, u64::MAX, size),
        (Some(first), Some(last)) if first <= last => part(first, last, size),
        (None, Some(0)) if first.is_empty() => Part::Nothing,
        (None, Some(suffix)) if first.is_empty() => {
            part(size.saturating_sub(suffix), u64::MAX, size)
        }
        _ => Part::Whole,
    }
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn part(first: u64, last: u64, size: u64) -> Part {
    if first >= size { Part::Nothing } else { Part::Bytes { first, last: last.min(size - 1) } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_bytes_are_given() {
        assert_eq!(parse("bytes=0-3", 10), Part::Bytes { first: 0, last: 3 });
    }

    #[test]
    fn the_rest_is_given() {
        assert_eq!(parse("bytes=4-", 10), Part::Bytes { first: 4, last: 9 });
    }

    #[test]
    fn the_last_bytes_are_given() {
        assert_eq!(parse("bytes=-3", 10), Part::Bytes { first: 7, last: 9 });
        assert_eq!(parse("bytes=-99", 10), Part::Bytes { first: 0, last: 9 });
    }

    #[test]
    fn a_range_that_ends_behind_the_file_ends_with_it() {
        assert_eq!(parse("bytes=8-99", 10), Part::Bytes { first: 8, last: 9 });
    }

    #[test]
    fn a_range_behind_the_file_can_t_be_given() {
        assert_eq!(parse("bytes=10-", 10), Part::Nothing);
        assert_eq!(parse("bytes=0-", 0), Part::Nothing);
        assert_eq!(parse("bytes=-0", 10), Part::Nothing);
    }

    #[test]
    fn what_is_no_range_of_bytes_is_answered_with_the_whole() {
        let odd = ["", "bytes", "bytes=", "bytes=-", "bytes=3-1", "lines=0-1", "bytes=0-1,3-4"];
        assert!(odd.iter().all(|header| parse(header, 10) == Part::Whole));
        assert_eq!(parse("bytes=+1-2", 10), Part::Whole);
    }

    proptest! {
        #[test]
        fn what_is_given_is_in_the_file(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in 0..1_000_u64) {
            if let Part::Bytes { first, last } = parse(&header, size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
