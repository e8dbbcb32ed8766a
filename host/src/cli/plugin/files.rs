//! The author's own files: read within a bound, and written whole.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};

/// The longest file of text that is read: cases, requests, manifests.
pub(super) const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

pub(in crate::cli) fn read(path: &Path, max_bytes: usize) -> anyhow::Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        let limit = u64::try_from(max_bytes)?.saturating_add(1);
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        ensure!(bytes.len() <= max_bytes, "is larger than {max_bytes} bytes");
        Ok(bytes)
    };
    read().with_context(|| format!("{} can't be read", path.display()))
}

pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = read(path, MAX_TEXT_BYTES)?;
    String::from_utf8(bytes).with_context(|| format!("{} is no UTF-8 text", path.display()))
}

/// Whole or not at all, since another command may read at any moment.
pub(in crate::cli) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::Builder::new()
            .permissions(readable())
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("{} can't be written", path.display()))
}

/// Temporary files are private by default, what a build makes is not.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}
