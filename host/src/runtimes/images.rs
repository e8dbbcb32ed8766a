//! Images of kinds, made on this machine from its distribution's packages: for machines without
//! a container registry, and for a root file system that is the same on every engine.
//!
//! `<data>/images/<kind>/rootfs` is a link to the version in use, so that a new one takes its
//! place at once and runtimes that began with an older one keep it. Versions that no runtime
//! names any more go with the next build.

mod apt;
pub(super) mod mirrors;
mod recipes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::docker::Docker;
use super::engine::{Error, Image};
use super::local::rootfs::{DIGEST, ROOTFS, own_mount_points};
use super::local::{Record, records};
use crate::command::Command;
use crate::ids::Kind;

/// How long a build may take; most of it is downloading.
const BUILD_TIMEOUT: Duration = Duration::from_secs(3600);

/// How long packing or unpacking may take.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(600);

/// Told each line of what a build is doing.
pub type Progress<'a> = &'a mut (dyn FnMut(&str) + Send);

/// An image that was built here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub kind: Kind,
    pub path: PathBuf,
    pub digest: String,
}

/// Builds the image of a kind below the data directory and puts it into use.
///
/// # Errors
/// `Unavailable` when `mmdebstrap` is not installed or this is no Debian-like machine, `Failed`
/// with the end of its output when a build goes wrong.
pub async fn build(data: &Path, kind: Kind, progress: Progress<'_>) -> Result<Built, Error> {
    let dir = data.join("images").join(kind.as_str());
    std::fs::create_dir_all(&dir).map_err(at(&dir))?;
    let work = tempfile::Builder::new().prefix(".building-").tempdir_in(&dir).map_err(at(&dir))?;
    let archive = work.path().join("rootfs.tar");
    progress(&format!("asking this machine for its package sources ({kind})"));
    let recipe = recipes::of(kind)?;
    let plan = apt::Plan::learn(work.path(), &recipe).await?;
    progress(&format!("installing {}", recipe.join(" ")));
    plan.run(&archive, BUILD_TIMEOUT, progress).await?;
    let digest = digest_of(archive.clone()).await?;
    let version = dir.join(format!("{ROOTFS}-{}", &digest[..16]));
    if !version.exists() {
        progress("unpacking");
        let unpacked = work.path().join(ROOTFS);
        unpack(&archive, &unpacked).await?;
        std::fs::rename(&unpacked, &version).map_err(at(&version))?;
    }
    put_into_use(&dir, &version, &digest)?;
    clear_old(data, &dir, &version).await;
    progress(&format!("{kind} now runs on {}", version.display()));
    Ok(Built { kind, path: version, digest })
}

/// Gives Docker the image of a kind that was built here, as `lockhouse/<kind>:latest`.
///
/// # Errors
/// `NoImage` when none was built, `Failed` when Docker does not take it.
pub async fn import(
    data: &Path,
    kind: Kind,
    docker: &Docker,
    progress: Progress<'_>,
) -> Result<Image, Error> {
    let dir = data.join("images").join(kind.as_str());
    let rootfs = std::fs::canonicalize(dir.join(ROOTFS)).map_err(|_| {
        Error::NoImage(format!(
            "there is no image of {kind}; make it: lockhouse images build {kind}"
        ))
    })?;
    let work = tempfile::Builder::new().prefix(".packing-").tempdir_in(&dir).map_err(at(&dir))?;
    let archive = work.path().join("rootfs.tar");
    progress("packing it for Docker");
    let tar = Command::new("tar").timeout(ARCHIVE_TIMEOUT).arg("--create").arg("--numeric-owner");
    // Built by an ordinary user, every file is the user's; inside they belong to root.
    let tar = if rustix::process::geteuid().is_root() {
        tar
    } else {
        tar.args(["--owner=0", "--group=0"])
    };
    let tar = tar.arg("--file").arg(&archive).arg("--directory").arg(&rootfs).arg(".");
    tar.success().await.map_err(|error| Error::Failed(error.to_string()))?;
    progress("handing it to Docker");
    let image = docker.import(kind, &archive).await?;
    progress(&format!("{kind} is {} in Docker", image.name));
    Ok(image)
}

/// The images that were built here.
pub fn list(data: &Path) -> Vec<Built> {
    let built = |kind: Kind| {
        let dir = data.join("images").join(kind.as_str());
        let path = std::fs::canonicalize(dir.join(ROOTFS)).ok()?;
        let digest = std::fs::read_to_string(dir.join(DIGEST)).unwrap_or_default();
        Some(Built { kind, path, digest: digest.trim().to_owned() })
    };
    Kind::ALL.into_iter().filter_map(built).collect()
}

async fn unpack(archive: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir(to).map_err(at(to))?;
    let tar = Command::new("tar").timeout(ARCHIVE_TIMEOUT).arg("--extract").arg("--file");
    let tar = tar.arg(archive).arg("--directory").arg(to).arg("--numeric-owner");
    // Device nodes can't be made by everyone and are never used: /dev is mounted over.
    let tar = tar.args(["--exclude", "./dev/*", "--delay-directory-restore"]);
    tar.success().await.map_err(|error| Error::Failed(error.to_string()))?;
    for point in own_mount_points() {
        let point = to.join(point);
        std::fs::create_dir_all(&point).map_err(at(&point))?;
    }
    Ok(())
}

async fn digest_of(archive: PathBuf) -> Result<String, Error> {
    let shown = archive.clone();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(&archive)?)?;
        Ok::<_, std::io::Error>(hasher.finalize().to_hex().to_string())
    });
    hashed.await.map_err(std::io::Error::other).and_then(|hash| hash).map_err(at(&shown))
}

/// Points the link at a version; whoever looks sees the old one or the new one.
fn put_into_use(dir: &Path, version: &Path, digest: &str) -> Result<(), Error> {
    let replace = |name: &str, make: &dyn Fn(&Path) -> std::io::Result<()>| {
        let work = tempfile::Builder::new().prefix(".new-").tempdir_in(dir)?;
        let new = work.path().join(name);
        make(&new)?;
        std::fs::rename(&new, dir.join(name))
    };
    let target = version.file_name().unwrap_or_default();
    replace(ROOTFS, &|new| std::os::unix::fs::symlink(target, new)).map_err(at(dir))?;
    replace(DIGEST, &|new| {
        std::io::Write::write_all(&mut std::fs::File::create(new)?, digest.as_bytes())
    })
    .map_err(at(dir))
}

/// Removes versions that neither the link nor any runtime names. What can't be removed is left
/// for the next build.
async fn clear_old(data: &Path, dir: &Path, current: &Path) {
    let used: Vec<PathBuf> =
        records(data).await.into_iter().map(|record: Record| record.root).collect();
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name());
        let is_version = name.to_string_lossy().starts_with(&format!("{ROOTFS}-"));
        let is_used = used.iter().any(|root| root.file_name() == Some(&name));
        if is_version
            && !is_used
            && path != current
            && let Err(error) = tokio::fs::remove_dir_all(&path).await
        {
            tracing::warn!(path = %path.display(), %error, "an old image stays");
        }
    }
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> Error + use<'_> {
    move |error| Error::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_takes_the_place_of_the_old_at_once() {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("images/python");
        for digest in ["one", "two"] {
            let version = dir.join(format!("rootfs-{digest}"));
            std::fs::create_dir_all(&version).unwrap();
            put_into_use(&dir, &version, digest).unwrap();
        }
        let built = list(data.path());
        assert_eq!(built.len(), 1);
        assert_eq!(built[0].digest, "two");
        assert!(built[0].path.ends_with("rootfs-two"));
    }

    #[tokio::test]
    async fn old_versions_go_unless_a_runtime_uses_them() {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("images/python");
        let version = |name: &str| dir.join(format!("rootfs-{name}"));
        for name in ["used", "unused", "current"] {
            std::fs::create_dir_all(version(name)).unwrap();
        }
        let bundle = data.path().join("runtimes/p/bundle");
        std::fs::create_dir_all(&bundle).unwrap();
        Record::example("p", &version("used")).save(&bundle).await.unwrap();
        clear_old(data.path(), &dir, &version("current")).await;
        assert!(version("used").exists() && version("current").exists());
        assert!(!version("unused").exists());
    }
}
