//! Where a runtime's link directory is on this machine, and what is in it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use lockhouse_supervisor::protocol::LINK_KEY_VARIABLE;

use super::engine::{
    CA_FILE, LINK_DIR, PROXY_ADDRESS, RuntimeUser, SUPERVISOR_FILE, WORKSPACE_DIR,
};
use super::link::Keys;
use crate::ids::{InstanceId, ProjectId};

/// The files that every runtime is given, and where.
#[derive(Debug, Clone)]
pub struct Place {
    /// `<data>/runtimes`.
    root: PathBuf,
    pub instance: InstanceId,
    pub user: RuntimeUser,
    supervisor: PathBuf,
    ca: Option<PathBuf>,
    first: String,
    pub(super) keys: Keys,
}

/// What all runtimes share; among the directories of runtimes, and none of them.
pub(super) const SHARED: &str = "shared";

/// Among that: the installation that used the directory first.
const INSTANCE_FILE: &str = "instance";

fn first_instance(shared: &Path, instance: &InstanceId) -> std::io::Result<String> {
    let file = shared.join(INSTANCE_FILE);
    match std::fs::read_to_string(&file) {
        Ok(first) => Ok(first.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            replace(&file, instance.as_str().as_bytes(), 0o444)?;
            Ok(instance.to_string())
        }
        Err(error) => Err(error),
    }
}

impl Place {
    /// Writes what all runtimes share into `root`: the supervisor, and the
    /// certificates of `ca_file`.
    pub fn prepare_shared(
        root: PathBuf,
        instance: InstanceId,
        user: RuntimeUser,
        supervisor: &[u8],
        ca_file: Option<&Path>,
    ) -> std::io::Result<Self> {
        let shared = root.join(SHARED);
        std::fs::create_dir_all(&shared)?;
        let first = first_instance(&shared, &instance)?;
        let supervisor = replace(&shared.join(SUPERVISOR_FILE), supervisor, 0o555)?;
        let ca = match ca_file {
            Some(file) => {
                let certificates = std::fs::File::open(file)?;
                Some(replace(&shared.join(CA_FILE), certificates, 0o444)?)
            }
            None => None,
        };
        let keys = Keys::open(&shared)?;
        Ok(Self { root, instance, user, supervisor, ca, first, keys })
    }

    /// Which installation the data directory was first used by, where that is
    /// another one: what is in it may be that one's.
    pub(super) fn first_used_by(&self) -> Option<&str> {
        Some(self.first.as_str()).filter(|first| *first != self.instance.as_str())
    }

    /// The directories of runtimes that there are.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn link_dir(&self, project: &ProjectId) -> PathBuf {
        self.root.join(project.as_str()).join("run")
    }

    /// Makes the link directory, or brings it up to date.
    pub(super) async fn prepare(&self, project: &ProjectId) -> std::io::Result<PathBuf> {
        let (place, project) = (self.clone(), project.clone());
        let prepared = tokio::task::spawn_blocking(move || place.prepare_now(&project));
        prepared.await.map_err(std::io::Error::other)?
    }

    fn prepare_now(&self, project: &ProjectId) -> std::io::Result<PathBuf> {
        let dir = self.link_dir(project);
        std::fs::create_dir_all(&dir)?;
        // The runtime's user walks through it and reads; nobody but the host writes.
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755))?;
        share(&self.supervisor, &dir.join(SUPERVISOR_FILE))?;
        if let Some(ca) = &self.ca {
            share(ca, &dir.join(CA_FILE))?;
        }
        Ok(dir)
    }

    /// Removes what was made for one runtime.
    pub(super) async fn remove(&self, project: &ProjectId) -> std::io::Result<()> {
        match tokio::fs::remove_dir_all(self.root.join(project.as_str())).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// What the supervisor alone finds in its environment, where it must prove who it is.
    pub(super) fn credential(&self, project: &ProjectId) -> (String, String) {
        (LINK_KEY_VARIABLE.to_owned(), self.keys.of(project).0)
    }

    /// What every program in a runtime finds in its environment.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let proxy = format!("http://{PROXY_ADDRESS}");
        let mut pairs = vec![
            ("HOME", WORKSPACE_DIR.to_owned()),
            ("USER", "dev".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            (
                "PATH",
                format!(
                    "{WORKSPACE_DIR}/.venv/bin:{WORKSPACE_DIR}/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                ),
            ),
            // Names that begin so are the host's own and are left out of listings.
            ("HISTFILE", format!("{WORKSPACE_DIR}/.lockhouse-history")),
            // Caches are thrown away with the runtime instead of filling the workspace.
            ("XDG_CACHE_HOME", "/tmp/.cache".to_owned()),
            ("npm_config_cache", "/tmp/.npm".to_owned()),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_owned()),
            // A log that is read live must not wait in a buffer.
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("no_proxy", "localhost,127.0.0.1,::1".to_owned()),
            ("NO_PROXY", "localhost,127.0.0.1,::1".to_owned()),
        ];
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            pairs.push((name, proxy.clone()));
        }
        if self.ca.is_some() {
            let ca = format!("{LINK_DIR}/{CA_FILE}");
            for name in CA_VARIABLES {
                pairs.push((name, ca.clone()));
            }
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// By which names the common clients are told of a certificate file.
const CA_VARIABLES: [&str; 8] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_cafile",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
];

/// Writes a file whole under its name; a runtime that holds the old one keeps it.
fn replace(path: &Path, mut content: impl std::io::Read, mode: u32) -> std::io::Result<PathBuf> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    std::io::copy(&mut content, &mut new)?;
    new.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(path.to_owned())
}

/// Gives a runtime the shared file by a link, or by a copy where the file
/// system has none. It is there all the while: another server may be starting
/// the runtime this moment.
fn share(shared: &Path, name: &Path) -> std::io::Result<()> {
    let found = std::fs::metadata(name);
    if found.is_ok_and(|found| is_same(&found, shared)) {
        return Ok(());
    }
    let dir = name.parent().unwrap_or(Path::new("."));
    let new =
        tempfile::Builder::new().make_in(dir, |new| match std::fs::hard_link(shared, new) {
            Ok(()) => Ok(()),
            Err(_) => std::fs::copy(shared, new).map(|_| ()),
        })?;
    Ok(new.into_temp_path().persist(name)?)
}

fn is_same(found: &std::fs::Metadata, shared: &Path) -> bool {
    let same =
        |shared: std::fs::Metadata| (found.dev(), found.ino()) == (shared.dev(), shared.ino());
    std::fs::metadata(shared).is_ok_and(same)
}
