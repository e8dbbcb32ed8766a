//! What the machine itself gives: the data directory, room on its disk, open files.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{Resource, geteuid, getrlimit};

use super::finding::Finding;
use super::place::Place;
use crate::auth::ADMIN_TOKEN_FILE;
use crate::config::Config;
use crate::ids::Kind;

/// Files that a server with some dozens of runtimes, terminals and previews has open.
const ENOUGH_OPEN_FILES: u64 = 8192;

/// With fewer, not even one runtime with a browser before it is safe.
const LEAST_OPEN_FILES: u64 = 512;

/// Below this, saves and the database soon fail.
const LEAST_FREE_BYTES: u64 = 64 << 20;

/// A runtime that installs packages makes some ten thousand.
const ENOUGH_FREE_INODES: u64 = 100_000;
const LEAST_FREE_INODES: u64 = 1_000;

pub(super) fn check(config: &Config, place: &Place) -> Vec<Finding> {
    let mut found = vec![data_directory(place)];
    found.extend(secrets(place));
    found.extend(room(config, place));
    found.push(open_files());
    found
}

fn data_directory(place: &Place) -> Finding {
    const CHECK: &str = "data directory";
    let data = place.data().display();
    if let Some(why) = &place.unusable {
        let advice = "make it writable for the user who runs the server, or name another: --data";
        return Finding::wrong(CHECK, format_args!("{data} can't be written to ({why})"), advice);
    }
    if !place.is_made() {
        return Finding::ok(CHECK, format_args!("{data} is made at the first start"));
    }
    match place.data().metadata() {
        Err(error) => {
            Finding::wrong(CHECK, format_args!("{data}: {error}"), "name another: --data")
        }
        Ok(meta) if meta.uid() != geteuid().as_raw() => {
            let says = format_args!("{data} belongs to user {}", meta.uid());
            Finding::warning(CHECK, says, "run the server as its owner, or give it to who runs it")
        }
        Ok(meta) if meta.mode() & 0o077 != 0 => {
            let says = format_args!("others of this machine may look into {data}");
            Finding::warning(
                CHECK,
                says,
                format!("chmod 700 {data}; a server does so when it starts"),
            )
        }
        Ok(_) => Finding::ok(CHECK, format_args!("{data} is writable, and its owner's alone")),
    }
}

/// The administrator's token opens everything.
fn secrets(place: &Place) -> Option<Finding> {
    let token = place.data().join(ADMIN_TOKEN_FILE);
    let open = token.metadata().ok()?.mode() & 0o077 != 0;
    let says = format!("others of this machine may read {}", token.display());
    open.then(|| Finding::wrong("admin token", says, format!("chmod 600 {}", token.display())))
}

fn room(config: &Config, place: &Place) -> Vec<Finding> {
    match rustix::fs::statvfs(&place.nearest) {
        Err(error) => vec![Finding::warning("disk", error, "see whether its disk is mounted")],
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let inodes = (found.f_files > 0).then_some(found.f_favail);
            let needed = needed_bytes(config);
            [Some(bytes(&place.nearest, free, needed)), inodes.map(files)]
                .into_iter()
                .flatten()
                .collect()
        }
    }
}

/// One new project, and those that are made ahead.
fn needed_bytes(config: &Config) -> u64 {
    let ahead: usize = Kind::ALL.into_iter().map(|kind| config.runtimes.pool.of(kind)).sum();
    let projects = ahead as u64 + 1;
    config.runtimes.defaults.disk_bytes.saturating_mul(projects)
}

fn bytes(place: &Path, free: u64, needed: u64) -> Finding {
    const ADVICE: &str = "delete what nobody needs (`lockhouse report disk` says who has most), or \
                          put the data directory on a larger disk";
    let says = format!("{} MiB are free at {}", free >> 20, place.display());
    match free {
        free if free < LEAST_FREE_BYTES => Finding::wrong("disk", says, ADVICE),
        free if free < needed => {
            let limits = format!("{says}, and new projects may fill {} MiB", needed >> 20);
            Finding::warning("disk", limits, ADVICE)
        }
        _ => Finding::ok("disk", says),
    }
}

fn files(free: u64) -> Finding {
    const ADVICE: &str = "delete what nobody needs; directories of packages have most files";
    let says = format!("{free} more files can be made");
    match free {
        free if free < LEAST_FREE_INODES => Finding::wrong("inodes", says, ADVICE),
        free if free < ENOUGH_FREE_INODES => Finding::warning("inodes", says, ADVICE),
        _ => Finding::ok("inodes", says),
    }
}

fn open_files() -> Finding {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let says = format!("{limit} files may be open at once");
    let advice = "raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in the systemd unit";
    match limit {
        limit if limit < LEAST_OPEN_FILES => Finding::wrong("open files", says, advice),
        limit if limit < ENOUGH_OPEN_FILES => Finding::warning("open files", says, advice),
        u64::MAX => Finding::ok("open files", "any number of files may be open at once"),
        _ => Finding::ok("open files", says),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_disk_on_which_new_projects_do_not_fit_is_a_warning_and_a_full_one_is_wrong() {
        let at = |free| bytes(Path::new("/data"), free, 1 << 30).verdict;
        assert_eq!(at(2 << 30), Verdict::Ok);
        assert_eq!(at(512 << 20), Verdict::Warning);
        assert_eq!(at(1 << 20), Verdict::Wrong);
    }

    #[test]
    fn each_project_that_is_made_ahead_needs_room() {
        let mut config = Config::default();
        let one = needed_bytes(&config);
        config.runtimes.pool.python = 3;
        assert_eq!(needed_bytes(&config), 4 * one);
    }
}
