//! Room reviews: what was handed in, as two objects: the content of all files, one after
//! the other, and an index that says where each begins. What is read is checked against
//! the hashes of the index, and the index against that of the submission's row.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_util::io::ReaderStream;

use super::{Config, Error, Submission};
use crate::files::Frozen;
use crate::ids::SubmissionId;
use crate::objects::{self, Body, Key, Objects};

/// Read from the spooled content at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What one file takes in an index at the most: its path and the rest.
const MAX_ENTRY_BYTES: u64 = 8 * 1024;

/// Files that lie no further apart are read at once, and so many bytes.
const MAX_GAP_BYTES: u64 = 64 * 1024;
const MAX_READ_BYTES: u64 = 8 * 1024 * 1024;

/// A file of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub path: String,
    offset: u64,
    #[serde(rename = "size")]
    pub size_bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    pub executable: bool,
}

/// All files of a submission, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Index {
    pub(super) files: Vec<File>,
    pub(super) digest: String,
    text: Bytes,
}

impl Index {
    pub(super) fn of(frozen: &[Frozen]) -> Result<Self, Error> {
        let files = frozen.iter().map(|frozen| File {
            path: frozen.path.to_string(),
            offset: frozen.offset,
            size_bytes: frozen.size_bytes,
            sha256: frozen.sha256.clone(),
            executable: frozen.executable,
        });
        let files: Vec<File> = files.collect();
        let text = serde_json::to_vec(&files).map_err(|error| Error::Damaged(error.to_string()))?;
        Ok(Self { files, digest: sha256(&text), text: text.into() })
    }

    pub(super) fn find(&self, path: &str) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path));
        at.ok().map(|at| &self.files[at])
    }
}

/// What files hold, by their hashes.
pub(super) type Contents = HashMap<String, Bytes>;

/// Where snapshots are kept.
#[derive(Debug, Clone)]
pub(super) struct Snapshots {
    objects: Objects,
    max_index_bytes: u64,
}

impl Snapshots {
    pub(super) fn new(objects: Objects, config: &Config) -> Self {
        // Who lowers a limit still reads what was handed in before.
        let files = u64::from(config.max_files).max(10_000);
        Self { objects, max_index_bytes: files * MAX_ENTRY_BYTES }
    }

    pub(super) async fn put(
        &self,
        id: &SubmissionId,
        index: &Index,
        content: fs::File,
    ) -> Result<(), Error> {
        let content = tokio::fs::File::from_std(content);
        let content = ReaderStream::with_capacity(content, PIECE_BYTES);
        self.objects.put(&key(id, CONTENT)?, content).await?;
        let text = stream::iter([Ok::<_, io::Error>(index.text.clone())]);
        self.objects.put(&key(id, INDEX)?, text).await?;
        Ok(())
    }

    pub(super) async fn index(&self, submission: &Submission) -> Result<Index, Error> {
        let body = self.objects.read(&key(&submission.id, INDEX)?, None).await?;
        let text = collect(body, self.max_index_bytes).await?;
        let digest = sha256(&text);
        if digest != submission.digest {
            return Err(Error::Damaged(format!("the index of {}", submission.id)));
        }
        let files = serde_json::from_slice(&text);
        let files = files.map_err(|error| Error::Damaged(error.to_string()))?;
        Ok(Index { files, digest, text })
    }

    /// A part of one file.
    pub(super) async fn read(
        &self,
        id: &SubmissionId,
        file: &File,
        part: Range<u64>,
    ) -> Result<Body, Error> {
        let end = part.end.min(file.size_bytes);
        let part = file.offset + part.start.min(end)..file.offset + end;
        Ok(self.objects.read(&key(id, CONTENT)?, Some(part)).await?)
    }

    /// All that these files hold; those that lie together are read together.
    pub(super) async fn contents(
        &self,
        id: &SubmissionId,
        mut files: Vec<&File>,
        known: &mut Contents,
    ) -> Result<(), Error> {
        files.retain(|file| !known.contains_key(&file.sha256));
        files.sort_unstable_by_key(|file| file.offset);
        let mut rest = files.as_slice();
        while let Some(first) = rest.first() {
            let (together, others) = rest.split_at(together(rest));
            let end = together.last().map_or(first.offset, |file| file.offset + file.size_bytes);
            let part = first.offset..end;
            let body = self.objects.read(&key(id, CONTENT)?, Some(part.clone())).await?;
            let bytes = collect(body, part.end - part.start).await?;
            for file in together {
                let content = cut(&bytes, file.offset - first.offset, file)?;
                known.insert(file.sha256.clone(), content);
            }
            rest = others;
        }
        Ok(())
    }

    /// What is not there is no error.
    pub(super) async fn remove(&self, id: &SubmissionId) -> Result<(), Error> {
        self.objects.delete(&key(id, INDEX)?).await?;
        Ok(self.objects.delete(&key(id, CONTENT)?).await?)
    }
}

const CONTENT: &str = "content";
const INDEX: &str = "index.json";

fn key(id: &SubmissionId, part: &str) -> Result<Key, Error> {
    let key = format!("submissions/{id}/{part}").parse();
    key.map_err(|error: objects::InvalidKey| Error::Damaged(error.to_string()))
}

/// How many of the first files are read at once; at least one.
fn together(files: &[&File]) -> usize {
    let Some(first) = files.first() else { return 0 };
    let mut end = first.offset + first.size_bytes;
    let near = files[1..].iter().take_while(|file| {
        let gap = file.offset.saturating_sub(end);
        end = file.offset + file.size_bytes;
        gap <= MAX_GAP_BYTES && end - first.offset <= MAX_READ_BYTES
    });
    1 + near.count()
}

/// One file out of what was read, if it is what was handed in.
fn cut(bytes: &Bytes, from: u64, file: &File) -> Result<Bytes, Error> {
    let range = usize::try_from(from).ok().zip(usize::try_from(from + file.size_bytes).ok());
    let found = range.filter(|(_, end)| *end <= bytes.len());
    let content = found.map(|(from, end)| bytes.slice(from..end));
    let content = content.filter(|content| sha256(content) == file.sha256);
    content.ok_or_else(|| Error::Damaged(format!("the file “{}”", file.path)))
}

async fn collect(mut body: Body, limit: u64) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    let broken = |error| Error::Objects(objects::Error::Unavailable(format!("{error}")));
    while let Some(piece) = body.try_next().await.map_err(|error: io::Error| broken(error))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > limit {
            return Err(Error::Damaged("there is more of it than there was".to_owned()));
        }
    }
    Ok(bytes.into())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An index of files that hold these texts.
    pub(in super::super) fn index_of(files: &[(&str, &str)]) -> Index {
        let file = |(path, text): &(&str, &str)| {
            let sha256 = sha256(text.as_bytes());
            File { sha256, ..file(path, 0, text.len() as u64) }
        };
        let mut files: Vec<File> = files.iter().map(file).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Index { files, ..Index::default() }
    }

    pub(in super::super) fn contents_of(files: &[(&str, &str)]) -> Contents {
        let texts = files.iter().map(|(_, text)| Bytes::copy_from_slice(text.as_bytes()));
        texts.map(|text| (sha256(&text), text)).collect()
    }

    fn file(path: &str, offset: u64, size_bytes: u64) -> File {
        File { path: path.to_owned(), offset, size_bytes, sha256: String::new(), executable: false }
    }

    #[test]
    fn files_that_lie_together_are_read_at_once() {
        let files = [file("a", 0, 10), file("b", 10, 10), file("c", 1_000_000, 10)];
        assert_eq!(together(&files.iter().collect::<Vec<_>>()), 2);
        assert_eq!(together(&[&files[2]]), 1);
    }

    #[test]
    fn a_file_larger_than_a_read_is_read_alone() {
        let files = [file("a", 0, 2 * MAX_READ_BYTES), file("b", 2 * MAX_READ_BYTES, 1)];
        assert_eq!(together(&files.iter().collect::<Vec<_>>()), 1);
    }

    #[test]
    fn what_is_not_what_was_handed_in_is_refused() {
        let whole = Bytes::from_static(b"one two");
        let two = File { sha256: sha256(b"two"), ..file("a", 4, 3) };
        assert_eq!(cut(&whole, 4, &two).unwrap(), "two");
        assert!(cut(&whole, 0, &two).is_err() && cut(&whole, 5, &two).is_err());
    }
}
