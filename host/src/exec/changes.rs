//! Room exec: which files changed while a command ran, whoever changed them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::events::Change;
use crate::files::{Files, Told, Watch};
use crate::projects::Project;
use crate::tasks::Tasks;

/// Files that are named; of more than that, these.
pub const MAX_CHANGES: usize = 256;

/// Bytes of their paths, all together.
const MAX_PATH_BYTES: usize = 32 * 1024;

/// How long a command waits for its files to be watched if nobody asked for that: those of
/// a project that is watched already, or is small, are so sooner.
const AT_ONCE: Duration = Duration::from_millis(50);

/// How long it waits if somebody did.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a command's changes are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Track {
    No,
    /// As far as they can be had without waiting.
    #[default]
    AtOnce,
    Yes,
}

/// What changed, and whether that is all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub files: Vec<(String, Change)>,
    pub complete: bool,
}

/// Watches the files while a command runs.
#[derive(Debug)]
pub(super) struct Tracking {
    files: Files,
    watch: Watch,
}

impl Tracking {
    /// `None` where the files can't be watched, or not in time.
    pub(super) async fn begin(
        files: &Files,
        tasks: &Tasks,
        project: &Project,
        track: Track,
    ) -> Option<Self> {
        let patience = match track {
            Track::No => return None,
            Track::AtOnce => AT_ONCE,
            Track::Yes => PATIENCE,
        };
        let watch = tokio::time::timeout(patience, files.watch(project, None, tasks)).await;
        Some(Self { files: files.clone(), watch: watch.ok()?.ok()? })
    }

    /// What changed up to now.
    pub(super) async fn end(mut self) -> Changes {
        let all = self.files.settle(&self.watch).await;
        let mut tally = Tally { complete: all, ..Tally::default() };
        while let Some(news) = self.watch.next_now() {
            tally.add(news.told);
        }
        tally.finish()
    }
}

/// What the news come to: a file counts once.
#[derive(Debug, Default)]
struct Tally {
    seen: BTreeMap<String, (Change, bool)>,
    bytes: usize,
    complete: bool,
}

impl Tally {
    fn add(&mut self, told: Told) {
        let Told::Change { path, change, is_directory } = told else {
            self.complete = false;
            return;
        };
        let Some((before, _)) = self.seen.get_mut(&path) else {
            return self.add_new(path, (change, is_directory));
        };
        *before = match (*before, change) {
            // It came and went.
            (Change::Created, Change::Deleted) => {
                self.seen.remove(&path);
                return;
            }
            (Change::Created, _) => Change::Created,
            (Change::Deleted, Change::Created) => Change::Changed,
            (_, change) => change,
        };
    }

    fn add_new(&mut self, path: String, change: (Change, bool)) {
        if self.seen.len() >= MAX_CHANGES || self.bytes + path.len() > MAX_PATH_BYTES {
            self.complete = false;
            return;
        }
        self.bytes += path.len();
        self.seen.insert(path, change);
    }

    fn finish(self) -> Changes {
        let files = self.seen.into_iter().filter(|(_, (_, is_directory))| !is_directory);
        let files = files.map(|(path, (change, _))| (path, change)).collect();
        Changes { files, complete: self.complete }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(told: &[(&str, Change)]) -> Changes {
        let mut tally = Tally { complete: true, ..Tally::default() };
        for (path, change) in told {
            let (path, is_directory) = ((*path).to_owned(), path.ends_with('/'));
            tally.add(Told::Change { path, change: *change, is_directory });
        }
        tally.finish()
    }

    #[test]
    fn a_file_counts_once_with_what_became_of_it() {
        let told = [
            ("new", Change::Created),
            ("new", Change::Changed),
            ("passing", Change::Created),
            ("passing", Change::Deleted),
            ("replaced", Change::Deleted),
            ("replaced", Change::Created),
            ("gone", Change::Changed),
            ("gone", Change::Deleted),
        ];
        let expected =
            [("gone", Change::Deleted), ("new", Change::Created), ("replaced", Change::Changed)];
        let expected = expected.map(|(path, change)| (path.to_owned(), change)).to_vec();
        assert_eq!(tally(&told), Changes { files: expected, complete: true });
    }

    #[test]
    fn directories_are_not_files() {
        assert_eq!(tally(&[("d/", Change::Created)]).files, []);
    }

    #[test]
    fn more_than_can_be_named_is_said_to_be_more() {
        let names: Vec<String> = (0..=MAX_CHANGES).map(|n| n.to_string()).collect();
        let told: Vec<_> = names.iter().map(|name| (name.as_str(), Change::Created)).collect();
        let changes = tally(&told);
        assert_eq!((changes.files.len(), changes.complete), (MAX_CHANGES, false));
    }

    #[test]
    fn what_was_missed_is_said_to_be_missing() {
        let mut tally = Tally { complete: true, ..Tally::default() };
        tally.add(Told::Overflow);
        assert!(!tally.finish().complete);
    }
}
