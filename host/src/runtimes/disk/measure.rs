//! How much a workspace holds. Its programs may do their worst meanwhile:
//! nothing here follows a link, and a measurement ends as soon as it is enough.

use std::collections::HashSet;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

/// What each name costs at least, so that empty files are not for nothing and a
/// measurement looks at no more names than the limit has kilobytes.
const LEAST_ENTRY_BYTES: u64 = 1024;

/// Directories in each other; so many descriptors are held.
const MAX_DEPTH: usize = 128;

/// Bytes in one block of `stat`.
const BLOCK_BYTES: u64 = 512;

/// What a workspace was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtimes) enum Size {
    /// At least this much, if it is more than what was asked for.
    Bytes(u64),
    /// It can't be measured, and must not pass as small for that.
    Unknown(&'static str),
}

/// Adds up until it is more than `enough`.
pub(in crate::runtimes) fn measure(workspace: &Path, enough: u64) -> std::io::Result<Size> {
    let mut open = vec![Dir::new(openat(CWD, workspace, DIRECTORY, Mode::empty())?)?];
    let (mut total, mut linked) = (0_u64, HashSet::new());
    while let Some(dir) = open.last_mut() {
        let Some(entry) = dir.read() else {
            open.pop();
            continue;
        };
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = match statat(dir.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) {
            // It is gone by now.
            Err(Errno::NOENT) => continue,
            found => found?,
        };
        total = total.saturating_add(cost(&stat, &mut linked));
        if total > enough {
            break;
        }
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            continue;
        }
        if open.len() == MAX_DEPTH {
            return Ok(Size::Unknown("its directories lie too deep in each other"));
        }
        match openat(open[open.len() - 1].fd()?, name, DIRECTORY, Mode::empty()) {
            Ok(inner) => open.push(Dir::new(inner)?),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(Errno::ACCESS) => return Ok(Size::Unknown("a directory in it can't be read")),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(Size::Bytes(total))
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A file of several names takes its blocks once.
fn cost(stat: &Stat, linked: &mut HashSet<(u64, u64)>) -> u64 {
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    if stat.st_nlink > 1 && !is_directory && !linked.insert((stat.st_dev, stat.st_ino)) {
        return LEAST_ENTRY_BYTES;
    }
    let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
    blocks.saturating_mul(BLOCK_BYTES).max(LEAST_ENTRY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn bytes(dir: &Path) -> u64 {
        match measure(dir, u64::MAX).unwrap() {
            Size::Bytes(bytes) => bytes,
            Size::Unknown(why) => panic!("{why}"),
        }
    }

    fn write(path: std::path::PathBuf, bytes: usize) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(path).unwrap();
        file.write_all(&vec![1; bytes]).unwrap();
        file.sync_all().unwrap();
    }

    #[test]
    fn files_at_any_depth_count() {
        let dir = workspace();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        write(dir.path().join("a/b/file"), 1 << 20);
        assert!((1 << 20..2 << 20).contains(&bytes(dir.path())));
    }

    #[test]
    fn what_a_link_leads_to_does_not_count() {
        let (dir, other) = (workspace(), workspace());
        write(other.path().join("file"), 1 << 20);
        std::os::unix::fs::symlink(other.path(), dir.path().join("link")).unwrap();
        assert!(bytes(dir.path()) < 1 << 16);
    }

    #[test]
    fn a_file_of_two_names_counts_once() {
        let dir = workspace();
        write(dir.path().join("one"), 1 << 20);
        std::fs::hard_link(dir.path().join("one"), dir.path().join("two")).unwrap();
        assert!(bytes(dir.path()) < 3 << 19);
    }

    #[test]
    fn a_file_with_holes_counts_as_what_it_takes() {
        let dir = workspace();
        std::fs::File::create(dir.path().join("hole")).unwrap().set_len(1 << 30).unwrap();
        assert!(bytes(dir.path()) < 1 << 20);
    }

    #[test]
    fn empty_files_are_not_for_nothing_and_a_measurement_ends_when_it_is_enough() {
        let dir = workspace();
        for name in 0..100 {
            write(dir.path().join(name.to_string()), 0);
        }
        assert!(bytes(dir.path()) >= 100 * LEAST_ENTRY_BYTES);
        let enough = measure(dir.path(), 10 * LEAST_ENTRY_BYTES).unwrap();
        assert_eq!(enough, Size::Bytes(11 * LEAST_ENTRY_BYTES));
    }

    #[test]
    fn what_lies_too_deep_does_not_pass_as_small() {
        let dir = workspace();
        let deep: std::path::PathBuf = std::iter::repeat_n("d", MAX_DEPTH + 1).collect();
        std::fs::create_dir_all(dir.path().join(deep)).unwrap();
        assert!(matches!(measure(dir.path(), u64::MAX).unwrap(), Size::Unknown(_)));
    }
}
