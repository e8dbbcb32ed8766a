//! Disk: how a workspace is kept from filling the machine's disk.
//!
//! The kernel does it where the file system can (`btrfs`, `project`), or where each
//! workspace gets one of its own (`loop`), hard: what is over the limit fails at once.
//! Everywhere else workspaces are measured now and then (`watch`, [`super::space`]),
//! soft: a runtime that is found over its limit is stopped, and saves are refused
//! until there is room again.

mod btrfs;
pub mod kept;
mod loops;
pub(super) mod measure;
mod project_quota;
pub(super) mod store;
pub mod usage;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use self::btrfs::Btrfs;
use self::loops::Loops;
use self::project_quota::ProjectQuota;
use super::engine::{Enforcement, Error};
use crate::projects::MakeWorkspace;

/// Which way is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The best that works where the workspaces are, as it is: quotas of a
    /// whole file system are never switched on unasked.
    #[default]
    Auto,
    /// A subvolume for each workspace, with a quota group.
    Btrfs,
    /// A project of XFS or ext4 for each workspace, with a quota.
    Project,
    /// A file for each workspace, with a file system in it.
    Loop,
    /// Workspaces are measured.
    Watch,
}

/// One way to limit workspaces.
#[async_trait]
pub trait Disk: MakeWorkspace {
    /// `btrfs`, `project`, `loop` or `watch`.
    fn name(&self) -> &'static str;

    /// How the limit of this workspace holds.
    fn enforcement(&self, workspace: &Path) -> Enforcement;

    /// How the limits of new workspaces hold.
    fn enforced(&self) -> Enforcement;

    /// Sets how many bytes a workspace may hold from now on.
    async fn limit(&self, workspace: &Path, bytes: u64) -> Result<(), Error>;
}

/// The way for workspaces below `root`, which is made if it is not there; none of
/// them will hold more than `most` bytes.
///
/// # Errors
/// `Misconfigured` when the way that is asked for does not work there; the text
/// says what to do.
pub async fn open(way: Way, root: &Path, most: u64) -> Result<Arc<dyn Disk>, Error> {
    std::fs::create_dir_all(root)
        .map_err(|error| Error::Failed(format!("{}: {error}", root.display())))?;
    match way {
        Way::Watch => Ok(Arc::new(Watch)),
        Way::Btrfs => match Btrfs::open(root, true).await {
            Ok(btrfs) => Ok(Arc::new(btrfs)),
            Err(why) => Err(unfit(
                ("btrfs", root, &why),
                "put the data directory on a btrfs file system, start the server as root with \
                 btrfs-progs installed",
            )),
        },
        Way::Project => match ProjectQuota::open(root).await {
            Ok(quota) => Ok(Arc::new(quota)),
            Err(why) => Err(unfit(
                ("project", root, &why),
                "put the data directory on an XFS or ext4 that is mounted with the option \
                 prjquota, start the server as root with xfsprogs and e2fsprogs installed",
            )),
        },
        Way::Loop => match Loops::open(root, most).await {
            Ok(loops) => Ok(Arc::new(loops)),
            Err(why) => Err(unfit(
                ("loop", root, &why),
                "start the server as root on a machine with loop devices and e2fsprogs installed",
            )),
        },
        Way::Auto => Ok(best(root).await),
    }
}

/// The way that was asked for does not work there.
fn unfit((way, root, why): (&str, &Path, &str), needs: &str) -> Error {
    Error::Misconfigured(format!(
        "runtimes.disk is “{way}”, which does not work for {}: {why}; {needs}, or set \
         runtimes.disk to “watch”",
        root.display()
    ))
}

async fn best(root: &Path) -> Arc<dyn Disk> {
    let no_btrfs = match Btrfs::open(root, false).await {
        Ok(btrfs) => return Arc::new(btrfs),
        Err(why) => why,
    };
    match ProjectQuota::open(root).await {
        Ok(quota) => Arc::new(quota),
        Err(no_project) => {
            tracing::info!(btrfs = no_btrfs, project = no_project, "workspaces are measured");
            Arc::new(Watch)
        }
    }
}

/// Plain directories, which somebody else measures.
#[derive(Debug)]
pub struct Watch;

#[async_trait]
impl MakeWorkspace for Watch {
    async fn make(&self, workspace: &Path) -> std::io::Result<()> {
        tokio::fs::create_dir_all(workspace).await
    }
}

#[async_trait]
impl Disk for Watch {
    fn name(&self) -> &'static str {
        "watch"
    }

    fn enforcement(&self, _workspace: &Path) -> Enforcement {
        Enforcement::Soft
    }

    fn enforced(&self) -> Enforcement {
        Enforcement::Soft
    }

    async fn limit(&self, _workspace: &Path, _bytes: u64) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_way_that_does_not_work_here_is_refused_with_what_to_do() {
        // Memory is no btrfs.
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let refused = open(Way::Btrfs, dir.path(), 1).await.unwrap_err().to_string();
        assert!(refused.contains("btrfs-progs") && refused.contains("watch"), "{refused}");
        let refused = open(Way::Project, dir.path(), 1).await.unwrap_err().to_string();
        assert!(refused.contains("prjquota") && refused.contains("xfsprogs"), "{refused}");
    }

    #[tokio::test]
    async fn where_no_file_system_helps_workspaces_are_measured() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let disk = open(Way::Auto, dir.path(), 1).await.unwrap();
        assert_eq!((disk.name(), disk.enforced()), ("watch", Enforcement::Soft));
    }
}
