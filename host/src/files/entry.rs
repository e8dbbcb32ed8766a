//! Room files: what is known of a file or directory, and its version.

use std::fmt;

use jiff::Timestamp;
use rustix::fs::{FileType, Stat};

const OWNER_EXECUTES: u32 = 0o100;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
    /// A pipe, device or socket: shown, and neither read nor written.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the project's root. A name that is not UTF-8 shows replacement
    /// characters and can't be named in a request.
    pub path: String,
    pub kind: EntryKind,
    pub size_bytes: u64,
    pub modified: Timestamp,
    /// Whether its owner may execute it.
    pub executable: bool,
    pub etag: Etag,
}

impl Entry {
    pub(super) fn new(path: String, stat: &Stat) -> Self {
        Self {
            path,
            kind: kind(stat),
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            modified: modified(stat),
            executable: stat.st_mode & OWNER_EXECUTES != 0,
            etag: Etag::of(stat),
        }
    }

    /// The last name of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }
}

pub(super) fn kind(stat: &Stat) -> EntryKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Symlink,
        _ => EntryKind::Other,
    }
}

fn modified(stat: &Stat) -> Timestamp {
    let nanos = i32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Timestamp::new(stat.st_mtime, nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The version of a file, as a strong, quoted HTTP entity tag.
///
/// It is made of inode number, size, modification and change time, all in
/// nanoseconds, and so costs one `stat` however large the file is. Why it is
/// sound: a save puts a new inode in place. A write in place sets the change
/// time, which no program can set back. An inode number is used again only
/// after the old file is gone, and then with a later change time. What is left
/// is a program in the runtime that writes in place, twice within one tick of
/// the kernel's clock (at most 4 ms; none since Linux 6.13, whose time stamps
/// tell apart any two changes that somebody looked between), without changing
/// the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    pub(super) fn of(stat: &Stat) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [i128::from(stat.st_ino), i128::from(stat.st_size)] {
            hasher.update(&part.to_be_bytes());
        }
        for (seconds, nanos) in
            [(stat.st_mtime, stat.st_mtime_nsec), (stat.st_ctime, stat.st_ctime_nsec)]
        {
            hasher.update(&i128::from(seconds).to_be_bytes());
            hasher.update(&i128::from(nanos).to_be_bytes());
        }
        let hex = hasher.finalize().to_hex();
        Self(format!("\"{}\"", &hex[..32]))
    }

    /// Takes what a caller sent, quoted as it was given out. A weak tag (`W/…`)
    /// is none of ours and matches nothing.
    pub fn from_caller(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// With its quotes, as a header carries it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must hold of the file that is there for a change to happen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    #[default]
    None,
    /// Something is there (`If-Match: *`).
    Exists,
    /// Nothing is there (`If-None-Match: *`).
    Absent,
    /// It is one of these versions (`If-Match`).
    OneOf(Vec<Etag>),
    /// It is none of these versions (`If-None-Match`).
    NoneOf(Vec<Etag>),
}

impl Precondition {
    pub(super) fn holds(&self, found: Option<&Etag>) -> bool {
        match self {
            Self::None => true,
            Self::Exists => found.is_some(),
            Self::Absent => found.is_none(),
            Self::OneOf(etags) => found.is_some_and(|etag| etags.contains(etag)),
            Self::NoneOf(etags) => found.is_none_or(|etag| !etags.contains(etag)),
        }
    }
}
