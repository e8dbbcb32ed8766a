//! Room files: what a batch does, written down before it is done, so that it
//! can be undone after a failure or a crash.
//!
//! A log is a file of the server's own, outside all workspaces: a line for the
//! project and its staging directory, then one for each step. It is locked while
//! its batch goes on, and the moment in which it is removed is the one from which
//! the batch counts. One that lies there unlocked was left by a killed server.
//!
//! What has an inode number is in one place at a time, which tells of each step
//! whether it was done; so undoing twice, or undoing what never happened, is
//! harmless.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FlockOperation, RenameFlags, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Error;
use super::path::TEMPORARY_PREFIX;
use super::root::{Place, Root, temporary_name};
use super::staging::Staging;
use crate::ids::ProjectId;

/// The longest log that is read again: a batch has a bounded number of steps.
const MAX_LOG_BYTES: u64 = 256 * 1024 * 1024;

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum At {
    Project(String),
    Staged(String),
}

/// One change of a directory, and how to know whether it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A directory comes to be.
    Made { path: String },
    /// What has this inode number goes to where nothing is.
    Moved { from: At, to: At, inode: u64 },
    /// What has this inode number changes places with what is there.
    Swapped { from: At, to: At, inode: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    project: String,
    staging: String,
}

/// Where steps are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) root: &'a Root,
    pub(super) staging: &'a Staging,
}

/// The log of one batch.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
    steps: Vec<Step>,
}

impl Log {
    pub(super) fn begin(folder: &Path, project: &str, staging: &str) -> Result<Self, Error> {
        let path = folder.join(format!("{project}{}", temporary_name()));
        let begun = || {
            std::fs::create_dir_all(folder)?;
            let file = File::options().write(true).create_new(true).open(&path)?;
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
            let mut log = Self { file, path: path.clone(), steps: Vec::new() };
            log.line(&Heading { project: project.to_owned(), staging: staging.to_owned() })?;
            log.file.sync_all()?;
            sync_folder(&path)?;
            Ok(log)
        };
        begun().map_err(unwritten)
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }

    /// Writes steps down, which may be taken after that.
    pub(super) fn append(&mut self, steps: &[Step]) -> Result<(), Error> {
        let written =
            steps.iter().try_for_each(|step| self.line(step)).and_then(|()| self.file.sync_data());
        self.steps.extend_from_slice(steps);
        written.map_err(unwritten)
    }

    /// From here on the batch counts.
    pub(super) fn remove(self) -> Result<(), Error> {
        std::fs::remove_file(&self.path).and_then(|()| sync_folder(&self.path)).map_err(unwritten)
    }

    /// Undoes what was done, the last step first.
    pub(super) fn undo(&self, ground: Ground<'_>) -> Result<(), Error> {
        self.steps.iter().rev().try_for_each(|step| ground.undo(step))
    }
}

/// Undoes what killed servers left half done, and answers how many batches
/// there were. `workspace` names the directory of a project.
pub(super) fn recover(
    folder: &Path,
    workspace: impl Fn(&ProjectId) -> PathBuf,
) -> Result<u64, Error> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(unwritten)?,
    };
    let mut undone = 0;
    for entry in entries {
        undone += u64::from(recover_one(entry.map_err(unwritten)?.path(), &workspace)?);
    }
    Ok(undone)
}

fn recover_one(path: PathBuf, workspace: impl Fn(&ProjectId) -> PathBuf) -> Result<bool, Error> {
    let file = match File::open(&path) {
        // Its server has finished it a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file.map_err(unwritten)?,
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(false),
        locked => locked.map_err(|errno| unwritten(errno.into()))?,
    }
    let mut text = Vec::new();
    (&file).take(MAX_LOG_BYTES).read_to_end(&mut text).map_err(unwritten)?;
    let log = |steps| Log { file, path, steps };
    let Some((project, staging, steps)) = read(&text) else {
        // Not even the heading was written: nothing was done.
        return log(Vec::new()).remove().map(|()| true);
    };
    let log = log(steps);
    match open(&workspace(&project), staging) {
        Ok((root, staging)) => log.undo(Ground { root: &root, staging: &staging })?,
        // The project is gone, or the staging directory: there is nothing to go back to.
        Err(Error::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    log.remove().map(|()| true)
}

/// Owners stay as they are: a step back gives nothing to anybody.
fn open(workspace: &Path, staging: String) -> Result<(Root, Staging), Error> {
    let root = Root::open(workspace, None)?;
    let staging = Staging::find(&root, staging)?;
    Ok((root, staging))
}

/// A line that is cut off was never acted on.
fn read(text: &[u8]) -> Option<(ProjectId, String, Vec<Step>)> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let heading: Heading = serde_json::from_slice(lines.next()?).ok()?;
    let project = heading.project.parse().ok()?;
    let own = heading.staging.starts_with(TEMPORARY_PREFIX) && !heading.staging.contains('/');
    let steps = lines.map_while(|line| serde_json::from_slice(line).ok()).collect();
    own.then_some((project, heading.staging, steps))
}

impl Ground<'_> {
    fn place(&self, at: &At) -> Result<Place, Error> {
        match at {
            At::Project(path) => self.root.place(path, false),
            At::Staged(name) => self.staging.place(name),
        }
    }

    pub(super) fn take(&self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Made { path } => self.root.make_plain_directory(path),
            Step::Moved { from, to, .. } => self.rename(from, to, RenameFlags::NOREPLACE),
            Step::Swapped { from, to, .. } => self.rename(from, to, RenameFlags::EXCHANGE),
        }
    }

    fn rename(&self, from: &At, to: &At, flags: RenameFlags) -> Result<(), Error> {
        let (source, target) = (self.place(from)?, self.place(to)?);
        rustix::fs::renameat_with(&source.parent, &source.name, &target.parent, &target.name, flags)
            .map_err(|errno| Error::from_errno(errno, named(from, to)))
    }

    fn undo(&self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Made { path } => self.unmake(path),
            Step::Moved { from, to, inode } => {
                let done = self.found(to)?.is_some_and(|stat| {
                    // Nobody else puts anything into the staging directory.
                    matches!(to, At::Staged(_)) || stat.st_ino == *inode
                });
                if done { self.back(to, from, RenameFlags::NOREPLACE) } else { Ok(()) }
            }
            Step::Swapped { from, to, inode } => match self.found(from)? {
                Some(stat) if stat.st_ino != *inode => self.back(from, to, RenameFlags::EXCHANGE),
                _ => Ok(()),
            },
        }
    }

    /// What a program put there meanwhile stays, for it is newer.
    fn back(&self, from: &At, to: &At, flags: RenameFlags) -> Result<(), Error> {
        match self.rename(from, to, flags) {
            Err(Error::NotFound(_)) if flags == RenameFlags::EXCHANGE => {
                self.back(from, to, RenameFlags::NOREPLACE)
            }
            Err(Error::Exists(path) | Error::NotFound(path) | Error::NotADirectory(path)) => {
                tracing::warn!(path, "a program was there before a batch was undone");
                Ok(())
            }
            moved => moved,
        }
    }

    fn found(&self, at: &At) -> Result<Option<Stat>, Error> {
        match self.place(at) {
            Ok(place) => place.found(),
            Err(Error::NotFound(_) | Error::NotADirectory(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A directory that holds something by now is somebody's.
    fn unmake(&self, path: &str) -> Result<(), Error> {
        let place = match self.root.place(path, false) {
            Err(Error::NotFound(_) | Error::NotADirectory(_)) => return Ok(()),
            place => place?,
        };
        match rustix::fs::unlinkat(&place.parent, &place.name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(()),
            Err(errno) => Err(Error::from_errno(errno, path)),
        }
    }
}

/// The path that a caller knows.
fn named<'a>(from: &'a At, to: &'a At) -> &'a str {
    match (from, to) {
        (_, At::Project(path)) | (At::Project(path), _) => path,
        (At::Staged(name), At::Staged(_)) => name,
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn unwritten(error: io::Error) -> Error {
    Error::from_io(error, "the record of a batch")
}
