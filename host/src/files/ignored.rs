//! Room files: what a project's `.gitignore` files name.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::BorrowedFd;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// The directory of a repository's history.
pub(super) const HISTORY: &[u8] = b".git";

/// Lines of one `.gitignore`, and their bytes.
const MAX_LINES: usize = 1_000;
const MAX_BYTES: u64 = 64 * 1024;

/// The rules of the directories on the way to one, and how long their paths are.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    rules: Vec<(usize, Gitignore)>,
}

impl Ignored {
    /// Takes in the rules of a directory; answers what `leave` is told at its end.
    pub(super) fn enter(&mut self, dir: BorrowedFd<'_>, at: &str) -> usize {
        let outside = self.rules.len();
        self.rules.extend(read(dir).map(|rules| (at.len(), rules)));
        outside
    }

    pub(super) fn leave(&mut self, outside: usize) {
        self.rules.truncate(outside);
    }

    /// The rule that stands nearest decides.
    pub(super) fn has(&self, path: &str, is_directory: bool) -> bool {
        let rules = self.rules.iter().rev().map(|(at, rules)| {
            let below = path[*at..].trim_start_matches('/');
            rules.matched(below, is_directory)
        });
        let decided = rules.into_iter().find(|rule| !rule.is_none());
        decided.is_some_and(|rule| rule.is_ignore())
    }
}

fn read(dir: BorrowedFd<'_>) -> Option<Gitignore> {
    let file = open_plain_file(dir, ".gitignore").ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut builder = GitignoreBuilder::new("");
    let lines = BufReader::new(file.take(MAX_BYTES)).lines().map_while(Result::ok);
    for line in lines.take(MAX_LINES) {
        // A line that git would not understand either.
        let _ = builder.add_line(None, &line);
    }
    builder.build().ok()
}

pub(super) fn open_plain_file(dir: BorrowedFd<'_>, name: &str) -> Result<File, Errno> {
    // A pipe is not even opened, lest somebody waits for us.
    let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty()).map(File::from)
}
