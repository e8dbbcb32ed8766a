//! Room: runtimes. What was learned, kept in one JSON file per kind.

use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Learned, LearnedHost};
use crate::ids::Kind;

/// Goes up when what is learned, or how, changes; files of another are not used.
const VERSION: u32 = 1;

/// The largest file that is read back.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A directory with a file for each kind.
pub(super) struct Store {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    image: String,
    digest: String,
    hosts: Vec<HostRecord>,
    failures: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct HostRecord {
    host: String,
    port: u16,
    source: String,
}

impl Store {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// What is kept of a kind. A file that can't be used is as good as none: all
    /// in it can be learned again.
    pub(super) async fn load(&self, kind: Kind) -> Option<Learned> {
        let path = self.path(kind);
        let size = tokio::fs::metadata(&path).await.ok()?.len();
        if size > MAX_FILE_BYTES {
            return None;
        }
        let bytes = tokio::fs::read(&path).await.ok()?;
        let record: Record = serde_json::from_slice(&bytes)
            .inspect_err(
                |error| tracing::warn!(%kind, %error, "learned registries are learned anew"),
            )
            .ok()?;
        (record.version == VERSION).then(|| record.into_learned(kind)).flatten()
    }

    /// Keeps what was learned; the file is whole or as it was.
    pub(super) async fn save(&self, learned: &Learned) -> io::Result<()> {
        let (dir, path) = (self.dir.clone(), self.path(learned.kind));
        let json = serde_json::to_vec_pretty(&Record::new(learned))?;
        let write = move || {
            std::fs::create_dir_all(&dir)?;
            let mut file = tempfile::NamedTempFile::new_in(&dir)?;
            file.write_all(&json)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        tokio::task::spawn_blocking(write).await?
    }

    fn path(&self, kind: Kind) -> PathBuf {
        self.dir.join(format!("{kind}.json"))
    }
}

impl Record {
    fn new(learned: &Learned) -> Self {
        let host = |host: &LearnedHost| HostRecord {
            host: host.host.to_string(),
            port: host.port,
            source: host.source.clone(),
        };
        Self {
            version: VERSION,
            image: learned.image.clone(),
            digest: learned.digest.clone(),
            hosts: learned.hosts.iter().map(host).collect(),
            failures: learned.failures.clone(),
        }
    }

    /// `None` if a host in it does not parse: then nothing in it is trusted.
    fn into_learned(self, kind: Kind) -> Option<Learned> {
        let host = |record: HostRecord| {
            let host = record.host.parse().ok()?;
            Some(LearnedHost { host, port: record.port, source: record.source })
        };
        let hosts = self.hosts.into_iter().map(host).collect::<Option<_>>()?;
        let (image, digest, failures) = (self.image, self.digest, self.failures);
        Some(Learned { kind, image, digest, hosts, failures })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned() -> Learned {
        let host = |host: &str, port| LearnedHost {
            host: host.parse().unwrap(),
            port,
            source: "pip".to_owned(),
        };
        Learned {
            kind: Kind::Python,
            image: "python".to_owned(),
            digest: "sha256:1".to_owned(),
            hosts: vec![host("index.example", 443), host("[2001:db8::1]", 8443)],
            failures: vec!["npm can't be asked".to_owned()],
        }
    }

    #[tokio::test]
    async fn what_was_learned_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("egress"));
        store.save(&learned()).await.unwrap();
        assert_eq!(store.load(Kind::Python).await, Some(learned()));
        assert_eq!(store.load(Kind::Node).await, None);
    }

    #[tokio::test]
    async fn a_damaged_file_is_as_good_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().to_owned());
        tokio::fs::write(dir.path().join("python.json"), "{\"version\": 1").await.unwrap();
        assert_eq!(store.load(Kind::Python).await, None);
    }
}
