//! Room files: the formats, read entry by entry, for whoever takes them in.
//!
//! These bytes are somebody else's: a fuzz target holds this part to that.

mod entries;
mod tarball;
mod zipped;

use std::io::{self, Read};

use crate::files::Error;

pub(super) use entries::Entries;
pub(super) use tarball::read as read_tar;
pub(super) use zipped::read as read_zip;

/// The rights to execute, in a mode.
const EXECUTABLE: u32 = 0o111;

/// What an archive says of a file.
pub(super) struct Announced<'a> {
    pub(super) name: &'a str,
    pub(super) size: u64,
    pub(super) executable: bool,
}

/// Takes entries in, one after the other.
pub(super) trait Intake {
    fn directory(&mut self, name: &str) -> Result<(), Error>;
    fn file(&mut self, told: &Announced<'_>, content: impl Read) -> Result<(), Error>;
}

/// Either the disk failed, which has a number, or the archive.
pub(super) fn broken(error: io::Error, name: &str) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::from_io(error, name),
        None => Error::Archive(format!("“{}” in it can't be read: {error}", shown(name))),
    }
}

pub(super) fn unreadable(error: impl Into<io::Error>) -> Error {
    match error.into() {
        error if error.raw_os_error().is_some() => Error::from_io(error, "the archive"),
        error => Error::Archive(shown(&error.to_string())),
    }
}

/// A text of somebody else's, as long as a message may hold.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
