//! Room reviews: files as lines, and how the lines of one version became those of
//! another. Pure, but for the time that it may take.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use similar::algorithms::IdentifyDistinct;
use similar::{Algorithm, DiffOp, capture_diff_deadline};

/// A file that is longer is not compared line by line.
pub(super) const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// Lines of a file that is compared.
pub(super) const MAX_LINES: usize = 20_000;

/// As git does: what has a NUL within so many bytes is no text.
const LOOKED_AT_BYTES: usize = 8_000;

/// Of how many hundredths two files must be alike to be one that was renamed.
pub(super) const MIN_SIMILARITY: u8 = 50;

pub(super) fn is_binary(content: &[u8]) -> bool {
    content[..content.len().min(LOOKED_AT_BYTES)].contains(&0)
}

/// Each with its end, but for the last one where the file has none there.
pub(super) fn lines(content: &[u8]) -> Vec<&[u8]> {
    content.split_inclusive(|byte| *byte == b'\n').collect()
}

/// How one became the other. What can't be found out in time is said to be all other.
pub(super) fn compare(old: &[&[u8]], new: &[&[u8]], until: Instant) -> Vec<DiffOp> {
    // Numbers compare faster than lines do.
    let numbers = IdentifyDistinct::<u32>::new(old, 0..old.len(), new, 0..new.len());
    capture_diff_deadline(
        Algorithm::Myers,
        numbers.old_lookup(),
        numbers.old_range(),
        numbers.new_lookup(),
        numbers.new_range(),
        Some(until),
    )
}

/// Where a line went; lines count from one. `None` where it was changed or removed.
pub(super) fn follow(ops: &[DiffOp], line: u32) -> Option<u32> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let kept = ops.iter().find_map(|op| match *op {
        DiffOp::Equal { old_index, new_index, len }
            if (old_index..old_index + len).contains(&at) =>
        {
            Some(new_index + (at - old_index))
        }
        _ => None,
    });
    u32::try_from(kept? + 1).ok()
}

/// The lines of a file as numbers, sorted, with their lengths: what likeness is counted by.
#[derive(Debug)]
pub(super) struct Sketch {
    lines: Vec<(u64, usize)>,
    bytes: usize,
}

impl Sketch {
    pub(super) fn of(content: &[u8]) -> Self {
        let number = |line: &[u8]| {
            let mut hasher = DefaultHasher::new();
            line.hash(&mut hasher);
            (hasher.finish(), line.len())
        };
        let mut lines: Vec<_> = lines(content).into_iter().map(number).collect();
        lines.sort_unstable();
        Self { lines, bytes: content.len() }
    }

    /// In hundredths: how many bytes are in lines that both have, wherever they stand,
    /// of the bytes of the larger one.
    pub(super) fn similarity(&self, other: &Self) -> u8 {
        let (mut one, mut two, mut common) = (self.lines.iter(), other.lines.iter(), 0);
        let (mut left, mut right) = (one.next(), two.next());
        while let (Some(a), Some(b)) = (left, right) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => left = one.next(),
                std::cmp::Ordering::Greater => right = two.next(),
                std::cmp::Ordering::Equal => {
                    common += a.1;
                    (left, right) = (one.next(), two.next());
                }
            }
        }
        let larger = self.bytes.max(other.bytes).max(1);
        u8::try_from(common * 100 / larger).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn moved(old: &str, new: &str, line: u32) -> Option<u32> {
        follow(&compare(&lines(old.as_bytes()), &lines(new.as_bytes()), later()), line)
    }

    #[test]
    fn a_line_is_followed_over_what_is_put_before_it() {
        assert_eq!(moved("a\nb\nc\n", "x\ny\na\nb\nc\n", 2), Some(4));
        assert_eq!(moved("x\na\nb\n", "a\nb\n", 3), Some(2));
    }

    #[test]
    fn a_line_that_was_changed_or_removed_went_nowhere() {
        assert_eq!(moved("a\nb\nc\n", "a\nB\nc\n", 2), None);
        assert_eq!(moved("a\nb\nc\n", "a\nc\n", 2), None);
        assert_eq!(moved("a\n", "a\n", 2), None);
        assert_eq!(moved("a\n", "a\n", 0), None);
    }

    #[test]
    fn likeness_counts_the_bytes_of_common_lines() {
        let sketch = |text: &str| Sketch::of(text.as_bytes());
        assert_eq!(sketch("a\nb\n").similarity(&sketch("b\na\n")), 100);
        assert_eq!(sketch("a\nb\n").similarity(&sketch("a\nc\n")), 50);
        assert_eq!(sketch("a\na\n").similarity(&sketch("a\nb\n")), 50);
        assert_eq!(sketch("a\n").similarity(&sketch("b\n")), 0);
        assert_eq!(sketch("").similarity(&sketch("")), 0);
    }

    #[test]
    fn a_nul_makes_a_file_binary() {
        assert!(is_binary(b"PNG\0") && !is_binary("naïve".as_bytes()) && !is_binary(b""));
    }

    /// What the operations say, carried out.
    fn carried_out(old: &[&[u8]], new: &[&[u8]], ops: &[DiffOp]) -> Vec<Vec<u8>> {
        let made = ops.iter().flat_map(|op| match op {
            DiffOp::Equal { .. } => old[op.old_range()].iter(),
            _ => new[op.new_range()].iter(),
        });
        made.map(|line| line.to_vec()).collect()
    }

    proptest! {
        #[test]
        fn the_operations_make_the_new_file_out_of_the_old(old in "[ab\n]{0,40}", new in "[ab\n]{0,40}") {
            let (old, new) = (lines(old.as_bytes()), lines(new.as_bytes()));
            let whole: Vec<Vec<u8>> = new.iter().map(|line| line.to_vec()).collect();
            prop_assert_eq!(carried_out(&old, &new, &compare(&old, &new, later())), whole.clone());
            // Also where there was no time at all.
            prop_assert_eq!(carried_out(&old, &new, &compare(&old, &new, Instant::now())), whole);
        }

        #[test]
        fn a_line_that_is_followed_says_the_same(old in "[abc\n]{0,40}", new in "[abc\n]{0,40}") {
            let (old, new) = (lines(old.as_bytes()), lines(new.as_bytes()));
            let ops = compare(&old, &new, later());
            for at in 1..=old.len() {
                if let Some(now) = follow(&ops, at as u32) {
                    prop_assert_eq!(old[at - 1], new[now as usize - 1]);
                }
            }
        }
    }
}
