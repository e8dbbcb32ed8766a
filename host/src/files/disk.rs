//! Room files: work that blocks, done for whoever keeps files, a bounded
//! number at a time.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::sync::Semaphore;

use super::entry::{Entry, Precondition};
use super::path::RelPath;
use super::quota::Quotas;
use super::root::{Owner, Removed, Root};
use super::tree::{self, Listing, Page};
use super::write::{Draft, Save, Saved};
use super::{Config, Error};

/// File operations that run at once; others wait their turn.
const SLOTS: usize = 32;

/// Searches that run at once: each keeps a processor busy.
const SEARCHES: usize = 2;

/// Locks that projects share, so that their number has a bound.
const LOCKS: usize = 64;

/// Bytes of a body that are held before they go to the disk.
const BUFFER_BYTES: usize = 256 * 1024;

/// The files below directories that the host keeps. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Disk {
    slots: Arc<Semaphore>,
    searches: Arc<Semaphore>,
    locks: Arc<[Mutex<()>]>,
    quotas: Quotas,
    max_file_bytes: u64,
    owner: Option<Owner>,
}

/// What is to be saved, and where.
#[derive(Debug)]
struct Plan {
    dir: PathBuf,
    path: RelPath,
    save: Save,
    owner: Option<Owner>,
}

impl Plan {
    /// Adds to the draft, which begins with the first bytes.
    fn append(&self, draft: Option<Draft>, bytes: &[u8]) -> Result<Draft, Error> {
        let begin =
            || Draft::begin(Root::open(&self.dir, self.owner)?, self.path.clone(), &self.save);
        let mut draft = draft.map_or_else(begin, Ok)?;
        draft.append(bytes)?;
        Ok(draft)
    }
}

/// What is to be saved, whole and flushed, but not in its place yet; dropped, it leaves
/// nothing.
#[derive(Debug)]
pub struct Received {
    plan: Arc<Plan>,
    draft: Draft,
    size_bytes: u64,
}

impl Received {
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// A file that is open, and what it was when it was opened.
#[derive(Debug)]
pub struct Opened {
    pub entry: Entry,
    pub file: std::fs::File,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub entry: Entry,
    pub bytes: Vec<u8>,
}

impl Disk {
    /// What is made belongs to `owner`, where one is given: the runtime's user.
    pub fn new(config: &Config, owner: Option<Owner>) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(SLOTS)),
            searches: Arc::new(Semaphore::new(SEARCHES)),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            quotas: Quotas::new(config),
            max_file_bytes: config.max_file_bytes,
            owner,
        }
    }

    pub fn max_file_bytes(&self) -> u64 {
        self.max_file_bytes
    }

    pub async fn list(
        &self,
        dir: PathBuf,
        path: Option<RelPath>,
        recursive: bool,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listing, Error> {
        let page = Page { recursive, limit, cursor };
        self.on(dir, move |root| tree::list(&root, path.as_ref().map(RelPath::as_str), &page)).await
    }

    pub async fn entry(&self, dir: PathBuf, path: RelPath) -> Result<Entry, Error> {
        self.on(dir, move |root| root.entry(&path)).await
    }

    pub async fn open(&self, dir: PathBuf, path: RelPath) -> Result<Opened, Error> {
        self.on(dir, move |root| root.open_file(&path).map(|(entry, file)| Opened { entry, file }))
            .await
    }

    /// Reads a whole file of at most `limit` bytes.
    pub async fn read(&self, dir: PathBuf, path: RelPath, limit: u64) -> Result<Content, Error> {
        self.on(dir, move |root| {
            let (entry, file) = root.open_file(&path)?;
            read_whole(&path, entry, file, limit)
        })
        .await
    }

    /// Reads the beginning of a file, as far as `limit`.
    pub async fn read_beginning(
        &self,
        dir: PathBuf,
        path: RelPath,
        limit: u64,
    ) -> Result<Vec<u8>, Error> {
        self.on(dir, move |root| {
            let (_, file) = root.open_file(&path)?;
            let mut bytes = Vec::new();
            let read = file.take(limit).read_to_end(&mut bytes);
            read.map_err(|error| Error::from_io(error, path.as_str()))?;
            Ok(bytes)
        })
        .await
    }

    /// Saves what the stream brings. Bodies larger than a buffer go to the disk
    /// as they come; a slow sender holds no thread.
    pub async fn save<S, E>(
        &self,
        dir: PathBuf,
        path: RelPath,
        body: S,
        save: Save,
    ) -> Result<Saved, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        self.land(self.receive(dir, path, body, (save, u64::MAX)).await?).await
    }

    /// Takes in what the stream brings, as far as there is room for so many bytes. It is
    /// on the disk then, where nobody sees it.
    pub(super) async fn receive<S, E>(
        &self,
        dir: PathBuf,
        path: RelPath,
        mut body: S,
        (save, room): (Save, u64),
    ) -> Result<Received, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        let plan = Arc::new(Plan { dir, path, save, owner: self.owner });
        let (mut draft, mut buffer, mut size) = (None, Vec::new(), 0_u64);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Error::Body(error.to_string()))?;
            size = size.saturating_add(chunk.len() as u64);
            if size > self.max_file_bytes {
                return Err(Error::TooLarge { limit: self.max_file_bytes });
            }
            if size > room {
                return Err(Error::NoSpace);
            }
            buffer.extend_from_slice(&chunk);
            if buffer.len() >= BUFFER_BYTES {
                let (begun, emptied) = self.append(Arc::clone(&plan), draft, buffer).await?;
                (draft, buffer) = (Some(begun), emptied);
            }
        }
        self.run(move || {
            let draft = plan.append(draft, &buffer)?;
            draft.prepare(&plan.save)?;
            Ok(Received { plan, draft, size_bytes: size })
        })
        .await
    }

    /// Puts what was received in its place.
    pub(super) async fn land(&self, received: Received) -> Result<Saved, Error> {
        let locks = Arc::clone(&self.locks);
        self.run(move || {
            let Received { plan, draft, .. } = received;
            draft.commit(&plan.save, lock(&locks, &plan.dir))
        })
        .await
    }

    async fn append(
        &self,
        plan: Arc<Plan>,
        draft: Option<Draft>,
        mut buffer: Vec<u8>,
    ) -> Result<(Draft, Vec<u8>), Error> {
        self.run(move || {
            let draft = plan.append(draft, &buffer)?;
            buffer.clear();
            Ok((draft, buffer))
        })
        .await
    }

    pub async fn create_directory(&self, dir: PathBuf, path: RelPath) -> Result<Entry, Error> {
        self.on(dir, move |root| root.create_directory(&path)).await
    }

    /// Answers whether there was something to remove.
    pub async fn remove(
        &self,
        dir: PathBuf,
        path: RelPath,
        recursive: bool,
        precondition: Precondition,
    ) -> Result<bool, Error> {
        let locks = Arc::clone(&self.locks);
        let at = dir.clone();
        self.on(dir, move |root| {
            let removed = {
                let _alone = lock(&locks, &at).lock().unwrap_or_else(PoisonError::into_inner);
                root.remove(&path, recursive, &precondition)?
            };
            match removed {
                Removed::Nothing => Ok(false),
                Removed::Whole => Ok(true),
                Removed::Aside(aside) => aside.clear().map(|()| true),
            }
        })
        .await
    }

    pub async fn rename(
        &self,
        dir: PathBuf,
        from: RelPath,
        to: RelPath,
        overwrite: bool,
    ) -> Result<(), Error> {
        let locks = Arc::clone(&self.locks);
        let at = dir.clone();
        self.on(dir, move |root| {
            let _alone = lock(&locks, &at).lock().unwrap_or_else(PoisonError::into_inner);
            root.rename(&from, &to, overwrite)
        })
        .await
    }

    /// Removes what a killed host left in `dir` before `before`.
    pub async fn sweep(&self, dir: PathBuf, before: jiff::Timestamp) -> Result<u64, Error> {
        self.on(dir, move |root| {
            let dir = root.directory(None)?;
            tree::sweep(dir.as_fd(), before, 0).map_err(|errno| Error::from_errno(errno, "."))
        })
        .await
    }

    /// Files below `dir`, and their bytes.
    pub async fn usage(&self, dir: PathBuf) -> Result<(u64, u64), Error> {
        self.on(dir, move |root| {
            let dir = root.directory(None)?;
            tree::usage(dir.as_fd(), 0).map_err(|errno| Error::from_errno(errno, "."))
        })
        .await
    }

    pub(super) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Whose turn it is to search.
    pub(super) fn searches(&self) -> Arc<Semaphore> {
        Arc::clone(&self.searches)
    }

    pub(super) fn locks(&self) -> Arc<[Mutex<()>]> {
        Arc::clone(&self.locks)
    }

    pub(super) async fn on<T: Send + 'static>(
        &self,
        dir: PathBuf,
        work: impl FnOnce(Root) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let owner = self.owner;
        self.run(move || work(Root::open(&dir, owner)?)).await
    }

    /// Work once begun goes on to its end, also if nobody waits for it any
    /// more, and keeps its slot until then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Stopping)?;
        let work = move || {
            let _slot = slot;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Stopping)?
    }
}

/// The lock of a directory: two names of one file have the same.
pub(super) fn lock<'a>(locks: &'a [Mutex<()>], dir: &Path) -> &'a Mutex<()> {
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    &locks[hasher.finish() as usize % locks.len()]
}

fn read_whole(
    path: &RelPath,
    entry: Entry,
    file: std::fs::File,
    limit: u64,
) -> Result<Content, Error> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::from_io(error, path.as_str()))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { limit });
    }
    Ok(Content { entry, bytes })
}
