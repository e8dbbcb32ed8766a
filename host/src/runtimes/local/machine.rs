//! The machine's own /usr as a root file system: which kinds it has enough for, and the skeleton
//! around it, so that nothing else of the machine is seen inside.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::rootfs::{Bind, Root, own_mount_points};
use crate::ids::Kind;
use crate::runtimes::engine::WORKSPACE_DIR;

/// What proves that a kind's tools are there and whole, as a shell says it. A Python without
/// `ensurepip` has a `venv` that fails, so the wheel it would install is asked for.
pub(super) fn proof(kind: Kind) -> &'static str {
    match kind {
        Kind::Python => {
            "python3 -c 'import venv, ensurepip, pip; assert ensurepip.version()' && python3 --version"
        }
        Kind::Node => "node --version && npm --version",
        Kind::Java => "javac -version && { mvn --version || gradle --version; }",
        Kind::Go => "go version",
        Kind::Rust => "rustc --version && cargo --version && cc --version",
        Kind::Ruby => "ruby --version && gem --version && bundle --version",
        Kind::Php => "php --version && composer --version",
        Kind::Static => "nginx -v || python3 -c 'import http.server' || busybox httpd --help",
    }
}

/// What of the machine's /etc programs below /usr need; neither secrets nor identity. Names that
/// end in `*` stand for all that begin so.
const FROM_ETC: &[&str] = &[
    "alternatives",
    "java-*",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "maven*",
    "mime.types",
    "os-release",
    "perl",
    "php",
    "protocols",
    "python3*",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];

/// Our own, in place of the machine's.
const OWN_ETC: &[(&str, &str)] = &[
    (
        "passwd",
        "root:x:0:0:root:/root:/usr/sbin/nologin\n\
         dev:x:1000:1000:dev:/workspace:/bin/bash\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    ("group", "root:x:0:\ntty:x:5:\ndev:x:1000:\nnogroup:x:65534:\n"),
    ("hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"),
    (
        "nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    ),
    // There is no name server: names are looked up by the host's proxy.
    ("resolv.conf", ""),
    ("hostname", "localhost\n"),
    ("npmrc", ""),
];

/// Goes up when the skeleton is made otherwise, so that an older one is not used.
const SKELETON_VERSION: &[u8] = b"1";

const NPM_SETTINGS: &str = "/usr/etc/npmrc";

/// Directories that programs expect to be there.
const DIRECTORIES: &[&str] = &[
    "etc",
    "home",
    "mnt",
    "opt",
    "root",
    "srv",
    "usr",
    "proc",
    "sys",
    "dev",
    "tmp",
    "run",
    "var/cache",
    "var/lib",
    "var/log",
    "var/tmp",
];

/// On older systems directories of their own, today mostly links into /usr.
const BESIDE_USR: &[&str] = &["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// Deepest directory and largest file that is copied from /etc.
const MAX_DEPTH: usize = 6;
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Changes when the machine's packages do.
pub(super) fn packages_stamp() -> String {
    let watched =
        ["/var/lib/dpkg/status", "/var/lib/rpm", "/lib/apk/db", "/usr/bin", "/usr/local/bin"];
    stamp(&watched.map(Path::new))
}

/// A short text that changes when one of these is changed.
pub(super) fn stamp(paths: &[&Path]) -> String {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        if let Ok(found) = std::fs::metadata(path) {
            let seen = format!("{} {}.{}\n", path.display(), found.mtime(), found.mtime_nsec());
            hasher.update(seen.as_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The skeleton below `dir`, made if it is not there yet, and what is mounted over it. `extra`
/// are files of ours in /etc beside [`OWN_ETC`].
pub(super) fn root(dir: &Path, extra: &[(String, String)]) -> std::io::Result<Root> {
    let mut binds: Vec<Bind> = std::iter::once("usr")
        .chain(BESIDE_USR.iter().copied().filter(|name| {
            std::fs::symlink_metadata(Path::new("/").join(name)).is_ok_and(|found| found.is_dir())
        }))
        .map(|name| {
            let path = Path::new("/").join(name);
            Bind { source: path.clone(), target: path }
        })
        .collect();
    let path = dir.join(skeleton_name(extra));
    // npm's own place for the machine's settings: ours stands over it, since it may hold tokens.
    if Path::new(NPM_SETTINGS).exists() {
        binds.push(Bind { source: path.join("etc/npmrc"), target: PathBuf::from(NPM_SETTINGS) });
    }
    if !path.exists() {
        let half_made = tempfile::Builder::new().prefix(".making-").tempdir_in(dir)?;
        make_skeleton(half_made.path(), extra)?;
        let made = half_made.keep();
        if let Err(error) = std::fs::rename(&made, &path)
            && !path.exists()
        {
            return Err(error);
        }
    }
    Ok(Root { path, binds })
}

fn skeleton_name(extra: &[(String, String)]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(SKELETON_VERSION);
    hasher.update(packages_stamp().as_bytes());
    for (name, content) in extra {
        hasher.update(format!("{name}\0{content}\0").as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn make_skeleton(root: &Path, extra: &[(String, String)]) -> std::io::Result<()> {
    let own = own_mount_points();
    for directory in DIRECTORIES.iter().map(|name| (*name).to_owned()).chain(own) {
        std::fs::create_dir_all(root.join(directory))?;
    }
    for name in BESIDE_USR {
        match std::fs::read_link(Path::new("/").join(name)) {
            Ok(target) => symlink(target, root.join(name))?,
            Err(_) if Path::new("/").join(name).is_dir() => {
                std::fs::create_dir_all(root.join(name))?;
            }
            Err(_) => {}
        }
    }
    for name in FROM_ETC {
        for source in matching(name) {
            let inside = source.strip_prefix("/").unwrap_or(&source).to_owned();
            if let Some(parent) = inside.parent() {
                std::fs::create_dir_all(root.join(parent))?;
            }
            copy(&source, &root.join(inside), 0)?;
        }
    }
    for (name, content) in OWN_ETC {
        write(&root.join("etc").join(name), content)?;
    }
    for (name, content) in extra {
        write(&root.join("etc").join(name), content)?;
    }
    // An OCI runtime gives what it mounts the mode of the directory below.
    for (directory, mode) in [("", 0o755), ("tmp", 0o1777), (&WORKSPACE_DIR[1..], 0o777)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(root.join(directory), permissions)?;
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::File::create(path)?.write_all(content.as_bytes())
}

/// What of /etc a name stands for.
fn matching(name: &str) -> Vec<PathBuf> {
    let etc = Path::new("/etc");
    let Some(prefix) = name.strip_suffix('*') else { return vec![etc.join(name)] };
    let Ok(entries) = std::fs::read_dir(etc) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

/// Copies links as links, directories with what is in them, and files that anyone may read.
fn copy(from: &Path, to: &Path, depth: usize) -> std::io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(from) else { return Ok(()) };
    if found.is_symlink() {
        symlink(std::fs::read_link(from)?, to)
    } else if found.is_dir() && depth < MAX_DEPTH {
        let Ok(entries) = std::fs::read_dir(from) else { return Ok(()) };
        std::fs::create_dir_all(to)?;
        entries
            .filter_map(Result::ok)
            .try_for_each(|entry| copy(&entry.path(), &to.join(entry.file_name()), depth + 1))
    } else if found.is_file() && found.mode() & 0o004 != 0 && found.len() <= MAX_FILE_BYTES {
        std::fs::copy(from, to).map(drop)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_skeleton_shows_nothing_secret_of_the_machine() {
        let dir = tempfile::tempdir().unwrap();
        let root = root(dir.path(), &[]).unwrap();
        assert!(root.path.join("etc/passwd").exists());
        assert!(!root.path.join("etc/shadow").exists());
        assert!(!root.path.join("etc/ssl/private").exists());
        assert_eq!(std::fs::read_dir(root.path.join("root")).unwrap().count(), 0);
    }

    #[test]
    fn the_skeleton_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = root(dir.path(), &[]).unwrap();
        assert_eq!(root(dir.path(), &[]).unwrap(), first);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_of_ours_make_another_skeleton() {
        let dir = tempfile::tempdir().unwrap();
        let first = root(dir.path(), &[]).unwrap();
        let extra = [("pip.conf".to_owned(), "[global]\n".to_owned())];
        assert_ne!(root(dir.path(), &extra).unwrap(), first);
    }
}
