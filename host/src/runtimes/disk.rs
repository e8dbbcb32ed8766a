//! What a workspace takes on the disk, measured by looking, now and then.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _};
use jiff::{SignedDuration, Timestamp};

use crate::ids::ProjectId;

/// How long a measurement counts.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(30);

/// Where a measurement ends, so that nobody can make it dear: a workspace beyond
/// is said to hold at least what was counted.
const MAX_ENTRIES: u32 = 200_000;
const MAX_DEPTH: usize = 64;
const MAX_TIME: Duration = Duration::from_secs(2);

/// Measurements that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// The kernel's unit of what a file takes.
const BLOCK_BYTES: u64 = 512;

/// What a workspace takes on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUsage {
    pub bytes: u64,
    pub measured_at: Timestamp,
    /// Whether all of it was counted.
    pub complete: bool,
}

/// The latest measurements.
#[derive(Debug, Default)]
pub(super) struct Disks {
    known: Mutex<HashMap<ProjectId, Arc<Latest>>>,
}

/// Whoever asks while somebody measures waits for that.
type Latest = tokio::sync::Mutex<Option<DiskUsage>>;

impl Disks {
    pub(super) async fn usage(
        &self,
        project: &ProjectId,
        workspace: PathBuf,
        now: Timestamp,
    ) -> std::io::Result<DiskUsage> {
        let latest = self.latest(project);
        let mut latest = latest.lock().await;
        if let Some(usage) = *latest
            && now.duration_since(usage.measured_at) < MAX_AGE
        {
            return Ok(usage);
        }
        let measured = tokio::task::spawn_blocking(move || measure(workspace)).await;
        let (bytes, complete) = measured.map_err(std::io::Error::other)??;
        let usage = DiskUsage { bytes, measured_at: now, complete };
        *latest = Some(usage);
        Ok(usage)
    }

    fn latest(&self, project: &ProjectId) -> Arc<Latest> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.retain(|_, latest| Arc::strong_count(latest) > 1);
        }
        Arc::clone(known.entry(project.clone()).or_default())
    }
}

/// Bytes below a directory, and whether all were counted. No link is followed, and
/// a file with several names counts once for each. As many directories are open as
/// lie within each other.
fn measure(workspace: PathBuf) -> std::io::Result<(u64, bool)> {
    let (began, mut entries, mut bytes) = (Instant::now(), 0_u32, 0_u64);
    let root = Dir::open_ambient_dir(workspace, ambient_authority())?;
    let mut open = vec![(root.entries()?, root)];
    while let Some((listing, dir)) = open.last_mut() {
        let Some(entry) = listing.next() else {
            open.pop();
            continue;
        };
        // What is gone by now takes nothing.
        let Ok((entry, seen)) = entry.and_then(|entry| entry.metadata().map(|seen| (entry, seen)))
        else {
            continue;
        };
        entries += 1;
        bytes = bytes.saturating_add(seen.blocks().saturating_mul(BLOCK_BYTES));
        if entries > MAX_ENTRIES || began.elapsed() > MAX_TIME {
            return Ok((bytes, false));
        }
        if !seen.is_dir() {
            continue;
        }
        let Ok(below) = dir.open_dir(entry.file_name()) else { continue };
        if open.len() >= MAX_DEPTH {
            return Ok((bytes, false));
        }
        open.push((below.entries()?, below));
    }
    Ok((bytes, true))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a workspace is filled")]
    fn what_links_lead_to_does_not_count() {
        let [own, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        std::fs::write(other.path().join("large"), vec![1; 1 << 20]).unwrap();
        std::fs::write(own.path().join("small"), vec![1; 1 << 16]).unwrap();
        symlink(other.path(), own.path().join("link")).unwrap();
        symlink(own.path(), own.path().join("loop")).unwrap();
        let (bytes, complete) = measure(own.path().to_owned()).unwrap();
        assert!(complete && bytes >= 1 << 16 && bytes < 1 << 20, "{bytes}");
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a workspace is filled")]
    async fn a_measurement_counts_for_half_a_minute() {
        let (disks, project) = (Disks::default(), ProjectId::generate());
        let dir = tempfile::tempdir().unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let first = disks.usage(&project, dir.path().to_owned(), at(0)).await.unwrap();
        std::fs::write(dir.path().join("new"), vec![1; 1 << 16]).unwrap();
        assert_eq!(disks.usage(&project, dir.path().to_owned(), at(29)).await.unwrap(), first);
        let later = disks.usage(&project, dir.path().to_owned(), at(30)).await.unwrap();
        assert!(later.bytes > first.bytes);
    }
}
