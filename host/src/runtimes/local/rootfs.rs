//! What a runtime's root file system is: an unpacked image directory, or the machine's own /usr
//! below a skeleton of ours.

use std::path::{Path, PathBuf};

use super::machine;
use crate::ids::Kind;
use crate::runtimes::engine::{Error, Image, LINK_DIR, WORKSPACE_DIR};

/// The unpacked image within `<data>/images/<kind>/`.
pub(in crate::runtimes) const ROOTFS: &str = "rootfs";

/// What identifies its content, beside it.
pub(in crate::runtimes) const DIGEST: &str = "digest";

/// Where something is mounted in a root; they must be there, since the root is read-only.
const MOUNT_POINTS: &[&str] = &["proc", "sys", "dev", "tmp", "run"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    /// Mounted read-only over it.
    pub(super) binds: Vec<Bind>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bind {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
}

/// A kind's unpacked image, if there is one.
pub(super) fn unpacked(images: &Path, kind: Kind) -> Result<Option<(Root, Image)>, Error> {
    let dir = images.join(kind.as_str());
    // A link to the version in use: resolved here, so that a runtime keeps the one it began with.
    let Ok(path) = std::fs::canonicalize(dir.join(ROOTFS)) else { return Ok(None) };
    for point in MOUNT_POINTS.iter().map(|point| (*point).to_owned()).chain(own_mount_points()) {
        let point = path.join(point);
        std::fs::create_dir_all(&point).map_err(|error| {
            Error::Failed(format!(
                "the image directory {} lacks {} and it can't be made: {error}",
                path.display(),
                point.display()
            ))
        })?;
    }
    // Our own is mounted over it; a bare Debian has none.
    _ = std::fs::File::options().create(true).append(true).open(path.join("etc/hosts"));
    let digest = std::fs::read_to_string(dir.join(DIGEST))
        .map_or_else(|_| machine::stamp(&[&path]), |digest| digest.trim().to_owned());
    let name = path.display().to_string();
    Ok(Some((Root { path, binds: Vec::new() }, Image { kind, name, digest, notice: None })))
}

/// The mount points that are ours by name.
pub(in crate::runtimes) fn own_mount_points() -> impl Iterator<Item = String> {
    [LINK_DIR, WORKSPACE_DIR].into_iter().map(|point| point.trim_start_matches('/').to_owned())
}
