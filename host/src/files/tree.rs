//! Room files: walking directories, whose size and depth are up to whoever
//! filled them.

use std::collections::BinaryHeap;
use std::ops::Bound;
use std::os::fd::{AsFd, BorrowedFd};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;

use super::Error;
use super::entry::{Entry, EntryKind, kind};
use super::path::{MAX_DEPTH, TEMPORARY_PREFIX};
use super::root::{Root, open_plain_directory, temporary_name};

/// Names read for one page of a listing.
const MAX_NAMES_READ: usize = 2_000_000;

/// Directories that are open one below the other in a removal.
const MAX_OPEN: usize = 32;

/// How often a directory is emptied that is very deep, or that a program keeps
/// filling.
const MAX_PASSES: usize = 4_096;

/// A page of what a directory holds, each directory before what is in it and
/// names in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Some directory is too deep to be named in a path; what it holds is not
    /// listed.
    pub clipped: bool,
}

/// Which page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) recursive: bool,
    pub(super) limit: usize,
    pub(super) cursor: Option<String>,
}

pub(super) fn list(root: &Root, path: Option<&str>, page: &Page) -> Result<Listing, Error> {
    let dir = root.directory(path)?;
    let after = page.cursor.as_deref().map(decode).transpose()?.unwrap_or_default();
    let after: Vec<&[u8]> = after.split(|b| *b == b'/').filter(|name| !name.is_empty()).collect();
    let mut walk = Walk {
        recursive: page.recursive,
        limit: page.limit,
        prefix: path.unwrap_or_default().as_bytes().to_vec(),
        below: path.map_or(0, |path| path.split('/').count()),
        entries: Vec::new(),
        last: Vec::new(),
        names_read: 0,
        clipped: false,
    };
    let mut at = Vec::new();
    walk.visit(dir.as_fd(), &mut at, &after)?;
    Ok(walk.finish())
}

fn decode(cursor: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::Cursor)
}

struct Walk {
    recursive: bool,
    limit: usize,
    /// The listed directory, and how deep it is.
    prefix: Vec<u8>,
    below: usize,
    entries: Vec<Entry>,
    /// The last entry's path below the listed directory.
    last: Vec<u8>,
    names_read: usize,
    clipped: bool,
}

impl Walk {
    /// Takes in what `dir` holds after `after`, which names the way to the last
    /// entry of the page before.
    fn visit(
        &mut self,
        dir: BorrowedFd<'_>,
        at: &mut Vec<Vec<u8>>,
        after: &[&[u8]],
    ) -> Result<(), Error> {
        // What is below the last entry comes after it, so it is looked into again.
        let mut from =
            after.first().map_or(Bound::Unbounded, |name| Bound::Included(name.to_vec()));
        loop {
            let room = self.room();
            let names = self.next_names(dir, &from, room)?;
            let all = names.len() < room;
            for name in &names {
                let resumed = after.first().is_some_and(|first| first == name);
                let deeper = if resumed { &after[1..] } else { &[] };
                at.push(name.clone());
                self.take(dir, at, resumed, deeper)?;
                at.pop();
                if self.is_full() {
                    return Ok(());
                }
            }
            match names.last() {
                Some(last) if !all => from = Bound::Excluded(last.clone()),
                _ => return Ok(()),
            }
        }
    }

    fn take(
        &mut self,
        dir: BorrowedFd<'_>,
        at: &mut Vec<Vec<u8>>,
        resumed: bool,
        after: &[&[u8]],
    ) -> Result<(), Error> {
        let name = at.last().cloned().unwrap_or_default();
        let Some(stat) = look(dir, &name)? else { return Ok(()) };
        if !resumed {
            self.push(at, &stat);
        }
        if !self.recursive || kind(&stat) != EntryKind::Directory || self.is_full() {
            return Ok(());
        }
        if self.below + at.len() >= MAX_DEPTH {
            self.clipped = true;
            return Ok(());
        }
        match open_plain_directory(dir, name.as_slice()) {
            Ok(child) => self.visit(child.as_fd(), at, after),
            // It went away or became something else since.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(errno) => Err(Error::from_errno(errno, String::from_utf8_lossy(&name))),
        }
    }

    fn push(&mut self, at: &[Vec<u8>], stat: &Stat) {
        let below = at.join(&b'/');
        if self.entries.len() < self.limit {
            self.last.clone_from(&below);
        }
        let path = if self.prefix.is_empty() {
            below
        } else {
            [self.prefix.as_slice(), &below].join(&b'/')
        };
        self.entries.push(Entry::new(String::from_utf8_lossy(&path).into_owned(), stat));
    }

    /// One entry more than the page holds is looked for: it tells that there is
    /// a next page.
    fn is_full(&self) -> bool {
        self.entries.len() > self.limit
    }

    /// How many names can be of use: those that are missing, and the one that
    /// is only looked into.
    fn room(&self) -> usize {
        self.limit + 2 - self.entries.len().min(self.limit + 1)
    }

    /// The first names after `from`. However many a directory has, no more than
    /// these are held.
    fn next_names(
        &mut self,
        dir: BorrowedFd<'_>,
        from: &Bound<Vec<u8>>,
        room: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut first = BinaryHeap::new();
        for entry in read(dir).map_err(|errno| Error::from_errno(errno, "."))? {
            let (name, _) = entry.map_err(|errno| Error::from_errno(errno, "."))?;
            self.names_read += 1;
            if self.names_read > MAX_NAMES_READ {
                return Err(Error::TooMany);
            }
            let after = match from {
                Bound::Unbounded => true,
                Bound::Included(from) => name >= *from,
                Bound::Excluded(from) => name > *from,
            };
            if after && !is_temporary(&name) {
                first.push(name);
                if first.len() > room {
                    first.pop();
                }
            }
        }
        Ok(first.into_sorted_vec())
    }

    fn finish(mut self) -> Listing {
        let more = self.is_full();
        self.entries.truncate(self.limit);
        let next_cursor = more.then(|| URL_SAFE_NO_PAD.encode(&self.last));
        Listing { entries: self.entries, next_cursor, clipped: self.clipped }
    }
}

fn look(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Stat>, Error> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::from_errno(errno, String::from_utf8_lossy(name))),
    }
}

pub(super) fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(TEMPORARY_PREFIX.as_bytes())
}

pub(super) type Named = (Vec<u8>, FileType);

/// The names in a directory, without `.` and `..`.
pub(super) fn read(
    dir: BorrowedFd<'_>,
) -> Result<impl Iterator<Item = Result<Named, Errno>>, Errno> {
    let named = Dir::read_from(dir)?
        .map(|entry| entry.map(|entry| (entry.file_name().to_bytes().to_vec(), entry.file_type())));
    Ok(named.filter(|entry| !matches!(entry, Ok((name, _)) if name == b"." || name == b"..")))
}

pub(super) fn is_empty(dir: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(read(dir)?.next().transpose()?.is_none())
}

/// Removes a file, link or directory with all that is in it. A link is never
/// followed, also if a directory turns into one meanwhile.
///
/// However deep it is, few directories are open at once: what lies deeper is
/// first moved up.
pub(super) fn remove(parent: BorrowedFd<'_>, name: &[u8]) -> Result<(), Errno> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        result => return gone(result),
    }
    for _ in 0..MAX_PASSES {
        let top = match open_plain_directory(parent, name) {
            Ok(top) => top,
            Err(errno) => return gone(Err(errno)),
        };
        empty(top.as_fd(), top.as_fd(), 1)?;
        match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
            // Something was moved up, or put in meanwhile.
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            result => return gone(result),
        }
    }
    Err(Errno::NOTEMPTY)
}

fn empty(dir: BorrowedFd<'_>, top: BorrowedFd<'_>, depth: usize) -> Result<(), Errno> {
    for entry in read(dir)? {
        let (name, _) = entry?;
        let name = name.as_slice();
        match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => {}
            result => {
                gone(result)?;
                continue;
            }
        }
        if depth >= MAX_OPEN {
            gone(rustix::fs::renameat(dir, name, top, temporary_name()))?;
            continue;
        }
        match open_plain_directory(dir, name) {
            Ok(child) => empty(child.as_fd(), top, depth + 1)?,
            Err(errno) => gone(Err(errno))?,
        }
        match rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
            result => gone(result)?,
        }
    }
    Ok(())
}

/// What somebody else removed or replaced is looked at in the next pass.
fn gone(result: Result<(), Errno>) -> Result<(), Errno> {
    match result {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
        result => result,
    }
}

/// Removes what saves and removals of a host that was killed left before
/// `before`, and answers how many there were.
pub(super) fn sweep(dir: BorrowedFd<'_>, before: Timestamp, depth: usize) -> Result<u64, Errno> {
    let mut removed = 0;
    for entry in read(dir)? {
        let (name, file_type) = entry?;
        if is_temporary(&name) {
            removed += u64::from(remove_old(dir, &name, before)?);
        } else if file_type == FileType::Directory && depth < MAX_DEPTH {
            match open_plain_directory(dir, name.as_slice()) {
                Ok(child) => removed += sweep(child.as_fd(), before, depth + 1)?,
                Err(errno) => gone(Err(errno))?,
            }
        }
    }
    Ok(removed)
}

fn remove_old(dir: BorrowedFd<'_>, name: &[u8], before: Timestamp) -> Result<bool, Errno> {
    let stat = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(errno) => return gone(Err(errno)).map(|()| false),
    };
    let nanos = i32::try_from(stat.st_ctime_nsec).unwrap_or(0);
    let old = Timestamp::new(stat.st_ctime, nanos).is_ok_and(|changed| changed < before);
    if old {
        remove(dir, name)?;
    }
    Ok(old)
}

/// Counts files and directories below a directory, and the bytes of the files.
pub(super) fn amount(dir: BorrowedFd<'_>, depth: usize) -> Result<(u64, u64), Errno> {
    let (mut entries, mut bytes) = (0, 0);
    for entry in read(dir)? {
        let (name, file_type) = entry?;
        entries += 1;
        if file_type == FileType::Directory && depth < MAX_DEPTH {
            match open_plain_directory(dir, name.as_slice()) {
                Ok(child) => {
                    let below = amount(child.as_fd(), depth + 1)?;
                    (entries, bytes) = (entries + below.0, bytes + below.1);
                }
                // A directory that is closed to us counts as one.
                Err(Errno::ACCESS) => {}
                Err(errno) => gone(Err(errno))?,
            }
        } else if let Ok(stat) = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            bytes += u64::try_from(stat.st_size).unwrap_or(0);
        }
    }
    Ok((entries, bytes))
}

/// Counts the files below a directory, and their bytes.
pub(super) fn usage(dir: BorrowedFd<'_>, depth: usize) -> Result<(u64, u64), Errno> {
    let (mut files, mut bytes) = (0, 0);
    for entry in read(dir)? {
        let (name, file_type) = entry?;
        if file_type == FileType::Directory && depth < MAX_DEPTH {
            match open_plain_directory(dir, name.as_slice()) {
                Ok(child) => {
                    let below = usage(child.as_fd(), depth + 1)?;
                    (files, bytes) = (files + below.0, bytes + below.1);
                }
                Err(errno) => gone(Err(errno))?,
            }
        } else if let Ok(stat) = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            (files, bytes) = (files + 1, bytes + u64::try_from(stat.st_size).unwrap_or(0));
        }
    }
    Ok((files, bytes))
}
