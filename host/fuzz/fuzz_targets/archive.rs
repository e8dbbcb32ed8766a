//! Any bytes are taken in as an archive or refused, within bounds, and no name
//! among them leads out.

#![no_main]

use std::io::{Cursor, Read};

use files::unpack::{self, Seen};
use libfuzzer_sys::fuzz_target;

/// The readers themselves, without the host around them.
#[path = "../../src/files"]
#[expect(dead_code, unused_imports, reason = "the host uses what this target does not")]
mod files {
    mod path;

    use std::io::{self, Read};

    pub use path::{InvalidPath, MAX_DEPTH, MAX_PATH_BYTES, RelPath};

    #[derive(Debug)]
    pub enum Error {
        Archive(String),
        ArchiveTooLarge(String),
    }

    impl Error {
        pub fn from_io(error: io::Error, path: &str) -> Self {
            Self::Archive(format!("{path}: {error}"))
        }
    }

    #[path = "archive/unpack"]
    pub mod unpack {
        mod readers;

        use std::io::{Read, Seek};

        use super::{Error, RelPath};
        use readers::{Announced, Entries, Intake, read_tar, read_zip, unreadable};

        /// What came in.
        pub struct Seen {
            entries: Entries,
            pub paths: Vec<RelPath>,
            left: u64,
        }

        impl Seen {
            pub fn at_most(bytes: u64) -> Self {
                Self { entries: Entries::new(None), paths: Vec::new(), left: bytes }
            }
        }

        impl Intake for Seen {
            fn directory(&mut self, name: &str) -> Result<(), Error> {
                self.paths.extend(self.entries.directory(name)?);
                Ok(())
            }

            fn file(&mut self, told: &Announced<'_>, content: impl Read) -> Result<(), Error> {
                self.paths.push(self.entries.file(told.name)?);
                let read = std::io::copy(&mut content.take(self.left + 1), &mut std::io::sink());
                let read = read.map_err(unreadable)?;
                self.left = self.left.checked_sub(read).ok_or_else(|| {
                    Error::ArchiveTooLarge("it is a bomb".to_owned())
                })?;
                Ok(())
            }
        }

        pub fn tar(archive: impl Read, seen: &mut Seen) -> Result<(), Error> {
            read_tar(archive, seen)
        }

        pub fn zip<R: Read + Seek>(one: R, other: R, seen: &mut Seen) -> Result<(), Error> {
            read_zip(one, other, seen)
        }
    }
}

/// Contents that are read of one archive.
const MAX_CONTENT_BYTES: u64 = 1024 * 1024;

/// More than any error needs.
const MAX_ERROR_BYTES: usize = 1024;

fuzz_target!(|bytes: &[u8]| {
    taken(|seen| unpack::tar(bytes, seen));
    taken(|seen| unpack::tar(flate2::read::MultiGzDecoder::new(bytes).take(1 << 24), seen));
    taken(|seen| unpack::zip(Cursor::new(bytes), Cursor::new(bytes), seen));
});

fn taken(read: impl FnOnce(&mut Seen) -> Result<(), files::Error>) {
    let mut seen = Seen::at_most(MAX_CONTENT_BYTES);
    if let Err(files::Error::Archive(why) | files::Error::ArchiveTooLarge(why)) = read(&mut seen) {
        assert!(why.len() <= MAX_ERROR_BYTES);
    }
    let leads_out = |path: &files::RelPath| {
        path.as_str().starts_with('/') || path.as_str().split('/').any(|name| name == "..")
    };
    assert!(!seen.paths.iter().any(leads_out));
}
