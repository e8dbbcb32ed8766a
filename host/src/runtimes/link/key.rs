//! Room runtimes: keys by which supervisors are known whose kernel is not ours.
//!
//! All keys are made from one secret of the data directory, so every server on it
//! knows them and none has to be kept.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use lockhouse_supervisor::protocol::LinkKey;
use rand::TryRng as _;
use rand::rngs::SysRng;
use subtle::ConstantTimeEq as _;

use crate::ids::ProjectId;

/// File among those that all runtimes share; none of them sees it.
const SECRET_FILE: &str = "link.key";

/// Makes the key of each runtime's supervisor.
#[derive(Clone)]
pub(in crate::runtimes) struct Keys([u8; blake3::KEY_LEN]);

impl Keys {
    /// Reads the secret in `dir`; the first server makes it.
    pub(in crate::runtimes) fn open(dir: &Path) -> std::io::Result<Self> {
        let path = dir.join(SECRET_FILE);
        match std::fs::File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(dir, &path)?,
            found => drop(found?),
        }
        let mut secret = [0; blake3::KEY_LEN];
        std::fs::File::open(&path)?.read_exact(&mut secret)?;
        Ok(Self(secret))
    }

    pub(in crate::runtimes) fn of(&self, project: &ProjectId) -> LinkKey {
        LinkKey(blake3::keyed_hash(&self.0, project.as_str().as_bytes()).to_hex().to_string())
    }

    /// Whether this is the key of the project's supervisor.
    pub(in crate::runtimes) fn fits(&self, project: &ProjectId, key: Option<&LinkKey>) -> bool {
        let own = self.of(project);
        key.is_some_and(|key| own.0.as_bytes().ct_eq(key.0.as_bytes()).into())
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Whole under its name, or not there; another server may have been quicker.
fn make(dir: &Path, path: &Path) -> std::io::Result<()> {
    let mut secret = [0; blake3::KEY_LEN];
    SysRng.try_fill_bytes(&mut secret).map_err(std::io::Error::other)?;
    // Nobody else may read a temporary file.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&secret)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_known_by_its_own_key_at_every_server_of_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = [(); 2].map(|()| Keys::open(dir.path()).unwrap());
        let [ada, bob] = [(); 2].map(|()| ProjectId::generate());
        assert!(second.fits(&ada, Some(&first.of(&ada))));
        assert!(!second.fits(&bob, Some(&first.of(&ada))));
        assert!(!second.fits(&ada, None));
    }

    #[test]
    fn keys_do_not_show_themselves() {
        let keys = Keys::open(tempfile::tempdir().unwrap().path()).unwrap();
        assert_eq!(format!("{:?}", keys.of(&ProjectId::generate())), "LinkKey(…)");
    }
}
