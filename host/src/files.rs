//! Room: the files of a project, seen and changed from outside its runtime.
//!
//! Nothing here leads out of the project's directory, whatever links, races or
//! encodings are tried (`root`). A save is whole or did not happen (`write`).
//! What the host makes belongs to the runtime's user. The directories
//! that programs make may be huge, deep and hostile (`tree`).

mod archive;
mod batch;
mod disk;
mod entry;
mod ignored;
mod landing;
mod path;
mod prepared;
mod quota;
mod root;
mod search;
mod snapshot;
mod staging;
mod tree;
mod undo;
mod watch;
mod write;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use rustix::io::Errno;
use serde::Deserialize;

use crate::clock::Clock;
use crate::events::{Change, Events, What};
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::projects::{Project, Projects};
use crate::quotas::{self, disk_cost};
use crate::tasks::Tasks;
use quota::{Amount, Room};
use watch::Watching;

pub(crate) use archive::Missing;
pub use archive::{Download, Format};
pub(crate) use batch::Record;
pub use batch::{Changed, MAX_OPERATIONS, Operation};
pub use disk::{Content, Disk, Opened, Received};
pub use entry::{Entry, EntryKind, Etag, Precondition};
pub use path::{InvalidPath, MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES, RelPath, TEMPORARY_PREFIX};
pub use root::Owner;
pub use search::{Cut, Found, Match, Query};
pub use snapshot::{Bounds, Frozen, Snapshot};
pub use tree::Listing;
pub use watch::{KEPT_CHANGES, News, Told, Watch};
pub use write::{Save, Saved};

/// Entries answered at once when a list names no limit.
pub const DEFAULT_PAGE: u32 = 200;

/// The most that one page of a list holds.
pub const MAX_PAGE: u32 = 1_000;

/// The most of a file that is held in memory; larger ones are streamed.
pub const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;

/// The kernel stamps files with a clock that lags behind by a tick.
const CLOCK_TICK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest file that a save may make, in bytes.
    pub max_file_bytes: u64,
    /// Bytes that the files of one project may have, all together. What its runtime
    /// may use is limited by its own `disk_limit`.
    pub max_project_bytes: u64,
    /// Files and directories that one project may have.
    pub max_project_files: u64,
}

impl Default for Config {
    fn default() -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        Self { max_file_bytes: GIB, max_project_bytes: 10 * GIB, max_project_files: 500_000 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Path(#[from] InvalidPath),
    #[error("there is no file or directory “{0}”")]
    NotFound(String),
    #[error("“{0}” exists already")]
    Exists(String),
    #[error("the directory “{0}” is not empty; say `recursive` to delete what is in it")]
    NotEmpty(String),
    #[error("“{0}” is a directory")]
    IsDirectory(String),
    #[error("“{0}” is not a directory, or a part of it is not")]
    NotADirectory(String),
    #[error("“{0}” is a pipe, device, socket or a hard link to a file that is not the project's")]
    Special(String),
    #[error("“{0}” leads out of the project, or in a circle; name a file inside it")]
    Outside(String),
    #[error("“{0}” can't be moved into itself")]
    IntoItself(String),
    /// Somebody else changed it meanwhile.
    #[error("“{path}” is not in the version that you named; read it again")]
    Changed { path: String, current: Option<Etag> },
    #[error("a file may have at most {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the disk, or the project's share of it, is full; delete something")]
    NoSpace,
    #[error("the project has as many files and directories as it may; delete some")]
    TooManyFiles,
    /// What its owner has is as much as he may have.
    #[error(transparent)]
    Quota(#[from] quotas::Error),
    #[error("the directory holds more than can be listed; list a directory in it")]
    TooMany,
    #[error("the cursor is not one that a list gave; leave it away to begin anew")]
    Cursor,
    #[error("the search can't be done: {0}")]
    Query(String),
    #[error("the archive can't be unpacked: {0}; nothing was changed")]
    Archive(String),
    #[error("the archive is too large: {0}")]
    ArchiveTooLarge(String),
    /// The sender went away, or sent something broken.
    #[error("the content did not arrive whole: {0}")]
    Body(String),
    #[error(
        "the project can't be taken as a whole: {0}; name in .gitignore what need not be in it"
    )]
    SnapshotTooLarge(String),
    #[error("the machine can't watch one more project; try again later")]
    Unwatchable,
    #[error("the server is stopping")]
    Stopping,
    /// One of a batch, of which nothing was done.
    #[error("operation {number}: {error}; nothing was changed")]
    Operation { number: usize, error: Box<Error> },
    #[error("“{path}”: {error}")]
    Io { path: String, error: io::Error },
}

impl Error {
    /// Says what an operation on `path` came to.
    pub(crate) fn from_io(error: io::Error, path: &str) -> Self {
        let path = path.to_owned();
        let Some(code) = error.raw_os_error() else {
            // cap-std's own refusal carries no number.
            return match error.kind() {
                io::ErrorKind::PermissionDenied => Self::Outside(path),
                _ => Self::Io { path, error },
            };
        };
        match Errno::from_raw_os_error(code) {
            Errno::NOENT => Self::NotFound(path),
            Errno::EXIST => Self::Exists(path),
            Errno::NOTEMPTY => Self::NotEmpty(path),
            Errno::ISDIR => Self::IsDirectory(path),
            Errno::NOTDIR => Self::NotADirectory(path),
            Errno::NXIO | Errno::NODEV => Self::Special(path),
            Errno::XDEV | Errno::LOOP => Self::Outside(path),
            Errno::NOSPC | Errno::DQUOT => Self::NoSpace,
            Errno::NAMETOOLONG => {
                Self::Path(InvalidPath { text: path, why: "with the links in it, it is too long" })
            }
            _ => Self::Io { path, error },
        }
    }

    fn from_errno(errno: Errno, path: impl ToString) -> Self {
        Self::from_io(errno.into(), &path.to_string())
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Also what is in the directories, at whatever depth.
    pub recursive: bool,
    /// [`DEFAULT_PAGE`] if not said; never more than [`MAX_PAGE`].
    pub limit: Option<u32>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl List {
    pub(crate) fn entries(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE) as usize
    }
}

/// The files of all projects. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Files {
    projects: Projects,
    events: Events,
    disk: Disk,
    clock: Clock,
    started: Timestamp,
    watching: Watching,
}

impl Files {
    pub fn new(projects: Projects, clock: &Clock, events: Events, disk: Disk) -> Self {
        let (started, watching) = (clock.now(), Watching::default());
        Self { projects, events, disk, clock: clock.clone(), started, watching }
    }

    /// A page of what the directory at `path`, or the project's root, holds.
    pub async fn list(
        &self,
        project: &Project,
        path: Option<&RelPath>,
        list: List,
    ) -> Result<Listing, Error> {
        let limit = list.entries();
        let dir = self.projects.workspace(&project.id);
        self.disk.list(dir, path.cloned(), list.recursive, limit, list.cursor).await
    }

    /// What stands at a path; a link is not followed.
    pub async fn entry(&self, project: &Project, path: &RelPath) -> Result<Entry, Error> {
        self.disk.entry(self.projects.workspace(&project.id), path.clone()).await
    }

    /// Opens a file for reading; a link that stays inside is followed.
    pub async fn open(&self, project: &Project, path: &RelPath) -> Result<Opened, Error> {
        self.disk.open(self.projects.workspace(&project.id), path.clone()).await
    }

    /// Reads a whole file of at most [`MAX_READ_BYTES`].
    pub async fn read(&self, project: &Project, path: &RelPath) -> Result<Content, Error> {
        self.read_at_most(project, path, MAX_READ_BYTES).await
    }

    /// Reads a whole file of at most `limit` bytes.
    pub async fn read_at_most(
        &self,
        project: &Project,
        path: &RelPath,
        limit: u64,
    ) -> Result<Content, Error> {
        self.disk.read(self.projects.workspace(&project.id), path.clone(), limit).await
    }

    /// Reads the beginning of a file, as far as `limit`.
    pub async fn read_beginning(
        &self,
        project: &Project,
        path: &RelPath,
        limit: u64,
    ) -> Result<Vec<u8>, Error> {
        self.disk.read_beginning(self.projects.workspace(&project.id), path.clone(), limit).await
    }

    /// How many files a project has, and their bytes.
    pub async fn usage(&self, project: &ProjectId) -> Result<(u64, u64), Error> {
        self.disk.usage(self.projects.workspace(project)).await
    }

    pub fn max_file_bytes(&self) -> u64 {
        self.disk.max_file_bytes()
    }

    /// Saves what the stream brings, all of it or nothing.
    pub async fn write<S, E>(
        &self,
        permit: &Permit,
        project: &Project,
        path: &RelPath,
        body: S,
        save: Save,
    ) -> Result<Saved, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        let received = self.receive(project, path, body, save).await?;
        self.land(permit, project, path, received).await
    }

    /// Takes in what will be saved; nobody sees it until it lands.
    pub async fn receive<S, E>(
        &self,
        project: &Project,
        path: &RelPath,
        body: S,
        save: Save,
    ) -> Result<Received, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        let room = self.room_for(project, path).await?;
        let within = (save, room.left.bytes);
        let received = self.disk.receive(room.dir.clone(), path.clone(), body, within).await;
        received.map_err(|error| room.explain(error))
    }

    /// Puts what was received in its place.
    pub async fn land(
        &self,
        _permit: &Permit,
        project: &Project,
        path: &RelPath,
        received: Received,
    ) -> Result<Saved, Error> {
        let taken = self.projects.take_disk(project, disk_cost(received.size_bytes())).await?;
        let saved = match self.disk.land(received).await {
            Ok(saved) => saved,
            Err(error) => {
                taken.give_back().await;
                return Err(error);
            }
        };
        taken.settle(saved.grown_cost()).await;
        // Its directories may be new as well.
        let new = if saved.created { path.as_str().split('/').count() as u64 } else { 0 };
        self.disk.quotas().add(&project.id, new, saved.grown_bytes);
        let change = if saved.created { Change::Created } else { Change::Changed };
        self.publish(project, path.as_str(), change);
        Ok(saved)
    }

    /// Saves what is in memory already.
    pub async fn write_bytes(
        &self,
        permit: &Permit,
        project: &Project,
        path: &RelPath,
        bytes: Bytes,
        save: Save,
    ) -> Result<Saved, Error> {
        let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
        self.write(permit, project, path, body, save).await
    }

    /// Makes a file where nothing is.
    pub async fn create_file(
        &self,
        permit: &Permit,
        project: &Project,
        path: &RelPath,
        bytes: Bytes,
    ) -> Result<Entry, Error> {
        let save = Save { precondition: Precondition::Absent, ..Save::default() };
        match self.write_bytes(permit, project, path, bytes, save).await {
            Ok(saved) => Ok(saved.entry),
            Err(Error::Changed { path, .. } | Error::IsDirectory(path) | Error::Special(path)) => {
                Err(Error::Exists(path))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a directory where nothing is, and its parents.
    pub async fn create_directory(
        &self,
        _permit: &Permit,
        project: &Project,
        path: &RelPath,
    ) -> Result<Entry, Error> {
        let Room { dir, .. } = self.room(project, Amount::entries(1)).await?;
        let taken = self.projects.take_disk(project, disk_cost(0)).await?;
        let entry = match self.disk.create_directory(dir, path.clone()).await {
            Ok(entry) => entry,
            Err(error) => {
                taken.give_back().await;
                return Err(error);
            }
        };
        taken.keep();
        self.disk.quotas().add(&project.id, path.as_str().split('/').count() as u64, 0);
        self.publish(project, path.as_str(), Change::Created);
        Ok(entry)
    }

    /// Removes a file, a link (not what it points to), or a directory; answers
    /// whether there was something. A directory is gone at once, however much
    /// is in it.
    pub async fn delete(
        &self,
        _permit: &Permit,
        project: &Project,
        path: &RelPath,
        recursive: bool,
        precondition: Precondition,
    ) -> Result<bool, Error> {
        let dir = self.projects.workspace(&project.id);
        let removed = self.disk.remove(dir, path.clone(), recursive, precondition).await?;
        if removed {
            self.disk.quotas().forget(&project.id);
            self.publish(project, path.as_str(), Change::Deleted);
        }
        Ok(removed)
    }

    /// Moves a file or directory; the parents of `to` are made.
    pub async fn rename(
        &self,
        _permit: &Permit,
        project: &Project,
        from: &RelPath,
        to: &RelPath,
        overwrite: bool,
    ) -> Result<(), Error> {
        let dir = self.projects.workspace(&project.id);
        self.disk.rename(dir, from.clone(), to.clone(), overwrite).await?;
        self.publish(project, from.as_str(), Change::Deleted);
        self.publish(project, to.as_str(), Change::Created);
        Ok(())
    }

    /// Removes what a killed host left half done in the workspaces below
    /// `root`: only what is older than this host's start. For the background
    /// after a start; until then no list shows it.
    pub async fn sweep(&self, root: PathBuf) -> Result<u64, Error> {
        let (before, mut removed, mut cursor) = (self.started - CLOCK_TICK, 0, None);
        loop {
            let page = self.disk.list(root.clone(), None, false, MAX_PAGE as usize, cursor).await?;
            for entry in page.entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
                removed += self.disk.sweep(root.join(&entry.path), before).await?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(removed);
            }
        }
    }

    /// Sweeps once, while the server goes about its work.
    pub fn sweep_once(&self, root: PathBuf, tasks: &Tasks) {
        let files = self.clone();
        tasks.run("files sweep", async move {
            match files.sweep(root).await {
                // No project has been made yet.
                Ok(0) | Err(Error::NotFound(_)) => {}
                Ok(removed) => tracing::info!(removed, "half-done saves are gone"),
                Err(error) => tracing::warn!(%error, "half-done saves were not removed"),
            }
        });
    }

    /// The project's directory, for what takes room in it.
    fn growing(&self, project: &Project) -> Result<PathBuf, Error> {
        if self.projects.is_full(&project.id) {
            return Err(Error::NoSpace);
        }
        Ok(self.projects.workspace(&project.id))
    }

    fn publish(&self, project: &Project, path: &str, change: Change) {
        let (id, path) = (project.id.clone(), path.to_owned());
        self.events.publish(project.about(), What::File { project: id, path, change });
    }
}
