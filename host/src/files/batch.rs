//! Room files: many changes at once, all of them or none.
//!
//! ```text
//!   checked ──► staged ──► each step written down, then taken ──► log removed ──► cleared
//!                                    │                                 │
//!                              failure or kill:                  from here on
//!                            undone, at the latest                 it counts
//!                            when a server starts
//! ```
//!
//! New contents are staged, and safe on disk, before the first change of the
//! project; after that nothing is done but renaming and making directories. What
//! is replaced or deleted waits in the staging directory until the end.

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::disk::Disk;
use super::entry::{EntryKind, Precondition, kind};
use super::path::RelPath;
use super::quota::Amount;
use super::root::Root;
use super::staging::Staging;
use super::undo::{At, Ground, Log, Step};
use super::write::{Save, allowed, mode};
use super::{Error, Files, tree, undo};
use crate::events::Change;
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::projects::Project;
use crate::quotas::disk_cost;

/// Operations that one batch may have.
pub const MAX_OPERATIONS: usize = 1_000;

/// Paths that the news of a batch names; of a larger one it names directories.
const MAX_NEWS: usize = 64;

/// One of a batch, done after those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Makes a file where nothing is.
    CreateFile {
        path: RelPath,
        bytes: Bytes,
    },
    /// Makes a directory where nothing is.
    CreateDirectory {
        path: RelPath,
    },
    Write {
        path: RelPath,
        bytes: Bytes,
        save: Save,
    },
    /// What is gone already is no error.
    Delete {
        path: RelPath,
        recursive: bool,
    },
    Rename {
        from: RelPath,
        to: RelPath,
        overwrite: bool,
    },
}

impl Operation {
    /// What the contents of operations will take on the disk.
    fn cost(operations: &[Self]) -> u64 {
        let costs = operations.iter().map(|operation| match operation {
            Self::CreateFile { bytes, .. } | Self::Write { bytes, .. } => {
                disk_cost(bytes.len() as u64)
            }
            Self::CreateDirectory { .. } => disk_cost(0),
            Self::Delete { .. } | Self::Rename { .. } => 0,
        });
        costs.sum()
    }

    /// What operations may add; `None` if they only delete.
    fn amount(operations: &[Self]) -> Option<Amount> {
        let grows = |operation: &Self| !matches!(operation, Self::Delete { .. });
        operations.iter().any(grows).then(|| {
            let new = operations.iter().filter(|operation| {
                !matches!(operation, Self::Delete { .. } | Self::Rename { .. })
            });
            let bytes = operations.iter().map(|operation| match operation {
                Self::CreateFile { bytes, .. } | Self::Write { bytes, .. } => bytes.len() as u64,
                Self::CreateDirectory { .. } | Self::Delete { .. } | Self::Rename { .. } => 0,
            });
            Amount::of(new.count(), bytes.sum())
        })
    }
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub path: RelPath,
    pub change: Change,
}

/// The same with its content staged under a name.
#[derive(Debug)]
pub(super) enum Act {
    Put { path: RelPath, staged: String, save: Save },
    MakeDirectory { path: RelPath, must_be_new: bool },
    Remove { path: RelPath, recursive: bool },
    Move { from: RelPath, to: RelPath, overwrite: bool },
}

/// Where batches are written down, and whose this one is.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) folder: PathBuf,
    /// Names the directory, for who undoes it.
    pub(crate) project: String,
}

impl Files {
    /// Carries out all operations, in their order, or none of them.
    ///
    /// # Errors
    /// `Operation` names the one that could not be done.
    pub async fn batch(
        &self,
        _permit: &Permit,
        project: &Project,
        operations: Vec<Operation>,
    ) -> Result<Vec<Changed>, Error> {
        let more = Operation::amount(&operations);
        let dir = match more {
            Some(more) => self.room(project, more).await?.dir,
            None => self.projects.workspace(&project.id),
        };
        let taken = self.projects.take_disk(project, Operation::cost(&operations)).await?;
        let changed = match self.disk.batch(dir, self.record(project), operations).await {
            Ok(changed) => changed,
            Err(error) => {
                taken.give_back().await;
                return Err(error);
            }
        };
        taken.keep();
        self.disk.quotas().forget(&project.id);
        self.publish_all(project, &changed);
        Ok(changed)
    }

    pub(super) fn record(&self, project: &Project) -> Record {
        Record { folder: self.batches(), project: project.id.to_string() }
    }

    /// Where batches are written down.
    fn batches(&self) -> PathBuf {
        self.projects.beside("batches")
    }

    /// Undoes the batches that killed servers left half done, and answers how
    /// many there were. For the start, before anybody reads.
    pub async fn recover(&self) -> Result<u64, Error> {
        let (projects, folder) = (self.projects.clone(), self.batches());
        let workspace = move |project: &ProjectId| projects.workspace(project);
        self.disk.run(move || undo::recover(&folder, workspace)).await
    }

    /// News has a bound: a large batch tells of the directories that it touched.
    pub(super) fn publish_all(&self, project: &Project, changed: &[Changed]) {
        if changed.len() <= MAX_NEWS {
            for Changed { path, change } in changed {
                self.publish(project, path.as_str(), *change);
            }
            return;
        }
        let touched: BTreeSet<&str> =
            changed.iter().map(|changed| changed.path.parent().unwrap_or_default()).collect();
        for directory in touched.into_iter().take(MAX_NEWS) {
            self.publish(project, directory, Change::Changed);
        }
    }
}

impl Disk {
    /// Undoes what killed servers left half done in the directories below `root`, which
    /// are named as in their records.
    pub(crate) async fn recover(&self, folder: PathBuf, root: PathBuf) -> Result<u64, Error> {
        let directory = move |id: &ProjectId| root.join(id.as_str());
        self.run(move || undo::recover(&folder, directory)).await
    }

    /// Carries out all operations, in their order, or none of them.
    pub(crate) async fn batch(
        &self,
        dir: PathBuf,
        record: Record,
        operations: Vec<Operation>,
    ) -> Result<Vec<Changed>, Error> {
        let (locks, limit, at) = (self.locks(), self.max_file_bytes(), dir.clone());
        self.on(dir, move |root| {
            let staging = Staging::make(&root)?;
            let acts = stage(&root, &staging, operations, limit)?;
            apply(&root, staging, &record, &acts, super::disk::lock(&locks, &at))
        })
        .await
    }
}

/// Writes the contents of operations into the staging directory.
fn stage(
    root: &Root,
    staging: &Staging,
    operations: Vec<Operation>,
    limit: u64,
) -> Result<Vec<Act>, Error> {
    let (mut acts, mut files) = (Vec::with_capacity(operations.len()), Vec::new());
    for (index, operation) in operations.into_iter().enumerate() {
        let staged = format!("new-{index}");
        let (path, bytes, save) = match operation {
            Operation::CreateFile { path, bytes } => {
                (path, bytes, Save { precondition: Precondition::Absent, ..Save::default() })
            }
            Operation::Write { path, bytes, save } => (path, bytes, save),
            other => {
                acts.push(without_content(other));
                continue;
            }
        };
        if bytes.len() as u64 > limit {
            return Err(of(index, Error::TooLarge { limit }));
        }
        let mut file = staging.create(&staged)?;
        file.write_all(&bytes).map_err(|error| Error::from_io(error, path.as_str()))?;
        root.give(file.as_fd()).map_err(|errno| Error::from_errno(errno, &path))?;
        files.push(file);
        acts.push(Act::Put { path, staged, save });
    }
    // All are written before the first is waited for.
    for file in files {
        file.sync_all().map_err(|error| Error::from_io(error, "."))?;
    }
    Ok(acts)
}

fn without_content(operation: Operation) -> Act {
    match operation {
        Operation::Delete { path, recursive } => Act::Remove { path, recursive },
        Operation::Rename { from, to, overwrite } => Act::Move { from, to, overwrite },
        Operation::CreateDirectory { path }
        | Operation::CreateFile { path, .. }
        | Operation::Write { path, .. } => Act::MakeDirectory { path, must_be_new: true },
    }
}

/// Says which operation it was; callers count from one.
fn of(index: usize, error: Error) -> Error {
    Error::Operation { number: index + 1, error: Box::new(error) }
}

/// Carries acts out that are staged, all or none.
pub(super) fn apply(
    root: &Root,
    staging: Staging,
    record: &Record,
    acts: &[Act],
    lock: &Mutex<()>,
) -> Result<Vec<Changed>, Error> {
    staging.sync()?;
    let log = Log::begin(&record.folder, &record.project, staging.name())?;
    let alone = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let ground = Ground { root, staging: &staging };
    let mut batch = Batch { ground, log, asides: 0, changed: Vec::new(), touched: BTreeSet::new() };
    let result = batch.run(acts).and_then(|()| batch.sync());
    let Batch { log, changed, .. } = batch;
    if let Err(error) = result {
        if let Err(worse) = log.undo(ground) {
            tracing::error!(error = %worse, "a batch was not undone; the next start tries again");
            drop(alone);
            staging.keep();
            return Err(error);
        }
        log.remove()?;
        return Err(error);
    }
    log.remove()?;
    drop(alone);
    Ok(changed)
}

struct Batch<'a> {
    ground: Ground<'a>,
    log: Log,
    /// How many things were set aside.
    asides: usize,
    changed: Vec<Changed>,
    /// Directories in which names changed.
    touched: BTreeSet<String>,
}

impl Batch<'_> {
    fn run(&mut self, acts: &[Act]) -> Result<(), Error> {
        let mut done = 0;
        while done < acts.len() {
            let count = together(&acts[done..]);
            self.run_together(&acts[done..done + count], done)?;
            done += count;
        }
        Ok(())
    }

    /// What is independent is written down at once.
    fn run_together(&mut self, acts: &[Act], first: usize) -> Result<(), Error> {
        let (mut steps, mut planned) = (Vec::new(), HashSet::new());
        for (index, act) in acts.iter().enumerate() {
            let made = self.directories(act, &mut planned);
            steps.extend(made.map_err(|error| of(first + index, error))?);
        }
        self.take(&steps).map_err(|error| of(first, error))?;
        steps.clear();
        for (index, act) in acts.iter().enumerate() {
            steps.extend(self.steps(act).map_err(|error| of(first + index, error))?);
        }
        self.take(&steps).map_err(|error| of(first, error))
    }

    fn take(&mut self, steps: &[Step]) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        self.log.append(steps)?;
        for step in steps {
            self.ground.take(step)?;
            self.touch(step);
        }
        Ok(())
    }

    fn touch(&mut self, step: &Step) {
        let parent =
            |path: &str| path.rsplit_once('/').map_or(".", |(parent, _)| parent).to_owned();
        match step {
            Step::Made { path } => drop(self.touched.insert(parent(path))),
            Step::Moved { from, to, .. } | Step::Swapped { from, to, .. } => {
                for at in [from, to] {
                    if let At::Project(path) = at {
                        self.touched.insert(parent(path));
                    }
                }
            }
        }
    }

    /// The directories that an act needs and that are not there.
    fn directories(
        &mut self,
        act: &Act,
        planned: &mut HashSet<String>,
    ) -> Result<Vec<Step>, Error> {
        let missing = match act {
            Act::Put { path, .. } | Act::Move { to: path, .. } => {
                path.parent().map_or(Ok(Vec::new()), |parent| self.missing(parent, planned))?
            }
            Act::MakeDirectory { path, must_be_new } => {
                let missing = self.missing(path.as_str(), planned)?;
                if missing.is_empty() && *must_be_new {
                    return Err(Error::Exists(path.to_string()));
                }
                missing
            }
            Act::Remove { .. } => Vec::new(),
        };
        for path in &missing {
            planned.insert(path.clone());
            let path = path.parse::<RelPath>()?;
            self.changed.push(Changed { path, change: Change::Created });
        }
        Ok(missing.into_iter().map(|path| Step::Made { path }).collect())
    }

    /// Of a directory and those above it, the ones that are not there.
    fn missing(&self, path: &str, planned: &HashSet<String>) -> Result<Vec<String>, Error> {
        let (mut missing, mut absent) = (Vec::new(), false);
        for prefix in prefixes(path) {
            if planned.contains(prefix) {
                absent = true;
                continue;
            }
            absent = absent || self.ground.root.place(prefix, false)?.found()?.is_none();
            if absent {
                missing.push(prefix.to_owned());
            }
        }
        Ok(missing)
    }

    /// What else there is to do.
    fn steps(&mut self, act: &Act) -> Result<Vec<Step>, Error> {
        match act {
            Act::Put { path, staged, save } => self.put(path, staged, save),
            Act::MakeDirectory { .. } => Ok(Vec::new()),
            Act::Remove { path, recursive } => self.remove(path, *recursive),
            Act::Move { from, to, overwrite } => self.shift(from, to, *overwrite),
        }
    }

    fn put(&mut self, path: &RelPath, staged: &str, save: &Save) -> Result<Vec<Step>, Error> {
        let root = self.ground.root;
        let (at, _, found) = root.resolve(path)?;
        allowed(root, path, found.as_ref(), save).map_err(|error| match error {
            Error::Changed { path, .. } if save.precondition == Precondition::Absent => {
                Error::Exists(path)
            }
            error => error,
        })?;
        let file = self.ground.staging.file(staged)?;
        let mode = mode(found.as_ref(), save.executable);
        let stat = rustix::fs::fchmod(&file, mode).and_then(|()| rustix::fs::fstat(&file));
        let inode = stat.map_err(|errno| Error::from_errno(errno, path))?.st_ino;
        let (from, to) = (At::Staged(staged.to_owned()), At::Project(at));
        let change = if found.is_some() { Change::Changed } else { Change::Created };
        self.changed.push(Changed { path: path.clone(), change });
        Ok(vec![match found {
            Some(_) => Step::Swapped { from, to, inode },
            None => Step::Moved { from, to, inode },
        }])
    }

    fn remove(&mut self, path: &RelPath, recursive: bool) -> Result<Vec<Step>, Error> {
        let root = self.ground.root;
        let found = match root.place(path.as_str(), false) {
            Err(Error::NotFound(_)) => None,
            place => place?.found()?,
        };
        let Some(stat) = found else { return Ok(Vec::new()) };
        if !recursive && kind(&stat) == EntryKind::Directory {
            self.check_empty(path)?;
        }
        self.changed.push(Changed { path: path.clone(), change: Change::Deleted });
        Ok(vec![self.aside(path, stat.st_ino)])
    }

    fn shift(&mut self, from: &RelPath, to: &RelPath, overwrite: bool) -> Result<Vec<Step>, Error> {
        if to.is_below(from) || to == from {
            return Err(Error::IntoItself(from.to_string()));
        }
        let root = self.ground.root;
        let found = root.place(from.as_str(), false)?.found()?;
        let inode = found.ok_or_else(|| Error::NotFound(from.to_string()))?;
        let there = root.place(to.as_str(), false)?.found()?;
        self.changed.push(Changed { path: from.clone(), change: Change::Deleted });
        self.changed.push(Changed { path: to.clone(), change: Change::Created });
        let way = (At::Project(from.to_string()), At::Project(to.to_string()));
        let Some(there) = there else {
            return Ok(vec![Step::Moved { from: way.0, to: way.1, inode: inode.st_ino }]);
        };
        if !overwrite {
            return Err(Error::Exists(to.to_string()));
        }
        match (kind(&inode), kind(&there)) {
            (EntryKind::Directory, EntryKind::Directory) => self.check_empty(to)?,
            (EntryKind::Directory, _) => return Err(Error::NotADirectory(to.to_string())),
            (_, EntryKind::Directory) => return Err(Error::IsDirectory(to.to_string())),
            _ => {}
        }
        let swapped = Step::Swapped { from: way.0, to: way.1, inode: inode.st_ino };
        Ok(vec![swapped, self.aside(from, there.st_ino)])
    }

    /// Takes something out of the project until the batch counts.
    fn aside(&mut self, path: &RelPath, inode: u64) -> Step {
        self.asides += 1;
        let to = At::Staged(format!("old-{}", self.asides));
        Step::Moved { from: At::Project(path.to_string()), to, inode }
    }

    fn check_empty(&self, path: &RelPath) -> Result<(), Error> {
        let dir = self.ground.root.directory(Some(path.as_str()))?;
        let empty = tree::is_empty(dir.as_fd()).map_err(|errno| Error::from_errno(errno, path))?;
        if empty { Ok(()) } else { Err(Error::NotEmpty(path.to_string())) }
    }

    /// Makes all that was renamed survive a power cut.
    fn sync(&self) -> Result<(), Error> {
        for path in &self.touched {
            let dir = match self.ground.root.directory(Some(path)) {
                // Something that the batch moved away later.
                Err(Error::NotFound(_)) => continue,
                dir => dir?,
            };
            rustix::fs::fsync(&dir).map_err(|errno| Error::from_errno(errno, path))?;
        }
        Ok(())
    }
}

/// A path and all above it, the highest first.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| &path[..end])
}

/// How many acts at the beginning do not depend on each other.
fn together(acts: &[Act]) -> usize {
    let mut files = HashSet::new();
    for (index, act) in acts.iter().enumerate() {
        let (Act::Put { path, .. } | Act::MakeDirectory { path, .. }) = act else {
            return index.max(1);
        };
        if prefixes(path.as_str()).any(|prefix| files.contains(prefix)) {
            return index;
        }
        if let Act::Put { path, .. } = act {
            files.insert(path.as_str());
        }
    }
    acts.len()
}
