//! Room jobs: a job's files as a zip that is made while it is sent.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use crate::files::{self, Disk, Entry, EntryKind, Opened, RelPath};
use crate::ids::ProjectName;

/// Pieces that wait for the reader.
const WAITING_PIECES: usize = 4;

const PIECE_BYTES: usize = 64 * 1024;

/// A reader who takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(60);

/// A zip on its way. It breaks off with an error where a file can't be read,
/// so that half of it is never taken for the whole.
pub struct Download {
    /// Such as `todo.zip`.
    pub file_name: String,
    pub body: ReceiverStream<io::Result<Bytes>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("file_name", &self.file_name).finish_non_exhaustive()
    }
}

pub(super) fn download(disk: Disk, dir: PathBuf, name: &ProjectName) -> Download {
    let (pieces, body) = mpsc::channel(WAITING_PIECES);
    let source = Source { disk, dir, handle: Handle::current() };
    tokio::task::spawn_blocking(move || {
        let out =
            Pieces { pieces: pieces.clone(), handle: source.handle.clone(), held: Vec::new() };
        if let Err(error) = source.zip(out) {
            let handle = source.handle.clone();
            // Nobody may be listening any more.
            let told = pieces.send(Err(error));
            let _ = handle.block_on(async { tokio::time::timeout(STALLED, told).await });
        }
    });
    Download { file_name: format!("{name}.zip"), body: ReceiverStream::new(body) }
}

struct Source {
    disk: Disk,
    dir: PathBuf,
    handle: Handle,
}

type Zip = ZipWriter<StreamWriter<Pieces>>;

impl Source {
    fn zip(&self, out: Pieces) -> io::Result<()> {
        let mut zip = ZipWriter::new_stream(out);
        let mut cursor = None;
        loop {
            let page =
                self.disk.list(self.dir.clone(), None, true, files::MAX_PAGE as usize, cursor);
            let page = self.handle.block_on(page).map_err(io::Error::other)?;
            for entry in &page.entries {
                self.add(&mut zip, entry)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                let mut out = zip.finish()?.into_inner();
                return out.flush();
            }
        }
    }

    /// Links are left out: an archive carries nothing from elsewhere.
    fn add(&self, zip: &mut Zip, entry: &Entry) -> io::Result<()> {
        match entry.kind {
            EntryKind::Directory => Ok(zip.add_directory(entry.path.as_str(), stamped(entry))?),
            EntryKind::File => self.add_file(zip, entry),
            EntryKind::Symlink | EntryKind::Other => Ok(()),
        }
    }

    fn add_file(&self, zip: &mut Zip, entry: &Entry) -> io::Result<()> {
        let path: RelPath = entry.path.parse().map_err(io::Error::other)?;
        let opened = self.handle.block_on(self.disk.open(self.dir.clone(), path));
        let Opened { entry, mut file } = opened.map_err(io::Error::other)?;
        let mode = file.metadata()?.permissions().mode();
        let options = stamped(&entry)
            .unix_permissions(mode)
            .large_file(entry.size_bytes >= u64::from(u32::MAX));
        zip.start_file(entry.path.as_str(), options)?;
        io::copy(&mut file, zip).map(drop)
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
