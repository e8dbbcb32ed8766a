//! What the local engine notes of a runtime, in a file beside its bundle: there is no daemon that
//! would remember it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, ProjectId};
use crate::runtimes::engine::Error;

/// Our part of `<data>/runtimes/<id>/`.
pub(super) const BUNDLE: &str = "bundle";

const RECORD: &str = "runtime.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runtimes) struct Record {
    pub(super) id: String,
    pub(super) instance: String,
    pub(super) generation: u32,
    pub(super) kind: String,
    /// The root file system in use; an image is not deleted while it is named here.
    pub(in crate::runtimes) root: PathBuf,
    /// Set before it is first started, so that a crash in between reads as "stopped".
    pub(super) started: bool,
    /// Whether the kernel had killed something for want of memory when it was stopped.
    pub(super) out_of_memory: bool,
    /// The first process, where no OCI runtime keeps it.
    pub(super) process: Option<FirstProcess>,
}

/// A process that can't be taken for a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runtimes) struct FirstProcess {
    pub(in crate::runtimes) pid: i32,
    /// In clock ticks since the machine's start.
    pub(super) start_ticks: u64,
    /// Differs after each start of the machine.
    pub(super) boot_id: String,
}

impl Record {
    /// `None` if there is none in this bundle directory.
    pub(super) async fn load(bundle: &Path) -> Result<Option<Self>, Error> {
        let path = bundle.join(RECORD);
        let text = match tokio::fs::read(&path).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, &error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::Failed(format!(
                "{} can't be understood ({error}); remove its directory if the runtime is not needed",
                path.display()
            ))
        })
    }

    /// Replaces the file as a whole.
    pub(in crate::runtimes) async fn save(&self, bundle: &Path) -> Result<(), Error> {
        let path = bundle.join(RECORD);
        let text = serde_json::to_vec(self).map_err(|error| Error::Failed(error.to_string()))?;
        replace(&path, &text).await.map_err(|error| failed(&path, &error))
    }

    pub(super) async fn delete(bundle: &Path) -> Result<(), Error> {
        let path = bundle.join(RECORD);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failed(&path, &error))
            }
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    pub(in crate::runtimes) fn example(id: &str, root: &Path) -> Self {
        Self {
            id: id.to_owned(),
            instance: "i".to_owned(),
            generation: 1,
            kind: "python".to_owned(),
            root: root.to_owned(),
            started: false,
            out_of_memory: false,
            process: None,
        }
    }

    pub(super) fn is_of(&self, instance: &InstanceId) -> bool {
        self.instance == instance.as_str()
    }

    pub(super) fn project(&self) -> Option<ProjectId> {
        self.id.parse().ok()
    }
}

/// Every record below a data directory, whoever's it is; what can't be read is passed over.
pub(in crate::runtimes) async fn records(data: &Path) -> Vec<Record> {
    let mut found = Vec::new();
    let Ok(mut entries) = tokio::fs::read_dir(data.join("runtimes")).await else { return found };
    while let Ok(Some(entry)) = entries.next_entry().await {
        if let Ok(Some(record)) = Record::load(&entry.path().join(BUNDLE)).await {
            found.push(record);
        }
    }
    found
}

/// Replaces a file as a whole.
pub(super) async fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = tokio::fs::File::create(&new).await?;
    tokio::io::AsyncWriteExt::write_all(&mut file, text).await?;
    file.sync_all().await?;
    tokio::fs::rename(&new, path).await
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::Failed(format!("{}: {error}", path.display()))
}
