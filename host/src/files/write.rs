//! Room files: a save that is whole or did not happen.
//!
//! The content goes to a temporary file beside its place, is flushed, and is
//! renamed over it. Between looking at what is there and the rename a lock is
//! held, so that of two editors who race one is told.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::Error;
use super::entry::{Entry, EntryKind, Precondition, kind};
use super::path::RelPath;
use super::root::{Place, Root, check, temporary_name};
use crate::quotas::disk_cost;

const NEW_FILE_MODE: u32 = 0o644;
const EXECUTABLE_BITS: u32 = 0o111;
/// What is kept of a file's mode: a save never hands on set-user-id.
const KEPT_BITS: u32 = 0o777;

/// How a save is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Save {
    pub precondition: Precondition,
    /// Sets or takes the right to execute; without it the mode is kept.
    pub executable: Option<bool>,
}

/// What a save made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub entry: Entry,
    /// Whether nothing was there before.
    pub created: bool,
    /// Bytes more than before.
    pub grown_bytes: i64,
}

impl Saved {
    /// What it takes on the disk more than was there before.
    pub(super) fn grown_cost(&self) -> i64 {
        let cost = |bytes: u64| i64::try_from(disk_cost(bytes)).unwrap_or(i64::MAX);
        let size = self.entry.size_bytes;
        let before = size.saturating_add_signed(self.grown_bytes.saturating_neg());
        cost(size) - if self.created { 0 } else { cost(before) }
    }
}

/// A save that is not done yet; dropped, it leaves nothing.
#[derive(Debug)]
pub(super) struct Draft {
    root: Root,
    path: RelPath,
    place: Place,
    temporary: String,
    file: File,
    landed: bool,
}

impl Draft {
    pub(super) fn begin(root: Root, path: RelPath, save: &Save) -> Result<Self, Error> {
        let (place, found) = root.target(&path)?;
        allowed(&root, &path, found.as_ref(), save)?;
        let temporary = temporary_name();
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&place.parent, &temporary, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| Error::from_errno(errno, &path))?;
        Ok(Self { root, path, place, temporary, file: File::from(file), landed: false })
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| Error::from_io(error, self.path.as_str()))
    }

    /// Puts the content in place, after [`Draft::prepare`].
    pub(super) fn commit(mut self, save: &Save, lock: &Mutex<()>) -> Result<Saved, Error> {
        let before = {
            let _alone = lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.land(save)?
        };
        self.place.sync(&self.path)?;
        let stat =
            rustix::fs::fstat(&self.file).map_err(|errno| Error::from_errno(errno, &self.path))?;
        let grown_bytes = stat.st_size.saturating_sub(before.map_or(0, |stat| stat.st_size));
        let entry = Entry::new(self.path.to_string(), &stat);
        Ok(Saved { entry, created: before.is_none(), grown_bytes })
    }

    /// Makes it all that it will be, but for its place, and flushes it. Owner before mode,
    /// since a change of owner may take bits of the mode.
    pub(super) fn prepare(&self, save: &Save) -> Result<(), Error> {
        let mode = mode(self.place.found()?.as_ref(), save.executable);
        let prepared = || {
            self.root.give(self.file.as_fd())?;
            rustix::fs::fchmod(&self.file, mode)?;
            rustix::fs::fsync(&self.file)
        };
        prepared().map_err(|errno| Error::from_errno(errno, &self.path))
    }

    /// Answers what was there before.
    fn land(&mut self, save: &Save) -> Result<Option<Stat>, Error> {
        let found = self.place.found()?;
        allowed(&self.root, &self.path, found.as_ref(), save)?;
        // A program in the runtime knows no lock: where the caller said that
        // nothing may be there, the kernel sees to it.
        let must_be_new = found.is_none() && save.precondition != Precondition::None;
        let flags = if must_be_new { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
        let Place { parent, name } = &self.place;
        rustix::fs::renameat_with(parent, &self.temporary, parent, name, flags).map_err(
            |errno| match errno {
                Errno::EXIST => Error::Changed { path: self.path.to_string(), current: None },
                errno => Error::from_errno(errno, &self.path),
            },
        )?;
        self.landed = true;
        Ok(found)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.landed
            && let Err(errno) =
                rustix::fs::unlinkat(&self.place.parent, &self.temporary, AtFlags::empty())
        {
            tracing::warn!(error = %errno, path = %self.path, "a temporary file was not removed");
        }
    }
}

/// Whether the save may replace what was found.
pub(super) fn allowed(
    root: &Root,
    path: &RelPath,
    found: Option<&Stat>,
    save: &Save,
) -> Result<(), Error> {
    if let Some(stat) = found
        && kind(stat) != EntryKind::Symlink
    {
        root.check_ordinary(path, stat)?;
    }
    check(&save.precondition, path, found)
}

pub(super) fn mode(found: Option<&Stat>, executable: Option<bool>) -> Mode {
    let kept = found.map_or(NEW_FILE_MODE, |stat| stat.st_mode & KEPT_BITS);
    Mode::from_raw_mode(match executable {
        Some(true) => kept | EXECUTABLE_BITS,
        Some(false) => kept & !EXECUTABLE_BITS,
        None => kept,
    })
}
