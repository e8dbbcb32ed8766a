//! `lockhouse:host/project-files`: the files of the project on whose behalf a
//! call is made, to read. All of it goes through the room of files, so nothing
//! leads out of the project.

use globset::{GlobBuilder, GlobMatcher};
use serde_json::json;
use wasmtime::component::Resource;

use crate::files::{self, EntryKind, Files, List, MAX_PAGE, RelPath};
use crate::plugins::bindings::planner::lockhouse::host::project_files as wit;
use crate::plugins::bindings::policy::lockhouse::types::errors::Error;
use crate::plugins::grant::Grant;
use crate::plugins::instance::State;
use crate::plugins::reach::{Reach, missing};
use crate::projects::{self, Project};

/// What one question reads of a file.
const MAX_READ_BYTES: u32 = 1024 * 1024;

/// What one question lists.
const MAX_ENTRIES: u32 = 1_000;

/// What is looked at for one list.
const MAX_VISITED: usize = 100_000;

/// The longest glob.
const MAX_GLOB_BYTES: usize = 1_024;

/// One project's files in the hands of a plugin.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Root {
    /// None where a test answers for the project.
    project: Option<Project>,
}

impl wit::Host for State {
    async fn open(&mut self) -> Result<Resource<Root>, Error> {
        let (reach, mut found) = (&self.reach, None);
        let ask = async {
            found = Some(reach.ask(project(reach.clone())).await?);
            Ok(())
        };
        reach.taped_async("project-files.open", || json!({}), ask).await?;
        let root = self.table.push(Root { project: found });
        root.map_err(|error| Error::Quota(format!("Let go of some handles first: {error}.")))
    }
}

impl wit::HostRoot for State {
    async fn read(
        &mut self,
        root: Resource<Root>,
        path: String,
        max_bytes: u32,
    ) -> Result<Vec<u8>, Error> {
        let with = || json!({ "path": path, "max_bytes": max_bytes });
        let (reach, found) = (&self.reach, self.project_files(&root));
        let ask = async {
            let (files, project) = found?;
            let (path, limit) = (parse(&path)?, u64::from(max_bytes.min(MAX_READ_BYTES)));
            let read = async move { files.read_beginning(&project, &path, limit).await };
            reach.ask(async { read.await.map_err(failed) }).await
        };
        reach.taped_async("project-files.read", with, ask).await
    }

    async fn list(
        &mut self,
        root: Resource<Root>,
        glob: String,
        max: u32,
    ) -> Result<Vec<wit::Entry>, Error> {
        let with = || json!({ "glob": glob, "max": max });
        let (reach, found) = (&self.reach, self.project_files(&root));
        let ask = async {
            let (files, project) = found?;
            let max = max.min(MAX_ENTRIES) as usize;
            reach.ask(list(files, project, glob.clone(), max)).await
        };
        reach.taped_async("project-files.list", with, ask).await
    }

    async fn stat(&mut self, root: Resource<Root>, path: String) -> Result<wit::Entry, Error> {
        let with = || json!({ "path": path });
        let (reach, found) = (&self.reach, self.project_files(&root));
        let ask = async {
            let (files, project) = found?;
            let path = parse(&path)?;
            let stat = async move { files.entry(&project, &path).await };
            reach.ask(async { stat.await.map(entry_to_wit).map_err(failed) }).await
        };
        reach.taped_async("project-files.stat", with, ask).await
    }

    async fn drop(&mut self, root: Resource<Root>) -> wasmtime::Result<()> {
        self.table.delete(root)?;
        Ok(())
    }
}

impl State {
    /// The room and the project, while the grant holds.
    fn project_files(&self, root: &Resource<Root>) -> Result<(Files, Project), Error> {
        self.reach.admit(&Grant::ProjectFiles)?;
        let files = self.reach.rooms.files.as_ref().ok_or_else(|| missing("projects"))?;
        let gone = |error| Error::Internal(format!("The handle is none: {error}."));
        let project = self.table.get(root).map_err(gone)?.project.clone();
        Ok((files.clone(), project.ok_or_else(|| missing("projects"))?))
    }
}

/// The call's project, if its caller may see it.
async fn project(reach: Reach) -> Result<Project, Error> {
    reach.admit(&Grant::ProjectFiles)?;
    let projects = reach.rooms.projects.as_ref().ok_or_else(|| missing("projects"))?;
    let behalf = reach.behalf()?;
    let found = projects.find(&behalf.caller, behalf.project.as_str()).await;
    found.map_err(|error| match error {
        projects::Error::NotFound(_) => Error::NotFound(format!("{error}.")),
        error => Error::Unavailable(format!("{error}.")),
    })
}

async fn list(
    files: Files,
    project: Project,
    glob: String,
    max: usize,
) -> Result<Vec<wit::Entry>, Error> {
    let matcher = matcher(&glob)?;
    let below = directory(&glob);
    let (mut found, mut visited, mut cursor) = (Vec::new(), 0, None);
    while found.len() < max {
        let page = List { recursive: true, limit: Some(MAX_PAGE), cursor };
        let listing = match files.list(&project, below.as_ref(), page).await {
            // A glob in a directory that is not there matches nothing.
            Err(files::Error::NotFound(_) | files::Error::NotADirectory(_)) => break,
            listing => listing.map_err(failed)?,
        };
        visited += listing.entries.len();
        let matching = listing.entries.into_iter().filter(|entry| matcher.is_match(&entry.path));
        found.extend(matching.take(max - found.len()).map(entry_to_wit));
        cursor = listing.next_cursor;
        if cursor.is_none() {
            break;
        }
        if visited >= MAX_VISITED {
            return Err(Error::TooLarge(format!(
                "The project holds over {MAX_VISITED} entries; name a directory, as in `src/**`."
            )));
        }
    }
    Ok(found)
}

fn matcher(glob: &str) -> Result<GlobMatcher, Error> {
    if glob.len() > MAX_GLOB_BYTES {
        return Err(Error::TooLarge(format!("A glob has at most {MAX_GLOB_BYTES} bytes.")));
    }
    let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
    let built = built.map_err(|error| Error::Invalid(format!("The glob can't be read: {error}.")));
    Ok(built?.compile_matcher())
}

/// The directory that a glob stays in, as far as it is plain.
fn directory(glob: &str) -> Option<RelPath> {
    let plain = &glob[..glob.find(['*', '?', '[', '{', '\\']).unwrap_or(glob.len())];
    plain.rsplit_once('/').and_then(|(directory, _)| directory.parse().ok())
}

fn parse(path: &str) -> Result<RelPath, Error> {
    path.parse().map_err(|error| Error::Denied(format!("{error}.")))
}

fn entry_to_wit(entry: files::Entry) -> wit::Entry {
    wit::Entry {
        path: entry.path,
        entry_type: match entry.kind {
            EntryKind::File => wit::EntryType::File,
            EntryKind::Directory => wit::EntryType::Directory,
            EntryKind::Symlink | EntryKind::Other => wit::EntryType::Other,
        },
        size_bytes: entry.size_bytes,
    }
}

fn failed(error: files::Error) -> Error {
    let text = format!("{error}.");
    match error {
        files::Error::Path(_) | files::Error::Outside(_) => Error::Denied(text),
        files::Error::NotFound(_) => Error::NotFound(text),
        files::Error::TooLarge { .. } | files::Error::TooMany => Error::TooLarge(text),
        files::Error::IsDirectory(_)
        | files::Error::NotADirectory(_)
        | files::Error::Special(_)
        | files::Error::Cursor => Error::Invalid(text),
        files::Error::Stopping => Error::Unavailable(text),
        error => {
            tracing::warn!(%error, "a plugin's question about files was not answered");
            Error::Internal("The file could not be read; the server's log says why.".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_looked_for_where_it_is_plain() {
        let below = |glob| directory(glob).map(|path| path.to_string());
        assert_eq!(below("src/app/*.py").as_deref(), Some("src/app"));
        assert_eq!(below("src/app/a.py").as_deref(), Some("src/app"));
        assert_eq!(below("src*/a.py"), None);
        assert_eq!(below("*.py"), None);
        assert_eq!(below("../*.py"), None);
    }

    #[test]
    fn a_star_stays_in_its_directory() {
        assert!(matcher("src/*.py").unwrap().is_match("src/a.py"));
        assert!(!matcher("src/*.py").unwrap().is_match("src/deep/a.py"));
        assert!(matcher("src/**/*.py").unwrap().is_match("src/deep/a.py"));
        assert!(matcher("[").is_err());
    }
}
