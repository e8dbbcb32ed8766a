//! Room files: an archive that is made while it is sent.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::{Download, Format};
use crate::files::disk::Disk;
use crate::files::{Entry, EntryKind, Error, MAX_PAGE, Opened, RelPath};

/// Pieces that wait for the reader.
const WAITING_PIECES: usize = 4;

const PIECE_BYTES: usize = 64 * 1024;

/// A reader who takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(60);

const DIRECTORY_MODE: u32 = 0o755;

/// What is kept of a file's mode.
const KEPT_BITS: u32 = 0o777;

/// What becomes of a file that was listed and can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Programs remove files, and put there what is none.
    LeftOut,
    /// Nobody touches these: the archive breaks off.
    Fails,
}

impl Disk {
    pub(crate) fn download(
        &self,
        dir: PathBuf,
        name: &str,
        (format, missing): (Format, Missing),
    ) -> Download {
        let (pieces, body) = mpsc::channel(WAITING_PIECES);
        let source = Source { disk: self.clone(), dir, missing, handle: Handle::current() };
        tokio::task::spawn_blocking(move || {
            let handle = source.handle.clone();
            let out = Pieces { pieces: pieces.clone(), handle: handle.clone(), held: Vec::new() };
            if let Err(error) = source.pack(format, out) {
                // Nobody may be listening any more.
                let told = pieces.send(Err(error));
                let _ = handle.block_on(async { tokio::time::timeout(STALLED, told).await });
            }
        });
        let file_name = format!("{name}.{}", format.as_str());
        Download { file_name, format, body: ReceiverStream::new(body) }
    }
}

struct Source {
    disk: Disk,
    dir: PathBuf,
    missing: Missing,
    handle: Handle,
}

impl Source {
    fn pack(&self, format: Format, out: Pieces) -> io::Result<()> {
        match format {
            Format::Zip => self.fill(ZipWriter::new_stream(out)),
            Format::Tar => self.fill(tar::Builder::new(out)),
            Format::TarGz => {
                self.fill(tar::Builder::new(GzEncoder::new(out, Compression::default())))
            }
        }
    }

    fn fill(&self, mut pack: impl Pack) -> io::Result<()> {
        let mut cursor = None;
        loop {
            let page = self.disk.list(self.dir.clone(), None, true, MAX_PAGE as usize, cursor);
            let page = self.handle.block_on(page).map_err(io::Error::other)?;
            for entry in &page.entries {
                self.add(&mut pack, entry)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return pack.finish();
            }
        }
    }

    fn add(&self, pack: &mut impl Pack, entry: &Entry) -> io::Result<()> {
        // What has no name that a request could say is none of the project's files.
        let Ok(path) = entry.path.parse::<RelPath>() else { return Ok(()) };
        match entry.kind {
            EntryKind::Directory => pack.directory(entry),
            EntryKind::File => match self.open(path)? {
                Some(Opened { entry, file }) => {
                    let mode = file.metadata()?.permissions().mode() & KEPT_BITS;
                    pack.file(&entry, mode, file)
                }
                None => Ok(()),
            },
            EntryKind::Symlink | EntryKind::Other => Ok(()),
        }
    }

    fn open(&self, path: RelPath) -> io::Result<Option<Opened>> {
        let opened = self.handle.block_on(self.disk.open(self.dir.clone(), path));
        match opened {
            Ok(opened) => Ok(Some(opened)),
            Err(
                Error::NotFound(_)
                | Error::Special(_)
                | Error::Outside(_)
                | Error::IsDirectory(_)
                | Error::NotADirectory(_),
            ) if self.missing == Missing::LeftOut => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// One format of archive, being written.
trait Pack {
    fn directory(&mut self, entry: &Entry) -> io::Result<()>;
    fn file(&mut self, entry: &Entry, mode: u32, file: File) -> io::Result<()>;
    fn finish(self) -> io::Result<()>;
}

impl Pack for ZipWriter<StreamWriter<Pieces>> {
    fn directory(&mut self, entry: &Entry) -> io::Result<()> {
        Ok(self.add_directory(entry.path.as_str(), stamped(entry))?)
    }

    fn file(&mut self, entry: &Entry, mode: u32, mut file: File) -> io::Result<()> {
        let options = stamped(entry)
            .unix_permissions(mode)
            .large_file(entry.size_bytes >= u64::from(u32::MAX));
        self.start_file(entry.path.as_str(), options)?;
        io::copy(&mut file, self).map(drop)
    }

    fn finish(self) -> io::Result<()> {
        ZipWriter::finish(self)?.into_inner().flush()
    }
}

/// What a tar is written to, and how it ends.
trait Out: Write {
    fn end(self) -> io::Result<()>;
}

impl Out for Pieces {
    fn end(mut self) -> io::Result<()> {
        self.flush()
    }
}

impl Out for GzEncoder<Pieces> {
    fn end(self) -> io::Result<()> {
        self.finish()?.flush()
    }
}

impl<W: Out> Pack for tar::Builder<W> {
    fn directory(&mut self, entry: &Entry) -> io::Result<()> {
        let mut header = header(entry, tar::EntryType::Directory, DIRECTORY_MODE, 0);
        self.append_data(&mut header, format!("{}/", entry.path), io::empty())
    }

    /// As many bytes as were announced: what grows meanwhile is cut, and what
    /// shrinks breaks the archive off.
    fn file(&mut self, entry: &Entry, mode: u32, file: File) -> io::Result<()> {
        let mut header = header(entry, tar::EntryType::Regular, mode, entry.size_bytes);
        let mut whole = Whole { file: file.take(entry.size_bytes) };
        self.append_data(&mut header, &entry.path, &mut whole)
    }

    fn finish(self) -> io::Result<()> {
        self.into_inner()?.end()
    }
}

fn header(entry: &Entry, kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(u64::try_from(entry.modified.as_second()).unwrap_or(0));
    header
}

/// A file that fails where it ends too early.
struct Whole {
    file: io::Take<File>,
}

impl io::Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.file.limit() > 0 {
            return Err(io::Error::other("a file became shorter while it was packed"));
        }
        Ok(read)
    }
}

/// With the time of the file's last change, as far as a zip can say it.
fn stamped(entry: &Entry) -> SimpleFileOptions {
    let at = entry.modified.to_zoned(TimeZone::UTC);
    let fit = |part: i8| u8::try_from(part).unwrap_or(0);
    let time = u16::try_from(at.year()).ok().and_then(|year| {
        let (month, day) = (fit(at.month()), fit(at.day()));
        let (hour, minute, second) = (fit(at.hour()), fit(at.minute()), fit(at.second()));
        zip::DateTime::from_date_and_time(year, month, day, hour, minute, second).ok()
    });
    SimpleFileOptions::default().last_modified_time(time.unwrap_or_default())
}

/// Hands what is written to the reader, in pieces, as fast as it takes them.
struct Pieces {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    handle: Handle,
    held: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.held));
        let sent = self.pieces.send(Ok(piece));
        match self.handle.block_on(async { tokio::time::timeout(STALLED, sent).await }) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::other("the reader went away")),
            Err(_) => Err(io::Error::other("the reader took nothing for a minute")),
        }
    }
}
