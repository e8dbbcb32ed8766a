//! Room files: an archive that somebody brings, whose every byte is theirs.
//!
//! It is kept as it comes, so that a slow sender holds no thread, and then taken
//! apart into the staging directory. How much of it is believed is bounded before
//! anything is allocated for it: entries, names, sizes, and how much it grows.
//! What is neither a file nor a directory, leads out, or is there twice refuses
//! the whole; then nothing has changed.

mod readers;

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};

use self::readers::{Announced, Entries, Intake, broken, read_tar, read_zip, unreadable};
use super::Format;
use crate::files::batch::Act;
use crate::files::disk::Disk;
use crate::files::prepared::Prepared;
use crate::files::quota::Amount;
use crate::files::root::Root;
use crate::files::staging::Staging;
use crate::files::{Error, RelPath, Save};
use crate::quotas::disk_cost;

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

/// Where an archive goes.
#[derive(Debug, Clone)]
pub(in crate::files) struct Target {
    pub(in crate::files) dir: PathBuf,
    /// The room that there is.
    pub(in crate::files) left: Amount,
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
    pub(super) async fn unpack<S, E>(&self, to: Target, mut body: S) -> Result<Prepared, Error>
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
        let limit = self.max_file_bytes();
        self.run(move || arrived.append(buffer)?.0.unpack(&to, limit)).await
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

    fn unpack(mut self, to: &Target, file_bytes: u64) -> Result<Prepared, Error> {
        self.file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let budget = Budget::of(self.size, file_bytes, to.left);
        let intake = Staged {
            root: &self.root,
            staging: &self.staging,
            entries: Entries::new(to.below.as_ref()),
            budget,
            acts: Vec::new(),
            cost: 0,
        };
        let (acts, cost) = intake.take(self.file, to.format)?;
        self.staging.remove(ARCHIVE)?;
        self.staging.sync_all()?;
        Ok(Prepared { root: self.root, staging: self.staging, acts, cost })
    }
}

/// How much may still come.
#[derive(Debug, Clone, Copy)]
struct Budget {
    bytes: u64,
    file_bytes: u64,
    left: Amount,
}

impl Budget {
    fn of(archive_bytes: u64, file_bytes: u64, left: Amount) -> Self {
        let grown = archive_bytes.saturating_mul(MAX_GROWTH).saturating_add(FREE_BYTES);
        Self { bytes: grown.min(MAX_UNPACKED_BYTES), file_bytes, left }
    }

    /// What one more file may have, if it says that it has `size`.
    fn allow(&self, size: u64) -> Result<u64, Error> {
        if size > self.file_bytes {
            return Err(Error::TooLarge { limit: self.file_bytes });
        }
        if size > self.bytes {
            return Err(grows());
        }
        if size > self.left.bytes {
            return Err(Error::NoSpace);
        }
        Ok(self.file_bytes.min(self.bytes).min(self.left.bytes))
    }

    /// One more entry.
    fn enter(&mut self) -> Result<(), Error> {
        self.left.entries = self.left.entries.checked_sub(1).ok_or(Error::TooManyFiles)?;
        Ok(())
    }

    /// So many bytes are used.
    fn spend(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.left.bytes = self.left.bytes.saturating_sub(bytes);
    }
}

fn grows() -> Error {
    let text = format!(
        "it unpacks to more than {MAX_GROWTH} times its size, or to more than \
         {MAX_UNPACKED_BYTES} bytes; send it in parts"
    );
    Error::ArchiveTooLarge(text)
}

/// Takes entries into the staging directory.
struct Staged<'a> {
    root: &'a Root,
    staging: &'a Staging,
    entries: Entries,
    budget: Budget,
    acts: Vec<Act>,
    /// What they take on the disk.
    cost: u64,
}

impl Staged<'_> {
    fn take(mut self, file: File, format: Format) -> Result<(Vec<Act>, u64), Error> {
        match format {
            Format::Zip => {
                let contents = file.try_clone().map_err(unreadable)?;
                read_zip(file, contents, &mut self)?;
            }
            Format::Tar => read_tar(file, &mut self)?,
            Format::TarGz => read_tar(flate2::read::MultiGzDecoder::new(file), &mut self)?,
        }
        Ok((self.acts, self.cost))
    }
}

impl Intake for Staged<'_> {
    fn directory(&mut self, name: &str) -> Result<(), Error> {
        if let Some(path) = self.entries.directory(name)? {
            self.budget.enter()?;
            self.cost += disk_cost(0);
            self.acts.push(Act::MakeDirectory { path, must_be_new: false });
        }
        Ok(())
    }

    /// Stages a file. What it says of its size is checked first, and what comes
    /// then again.
    fn file(&mut self, told: &Announced<'_>, content: impl Read) -> Result<(), Error> {
        let path = self.entries.file(told.name)?;
        self.budget.enter()?;
        let most = self.budget.allow(told.size)?;
        let staged = format!("new-{}", self.acts.len());
        let mut file = self.staging.create(&staged)?;
        let copied = io::copy(&mut content.take(most.saturating_add(1)), &mut file);
        let copied = copied.map_err(|error| broken(error, told.name))?;
        if copied > most {
            self.budget.allow(copied)?;
        }
        self.budget.spend(copied);
        self.cost += disk_cost(copied);
        self.root.give(file.as_fd()).map_err(|errno| Error::from_errno(errno, &path))?;
        let save = Save { executable: Some(told.executable), ..Save::default() };
        self.acts.push(Act::Put { path, staged, save });
        Ok(())
    }
}
