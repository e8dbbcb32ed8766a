//! Room files: the watched directories of one project, and the names that were
//! seen in them.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FileType;
use rustix::fs::inotify::{self, WatchFlags};
use rustix::io::Errno;

use super::Told;
use crate::events::Change;
use crate::files::entry::{EntryKind, kind};
use crate::files::path::MAX_DEPTH;
use crate::files::root::{Root, open_plain_directory};
use crate::files::{Error, tree};

/// Directories of one project that are watched, the highest first.
const MAX_DIRECTORIES: usize = 8_192;

/// Names of one project that are remembered.
const MAX_NAMES: usize = 500_000;

/// Where a directory that is open can be named, so that no link is in the way.
const OPEN: &str = "/proc/self/fd";

#[derive(Debug)]
pub(super) struct Tree {
    inotify: Arc<OwnedFd>,
    dir: PathBuf,
    room: usize,
    directories: HashMap<i32, Directory>,
    watches: HashMap<String, i32>,
    names: usize,
    clipped: Cell<bool>,
}

#[derive(Debug)]
struct Directory {
    /// From the project's root, whose own is empty.
    path: String,
    /// Stand for the names in it.
    names: HashSet<u64>,
}

impl Tree {
    pub(super) fn begin(inotify: &Arc<OwnedFd>, dir: &Path, room: usize) -> Result<Self, Error> {
        let (inotify, room) = (Arc::clone(inotify), room.min(MAX_DIRECTORIES));
        let (directories, watches) = (HashMap::new(), HashMap::new());
        let (dir, names, clipped) = (dir.to_owned(), 0, Cell::new(false));
        let mut tree = Self { inotify, dir, room, directories, watches, names, clipped };
        let root = tree.root()?;
        tree.add_below(&root, "");
        if tree.directories.is_empty() { Err(Error::Unwatchable) } else { Ok(tree) }
    }

    fn root(&self) -> Result<Root, Error> {
        Root::open(&self.dir, None)
    }

    pub(super) fn len(&self) -> usize {
        self.directories.len()
    }

    /// Whether there was more than could be watched.
    pub(super) fn is_clipped(&self) -> bool {
        self.clipped.get()
    }

    pub(super) fn has(&self, watch: i32) -> bool {
        self.directories.contains_key(&watch)
    }

    pub(super) fn is_root(&self, watch: i32) -> bool {
        self.directories.get(&watch).is_some_and(|directory| directory.path.is_empty())
    }

    pub(super) fn path(&self, watch: i32, name: &str) -> Option<String> {
        self.directories.get(&watch).map(|directory| join(&directory.path, name))
    }

    /// What was touched, compared with what is there now.
    pub(super) fn settle(&mut self, touched: BTreeSet<String>) -> Vec<Told> {
        let Ok(root) = self.root() else { return Vec::new() };
        let (mut told, mut done) = (Vec::new(), HashSet::new());
        for path in touched {
            if done.contains(&path) {
                continue;
            }
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let place = root.place(&path, false).and_then(|place| place.found());
            let now = place.ok().flatten().map(|stat| kind(&stat));
            let before = self.note(parent, name, now.is_some());
            let is_directory = now == Some(EntryKind::Directory);
            let added = self.follow(&root, &path, is_directory);
            if let Some(change) = compare(before, now.is_some()) {
                told.push(Told::Change { path, change, is_directory });
            }
            for (path, is_directory) in added {
                done.insert(path.clone());
                told.push(Told::Change { path, change: Change::Created, is_directory });
            }
        }
        told
    }

    /// Remembers whether a name is there; answers whether it was.
    fn note(&mut self, parent: &str, name: &str, there: bool) -> bool {
        let watch = self.watches.get(parent);
        let Some(directory) = watch.and_then(|watch| self.directories.get_mut(watch)) else {
            return false;
        };
        let number = number(name);
        if !there {
            let before = directory.names.remove(&number);
            self.names -= usize::from(before);
            return before;
        }
        if directory.names.contains(&number) {
            return true;
        }
        if self.names < MAX_NAMES {
            directory.names.insert(number);
            self.names += 1;
        }
        false
    }

    /// Watches a directory that came, and lets go of one that went or is another.
    /// Answers what is in one that came, and which of it are directories.
    fn follow(&mut self, root: &Root, path: &str, is_directory: bool) -> Vec<(String, bool)> {
        let before = self.watches.get(path).copied();
        let now = if is_directory { self.watch(root, path).map(|(watch, _)| watch) } else { None };
        if before.is_some() && before == now {
            return Vec::new();
        }
        if before.is_some() {
            self.remove_below(path);
        }
        if is_directory { self.add_below(root, path) } else { Vec::new() }
    }

    /// Watches a directory and all below it; answers what is in them.
    fn add_below(&mut self, root: &Root, path: &str) -> Vec<(String, bool)> {
        let (mut waiting, mut found) = (VecDeque::from([path.to_owned()]), Vec::new());
        while let Some(at) = waiting.pop_front() {
            if self.len() >= self.room || at.split('/').count() > MAX_DEPTH {
                self.clipped.set(true);
                continue;
            }
            let Some((watch, dir)) = self.watch(root, &at) else { continue };
            let mut names = HashSet::new();
            for (name, is_directory) in entries(dir.as_fd()) {
                if self.names < MAX_NAMES && names.insert(number(&name)) {
                    self.names += 1;
                }
                let path = join(&at, &name);
                if is_directory {
                    waiting.push_back(path.clone());
                }
                found.push((path, is_directory));
            }
            self.watches.insert(at.clone(), watch);
            // The kernel knows a directory that was moved by the same number.
            if let Some(moved) = self.directories.insert(watch, Directory { path: at, names }) {
                self.names -= moved.names.len();
                self.watches.remove(&moved.path);
            }
        }
        found
    }

    /// Asks the kernel for news of a directory, once it is open.
    fn watch(&self, root: &Root, path: &str) -> Option<(i32, OwnedFd)> {
        let dir = match path {
            "" => root.directory(None).ok()?,
            path => {
                let place = root.place(path, false).ok()?;
                open_plain_directory(place.parent.as_fd(), &place.name).ok()?
            }
        };
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::EXCL_UNLINK
            | WatchFlags::ONLYDIR;
        let open = format!("{OPEN}/{}", dir.as_raw_fd());
        match inotify::add_watch(&*self.inotify, open, flags) {
            Ok(watch) => Some((watch, dir)),
            Err(error) => {
                tracing::warn!(%error, path, "a directory can't be watched");
                self.clipped.set(true);
                None
            }
        }
    }

    fn remove_below(&mut self, path: &str) {
        let below = format!("{path}/");
        let gone = |at: &str| at == path || path.is_empty() || at.starts_with(&below);
        let watches: Vec<i32> =
            self.watches.iter().filter(|(at, _)| gone(at)).map(|(_, watch)| *watch).collect();
        self.watches.retain(|at, _| !gone(at));
        for watch in watches {
            if let Some(directory) = self.directories.remove(&watch) {
                self.names -= directory.names.len();
            }
            match inotify::remove_watch(&*self.inotify, watch) {
                // It went with the directory.
                Ok(()) | Err(Errno::INVAL) => {}
                Err(error) => tracing::warn!(%error, "a directory is still watched"),
            }
        }
    }

    /// Looks at everything anew.
    pub(super) fn begin_again(&mut self) {
        self.clipped.set(false);
        self.clear();
        if let Ok(root) = self.root() {
            self.add_below(&root, "");
        }
    }

    pub(super) fn clear(&mut self) {
        self.remove_below("");
    }

    pub(super) fn end(mut self) {
        self.clear();
    }
}

fn compare(before: bool, now: bool) -> Option<Change> {
    match (before, now) {
        (false, true) => Some(Change::Created),
        (true, true) => Some(Change::Changed),
        (true, false) => Some(Change::Deleted),
        (false, false) => None,
    }
}

/// A directory that can't be read to its end is known so far.
fn entries(dir: BorrowedFd<'_>) -> Vec<(String, bool)> {
    let Ok(entries) = tree::read(dir) else { return Vec::new() };
    entries
        .map_while(Result::ok)
        .filter(|(name, _)| !tree::is_temporary(name))
        .map(|(name, file_type)| {
            (String::from_utf8_lossy(&name).into_owned(), file_type == FileType::Directory)
        })
        .take(MAX_NAMES)
        .collect()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn number(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
