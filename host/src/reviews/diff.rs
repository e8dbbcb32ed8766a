//! Room reviews: what changed from one submission to another.
//!
//! A diff has bounds: files, bytes that are read, lines that are shown, and time. What is
//! beyond one of them is named all the same, and said to be cut.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{DiffOp, group_diff_ops};

use super::changes::{self, Change};
use super::lines::{self, MAX_LINES, MAX_TEXT_BYTES, compare, is_binary};
use super::snapshot::{Contents, File, Index};
use super::{Error, Reviews, Submission};
use crate::files;

/// Changed files that one diff names.
const MAX_FILES: usize = 2_000;

/// Bytes of files that are read for one diff.
const MAX_READ_BYTES: u64 = 16 * 1024 * 1024;

/// Lines that one diff shows, and their bytes.
const MAX_SHOWN_LINES: usize = 20_000;
const MAX_SHOWN_BYTES: usize = 4 * 1024 * 1024;

/// How long the comparing may take, and that of one file; one that takes longer is shown
/// with more lines changed than need be.
const PATIENCE: Duration = Duration::from_secs(10);
const FILE_PATIENCE: Duration = Duration::from_secs(1);

/// Lines that are shown around a change.
const CONTEXT: usize = 3;

/// What a submission is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// The one before it in the project; nothing where it is the first.
    Before,
    /// A project without files.
    Nothing,
    Other(Box<Submission>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// What it was compared with, unless that was nothing.
    pub against: Option<Submission>,
    pub files: Vec<FileDiff>,
    /// Files that changed as well and are not named.
    pub more_files: usize,
}

/// A file that changed; it is there before, after, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    pub old: Option<File>,
    pub new: Option<File>,
    /// In hundredths, of a file that was renamed.
    pub similarity: Option<u8>,
    pub content: Compared,
}

/// What changed in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Its lines; none where only its name or its right to be executed did.
    Hunks(Vec<Hunk>),
    /// It is no text.
    Binary,
    Cut(Cut),
}

/// Why what changed in a file is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is too long to be compared.
    FileSize,
    /// The diff shows as much as it may; ask for this file alone.
    DiffSize,
    /// The time is over; ask for this file alone.
    Time,
}

impl Cut {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileSize => "file_size",
            Self::DiffSize => "diff_size",
            Self::Time => "time",
        }
    }
}

/// Changes that stand together, and what is around them. Lines count from one; where a
/// side has none, its start is the line before, as in every unified diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    pub old_start: usize,
    pub old_lines: usize,
    pub new_start: usize,
    pub new_lines: usize,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: LineKind,
    /// Where it stands before and after.
    pub old: Option<usize>,
    pub new: Option<usize>,
    /// Without its end.
    pub text: Vec<u8>,
    /// The file ends here, without an end of line.
    pub is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Context,
    Deleted,
    Added,
}

impl Reviews {
    /// What changed, in all files or in the one that has or had this path.
    pub async fn diff(
        &self,
        submission: &Submission,
        against: Against,
        path: Option<&str>,
    ) -> Result<Diff, Error> {
        let _turn = self.comparing.acquire().await.map_err(|_| files::Error::Stopping)?;
        let against = match against {
            Against::Before => self.store.before(submission).await?,
            Against::Nothing => None,
            Against::Other(other) => Some(*other),
        };
        let old = match &against {
            Some(old) => self.snapshots.index(old).await?,
            None => Index::default(),
        };
        let new = self.snapshots.index(submission).await?;
        let mut contents = Contents::new();
        let sides = (against.as_ref(), submission);
        let mut changes = self.changes(sides, (&old, &new), &mut contents).await?;
        changes.retain(|change| path.is_none_or(|path| names(change, path)));
        let more_files = changes.len().saturating_sub(MAX_FILES);
        changes.truncate(MAX_FILES);
        self.read_changed(sides, &changes, &mut contents).await?;
        let until = Instant::now() + PATIENCE;
        let files = tokio::task::spawn_blocking(move || compare_all(changes, &contents, until));
        let files = files.await.map_err(|_| files::Error::Stopping)?;
        Ok(Diff { against, files, more_files })
    }

    /// Which files changed; what had to be read to find those that were renamed is in
    /// `contents`.
    pub(super) async fn changes(
        &self,
        (before, after): (Option<&Submission>, &Submission),
        (old, new): (&Index, &Index),
        contents: &mut Contents,
    ) -> Result<Vec<Change>, Error> {
        let pairing = changes::pair(old, new);
        let (gone, added) = pairing.candidates();
        if let Some(before) = before {
            let (mut budget, gone) = (MAX_READ_BYTES, gone);
            let gone = within(&mut budget, gone);
            let added = within(&mut budget, added);
            self.snapshots.contents(&before.id, gone, contents).await?;
            self.snapshots.contents(&after.id, added, contents).await?;
        }
        Ok(pairing.settle(contents))
    }

    /// Reads what is to be compared, as much of it as may be.
    pub(super) async fn read_changed(
        &self,
        (before, after): (Option<&Submission>, &Submission),
        changes: &[Change],
        contents: &mut Contents,
    ) -> Result<(), Error> {
        let mut budget = MAX_READ_BYTES;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for change in changes.iter().filter(|change| is_comparable(change)) {
            let files = change.old.iter().chain(&change.new);
            let size: u64 = files.map(|file| file.size_bytes).sum();
            if size > budget {
                continue;
            }
            budget -= size;
            old.extend(&change.old);
            new.extend(&change.new);
        }
        if let Some(before) = before {
            self.snapshots.contents(&before.id, old, contents).await?;
        }
        self.snapshots.contents(&after.id, new, contents).await
    }
}

/// As many as may be read.
fn within<'a>(budget: &mut u64, files: Vec<&'a File>) -> Vec<&'a File> {
    let mut fits = |file: &&File| {
        let left = budget.checked_sub(file.size_bytes);
        *budget = left.unwrap_or(*budget);
        left.is_some()
    };
    files.into_iter().filter(|file| fits(file)).collect()
}

fn names(change: &Change, path: &str) -> bool {
    change.old.iter().chain(&change.new).any(|file| file.path == path)
}

/// Neither side is too long, and they are not the same.
fn is_comparable(change: &Change) -> bool {
    let mut sides = change.old.iter().chain(&change.new);
    sides.all(|file| file.size_bytes <= MAX_TEXT_BYTES) && !holds_the_same(change)
}

pub(super) fn holds_the_same(change: &Change) -> bool {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) => old.sha256 == new.sha256,
        _ => false,
    }
}

fn compare_all(changes: Vec<Change>, contents: &Contents, until: Instant) -> Vec<FileDiff> {
    let mut left = Left { lines: MAX_SHOWN_LINES, bytes: MAX_SHOWN_BYTES };
    let compared = changes.into_iter().map(|change| {
        let content = compare_one(&change, contents, until);
        let content = match content {
            Compared::Hunks(hunks) => left.show(hunks),
            content => content,
        };
        let Change { old, new, similarity } = change;
        FileDiff { old, new, similarity, content }
    });
    compared.collect()
}

fn compare_one(change: &Change, contents: &Contents, until: Instant) -> Compared {
    if holds_the_same(change) {
        return Compared::Hunks(Vec::new());
    }
    if !is_comparable(change) {
        return Compared::Cut(Cut::FileSize);
    }
    let content = |file: &Option<File>| match file {
        None => Some(&[][..]),
        Some(file) => contents.get(&file.sha256).map(|content| &content[..]),
    };
    let (Some(old), Some(new)) = (content(&change.old), content(&change.new)) else {
        return Compared::Cut(Cut::DiffSize);
    };
    if is_binary(old) || is_binary(new) {
        return Compared::Binary;
    }
    let (old, new) = (lines::lines(old), lines::lines(new));
    if old.len().max(new.len()) > MAX_LINES {
        return Compared::Cut(Cut::FileSize);
    }
    let now = Instant::now();
    if now >= until {
        return Compared::Cut(Cut::Time);
    }
    Compared::Hunks(hunks(&old, &new, compare(&old, &new, until.min(now + FILE_PATIENCE))))
}

/// How much may still be shown.
struct Left {
    lines: usize,
    bytes: usize,
}

impl Left {
    fn show(&mut self, hunks: Vec<Hunk>) -> Compared {
        let lines = || hunks.iter().flat_map(|hunk| &hunk.lines);
        let (count, bytes) = (lines().count(), lines().map(|line| line.text.len()).sum());
        let (lines, bytes) = (self.lines.checked_sub(count), self.bytes.checked_sub(bytes));
        let (Some(lines), Some(bytes)) = (lines, bytes) else {
            return Compared::Cut(Cut::DiffSize);
        };
        *self = Self { lines, bytes };
        Compared::Hunks(hunks)
    }
}

fn hunks(old: &[&[u8]], new: &[&[u8]], ops: Vec<DiffOp>) -> Vec<Hunk> {
    group_diff_ops(ops, CONTEXT).iter().map(|ops| hunk(old, new, ops)).collect()
}

fn hunk(old: &[&[u8]], new: &[&[u8]], ops: &[DiffOp]) -> Hunk {
    let of = |range: fn(&DiffOp) -> Range<usize>| {
        let start = ops.first().map_or(0, |op| range(op).start);
        let count = ops.last().map_or(0, |op| range(op).end) - start;
        (start + usize::from(count > 0), count)
    };
    let (old_start, old_lines) = of(DiffOp::old_range);
    let (new_start, new_lines) = of(DiffOp::new_range);
    let lines = ops.iter().flat_map(|op| lines_of(old, new, op)).collect();
    Hunk { old_start, old_lines, new_start, new_lines, lines }
}

fn lines_of(old: &[&[u8]], new: &[&[u8]], op: &DiffOp) -> Vec<Line> {
    let line = |kind, text: &[u8], (old, new): (Option<usize>, Option<usize>)| {
        let ended = text.strip_suffix(b"\n");
        let number = |at: usize| at + 1;
        Line {
            kind,
            old: old.map(number),
            new: new.map(number),
            text: ended.unwrap_or(text).to_vec(),
            is_open: ended.is_none(),
        }
    };
    if let DiffOp::Equal { .. } = op {
        let both = op.old_range().zip(op.new_range());
        return both.map(|(a, b)| line(LineKind::Context, old[a], (Some(a), Some(b)))).collect();
    }
    let deleted = op.old_range().map(|at| line(LineKind::Deleted, old[at], (Some(at), None)));
    let added = op.new_range().map(|at| line(LineKind::Added, new[at], (None, Some(at))));
    deleted.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::tests::{contents_of, index_of};
    use super::*;

    fn compared(old: &str, new: &str) -> Compared {
        compared_until(old, new, Instant::now() + Duration::from_secs(600))
    }

    fn compared_until(old: &str, new: &str, until: Instant) -> Compared {
        let (before, after) = ([("a", old)], [("a", new)]);
        let changes = changes::pair(&index_of(&before), &index_of(&after)).settle(&Contents::new());
        compare_one(&changes[0], &contents_of(&[before, after].concat()), until)
    }

    fn only_hunk(compared: Compared) -> Hunk {
        let Compared::Hunks(mut hunks) = compared else { panic!("{compared:?}") };
        assert_eq!(hunks.len(), 1);
        hunks.remove(0)
    }

    #[test]
    fn a_hunk_says_where_each_line_stands() {
        let hunk = only_hunk(compared("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nfive\n6\n"));
        assert_eq!((hunk.old_start, hunk.old_lines), (2, 5));
        let five = hunk.lines.iter().find(|line| line.kind == LineKind::Added).unwrap();
        assert_eq!((five.old, five.new, &five.text[..]), (None, Some(5), &b"five"[..]));
    }

    #[test]
    fn a_file_that_was_empty_begins_before_its_first_line() {
        let hunk = only_hunk(compared("", "1\n2"));
        assert_eq!((hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines), (0, 0, 1, 2));
        assert_eq!(hunk.lines.iter().map(|line| line.is_open).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_is_no_text_has_no_lines() {
        assert_eq!(compared("a\0", "b"), Compared::Binary);
    }

    #[test]
    fn what_is_too_long_is_said_to_be_cut() {
        let long = "x".repeat(MAX_TEXT_BYTES as usize + 1);
        assert_eq!(compared("a", &long), Compared::Cut(Cut::FileSize));
        assert_eq!(compared("a", &"x\n".repeat(MAX_LINES + 1)), Compared::Cut(Cut::FileSize));
        assert_eq!(compared_until("a", "b", Instant::now()), Compared::Cut(Cut::Time));
    }

    #[test]
    fn more_lines_than_a_diff_shows_are_said_to_be_cut() {
        let mut left = Left { lines: 3, bytes: 100 };
        let hunk = || vec![only_hunk(compared("a\n", "b\n"))];
        assert!(matches!(left.show(hunk()), Compared::Hunks(_)));
        assert_eq!(left.show(hunk()), Compared::Cut(Cut::DiffSize));
    }
}
