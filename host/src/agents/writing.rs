//! Files: the agent writes them one by one into the job; once all are there,
//! the job lands in the project.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;

use super::agent::{Edit, ExistingFile, Plan, ProgressSender, WriteContext};
use super::executor::{Execution, Stop, failed};
use super::run::{Event, State};
use crate::files::{Entry, EntryKind, Files, List, MAX_PAGE, RelPath};
use crate::projects::Project;

/// Edits that one step or repair may ask for.
pub(super) const MAX_EDITS: usize = 256;

/// What a whole job may hold.
const MAX_JOB_BYTES: usize = 64 * 1024 * 1024;

/// Files of the project that an agent is told of.
const MAX_EXISTING_FILES: usize = 500;

/// Directories that are looked into for them.
const MAX_EXISTING_DIRECTORIES: usize = 500;

/// A longer file is told of without its content.
const MAX_EXISTING_BYTES: usize = 128 * 1024;

/// All contents that an agent is told, together.
const MAX_CONTEXT_BYTES: usize = 1024 * 1024;

/// What package managers and tools fill: nothing that an agent should read.
const NOT_SOURCES: [&str; 8] =
    [".git", ".venv", ".cache", ".pytest_cache", "__pycache__", "node_modules", "target", "vendor"];

impl Execution {
    /// Writes the plan's files and lands them in the project.
    pub(super) async fn write(&mut self, plan: &Plan) -> Result<(), Stop> {
        let brake = self.brake.clone();
        let mut sources = brake.hold(Sources::read(&self.parts.files, &self.project)).await??;
        let mut draft = Draft::default();
        let total = u32::try_from(plan.files.len()).unwrap_or(u32::MAX);
        for (step, file) in (0..total).zip(&plan.files) {
            self.enter(State::Writing, &file.path, Some((step, total))).await?;
            let edits = self.ask_for_step(plan, step, &sources).await?;
            self.apply(edits, &mut draft, &mut sources).await?;
        }
        let files = format!("{total} files, to be put into the project");
        self.enter(State::Writing, &files, Some((total, total))).await?;
        self.land(draft.deleted).await
    }

    async fn ask_for_step(
        &mut self,
        plan: &Plan,
        step: u32,
        sources: &Sources,
    ) -> Result<Vec<Edit>, Stop> {
        let context = WriteContext { brief: self.brief.clone(), existing: sources.existing() };
        let (agent, patience) = (self.agent.clone(), self.parts.config.write_timeout);
        let ask =
            async |progress: ProgressSender| agent.write(plan, step, &context, &progress).await;
        let edits = self.ask(Duration::from_secs(patience), ask).await?;
        if edits.len() > MAX_EDITS {
            let count = edits.len();
            return Err(Stop::Failed(format!("the agent wanted {count} edits in one step")));
        }
        Ok(edits)
    }

    /// Makes the edits in the job; the project is not touched. A step with an
    /// edit that leads out of the project makes none.
    async fn apply(
        &mut self,
        edits: Vec<Edit>,
        draft: &mut Draft,
        sources: &mut Sources,
    ) -> Result<(), Stop> {
        let parsed: Result<Vec<_>, _> =
            edits.into_iter().map(|edit| Ok((edit_path(&edit)?, edit))).collect();
        for (path, edit) in parsed? {
            match edit {
                Edit::Write { content, executable, .. } => {
                    draft.grow(content.len())?;
                    sources.set(path.as_str(), &content);
                    self.write_file(&path, content, executable).await?;
                    draft.deleted.remove(&path);
                }
                Edit::Delete { .. } => {
                    sources.remove(path.as_str());
                    let jobs = &self.parts.jobs;
                    jobs.remove_file(&self.permit, &self.job, &path).await.map_err(failed)?;
                    draft.deleted.insert(path.clone());
                }
            }
            self.record([Event::File { path: path.to_string() }]).await?;
        }
        Ok(())
    }

    async fn write_file(
        &self,
        path: &RelPath,
        content: Vec<u8>,
        executable: bool,
    ) -> Result<(), Stop> {
        let body = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(content))]);
        let jobs = &self.parts.jobs;
        let written = jobs.write(&self.permit, &self.job, path, body, executable).await;
        written.map(|_| ()).map_err(failed)
    }

    /// Completes the job and puts it into the project, all of it or nothing.
    async fn land(&mut self, deleted: BTreeSet<RelPath>) -> Result<(), Stop> {
        let jobs = &self.parts.jobs;
        self.job = jobs.complete(&self.permit, &self.job).await.map_err(failed)?;
        let gone = deleted.into_iter().collect();
        let landed = jobs.land(&self.permit, &self.job, &self.project, gone).await;
        landed.map(drop).map_err(failed)
    }
}

/// Where an edit goes, if that is in the project.
pub(super) fn edit_path(edit: &Edit) -> Result<RelPath, Stop> {
    let (Edit::Write { path, .. } | Edit::Delete { path }) = edit;
    path.parse().map_err(|error| Stop::Failed(format!("the agent wanted to edit {error}")))
}

/// What has been written so far.
#[derive(Debug, Default)]
struct Draft {
    bytes: usize,
    deleted: BTreeSet<RelPath>,
}

impl Draft {
    fn grow(&mut self, bytes: usize) -> Result<(), Stop> {
        self.bytes += bytes;
        if self.bytes <= MAX_JOB_BYTES {
            return Ok(());
        }
        Err(Stop::Failed(format!("the agent wrote over {MAX_JOB_BYTES} bytes")))
    }
}

/// The project as it will stand after what was written, as far as agents are
/// told of it.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Text, or nothing for what is none or too long.
    files: BTreeMap<String, Option<String>>,
    bytes: usize,
}

impl Sources {
    pub(super) async fn read(files: &Files, project: &Project) -> Result<Self, Stop> {
        let (mut sources, mut looked_into) = (Self::default(), 0);
        let mut directories = VecDeque::from([None]);
        while let Some(directory) = directories.pop_front() {
            looked_into += 1;
            if looked_into > MAX_EXISTING_DIRECTORIES {
                break;
            }
            let list = List { limit: Some(MAX_PAGE), ..List::default() };
            let listing = files.list(project, directory.as_ref(), list).await.map_err(failed)?;
            for entry in listing.entries {
                // A name that is no text can't be named to an agent either.
                let Ok(path) = entry.path.parse::<RelPath>() else { continue };
                match entry.kind {
                    EntryKind::Directory if !NOT_SOURCES.contains(&entry.name()) => {
                        directories.push_back(Some(path));
                    }
                    EntryKind::File => sources.read_file(files, project, &path, &entry).await,
                    _ => {}
                }
            }
        }
        Ok(sources)
    }

    async fn read_file(&mut self, files: &Files, project: &Project, path: &RelPath, entry: &Entry) {
        if self.files.len() >= MAX_EXISTING_FILES {
            return;
        }
        if entry.size_bytes > MAX_EXISTING_BYTES as u64 {
            self.files.insert(path.to_string(), None);
            return;
        }
        // A file may go between being listed and being read.
        if let Ok(content) = files.read(project, path).await {
            self.set(path.as_str(), &content.bytes);
        }
    }

    fn set(&mut self, path: &str, content: &[u8]) {
        self.remove(path);
        let fits =
            content.len() <= MAX_EXISTING_BYTES && self.bytes + content.len() <= MAX_CONTEXT_BYTES;
        let text = std::str::from_utf8(content).ok().filter(|_| fits).map(str::to_owned);
        self.bytes += text.as_ref().map_or(0, String::len);
        self.files.insert(path.to_owned(), text);
    }

    fn remove(&mut self, path: &str) {
        let before = self.files.remove(path).flatten();
        self.bytes -= before.map_or(0, |text| text.len());
    }

    pub(super) fn existing(&self) -> Vec<ExistingFile> {
        let file = |(path, content): (&String, &Option<String>)| ExistingFile {
            path: path.clone(),
            content: content.clone(),
        };
        self.files.iter().map(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_too_long_to_tell_is_told_of_without_its_content() {
        let mut sources = Sources::default();
        sources.set("long.txt", &vec![b'x'; MAX_EXISTING_BYTES + 1]);
        assert_eq!(sources.files.get("long.txt"), Some(&None));
    }

    #[test]
    fn what_is_told_stays_within_its_bound_however_often_a_file_is_written() {
        let mut sources = Sources::default();
        let content = vec![b'x'; MAX_EXISTING_BYTES];
        (0..100).for_each(|_| sources.set("a.txt", &content));
        assert_eq!(sources.bytes, MAX_EXISTING_BYTES);
        (0..100).for_each(|n| sources.set(&format!("{n}.txt"), &content));
        assert!(sources.bytes <= MAX_CONTEXT_BYTES);
    }
}
