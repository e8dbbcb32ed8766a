//! Disk limits by btrfs: each workspace is a subvolume, and its quota group
//! refuses what is over the limit.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use async_trait::async_trait;

use super::Disk;
use crate::command::Command;
use crate::projects::MakeWorkspace;
use crate::runtimes::engine::{Enforcement, Error};

const PROGRAM: &str = "btrfs";

/// `BTRFS_SUPER_MAGIC`.
const MAGIC: u64 = 0x9123_683e;

/// What `stat` says of the root of a subvolume.
const SUBVOLUME_INODE: u64 = 256;

#[derive(Debug)]
pub(super) struct Btrfs;

impl Btrfs {
    /// Tries whether it works below `root`; quotas that are off are switched on
    /// if the operator `asks` for them.
    pub(super) async fn open(root: &Path, asks: bool) -> Result<Self, String> {
        if !is_btrfs(root) {
            return Err("it is on another file system".to_owned());
        }
        if !rustix::process::geteuid().is_root() {
            return Err("quotas of btrfs take root".to_owned());
        }
        if asks {
            run(&["quota", "enable"], root).await?;
        }
        run(&["qgroup", "show"], root).await.map_err(|why| {
            format!(
                "quotas of this btrfs are off (set runtimes.disk to “btrfs” to use them): {why}"
            )
        })?;
        // Those of workspaces that are gone; the oldest kernels leave them.
        if let Err(why) = run(&["qgroup", "clear-stale"], root).await {
            tracing::debug!(why, "old quota groups stay");
        }
        Ok(Self)
    }
}

#[async_trait]
impl MakeWorkspace for Btrfs {
    async fn make(&self, workspace: &Path) -> std::io::Result<()> {
        if workspace.exists() {
            return Ok(());
        }
        let made = run(&["subvolume", "create"], workspace).await;
        match made {
            // Another request made it at the same time.
            Err(_) if workspace.exists() => Ok(()),
            made => made.map_err(std::io::Error::other),
        }
    }
}

#[async_trait]
impl Disk for Btrfs {
    fn name(&self) -> &'static str {
        "btrfs"
    }

    /// A workspace that was made before, as a plain directory, is measured.
    fn enforcement(&self, workspace: &Path) -> Enforcement {
        let found = std::fs::symlink_metadata(workspace);
        let held = found.is_ok_and(|found| found.is_dir() && found.ino() == SUBVOLUME_INODE);
        if held { Enforcement::Hard } else { Enforcement::Soft }
    }

    fn enforced(&self) -> Enforcement {
        Enforcement::Hard
    }

    async fn limit(&self, workspace: &Path, bytes: u64) -> Result<(), Error> {
        if self.enforcement(workspace) != Enforcement::Hard {
            return Ok(());
        }
        let limited = run(&["qgroup", "limit", &bytes.to_string()], workspace).await;
        limited.map_err(|why| Error::Failed(format!("the limit of the disk: {why}")))
    }
}

fn is_btrfs(path: &Path) -> bool {
    let found = rustix::fs::statfs(path);
    found.is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|magic| magic == MAGIC))
}

async fn run(words: &[&str], path: &Path) -> Result<(), String> {
    let ran = Command::new(PROGRAM).args(words).arg(path).success().await;
    ran.map(drop).map_err(|error| error.to_string())
}
