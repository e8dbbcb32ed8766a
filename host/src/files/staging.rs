//! Room files: a directory that nobody sees, in which changes are prepared and
//! in which what they replace waits until they count.
//!
//! It lies in the project, so that moving in and out of it is one step of the
//! file system. What is left of it after a kill is swept like any half-done save.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::root::{Place, Root, open_plain_directory, temporary_name};
use super::{Error, tree};

#[derive(Debug)]
pub(super) struct Staging {
    parent: OwnedFd,
    dir: OwnedFd,
    name: String,
    kept: bool,
}

impl Staging {
    /// Makes a new one, which is gone when it is dropped.
    pub(super) fn make(root: &Root) -> Result<Self, Error> {
        let (parent, name) = (root.directory(None)?, temporary_name());
        rustix::fs::mkdirat(&parent, &name, Mode::RWXU)
            .map_err(|errno| Error::from_errno(errno, "."))?;
        Self::open(parent, name)
    }

    /// One that a killed server left.
    pub(super) fn find(root: &Root, name: String) -> Result<Self, Error> {
        Self::open(root.directory(None)?, name)
    }

    fn open(parent: OwnedFd, name: String) -> Result<Self, Error> {
        let dir = open_plain_directory(parent.as_fd(), &name)
            .map_err(|errno| Error::from_errno(errno, &name))?;
        Ok(Self { parent, dir, name, kept: false })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A new file in it.
    pub(super) fn create(&self, name: &str) -> Result<File, Error> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR)
            .map(File::from)
            .map_err(|errno| Error::from_errno(errno, name))
    }

    /// Opens a file in it that was written before.
    pub(super) fn file(&self, name: &str) -> Result<File, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(&self.dir, name, flags, Mode::empty())
            .map(File::from)
            .map_err(|errno| Error::from_errno(errno, name))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), Error> {
        rustix::fs::unlinkat(&self.dir, name, AtFlags::empty())
            .map_err(|errno| Error::from_errno(errno, name))
    }

    pub(super) fn place(&self, name: &str) -> Result<Place, Error> {
        let parent = self.dir.try_clone().map_err(|error| Error::from_io(error, name))?;
        Ok(Place { parent, name: name.to_owned() })
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        let synced = rustix::fs::fsync(&self.dir).and_then(|()| rustix::fs::fsync(&self.parent));
        synced.map_err(|errno| Error::from_errno(errno, "."))
    }

    /// Makes all that was written to it safe on disk, at once.
    pub(super) fn sync_all(&self) -> Result<(), Error> {
        rustix::fs::syncfs(&self.dir).map_err(|errno| Error::from_errno(errno, "."))
    }

    /// Leaves it where it is: what is in it is still wanted.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(errno) = tree::remove(self.parent.as_fd(), self.name.as_bytes()) {
            tracing::warn!(error = %errno, "a staging directory was not removed");
        }
    }
}
