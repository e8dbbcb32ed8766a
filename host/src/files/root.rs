//! Room files: a directory that nothing leads out of.
//!
//! Paths are resolved by the kernel beneath one open directory (`openat2` with
//! `RESOLVE_BENEATH`, by cap-std), so that neither `..` nor a link, also one
//! that is put in place at the last moment, leads outside. What is then done
//! is done to one plain name in an open directory, and never follows a link.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{AtFlags, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::Errno;

use super::entry::{self, Entry, EntryKind, Precondition};
use super::path::{MAX_DEPTH, RelPath, TEMPORARY_PREFIX};
use super::{Error, tree};

/// How many links one after the other are followed.
const MAX_LINKS: usize = 8;

const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);

/// Who owns what the host makes: the runtime's user and group.
pub type Owner = (u32, u32);

/// A workspace or job directory, open. Its functions block.
#[derive(Debug)]
pub(super) struct Root {
    dir: Dir,
    owner: Option<Owner>,
}

/// One name in one open directory.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) parent: OwnedFd,
    pub(super) name: String,
}

impl Root {
    /// The one place where a path of the machine is opened.
    pub(super) fn open(path: &Path, owner: Option<Owner>) -> Result<Self, Error> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())
            .map_err(|error| Error::from_io(error, "."))?;
        Ok(Self { dir, owner })
    }

    /// The directory at a path, or the root; links inside are followed.
    pub(super) fn directory(&self, path: Option<&str>) -> Result<OwnedFd, Error> {
        let path = path.unwrap_or(".");
        self.open_directory(path).map_err(|error| Error::from_io(error, path))
    }

    /// cap-std's own `open_dir` gives a handle that can't be flushed.
    fn open_directory(&self, path: &str) -> std::io::Result<OwnedFd> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::DIRECTORY.bits().cast_signed());
        Ok(self.dir.open_with(path, &options)?.into_std().into())
    }

    /// What stands at a path; a link is not followed.
    pub(super) fn entry(&self, path: &RelPath) -> Result<Entry, Error> {
        let stat = self.place(path.as_str(), false)?.found()?;
        stat.map(|stat| Entry::new(path.to_string(), &stat))
            .ok_or_else(|| Error::NotFound(path.to_string()))
    }

    /// Opens a file for reading; links inside are followed. Opening does not
    /// wait, whatever stands there.
    pub(super) fn open_file(&self, path: &RelPath) -> Result<(Entry, File), Error> {
        let mut options = OpenOptions::new();
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        options.read(true).custom_flags(flags);
        let file = self
            .dir
            .open_with(path.as_str(), &options)
            .map_err(|error| Error::from_io(error, path.as_str()))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| Error::from_errno(errno, path))?;
        self.check_ordinary(path, &stat)?;
        Ok((Entry::new(path.to_string(), &stat), file.into_std()))
    }

    /// Refuses what is no file of this project. A file with further names (a
    /// hard link) may be one from outside; it is taken for the project's own
    /// only if it belongs to the runtime's user.
    pub(super) fn check_ordinary(&self, path: &RelPath, stat: &Stat) -> Result<(), Error> {
        let own = self.owner.is_some_and(|(uid, _)| uid == stat.st_uid);
        match entry::kind(stat) {
            EntryKind::Directory => Err(Error::IsDirectory(path.to_string())),
            EntryKind::File if stat.st_nlink <= 1 || own => Ok(()),
            _ => Err(Error::Special(path.to_string())),
        }
    }

    /// Makes a directory, and its parents.
    pub(super) fn create_directory(&self, path: &RelPath) -> Result<Entry, Error> {
        let place = self.place(path.as_str(), true)?;
        match rustix::fs::mkdirat(&place.parent, &place.name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(Error::Exists(path.to_string())),
            Err(errno) => return Err(Error::from_errno(errno, path)),
        }
        let dir = self.own_directory(&place.parent, &place.name, path.as_str())?;
        let stat = rustix::fs::fstat(&dir).map_err(|errno| Error::from_errno(errno, path))?;
        Ok(Entry::new(path.to_string(), &stat))
    }

    /// Makes a directory whose parents are there; one that is there already is
    /// no error.
    pub(super) fn make_plain_directory(&self, path: &str) -> Result<(), Error> {
        let place = self.place(path, false)?;
        self.make_directory(&place.parent, &place.name, path).map(drop)
    }

    /// Moves a file or directory, making the parents of where it goes.
    pub(super) fn rename(
        &self,
        from: &RelPath,
        to: &RelPath,
        overwrite: bool,
    ) -> Result<(), Error> {
        if to.is_below(from) {
            return Err(Error::IntoItself(from.to_string()));
        }
        let source = self.place(from.as_str(), false)?;
        if source.found()?.is_none() {
            return Err(Error::NotFound(from.to_string()));
        }
        let target = self.place(to.as_str(), true)?;
        let flags = if overwrite { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        rustix::fs::renameat_with(
            &source.parent,
            &source.name,
            &target.parent,
            &target.name,
            flags,
        )
        .map_err(|errno| match errno {
            Errno::INVAL => Error::IntoItself(from.to_string()),
            errno => Error::from_errno(errno, to),
        })?;
        source.sync(from)?;
        target.sync(to)
    }

    /// Removes what stands at a path: a link, not what it points to. Answers
    /// whether there was something, and what is left to clear away.
    pub(super) fn remove(
        &self,
        path: &RelPath,
        recursive: bool,
        precondition: &Precondition,
    ) -> Result<Removed, Error> {
        let place = match self.place(path.as_str(), false) {
            Err(Error::NotFound(_)) if *precondition == Precondition::None => {
                return Ok(Removed::Nothing);
            }
            place => place?,
        };
        let found = place.found()?;
        check(precondition, path, found.as_ref())?;
        let Some(stat) = found else { return Ok(Removed::Nothing) };
        let removed = if entry::kind(&stat) != EntryKind::Directory {
            place.unlink(AtFlags::empty()).map(|()| Removed::Whole)
        } else if recursive {
            place.set_aside().map(Removed::Aside)
        } else {
            place.unlink(AtFlags::REMOVEDIR).map(|()| Removed::Whole)
        }
        .map_err(|errno| Error::from_errno(errno, path))?;
        Ok(removed)
    }

    /// The name at a path, its last link not followed.
    pub(super) fn place(&self, path: &str, make_parents: bool) -> Result<Place, Error> {
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        if matches!(name, "" | "." | "..") {
            return Err(Error::IsDirectory(path.to_owned()));
        }
        let parent = match self.open_directory(parent) {
            Ok(dir) => dir,
            Err(error) if make_parents && error.kind() == std::io::ErrorKind::NotFound => {
                self.make_parents(parent)?
            }
            Err(error) => return Err(Error::from_io(error, path)),
        };
        Ok(Place { parent, name: name.to_owned() })
    }

    /// The name that a path leads to when links are followed, for a save.
    pub(super) fn target(&self, path: &RelPath) -> Result<(Place, Option<Stat>), Error> {
        self.resolve(path).map(|(_, place, found)| (place, found))
    }

    /// The same, and the path that it is found under again.
    pub(super) fn resolve(&self, path: &RelPath) -> Result<(String, Place, Option<Stat>), Error> {
        let mut at = path.to_string();
        for _ in 0..MAX_LINKS {
            let place = self.place(&at, true)?;
            match place.found()? {
                Some(stat) if entry::kind(&stat) == EntryKind::Symlink => {
                    at = place.follow(&at)?;
                }
                found => return Ok((at, place, found)),
            }
        }
        Err(Error::Outside(path.to_string()))
    }

    /// Each prefix is resolved from the root anew, since a link in it may lead
    /// to another place inside.
    fn make_parents(&self, path: &str) -> Result<OwnedFd, Error> {
        let mut dir = self.directory(None)?;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for (end, name) in ends.zip(path.split('/')).take(MAX_DEPTH) {
            dir = match self.open_directory(&path[..end]) {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.make_directory(&dir, name, path)?
                }
                Err(error) => return Err(Error::from_io(error, path)),
            };
        }
        Ok(dir)
    }

    fn make_directory(&self, parent: &OwnedFd, name: &str, path: &str) -> Result<OwnedFd, Error> {
        match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => self.own_directory(parent, name, path),
            // Somebody else made it a moment ago.
            Err(Errno::EXIST) => open_plain_directory(parent.as_fd(), name)
                .map_err(|errno| Error::from_errno(errno, path)),
            Err(errno) => Err(Error::from_errno(errno, path)),
        }
    }

    /// Hands a new directory to the runtime's user and makes it safe on disk.
    fn own_directory(&self, parent: &OwnedFd, name: &str, path: &str) -> Result<OwnedFd, Error> {
        let made = || {
            let dir = open_plain_directory(parent.as_fd(), name)?;
            self.give(dir.as_fd())?;
            rustix::fs::fchmod(&dir, DIRECTORY_MODE)?;
            rustix::fs::fsync(parent)?;
            Ok(dir)
        };
        made().map_err(|errno| Error::from_errno(errno, path))
    }

    /// Gives something open to the runtime's user.
    pub(super) fn give(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        let Some((uid, gid)) = self.owner else { return Ok(()) };
        rustix::fs::fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
    }
}

/// What a removal did.
#[derive(Debug)]
pub(super) enum Removed {
    Nothing,
    Whole,
    /// The directory is gone from where it was and still to be cleared.
    Aside(Aside),
}

/// A directory under a name that nobody sees.
#[derive(Debug)]
pub(super) struct Aside(Place);

impl Aside {
    pub(super) fn clear(self) -> Result<(), Error> {
        let Place { parent, name } = self.0;
        tree::remove(parent.as_fd(), name.as_bytes())
            .map_err(|errno| Error::from_errno(errno, &name))
    }
}

impl Place {
    /// What is there, if anything; a link itself, not its target.
    pub(super) fn found(&self) -> Result<Option<Stat>, Error> {
        match rustix::fs::statat(&self.parent, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::from_errno(errno, &self.name)),
        }
    }

    /// Makes what happened to the name survive a power cut.
    pub(super) fn sync(&self, path: &RelPath) -> Result<(), Error> {
        rustix::fs::fsync(&self.parent).map_err(|errno| Error::from_errno(errno, path))
    }

    fn unlink(&self, flags: AtFlags) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.parent, &self.name, flags)?;
        rustix::fs::fsync(&self.parent)
    }

    fn set_aside(self) -> Result<Aside, Errno> {
        let aside = temporary_name();
        rustix::fs::renameat(&self.parent, &self.name, &self.parent, &aside)?;
        rustix::fs::fsync(&self.parent)?;
        Ok(Aside(Self { parent: self.parent, name: aside }))
    }

    /// The path that the link at `path` leads to.
    fn follow(&self, path: &str) -> Result<String, Error> {
        let outside = || Error::Outside(path.to_owned());
        let link = rustix::fs::readlinkat(&self.parent, &self.name, Vec::new())
            .map_err(|errno| Error::from_errno(errno, path))?;
        let link = link.into_string().map_err(|_| outside())?;
        if link.starts_with('/') {
            return Err(outside());
        }
        Ok(path.rsplit_once('/').map_or(link.clone(), |(parent, _)| format!("{parent}/{link}")))
    }
}

pub(super) fn check(
    precondition: &Precondition,
    path: &RelPath,
    found: Option<&Stat>,
) -> Result<(), Error> {
    let current = found.map(entry::Etag::of);
    if precondition.holds(current.as_ref()) {
        Ok(())
    } else {
        Err(Error::Changed { path: path.to_string(), current })
    }
}

/// A name that nobody guesses, so that nothing is there yet.
pub(super) fn temporary_name() -> String {
    format!("{TEMPORARY_PREFIX}{:032x}", rand::random::<u128>())
}

pub(super) fn open_plain_directory(
    parent: BorrowedFd<'_>,
    name: impl rustix::path::Arg,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}
