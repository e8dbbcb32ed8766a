//! Disk limits by loop devices: each workspace lies in an ext4 of its own.
//!
//! ```text
//!  <data>/disks/<id>.ext4   a file with holes, larger than any limit may be
//!  <data>/disks/<id>/       where it is mounted
//!               ├ ballast   takes what is over the limit
//!               └ files     mounted once more at <data>/projects/<id>
//! ```
//!
//! No runtime sees the ballast, so its size alone makes the limit, which changes
//! at once and while programs run. It and what is empty take no room outside.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::Disk;
use crate::command::Command;
use crate::projects::{MakeWorkspace, remove_directory};
use crate::runtimes::engine::{Enforcement, Error};

const ENDING: &str = "ext4";

/// What the file system needs beside files: a sixteenth, and this.
const OVERHEAD_BYTES: u64 = 64 * 1024 * 1024;

/// A small journal, and nothing written that can wait.
const MAKE: [&str; 7] =
    ["-qF", "-m", "0", "-J", "size=8", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"];

/// What is deleted inside makes room outside.
const MOUNT: [&str; 4] = ["-t", "ext4", "-o", "loop,discard,noinit_itable,nosuid,nodev"];

/// Bytes in one block of `stat`.
const BLOCK_BYTES: u64 = 512;

#[derive(Debug)]
pub(super) struct Loops {
    dir: PathBuf,
    /// Size of each file.
    bytes: u64,
}

/// Where the parts of one workspace are.
struct Parts {
    image: PathBuf,
    mounted: PathBuf,
    files: PathBuf,
    ballast: PathBuf,
}

impl Loops {
    /// Tries whether it works beside `root`, and mounts the workspaces that there
    /// are. No limit will be over `most` bytes.
    pub(super) async fn open(root: &Path, most: u64) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("mounting takes root".to_owned());
        }
        let dir = root.with_file_name("disks");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| format!("{}: {error}", dir.display()))?;
        let loops = Self { dir, bytes: most + most / 16 + OVERHEAD_BYTES };
        loops.try_out().await?;
        loops.mount_all(root).await;
        Ok(loops)
    }

    async fn try_out(&self) -> Result<(), String> {
        let probe = tempfile::tempdir_in(&self.dir).map_err(|error| error.to_string())?;
        let inner = Self { dir: probe.path().join("disks"), bytes: self.bytes };
        std::fs::create_dir(&inner.dir).map_err(|error| error.to_string())?;
        let workspace = probe.path().join("probe");
        let made = inner.make(&workspace).await;
        let removed = inner.remove(&workspace).await;
        made.and(removed).map_err(|error| error.to_string())
    }

    /// After a restart of the machine nothing is mounted.
    async fn mount_all(&self, root: &Path) {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let images = entries.map(|entry| entry.path());
        for image in images.filter(|path| path.extension().is_some_and(|end| end == ENDING)) {
            let workspace = root.join(image.file_stem().unwrap_or_default());
            if let Err(error) = self.mount(&workspace).await {
                tracing::error!(image = %image.display(), %error, "a workspace is not there");
            }
        }
    }

    fn parts(&self, workspace: &Path) -> Parts {
        let mounted = self.dir.join(workspace.file_name().unwrap_or_default());
        Parts {
            image: mounted.with_extension(ENDING),
            files: mounted.join("files"),
            ballast: mounted.join("ballast"),
            mounted,
        }
    }

    /// Makes the file; one that is there under its name is whole.
    async fn make_image(&self, image: &Path) -> std::io::Result<()> {
        let new = tempfile::NamedTempFile::new_in(&self.dir)?;
        new.as_file().set_len(self.bytes)?;
        run(Command::new("mkfs.ext4").args(MAKE).arg(new.path())).await?;
        new.persist(image)?;
        Ok(())
    }

    async fn mount(&self, workspace: &Path) -> std::io::Result<()> {
        let Parts { image, mounted, files, .. } = self.parts(workspace);
        std::fs::create_dir_all(&mounted)?;
        if !is_mounted(&mounted) {
            run(Command::new("mount").args(MOUNT).arg(&image).arg(&mounted)).await?;
        }
        std::fs::create_dir_all(&files)?;
        std::fs::create_dir_all(workspace)?;
        if !is_mounted(workspace) {
            run(Command::new("mount").arg("--bind").arg(&files).arg(workspace)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl MakeWorkspace for Loops {
    async fn make(&self, workspace: &Path) -> std::io::Result<()> {
        let image = self.parts(workspace).image;
        if image.exists() {
            return self.mount(workspace).await;
        }
        if workspace.exists() {
            return Ok(());
        }
        self.make_image(&image).await?;
        self.mount(workspace).await
    }

    async fn remove(&self, workspace: &Path) -> std::io::Result<()> {
        let Parts { image, mounted, .. } = self.parts(workspace);
        for place in [workspace, &mounted] {
            if is_mounted(place) {
                // Who still reads a file of it keeps that until then.
                run(Command::new("umount").arg("--lazy").arg(place)).await?;
            }
            remove_directory(place).await?;
        }
        match tokio::fs::remove_file(&image).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

#[async_trait]
impl Disk for Loops {
    fn name(&self) -> &'static str {
        "loop"
    }

    /// A workspace that was made before, as a plain directory, is measured.
    fn enforcement(&self, workspace: &Path) -> Enforcement {
        if is_mounted(workspace) { Enforcement::Hard } else { Enforcement::Soft }
    }

    fn enforced(&self) -> Enforcement {
        Enforcement::Hard
    }

    async fn limit(&self, workspace: &Path, bytes: u64) -> Result<(), Error> {
        if self.enforcement(workspace) != Enforcement::Hard {
            return Ok(());
        }
        let ballast = self.parts(workspace).ballast;
        let limited = tokio::task::spawn_blocking(move || leave_room(&ballast, bytes)).await;
        let limited = limited.map_err(std::io::Error::other).and_then(|limited| limited);
        limited.map_err(|error| Error::Failed(format!("the limit of the disk: {error}")))
    }
}

/// Gives the ballast the size with which all else may hold so many bytes. Where it
/// holds more already, nothing can be added.
fn leave_room(ballast: &Path, bytes: u64) -> std::io::Result<()> {
    let file = File::options().create(true).truncate(false).write(true).open(ballast)?;
    let found = statvfs(ballast)?;
    let own = file.metadata()?.blocks() * BLOCK_BYTES;
    let used = (found.f_blocks - found.f_bfree) * found.f_frsize - own;
    let free = found.f_bavail * found.f_frsize + own;
    let Some(size) = free.checked_sub(bytes.saturating_sub(used)) else {
        return Err(std::io::Error::other(format!(
            "the workspace was made for {} bytes at most",
            free + used
        )));
    };
    if size < own {
        return file.set_len(size);
    }
    match fallocate(&file, FallocateFlags::empty(), 0, size.max(1)) {
        // It took what there was.
        Err(Errno::NOSPC) => Ok(()),
        done => Ok(done?),
    }
}

fn is_mounted(path: &Path) -> bool {
    let device = |path: &Path| std::fs::symlink_metadata(path).map(|found| found.dev());
    let above = path.parent().and_then(|parent| device(parent).ok());
    device(path).is_ok_and(|own| above.is_some_and(|above| above != own))
}

async fn run(command: Command) -> std::io::Result<()> {
    command.success().await.map(drop).map_err(std::io::Error::other)
}
