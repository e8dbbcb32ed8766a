//! Disk limits by the project quotas of XFS and ext4: each workspace is one of the file
//! system's projects under a number of its own, and so is all that is made in it.
//!
//! Whoever owns a file may give it another number, which the list of system calls keeps
//! runtimes from ([`crate::runtimes::seccomp`]), and root may go over quotas on ext4, which
//! the server gives up when it starts.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags};

use super::Disk;
use crate::command::Command;
use crate::projects::{MakeWorkspace, remove_directory};
use crate::runtimes::engine::{Enforcement, Error};

/// `XFS_SUPER_MAGIC` and `EXT4_SUPER_MAGIC`.
const MAGICS: [u64; 2] = [0x5846_5342, 0xef53];

/// The option of a mount whose project quotas hold.
const OPTION: &str = "prjquota";

/// Where the numbers of workspaces begin, far above those that Docker or an administrator give.
const FIRST: u32 = 1 << 30;

#[derive(Debug)]
pub(super) struct ProjectQuota {
    /// Where the file system is mounted.
    mount: PathBuf,
    taken: Mutex<HashSet<u32>>,
}

impl ProjectQuota {
    /// Tries whether it works below `root`. Only who mounts a file system can switch its
    /// quotas on.
    pub(super) async fn open(root: &Path) -> Result<Self, String> {
        if !is_known(root) {
            return Err("it is neither on XFS nor on ext4".to_owned());
        }
        if !rustix::process::geteuid().is_root() {
            return Err("project quotas take root".to_owned());
        }
        let quota = Self { mount: mount_of(root)?, taken: Mutex::new(numbers_in(root).await?) };
        quota.try_out(root).await.map_err(|error| error.to_string())?;
        Ok(quota)
    }

    async fn try_out(&self, root: &Path) -> std::io::Result<()> {
        let probe = tempfile::Builder::new().prefix(".probe-").tempdir_in(root)?;
        let made = self.number(probe.path()).await;
        let limited = match made {
            Ok(number) => self.set(number, 1 << 20).await,
            Err(error) => Err(error),
        };
        self.remove(probe.path()).await?;
        limited
    }

    /// Makes a directory a project of the file system.
    async fn number(&self, workspace: &Path) -> std::io::Result<u32> {
        let number = self.free_number();
        let change = Command::new("chattr").args(["-p", &number.to_string(), "+P"]).arg(workspace);
        run(change).await?;
        Ok(number)
    }

    /// By chance, so that servers that share the file system seldom choose alike.
    fn free_number(&self) -> u32 {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let number = FIRST + rand::random::<u32>() % FIRST;
            if taken.insert(number) {
                return number;
            }
        }
    }

    /// No limit at all is 0.
    async fn set(&self, number: u32, bytes: u64) -> std::io::Result<()> {
        let limit = format!("limit -p bhard={bytes} {number}");
        // `-f` lets the program of XFS work on ext4, too.
        let set = Command::new("xfs_quota").args(["-x", "-f", "-c", &limit]).arg(&self.mount);
        run(set).await
    }
}

#[async_trait]
impl MakeWorkspace for ProjectQuota {
    async fn make(&self, workspace: &Path) -> std::io::Result<()> {
        match tokio::fs::create_dir(workspace).await {
            Ok(()) => self.number(workspace).await.map(drop),
            // A server may have ended in the midst of making it.
            Err(_) if is_empty(workspace) && !is_held(workspace) => {
                self.number(workspace).await.map(drop)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn remove(&self, workspace: &Path) -> std::io::Result<()> {
        let held = is_held(workspace);
        let number = if held { number_of(workspace).await? } else { None };
        remove_directory(workspace).await?;
        if let Some(number) = number {
            self.set(number, 0).await?;
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        }
        Ok(())
    }
}

#[async_trait]
impl Disk for ProjectQuota {
    fn name(&self) -> &'static str {
        "project"
    }

    /// A workspace that was made before, as a plain directory, is measured.
    fn enforcement(&self, workspace: &Path) -> Enforcement {
        if is_held(workspace) { Enforcement::Hard } else { Enforcement::Soft }
    }

    fn enforced(&self) -> Enforcement {
        Enforcement::Hard
    }

    async fn limit(&self, workspace: &Path, bytes: u64) -> Result<(), Error> {
        if !is_held(workspace) {
            return Ok(());
        }
        let limited = match number_of(workspace).await {
            Ok(Some(number)) => self.set(number, bytes).await,
            Ok(None) => Err(std::io::Error::other("the workspace has no number")),
            Err(error) => Err(error),
        };
        limited.map_err(|error| Error::Failed(format!("the limit of the disk: {error}")))
    }
}

fn is_known(path: &Path) -> bool {
    let found = rustix::fs::statfs(path);
    found.is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|magic| MAGICS.contains(&magic)))
}

/// Whether what is made in a directory belongs to its project.
fn is_held(workspace: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = rustix::fs::open(workspace, flags, Mode::empty()).and_then(ioctl_getflags);
    found.is_ok_and(|flags| flags.contains(IFlags::PROJECT_INHERIT))
}

fn is_empty(workspace: &Path) -> bool {
    std::fs::read_dir(workspace).is_ok_and(|mut entries| entries.next().is_none())
}

async fn number_of(workspace: &Path) -> std::io::Result<Option<u32>> {
    let listed = Command::new("lsattr").arg("-dp").arg(workspace).success().await;
    let listed = listed.map_err(std::io::Error::other)?;
    Ok(listed.stdout.lines().find_map(number_in))
}

/// Those that the workspaces have, as many as a program may print.
async fn numbers_in(root: &Path) -> Result<HashSet<u32>, String> {
    let listed = Command::new("lsattr").arg("-p").arg(root).success().await;
    Ok(listed.map_err(|error| error.to_string())?.stdout.lines().filter_map(number_in).collect())
}

/// Of a line of `lsattr -p`, which begins with it; 0 is nobody's.
fn number_in(line: &str) -> Option<u32> {
    let number = line.split_whitespace().next()?.parse().ok()?;
    (number != 0).then_some(number)
}

fn mount_of(path: &Path) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| error.to_string();
    let device = std::fs::metadata(path).map_err(failed)?.dev();
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").map_err(failed)?;
    find_mount(&mounts, &device)
}

/// Reads `/proc/self/mountinfo`.
fn find_mount(mountinfo: &str, device: &str) -> Result<PathBuf, String> {
    for line in mountinfo.lines() {
        let Some((place, source)) = line.split_once(" - ") else { continue };
        let place: Vec<&str> = place.split(' ').collect();
        if place.get(2) != Some(&device) {
            continue;
        }
        // Part of it, mounted elsewhere, is no place to ask.
        if let ["/", point] = place[3..5] {
            let mut options = source.split(' ').next_back().unwrap_or_default().split(',');
            return match options.any(|option| option == OPTION) {
                true => Ok(PathBuf::from(point.replace("\\040", " "))),
                false => Err(format!("its file system is not mounted with “{OPTION}”")),
            };
        }
    }
    Err("its file system is not mounted as a whole".to_owned())
}

/// `xfs_quota` complains of some mistakes and calls them a success.
async fn run(command: Command) -> std::io::Result<()> {
    let ran = command.success().await.map_err(std::io::Error::other)?;
    match ran.stderr.trim() {
        "" => Ok(()),
        complaint => Err(std::io::Error::other(complaint.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
20 1 254:0 / / rw,relatime - ext4 /dev/vda rw
21 20 98:0 /docker /var/lib/docker rw - xfs /dev/sdb rw,prjquota
22 20 98:0 / /srv/my\\040data rw,relatime shared:1 - xfs /dev/sdb rw,attr2,prjquota
23 20 98:16 /part /srv/part rw - xfs /dev/sdc rw,prjquota
";

    #[test]
    fn the_mount_of_the_whole_file_system_is_asked() {
        assert_eq!(find_mount(MOUNTS, "98:0").unwrap(), Path::new("/srv/my data"));
    }

    #[test]
    fn a_file_system_without_the_option_says_so() {
        assert!(find_mount(MOUNTS, "254:0").unwrap_err().contains("prjquota"));
        assert!(find_mount(MOUNTS, "98:16").unwrap_err().contains("as a whole"));
    }

    #[test]
    fn a_directory_that_belongs_to_no_project_has_no_number() {
        assert_eq!(number_in("1073741999 -------------------P-- /srv/a"), Some(1_073_741_999));
        assert_eq!(number_in("    0 ---------------------- /srv/b"), None);
    }

    #[test]
    fn no_number_is_given_twice() {
        let taken = Mutex::new(HashSet::new());
        let quota = ProjectQuota { mount: PathBuf::new(), taken };
        let given: HashSet<u32> = (0..1000).map(|_| quota.free_number()).collect();
        assert!(given.len() == 1000 && given.iter().all(|number| *number >= FIRST));
    }
}
