//! The bytes of installed components: one file each, named by its digest.

use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::plugins::fault::Digest;

const PRIVATE_DIR: u32 = 0o700;

/// A directory that only the server writes. Cloning is cheap enough.
#[derive(Debug, Clone)]
pub(super) struct ComponentFiles {
    dir: PathBuf,
}

impl ComponentFiles {
    pub(super) fn open(dir: PathBuf) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(&dir)?;
        Ok(Self { dir })
    }

    /// Whole and on the disk, or an error.
    pub(super) fn put(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(&self.dir)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.path(digest)).map_err(|error| error.error)?;
        std::fs::File::open(&self.dir)?.sync_all()
    }

    /// The bytes of this digest; a file that was changed is an error.
    #[expect(clippy::disallowed_methods, reason = "this directory is the library's own")]
    pub(super) fn read(&self, digest: Digest) -> io::Result<Vec<u8>> {
        let bytes = std::fs::read(self.path(digest))?;
        if Digest::of(&bytes) == digest {
            return Ok(bytes);
        }
        let why = format!("{} no longer has the digest in its name", self.path(digest).display());
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }

    /// Puts back what was lost here. Bytes of another digest are an error.
    pub(super) fn restore(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        if Digest::of(bytes) == digest {
            return self.put(digest, bytes);
        }
        let why = format!("the database has other bytes than those of {digest}");
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }

    pub(super) fn remove(&self, digest: Digest) {
        match std::fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%digest, %error, "an old component was not removed");
            }
            _ => {}
        }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        let name = format!("{}.wasm", digest.to_hex());
        Path::new(&self.dir).join(name)
    }
}
