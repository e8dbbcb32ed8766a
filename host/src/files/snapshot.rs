//! Room files: a project's files as they are at one moment, to be kept as one whole.
//!
//! Saves and batches of the API wait meanwhile, so that none is seen half done; what the
//! project's programs write at that very moment is taken as it is found. No link is
//! followed. What `.gitignore` names is not in it, nor are links, pipes and other things
//! that are no plain files of the project.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use rustix::fs::{FileType, Mode};
use sha2::{Digest as _, Sha256};

use super::disk::{self, Disk};
use super::ignored::{HISTORY, Ignored, open_plain_file};
use super::path::{MAX_DEPTH, RelPath};
use super::root::{Root, open_plain_directory};
use super::{Error, Files, tree};
use crate::projects::Project;

/// Names that are looked at.
const MAX_NAMES: usize = 200_000;

/// Bytes read from a file at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What package managers fill, and nobody writes; left out wherever they are.
const INSTALLED: [&[u8]; 3] = [b".venv", b"__pycache__", b"node_modules"];

/// The most that a snapshot may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub files: usize,
    pub bytes: u64,
}

/// The files of a project, by their paths, and what is in them.
#[derive(Debug)]
pub struct Snapshot {
    pub files: Vec<Frozen>,
    /// The content of all, one after the other; it has no name and is gone when closed.
    pub content: File,
    pub bytes: u64,
    /// Links, special files and names that no request could say.
    pub left_out: u64,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    pub path: RelPath,
    /// Where it begins in the content.
    pub offset: u64,
    pub size_bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    pub executable: bool,
}

impl Files {
    /// Takes all of a project, within these bounds.
    pub async fn snapshot(&self, project: &Project, bounds: Bounds) -> Result<Snapshot, Error> {
        let dir = self.projects.workspace(&project.id);
        self.disk.snapshot(dir, self.projects.beside("snapshots"), bounds).await
    }
}

impl Disk {
    async fn snapshot(
        &self,
        dir: PathBuf,
        folder: PathBuf,
        bounds: Bounds,
    ) -> Result<Snapshot, Error> {
        let (locks, at) = (self.locks(), dir.clone());
        self.on(dir, move |root| {
            let content = unnamed(&folder).map_err(|error| Error::from_io(error, "snapshots"))?;
            let _alone = disk::lock(&locks, &at).lock().unwrap_or_else(PoisonError::into_inner);
            take(root, content, bounds)
        })
        .await
    }
}

fn unnamed(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder)
}

fn take(root: Root, content: File, bounds: Bounds) -> Result<Snapshot, Error> {
    let dir = root.directory(None)?;
    let mut taking = Taking {
        root,
        bounds,
        ignored: Ignored::default(),
        names: 0,
        files: Vec::new(),
        content: BufWriter::with_capacity(PIECE_BYTES, content),
        bytes: 0,
        left_out: 0,
        piece: vec![0; PIECE_BYTES],
    };
    taking.visit(dir.as_fd(), "")?;
    taking.finish().map_err(|error| Error::from_io(error, "snapshots"))
}

struct Taking {
    root: Root,
    bounds: Bounds,
    ignored: Ignored,
    names: usize,
    files: Vec<Frozen>,
    content: BufWriter<File>,
    bytes: u64,
    left_out: u64,
    piece: Vec<u8>,
}

impl Taking {
    fn visit(&mut self, dir: BorrowedFd<'_>, at: &str) -> Result<(), Error> {
        let names = self.names(dir, at)?;
        let outside = self.ignored.enter(dir, at);
        for (name, file_type) in names {
            let Ok(name) = String::from_utf8(name) else {
                self.left_out += 1;
                continue;
            };
            let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            if self.ignored.has(&path, file_type == FileType::Directory) {
                continue;
            }
            match file_type {
                FileType::Directory => self.enter(dir, &name, &path)?,
                FileType::RegularFile => self.file(dir, &name, &path)?,
                _ => self.left_out += 1,
            }
        }
        self.ignored.leave(outside);
        Ok(())
    }

    fn names(&mut self, dir: BorrowedFd<'_>, at: &str) -> Result<Vec<tree::Named>, Error> {
        let failed = |errno| Error::from_errno(errno, at);
        let mut names = Vec::new();
        for entry in tree::read(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.names += 1;
            if self.names > MAX_NAMES {
                let why = format!("it holds more than {MAX_NAMES} names");
                return Err(Error::SnapshotTooLarge(why));
            }
            if !tree::is_temporary(&entry.0) && !is_left_out(&entry.0) {
                names.push(entry);
            }
        }
        names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(names)
    }

    fn enter(&mut self, dir: BorrowedFd<'_>, name: &str, path: &str) -> Result<(), Error> {
        let child = open_plain_directory(dir, name);
        match child {
            Ok(child) if path.split('/').count() < MAX_DEPTH => self.visit(child.as_fd(), path),
            // Too deep for a path, gone, become something else, or closed to us.
            _ => {
                self.left_out += 1;
                Ok(())
            }
        }
    }

    fn file(&mut self, dir: BorrowedFd<'_>, name: &str, path: &str) -> Result<(), Error> {
        let Some((path, file, executable)) = self.open(dir, name, path) else {
            self.left_out += 1;
            return Ok(());
        };
        if self.files.len() == self.bounds.files {
            let why = format!("it has more than {} files", self.bounds.files);
            return Err(Error::SnapshotTooLarge(why));
        }
        let offset = self.bytes;
        let sha256 = self.copy(file, &path)?;
        let size_bytes = self.bytes - offset;
        self.files.push(Frozen { path, offset, size_bytes, sha256, executable });
        Ok(())
    }

    /// A plain file of the project, if it is still there.
    fn open(&self, dir: BorrowedFd<'_>, name: &str, path: &str) -> Option<(RelPath, File, bool)> {
        let path: RelPath = path.parse().ok()?;
        let file = open_plain_file(dir, name).ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        self.root.check_ordinary(&path, &stat).ok()?;
        let executable = Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR);
        Some((path, file, executable))
    }

    /// Adds what a file holds, and answers its hash.
    fn copy(&mut self, mut file: File, path: &RelPath) -> Result<String, Error> {
        let failed = |error| Error::from_io(error, path.as_str());
        let mut hasher = Sha256::new();
        loop {
            let read = file.read(&mut self.piece).map_err(failed)?;
            if read == 0 {
                return Ok(hex(&hasher.finalize()));
            }
            self.bytes += read as u64;
            if self.bytes > self.bounds.bytes {
                let why = format!("its files have more than {} bytes", self.bounds.bytes);
                return Err(Error::SnapshotTooLarge(why));
            }
            hasher.update(&self.piece[..read]);
            self.content.write_all(&self.piece[..read]).map_err(failed)?;
        }
    }

    fn finish(self) -> io::Result<Snapshot> {
        let Self { mut files, content, bytes, left_out, .. } = self;
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        let mut content = content.into_inner().map_err(io::IntoInnerError::into_error)?;
        content.seek(SeekFrom::Start(0))?;
        Ok(Snapshot { files, content, bytes, left_out })
    }
}

fn is_left_out(name: &[u8]) -> bool {
    name == HISTORY || INSTALLED.contains(&name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
