//! Room files: a zip, entry by entry, without an index in memory.

use std::io::{Read, Seek};

use zip::ZipReadOptions;
use zip::read::Config;
use zip::unstable::read::ZipIterable;

use super::entries::{MAX_ENTRIES, refused, too_many};
use super::{Announced, EXECUTABLE, Intake, unreadable};
use crate::files::Error;

/// The kind of file, in a mode that an archive tells.
const KIND_BITS: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Reads the directory of the zip by one reader, and contents by the other.
pub(in super::super) fn read<R: Read + Seek>(
    directory: R,
    contents: R,
    intake: &mut impl Intake,
) -> Result<(), Error> {
    let zip = ZipIterable::try_new(directory, Config::default()).map_err(unreadable)?;
    let mut zip = zip.enforce_header_consistency(true);
    if zip.len() > MAX_ENTRIES {
        return Err(too_many());
    }
    let entries = zip.files_with_reader(contents, ZipReadOptions::new());
    let mut entries = entries.map_err(unreadable)?;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(unreadable)?;
        let name = entry.name().map_err(unreadable)?.into_owned();
        let mode = entry.unix_mode().unwrap_or(0);
        match mode & KIND_BITS {
            _ if entry.is_symlink() => return Err(refused(&name, "is a link")),
            0 | DIRECTORY if entry.is_dir() => intake.directory(&name)?,
            0 | REGULAR if !entry.is_dir() => {
                let (size, executable) = (entry.size(), mode & EXECUTABLE != 0);
                intake.file(&Announced { name: &name, size, executable }, entry)?;
            }
            _ => return Err(refused(&name, "is neither a file nor a directory")),
        }
    }
    Ok(())
}
