//! Room jobs: directories that no job speaks of.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{Error, Jobs};
use crate::files::{self, Precondition, RelPath};
use crate::gate::Permit;
use crate::ids::JobId;

/// How old one must be: a younger one may be becoming a job's.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// Directories that are told of at once.
const MOST: usize = 1_000;

impl Jobs {
    /// Directories of no job, up to a bound. Where the operator chose the place,
    /// none is told of: others may have theirs there.
    pub async fn orphans(&self) -> Result<Vec<JobId>, Error> {
        if !self.is_own_root {
            return Ok(Vec::new());
        }
        let (root, now) = (self.root.clone(), self.clock.now());
        // Rows are read after, since a job's is there before its directory.
        let listed = tokio::task::spawn_blocking(move || old_directories(&root, now)).await;
        let listed = listed.map_err(std::io::Error::other).and_then(|listed| listed);
        let known = self.store.directories().await?;
        let unknown = |id: &JobId| !known.contains(id);
        Ok(listed.map_err(Error::Directory)?.into_iter().filter(unknown).take(MOST).collect())
    }

    /// Removes one; answers whether it was still there and nobody's.
    pub async fn clean_up(&self, _permit: &Permit, directory: &JobId) -> Result<bool, Error> {
        if self.store.directories().await?.contains(directory) {
            return Ok(false);
        }
        let path: RelPath = directory.as_str().parse().map_err(files::Error::from)?;
        Ok(self.disk.remove(self.root.clone(), path, true, Precondition::None).await?)
    }
}

fn old_directories(root: &Path, now: Timestamp) -> std::io::Result<HashSet<JobId>> {
    let entries = match std::fs::read_dir(root) {
        // No job has been made yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
        entries => entries?,
    };
    let mut found = HashSet::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit());
        let Ok(about) = std::fs::symlink_metadata(entry.path()) else { continue };
        let changed = Timestamp::from_second(about.ctime()).unwrap_or(Timestamp::UNIX_EPOCH);
        if is_ours && about.is_dir() && now.duration_since(changed) > GRACE {
            found.extend(name.parse::<JobId>().ok());
        }
    }
    Ok(found)
}
