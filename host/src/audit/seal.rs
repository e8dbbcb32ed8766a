//! What is known of the record outside the database: the last entry that a server
//! wrote, and the key with which checkpoints are sealed.
//!
//! ```text
//!  <data>/audit/key        256 random bits, for its owner alone
//!  <data>/audit/head-<n>   number and hash of the last entry of the server that
//!                          has seat n; survives a killed server, no power cut
//! ```

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use super::chain::Mark;
use super::store::Checkpoint;
use crate::secret::Secret;

/// Keeps the key apart from other uses of the same secret.
const CONTEXT: &str = "lockhouse 2026 audit checkpoints";

const KEY_FILE: &str = "key";

/// Begins the names of the files that hold heads.
const HEAD: &str = "head-";

/// A number of 20 digits, a hash, and what is between and behind.
const HEAD_BYTES: usize = 20 + 1 + 64 + 1;

/// Seals and heads of one server. Cloning is cheap.
#[derive(Clone)]
pub struct Seal {
    key: [u8; 32],
    dir: PathBuf,
    /// None where the record is only looked at.
    own: Option<Arc<File>>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Seal {
    /// For the server that has `seat` on a data directory. A key that was not
    /// configured is made at the first start.
    pub fn open(data: &Path, key: Option<&Secret>, seat: usize) -> std::io::Result<Self> {
        let dir = data.join("audit");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let key = match (key, read_key(&dir)?) {
            (Some(key), _) => derive(key),
            (None, Some(key)) => derive(&key),
            (None, None) => derive(&make_key(&dir)?),
        };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let own = options.open(dir.join(format!("{HEAD}{seat}")))?;
        Ok(Self { key, dir, own: Some(Arc::new(own)) })
    }

    /// For who only looks at the record of a data directory; `None` where no
    /// server has kept anything.
    pub fn find(data: &Path, key: Option<&Secret>) -> std::io::Result<Option<Self>> {
        let dir = data.join("audit");
        let key = key.cloned().map_or_else(|| read_key(&dir), |key| Ok(Some(key)))?;
        Ok(key.map(|key| Self { key: derive(&key), dir, own: None }))
    }

    /// Where this server, or the one that had its seat before, left off.
    pub(super) fn own_head(&self) -> Option<Mark> {
        let mut text = [0; HEAD_BYTES];
        self.own.as_ref()?.read_exact_at(&mut text, 0).ok()?;
        parse(std::str::from_utf8(&text).ok()?)
    }

    /// Takes note of where this server left off. It is not flushed: a head that is
    /// too old says less, and nothing wrong.
    pub(super) fn keep_head(&self, head: &Mark) {
        let Some(file) = &self.own else { return };
        let text = format!("{:020} {}\n", head.seq, head.hash);
        if let Err(error) = file.write_all_at(text.as_bytes(), 0) {
            tracing::error!(%error, "the end of the audit record was not noted");
        }
    }

    /// The heads of all servers of this data directory.
    pub(super) fn heads(&self) -> std::io::Result<Vec<Mark>> {
        let mut heads = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(HEAD) {
                let mut text = String::new();
                let file = File::open(entry.path())?;
                file.take(HEAD_BYTES as u64).read_to_string(&mut text)?;
                heads.extend(parse(&text));
            }
        }
        Ok(heads)
    }

    /// Which key seals are made with.
    pub(super) fn key_id(&self) -> String {
        blake3::keyed_hash(&self.key, b"which key").to_hex()[..16].to_owned()
    }

    /// The last entry cut, sealed.
    pub(super) fn checkpoint(&self, mark: &Mark, at_us: i64) -> Checkpoint {
        let Mark { seq, hash } = mark.clone();
        let seal = self.seal(seq, &hash, at_us).to_hex().to_string();
        Checkpoint { seq, hash, at_us, key_id: self.key_id(), seal }
    }

    /// Whether it was sealed with this key.
    pub(super) fn made(&self, checkpoint: &Checkpoint) -> bool {
        let Checkpoint { seq, hash, at_us, seal, .. } = checkpoint;
        let expected = self.seal(*seq, hash, *at_us).to_hex();
        expected.as_bytes().ct_eq(seal.as_bytes()).into()
    }

    fn seal(&self, seq: i64, hash: &str, at_us: i64) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&seq.to_be_bytes()).update(&at_us.to_be_bytes()).update(hash.as_bytes());
        hasher.finalize()
    }
}

fn derive(key: &Secret) -> [u8; 32] {
    blake3::derive_key(CONTEXT, key.reveal().as_bytes())
}

fn read_key(dir: &Path) -> std::io::Result<Option<Secret>> {
    match std::fs::read_to_string(dir.join(KEY_FILE)) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whole under its name or not at all; of two servers that start at once one makes
/// it.
fn make_key(dir: &Path) -> std::io::Result<Secret> {
    let key = Secret::generate("").map_err(std::io::Error::other)?;
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(new, "{}", key.reveal())?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(dir.join(KEY_FILE)) {
        Ok(_) => Ok(key),
        Err(_) => read_key(dir)?.ok_or_else(|| std::io::Error::other("the key can't be kept")),
    }
}

fn parse(text: &str) -> Option<Mark> {
    let (seq, hash) = text.trim_end().split_once(' ')?;
    Some(Mark { seq: seq.parse().ok()?, hash: hash.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mark() -> Mark {
        Mark { seq: 7, hash: "ab".repeat(32) }
    }

    #[test]
    fn a_head_is_found_by_the_next_server_and_by_who_only_looks() {
        let data = tempfile::tempdir().unwrap();
        let seal = Seal::open(data.path(), None, 0).unwrap();
        assert_eq!(seal.own_head(), None);
        seal.keep_head(&mark());
        assert_eq!(Seal::open(data.path(), None, 0).unwrap().own_head(), Some(mark()));
        assert_eq!(Seal::open(data.path(), None, 1).unwrap().own_head(), None);
        let looks = Seal::find(data.path(), None).unwrap().unwrap();
        assert_eq!(looks.heads().unwrap(), [mark()]);
    }

    #[test]
    fn a_checkpoint_counts_by_its_own_key_and_unchanged() {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [seal, stranger] =
            [data.path(), other.path()].map(|dir| Seal::open(dir, None, 0).unwrap());
        let checkpoint = seal.checkpoint(&mark(), 1);
        assert!(seal.made(&checkpoint) && !stranger.made(&checkpoint));
        assert!(!seal.made(&Checkpoint { seq: 8, ..checkpoint.clone() }));
        assert!(!seal.made(&Checkpoint { hash: "cd".repeat(32), ..checkpoint }));
    }

    #[test]
    fn the_key_can_be_read_by_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        Seal::open(data.path(), None, 0).unwrap();
        let key = std::fs::metadata(data.path().join("audit/key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
}
