//! What a workspace takes on the disk, as it was measured now or a moment ago.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::measure::{Size, measure};
use crate::ids::ProjectId;

/// How long a measurement counts.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(30);

/// Measurements that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// What a workspace takes on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskUsage {
    pub bytes: u64,
    pub measured_at: Timestamp,
}

/// The latest measurements.
#[derive(Debug, Default)]
pub(in crate::runtimes) struct Disks {
    known: Mutex<HashMap<ProjectId, Arc<Latest>>>,
}

/// Whoever asks while somebody measures waits for that.
type Latest = tokio::sync::Mutex<Option<DiskUsage>>;

impl Disks {
    /// Measures no further than `enough` bytes, so that nobody can make it dear.
    pub(in crate::runtimes) async fn usage(
        &self,
        project: &ProjectId,
        (workspace, enough): (PathBuf, u64),
        now: Timestamp,
    ) -> std::io::Result<DiskUsage> {
        let latest = self.latest(project);
        let mut latest = latest.lock().await;
        if let Some(usage) = *latest
            && now.duration_since(usage.measured_at) < MAX_AGE
        {
            return Ok(usage);
        }
        let measured = tokio::task::spawn_blocking(move || measure(&workspace, enough)).await;
        let bytes = match measured.map_err(std::io::Error::other)?? {
            Size::Bytes(bytes) => bytes,
            Size::Unknown(why) => return Err(std::io::Error::other(why)),
        };
        let usage = DiskUsage { bytes, measured_at: now };
        *latest = Some(usage);
        Ok(usage)
    }

    /// Whoever asks next measures.
    pub(in crate::runtimes) fn forget(&self, project: &ProjectId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }

    fn latest(&self, project: &ProjectId) -> Arc<Latest> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.retain(|_, latest| Arc::strong_count(latest) > 1);
        }
        Arc::clone(known.entry(project.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a workspace is filled")]
    async fn a_measurement_counts_for_half_a_minute() {
        let (disks, project) = (Disks::default(), ProjectId::generate());
        let dir = tempfile::tempdir().unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let place = || (dir.path().to_owned(), u64::MAX);
        let first = disks.usage(&project, place(), at(0)).await.unwrap();
        std::fs::write(dir.path().join("new"), vec![1; 1 << 16]).unwrap();
        assert_eq!(disks.usage(&project, place(), at(29)).await.unwrap(), first);
        let later = disks.usage(&project, place(), at(30)).await.unwrap();
        assert!(later.bytes > first.bytes);
    }
}
