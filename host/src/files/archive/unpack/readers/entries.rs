//! Room files: the names in an archive, each of which may be there once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::shown;
use crate::files::{Error, MAX_DEPTH, RelPath};

/// Entries of one archive.
pub(super) const MAX_ENTRIES: usize = 50_000;

/// Bytes of all names together.
const MAX_NAMES_BYTES: usize = 8 * 1024 * 1024;

/// Names that were seen. They are kept as numbers, since a deep path has many
/// directories, each of which is a name.
#[derive(Debug)]
pub(in super::super) struct Entries {
    below: Option<RelPath>,
    /// By what is the same where upper and lower case are.
    seen: HashMap<u64, Seen>,
    count: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    exact: u64,
    is_directory: bool,
}

impl Entries {
    pub(in super::super) fn new(below: Option<&RelPath>) -> Self {
        Self { below: below.cloned(), seen: HashMap::new(), count: 0, bytes: 0 }
    }

    /// Where a directory goes; `None` where it is the one that all goes to.
    pub(in super::super) fn directory(&mut self, name: &str) -> Result<Option<RelPath>, Error> {
        self.count(name)?;
        let plain = plain(name).trim_end_matches('/');
        if plain.is_empty() || plain == "." {
            return Ok(None);
        }
        let path = self.path(name, plain)?;
        self.note(name, plain, true)?;
        Ok(Some(path))
    }

    /// Where a file goes.
    pub(in super::super) fn file(&mut self, name: &str) -> Result<RelPath, Error> {
        self.count(name)?;
        let plain = plain(name);
        let path = self.path(name, plain)?;
        self.note(name, plain, false)?;
        Ok(path)
    }

    fn count(&mut self, name: &str) -> Result<(), Error> {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(name.len());
        if self.count > MAX_ENTRIES || self.bytes > MAX_NAMES_BYTES {
            return Err(too_many());
        }
        Ok(())
    }

    fn path(&self, name: &str, plain: &str) -> Result<RelPath, Error> {
        let invalid = |error: crate::files::InvalidPath| refused(name, error.why);
        let path: RelPath = plain.parse().map_err(invalid)?;
        match &self.below {
            Some(below) => format!("{below}/{path}").parse().map_err(invalid),
            None => Ok(path),
        }
    }

    /// Takes in a name, and the directories that it needs.
    fn note(&mut self, name: &str, plain: &str, is_directory: bool) -> Result<(), Error> {
        let ends = plain.match_indices('/').map(|(at, _)| at).take(MAX_DEPTH);
        for end in ends {
            self.see(name, &plain[..end], true)?;
        }
        let new = self.see(name, plain, is_directory)?;
        if new || is_directory { Ok(()) } else { Err(refused(name, "is in it twice")) }
    }

    /// Answers whether it is seen for the first time.
    fn see(&mut self, name: &str, path: &str, is_directory: bool) -> Result<bool, Error> {
        let now = Seen { exact: number(path), is_directory };
        match self.seen.insert(number(&path.to_lowercase()), now) {
            None => Ok(true),
            Some(before) if before == now => Ok(false),
            Some(before) if before.exact == now.exact => {
                Err(refused(name, "is a file and a directory"))
            }
            Some(_) => {
                Err(refused(name, "differs from another name in upper and lower case alone"))
            }
        }
    }
}

/// Many programs write `./` before each name.
fn plain(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

fn number(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

pub(super) fn too_many() -> Error {
    Error::ArchiveTooLarge(format!("it has more than {MAX_ENTRIES} entries; send it in parts"))
}

pub(super) fn refused(name: &str, why: &str) -> Error {
    Error::Archive(format!("“{}” in it: {why}", shown(name)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> Entries {
        Entries::new(None)
    }

    #[test]
    fn a_name_that_leads_out_is_refused() {
        for name in ["../a", "/a", "a/../../b", "a\\..\\b", "a\0b", "", ".lockhouse-1"] {
            assert!(entries().file(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_is_in_an_archive_once() {
        let mut entries = entries();
        entries.file("a").unwrap();
        assert!(entries.file("./a").is_err());
    }

    #[test]
    fn directories_may_be_named_again() {
        let mut entries = entries();
        entries.file("a/b").unwrap();
        assert_eq!(entries.directory("a/").unwrap().unwrap().as_str(), "a");
        assert_eq!(entries.directory("./").unwrap(), None);
    }

    #[test]
    fn names_that_differ_in_case_alone_are_refused() {
        let mut entries = entries();
        entries.file("src/Readme").unwrap();
        assert!(entries.file("src/README").is_err());
        assert!(entries.file("SRC/other").is_err());
    }

    #[test]
    fn a_name_is_no_file_and_directory_at_once() {
        let mut entries = entries();
        entries.file("a").unwrap();
        assert!(entries.file("a/b").is_err());
        entries.file("c/d").unwrap();
        assert!(entries.file("c").is_err());
    }

    #[test]
    fn what_is_unpacked_below_a_directory_stays_there() {
        let mut entries = Entries::new(Some(&"lib".parse().unwrap()));
        assert_eq!(entries.file("a/b").unwrap().as_str(), "lib/a/b");
        assert!(entries.file("../x").is_err());
    }

    proptest! {
        #[test]
        fn no_name_at_all_leads_out(name in any::<String>()) {
            if let Ok(path) = Entries::new(Some(&"in".parse().unwrap())).file(&name) {
                prop_assert!(path.as_str().starts_with("in/"));
            }
        }
    }
}
