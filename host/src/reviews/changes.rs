//! Room reviews: which file of one submission became which of another.
//!
//! A file that is gone and one that is new are the same file, renamed, where they hold the
//! same, or else where they are alike enough (`lines::MIN_SIMILARITY`): those that are
//! most alike first. As many are compared as [`MAX_CANDIDATES`] says; where there are
//! more, only files that hold the same count as renamed.

use std::collections::HashMap;

use super::lines::{MAX_TEXT_BYTES, MIN_SIMILARITY, Sketch, is_binary};
use super::snapshot::{Contents, File, Index};

/// Files that are gone, and files that are new, among which renamed ones are looked for.
const MAX_CANDIDATES: usize = 100;

/// A file that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) old: Option<File>,
    pub(super) new: Option<File>,
    /// In hundredths, of one that was renamed.
    pub(super) similarity: Option<u8>,
}

impl Change {
    /// The path it has, or had last.
    pub(super) fn path(&self) -> &str {
        self.new.as_ref().or(self.old.as_ref()).map_or("", |file| &file.path)
    }
}

/// What changed, as far as names and hashes tell.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    settled: Vec<Change>,
    gone: Vec<File>,
    new: Vec<File>,
}

/// Compares names and hashes.
pub(super) fn pair(old: &Index, new: &Index) -> Pairing {
    let mut pairing = Pairing::default();
    for file in &old.files {
        match new.find(&file.path) {
            None => pairing.gone.push(file.clone()),
            Some(now) if is_same(file, now) => {}
            Some(now) => pairing.settled.push(changed(file, now, None)),
        }
    }
    let is_new = |file: &&File| old.find(&file.path).is_none();
    pairing.new = new.files.iter().filter(is_new).cloned().collect();
    pairing.settle_same();
    pairing
}

fn is_same(old: &File, new: &File) -> bool {
    (&old.sha256, old.executable) == (&new.sha256, new.executable)
}

fn changed(old: &File, new: &File, similarity: Option<u8>) -> Change {
    Change { old: Some(old.clone()), new: Some(new.clone()), similarity }
}

impl Pairing {
    /// Files that hold the same under another name; one of the same last name first.
    fn settle_same(&mut self) {
        let mut by_hash: HashMap<String, Vec<File>> = HashMap::new();
        for file in self.gone.drain(..) {
            by_hash.entry(file.sha256.clone()).or_default().push(file);
        }
        let mut new = std::mem::take(&mut self.new);
        new.retain(|file| {
            let Some(same) = by_hash.get_mut(&file.sha256).filter(|_| file.size_bytes > 0) else {
                return true;
            };
            let named = same.iter().position(|old| name(&old.path) == name(&file.path));
            let Some(at) = named.or_else(|| (!same.is_empty()).then_some(0)) else { return true };
            self.settled.push(changed(&same.remove(at), file, Some(100)));
            false
        });
        self.new = new;
        self.gone = by_hash.into_values().flatten().collect();
        self.gone.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    }

    /// What must be read to find those that are alike: files that are gone, and new ones.
    pub(super) fn candidates(&self) -> (Vec<&File>, Vec<&File>) {
        let (gone, new) = (texts(&self.gone), texts(&self.new));
        let fits = |files: &[&File]| (1..=MAX_CANDIDATES).contains(&files.len());
        if fits(&gone) && fits(&new) { (gone, new) } else { (Vec::new(), Vec::new()) }
    }

    /// All that changed, in the order of their paths.
    pub(super) fn settle(mut self, contents: &Contents) -> Vec<Change> {
        self.settle_alike(contents);
        let Self { settled: mut changes, gone, new } = self;
        changes.extend(gone.into_iter().map(|file| Change {
            old: Some(file),
            new: None,
            similarity: None,
        }));
        changes.extend(new.into_iter().map(|file| Change {
            old: None,
            new: Some(file),
            similarity: None,
        }));
        changes.sort_by(|one, other| one.path().cmp(other.path()));
        changes
    }

    fn settle_alike(&mut self, contents: &Contents) {
        let sketches = |files: Vec<&File>| -> Vec<(String, Sketch)> {
            let known = files.into_iter().filter_map(|file| {
                let content = contents.get(&file.sha256).filter(|content| !is_binary(content))?;
                Some((file.path.clone(), Sketch::of(content)))
            });
            known.collect()
        };
        let (gone, new) = self.candidates();
        let (gone, new) = (sketches(gone), sketches(new));
        let mut alike = Vec::new();
        for (old, one) in &gone {
            for (now, other) in &new {
                let similarity = one.similarity(other);
                if similarity >= MIN_SIMILARITY {
                    alike.push((similarity, old, now));
                }
            }
        }
        // Of those that are as much alike, the first by their paths.
        alike.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.cmp(other)));
        for (similarity, old, now) in alike {
            self.settle_one(old, now, similarity);
        }
    }

    /// Unless either has found another before.
    fn settle_one(&mut self, old: &str, now: &str, similarity: u8) {
        let at = |files: &[File], path: &str| files.iter().position(|file| file.path == path);
        let (Some(old), Some(now)) = (at(&self.gone, old), at(&self.new, now)) else { return };
        let change = changed(&self.gone.remove(old), &self.new.remove(now), Some(similarity));
        self.settled.push(change);
    }
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Those that are neither empty nor too long to be compared.
fn texts(files: &[File]) -> Vec<&File> {
    files.iter().filter(|file| (1..=MAX_TEXT_BYTES).contains(&file.size_bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::tests::{contents_of, index_of};
    use super::*;

    type Files<'a> = &'a [(&'a str, &'a str)];

    /// Each as `old > new`, with how much they are alike.
    fn changes(old: Files<'_>, new: Files<'_>) -> Vec<String> {
        let pairing = pair(&index_of(old), &index_of(new));
        let changes = pairing.settle(&contents_of(&[old, new].concat()));
        let path = |file: &Option<File>| file.as_ref().map_or("-".to_owned(), |f| f.path.clone());
        let shown = changes.iter().map(|change| {
            let similarity = change.similarity.map_or(String::new(), |s| format!(" {s}"));
            format!("{} > {}{similarity}", path(&change.old), path(&change.new))
        });
        shown.collect()
    }

    #[test]
    fn what_is_the_same_is_no_change() {
        assert_eq!(changes(&[("a", "1")], &[("a", "1")]), [] as [&str; 0]);
        assert_eq!(changes(&[("a", "1")], &[("a", "2")]), ["a > a"]);
        assert_eq!(changes(&[("a", "1")], &[("b", "2")]), ["a > -", "- > b"]);
    }

    #[test]
    fn a_file_of_the_same_content_was_renamed() {
        assert_eq!(changes(&[("a/x", "1\n")], &[("b/x", "1\n")]), ["a/x > b/x 100"]);
        let twins = [("a/x", "1\n"), ("a/y", "1\n")];
        assert_eq!(changes(&twins, &[("b/y", "1\n")]), ["a/x > -", "a/y > b/y 100"]);
    }

    #[test]
    fn empty_files_are_not_taken_for_one_another() {
        assert_eq!(changes(&[("a", "")], &[("b", "")]), ["a > -", "- > b"]);
    }

    #[test]
    fn those_most_alike_are_one_file_that_was_renamed() {
        let new = [("b", "1\n2\n3\n5\n"), ("c", "1\n2\n6\n5\n")];
        assert_eq!(changes(&[("a", "1\n2\n3\n4\n")], &new), ["a > b 75", "- > c"]);
    }

    #[test]
    fn files_that_are_hardly_alike_are_two() {
        assert_eq!(changes(&[("a", "1\n2\n3\n")], &[("b", "1\n5\n6\n")]), ["a > -", "- > b"]);
    }
}
