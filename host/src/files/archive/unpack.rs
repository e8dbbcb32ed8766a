//! Room files: an archive that somebody brings, whose every byte is theirs.
//!
//! It is kept as it comes, so that a slow sender holds no thread, and then taken
//! apart into the staging directory. How much of it is believed is bounded before
//! anything is allocated for it: entries, names, sizes, and how much it grows.
//! What is neither a file nor a directory, leads out, or is there twice refuses
//! the whole; then nothing has changed.

mod entries;
mod tarball;

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use zip::ZipReadOptions;
use zip::unstable::read::ZipIterable;

use self::entries::{Entries, MAX_ENTRIES};
use super::Format;
use crate::files::batch::{self, Act, Changed, Record};
use crate::files::disk::{self, Disk};
use crate::files::root::Root;
use crate::files::staging::Staging;
use crate::files::{Error, RelPath, Save};

/// The largest archive.
pub(super) const MAX_ARCHIVE_BYTES: u64 = 512 * 1024 * 1024;

/// The most that one may unpack to.
const MAX_UNPACKED_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How many times its size an archive may grow to, beyond what is free.
const MAX_GROWTH: u64 = 200;

/// What any archive may unpack to.
const FREE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of a body that are held before they go to the disk.
const BUFFER_BYTES: usize = 256 * 1024;

/// The name of the archive itself in the staging directory.
const ARCHIVE: &str = "archive";

/// The kind of file, in a mode that an archive tells.
const KIND_BITS: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const EXECUTABLE: u32 = 0o111;

/// Where an archive goes.
#[derive(Debug, Clone)]
pub(in crate::files) struct Target {
    pub(in crate::files) dir: PathBuf,
    pub(in crate::files) record: Record,
    pub(in crate::files) below: Option<RelPath>,
    pub(in crate::files) format: Format,
}

/// An archive that is on its way, or here.
struct Arrived {
    root: Root,
    staging: Staging,
    file: File,
    size: u64,
}

impl Disk {
    pub(super) async fn unpack<S, E>(&self, to: Target, mut body: S) -> Result<Vec<Changed>, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        let mut arrived = self.on(to.dir.clone(), Arrived::begin).await?;
        let mut buffer = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Error::Body(error.to_string()))?;
            buffer.extend_from_slice(&chunk);
            if buffer.len() >= BUFFER_BYTES {
                (arrived, buffer) = self.run(move || arrived.append(buffer)).await?;
            }
        }
        let (locks, limit) = (self.locks(), self.max_file_bytes());
        self.run(move || arrived.append(buffer)?.0.unpack(&to, limit, &locks)).await
    }
}

impl Arrived {
    fn begin(root: Root) -> Result<Self, Error> {
        let staging = Staging::make(&root)?;
        let file = staging.create(ARCHIVE)?;
        Ok(Self { root, staging, file, size: 0 })
    }

    fn append(mut self, mut bytes: Vec<u8>) -> Result<(Self, Vec<u8>), Error> {
        self.size += bytes.len() as u64;
        if self.size > MAX_ARCHIVE_BYTES {
            let limit = MAX_ARCHIVE_BYTES;
            return Err(Error::ArchiveTooLarge(format!("send at most {limit} bytes")));
        }
        self.file.write_all(&bytes).map_err(|error| Error::from_io(error, ARCHIVE))?;
        bytes.clear();
        Ok((self, bytes))
    }

    fn unpack(
        mut self,
        to: &Target,
        file_bytes: u64,
        locks: &Arc<[Mutex<()>]>,
    ) -> Result<Vec<Changed>, Error> {
        self.file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let budget = Budget::of(self.size, file_bytes);
        let intake = Intake {
            root: &self.root,
            staging: &self.staging,
            entries: Entries::new(to.below.as_ref()),
            budget,
            acts: Vec::new(),
        };
        let acts = intake.take(self.file, to.format)?;
        self.staging.remove(ARCHIVE)?;
        self.staging.sync_all()?;
        batch::apply(&self.root, self.staging, &to.record, &acts, disk::lock(locks, &to.dir))
    }
}

/// How much may still come.
#[derive(Debug, Clone, Copy)]
struct Budget {
    bytes: u64,
    file_bytes: u64,
}

impl Budget {
    fn of(archive_bytes: u64, file_bytes: u64) -> Self {
        let grown = archive_bytes.saturating_mul(MAX_GROWTH).saturating_add(FREE_BYTES);
        Self { bytes: grown.min(MAX_UNPACKED_BYTES), file_bytes }
    }

    /// What one more file may have, if it says that it has `size`.
    fn allow(&self, size: u64) -> Result<u64, Error> {
        if size > self.file_bytes {
            return Err(Error::TooLarge { limit: self.file_bytes });
        }
        if size > self.bytes {
            return Err(grows());
        }
        Ok(self.file_bytes.min(self.bytes))
    }
}

fn grows() -> Error {
    let text = format!(
        "it unpacks to more than {MAX_GROWTH} times its size, or to more than \
         {MAX_UNPACKED_BYTES} bytes; send it in parts"
    );
    Error::ArchiveTooLarge(text)
}

/// Takes entries in, one after the other.
struct Intake<'a> {
    root: &'a Root,
    staging: &'a Staging,
    entries: Entries,
    budget: Budget,
    acts: Vec<Act>,
}

/// What an archive says of a file.
struct Announced<'a> {
    name: &'a str,
    size: u64,
    executable: bool,
}

impl Intake<'_> {
    fn take(mut self, file: File, format: Format) -> Result<Vec<Act>, Error> {
        match format {
            Format::Zip => self.zip(file)?,
            Format::Tar => tarball::read(file, &mut self)?,
            Format::TarGz => tarball::read(flate2::read::MultiGzDecoder::new(file), &mut self)?,
        }
        Ok(self.acts)
    }

    fn zip(&mut self, file: File) -> Result<(), Error> {
        let body = file.try_clone().map_err(unreadable)?;
        let mut zip = ZipIterable::try_new(file, zip::read::Config::default())
            .map_err(unreadable)?
            .enforce_header_consistency(true);
        if zip.len() > MAX_ENTRIES {
            return Err(entries::too_many());
        }
        let mut entries = zip.files_with_reader(body, ZipReadOptions::new()).map_err(unreadable)?;
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(unreadable)?;
            let name = entry.name().map_err(unreadable)?.into_owned();
            let mode = entry.unix_mode().unwrap_or(0);
            match mode & KIND_BITS {
                _ if entry.is_symlink() => return Err(entries::refused(&name, "is a link")),
                0 | DIRECTORY if entry.is_dir() => self.directory(&name)?,
                0 | REGULAR if !entry.is_dir() => {
                    let executable = mode & EXECUTABLE != 0;
                    let (name, size) = (name.as_str(), entry.size());
                    self.file(&Announced { name, size, executable }, entry)?;
                }
                _ => return Err(entries::refused(&name, "is neither a file nor a directory")),
            }
        }
        Ok(())
    }

    fn directory(&mut self, name: &str) -> Result<(), Error> {
        if let Some(path) = self.entries.directory(name)? {
            self.acts.push(Act::MakeDirectory { path, must_be_new: false });
        }
        Ok(())
    }

    /// Stages a file. What it says of its size is checked first, and what comes
    /// then again.
    fn file(&mut self, told: &Announced<'_>, content: impl Read) -> Result<(), Error> {
        let path = self.entries.file(told.name)?;
        let most = self.budget.allow(told.size)?;
        let staged = format!("new-{}", self.acts.len());
        let mut file = self.staging.create(&staged)?;
        let copied = io::copy(&mut content.take(most.saturating_add(1)), &mut file);
        let copied = copied.map_err(|error| broken(error, told.name))?;
        if copied > most {
            self.budget.allow(copied)?;
        }
        self.budget.bytes -= copied;
        self.root.give(file.as_fd()).map_err(|errno| Error::from_errno(errno, &path))?;
        let save = Save { executable: Some(told.executable), ..Save::default() };
        self.acts.push(Act::Put { path, staged, save });
        Ok(())
    }
}

/// Either the disk failed, which has a number, or the archive.
fn broken(error: io::Error, name: &str) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::from_io(error, name),
        None => Error::Archive(format!("“{}” in it can't be read: {error}", shown(name))),
    }
}

fn unreadable(error: impl Into<io::Error>) -> Error {
    broken(error.into(), ARCHIVE)
}

/// A name of somebody else's, as long as a message may hold.
fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}
