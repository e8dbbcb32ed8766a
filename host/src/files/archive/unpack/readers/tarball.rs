//! Room files: a tar, entry by entry.
//!
//! The library's own handling of long names reads them whole, however long they
//! say to be; so it gives the entries raw, and what belongs to the one after is
//! read here, within bounds.

use std::io::Read;

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::entries::refused;
use super::{Announced, EXECUTABLE, Intake, unreadable};
use crate::files::{Error, MAX_PATH_BYTES};

/// Bytes of what a pax header says of one entry.
const MAX_PAX_BYTES: u64 = 64 * 1024;

/// Headers in a row that belong to one entry.
const MAX_HEADERS: usize = 8;

/// What headers said of the entry after them.
#[derive(Debug, Default)]
struct Ahead {
    name: Option<String>,
    headers: usize,
}

pub(in super::super) fn read(archive: impl Read, intake: &mut impl Intake) -> Result<(), Error> {
    let mut archive = Archive::new(archive);
    let mut ahead = Ahead::default();
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        match entry.header().entry_type() {
            EntryType::XGlobalHeader => {
                ahead.count()?;
                bounded(&mut entry, MAX_PAX_BYTES)?;
            }
            EntryType::GNULongName => {
                ahead.count()?;
                let mut name = bounded(&mut entry, MAX_PATH_BYTES as u64 + 1)?;
                if name.last() == Some(&0) {
                    name.pop();
                }
                ahead.name = Some(text(name)?);
            }
            EntryType::XHeader => {
                ahead.count()?;
                ahead.pax(&bounded(&mut entry, MAX_PAX_BYTES)?)?;
            }
            kind => {
                let name = match std::mem::take(&mut ahead).name {
                    Some(name) => name,
                    None => text(entry.path_bytes().into_owned())?,
                };
                take(intake, &name, kind, entry)?;
            }
        }
    }
    Ok(())
}

fn take(
    intake: &mut impl Intake,
    name: &str,
    kind: EntryType,
    entry: Entry<'_, impl Read>,
) -> Result<(), Error> {
    match kind {
        // What it has no need of could be without end.
        EntryType::Directory if entry.size() > 0 => {
            Err(refused(name, "is a directory with content"))
        }
        EntryType::Directory => intake.directory(name),
        // Old programs write directories as files whose names end so.
        EntryType::Regular if name.ends_with('/') => intake.directory(name),
        EntryType::Regular | EntryType::Continuous => {
            let size = entry.header().entry_size().map_err(unreadable)?;
            let executable = entry.header().mode().map_err(unreadable)? & EXECUTABLE != 0;
            intake.file(&Announced { name, size, executable }, entry)
        }
        EntryType::Symlink | EntryType::Link | EntryType::GNULongLink => {
            Err(refused(name, "is a link"))
        }
        _ => Err(refused(name, "is neither a file nor a directory")),
    }
}

impl Ahead {
    fn count(&mut self) -> Result<(), Error> {
        self.headers += 1;
        if self.headers > MAX_HEADERS {
            return Err(Error::Archive("an entry in it has too many headers".to_owned()));
        }
        Ok(())
    }

    /// Of what pax can say only the name matters; what would change where an
    /// entry ends, or what it is, is refused.
    fn pax(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for extension in PaxExtensions::new(bytes) {
            let extension = extension.map_err(unreadable)?;
            match extension.key_bytes() {
                b"path" => self.name = Some(text(extension.value_bytes().to_vec())?),
                b"size" | b"linkpath" => {
                    return Err(Error::Archive("it uses pax for sizes or links".to_owned()));
                }
                key if key.starts_with(b"GNU.sparse") => {
                    return Err(Error::Archive("a file in it is sparse".to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn bounded(entry: &mut impl Read, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    entry.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(Error::Archive("a header in it is too long".to_owned()));
    }
    Ok(bytes)
}

fn text(name: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(name).map_err(|error| {
        refused(&String::from_utf8_lossy(error.as_bytes()), "is not written in UTF-8")
    })
}
