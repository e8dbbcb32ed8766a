//! What was left over: things that no row speaks of, and rows whose thing is gone.
//!
//! Only what bears this installation's marks is looked at: the engine lists no
//! others, and directories count where this installation was the first to use them.
//! What is younger than [`GRACE`] may still be becoming something. Each is looked at
//! again in its turn before anything is done.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::converge::Wanted;
use super::place::SHARED;
use super::state::Status;
use super::{Error, Inner, Runtime, Runtimes};
use crate::gate::Permit;
use crate::ids::ProjectId;

/// How old a directory must be.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// Left-overs that are told of at once.
const MOST: usize = 1_000;

/// What sort of left-over it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The engine has a runtime that nobody asked for. It is removed.
    Runtime,
    /// A runtime that should run is not there. It is made again.
    MissingRuntime,
    /// Files of a project that there is not. They are removed.
    Workspace,
    /// A place with a socket, for a runtime that there is not. It is removed.
    LinkDirectory,
}

impl Sort {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::MissingRuntime => "missing_runtime",
            Self::Workspace => "workspace",
            Self::LinkDirectory => "link_directory",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub sort: Sort,
    pub id: ProjectId,
}

impl Runtimes {
    /// All left-overs, up to a bound.
    pub async fn orphans(&self) -> Result<Vec<Orphan>, Error> {
        // Things before rows: what is being made has its row by then.
        let seen = self.inner.engine.list().await?;
        let seen: HashSet<_> = seen.into_iter().map(|seen| seen.id).collect();
        let (workspaces, places) = self.directories().await?;
        let rows = self.inner.store.list().await?;
        let waiting = self.inner.pool.ids().await?;
        let mut projects = self.inner.projects.all_ids().await?;
        projects.extend(waiting.iter().cloned());
        let engine = self.inner.engine.name();
        let runs = |row: &&Runtime| row.status == Status::Running && row.engine == engine;
        let missing = rows.iter().filter(runs).map(|row| row.project.clone());
        let missing: Vec<_> = missing.filter(|id| !seen.contains(id)).collect();
        let known: HashSet<_> = rows.into_iter().map(|row| row.project).chain(waiting).collect();
        let places = places.into_iter().filter(|id| !known.contains(id) && !seen.contains(id));
        let sorts = [
            (Sort::Runtime, seen.iter().filter(|id| !known.contains(id)).cloned().collect()),
            (Sort::MissingRuntime, missing),
            (Sort::Workspace, workspaces.into_iter().filter(|id| !projects.contains(id)).collect()),
            (Sort::LinkDirectory, places.collect::<Vec<_>>()),
        ];
        let orphans = |(sort, mut ids): (Sort, Vec<ProjectId>)| {
            ids.sort_unstable();
            ids.into_iter().map(move |id| Orphan { sort, id })
        };
        Ok(sorts.into_iter().flat_map(orphans).take(MOST).collect())
    }

    /// Why directories are left alone, where they are.
    pub fn foreign_directories(&self) -> Option<String> {
        let first = self.inner.place.first_used_by()?;
        Some(format!(
            "this data directory was first used by the installation {first}, whose projects may \
             be in it: its directories are left alone"
        ))
    }

    /// Brings one in order; answers whether there was still something to do.
    pub async fn clean_up(&self, _permit: &Permit, orphan: &Orphan) -> Result<bool, Error> {
        let id = &orphan.id;
        match orphan.sort {
            Sort::Runtime => {
                // One whose files are lost is in the list alone.
                let there = self.inner.engine.list().await?.iter().any(|seen| seen.id == *id);
                self.in_turn(id, self.remove_orphan(id)).await?;
                Ok(there)
            }
            Sort::MissingRuntime => {
                let project = self.inner.projects.get(id).await?;
                self.settle(&project, Wanted::Settled).await?;
                Ok(true)
            }
            Sort::Workspace => self.in_turn(id, self.remove_workspace(id)).await,
            Sort::LinkDirectory => self.in_turn(id, self.remove_place(id)).await,
        }
    }

    async fn remove_workspace(&self, id: &ProjectId) -> Result<bool, Error> {
        let Inner { projects, pool, .. } = &*self.inner;
        if projects.all_ids().await?.contains(id) || pool.holds(id).await? {
            return Ok(false);
        }
        tracing::info!(workspace = %id, "removing files that belong to no project");
        projects.remove_workspace(id).await?;
        Ok(true)
    }

    async fn remove_place(&self, id: &ProjectId) -> Result<bool, Error> {
        let Inner { store, pool, engine, links, place, .. } = &*self.inner;
        let is_used = store.find(id).await?.is_some()
            || pool.holds(id).await?
            || engine.inspect(id).await?.is_some();
        if is_used {
            return Ok(false);
        }
        links.forget(id);
        place.remove(id).await?;
        Ok(true)
    }

    /// Ids of the workspaces and of the places of runtimes that there are.
    async fn directories(&self) -> Result<(Vec<ProjectId>, Vec<ProjectId>), Error> {
        if self.inner.place.first_used_by().is_some() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (root, places) = (self.inner.projects.root(), self.inner.place.root().to_owned());
        let now = self.inner.clock.now();
        let listed = tokio::task::spawn_blocking(move || {
            Ok::<_, std::io::Error>((old_directories(&root, now)?, old_directories(&places, now)?))
        });
        Ok(listed.await.map_err(std::io::Error::other)??)
    }
}

/// Directories that bear an id and are old enough.
fn old_directories(dir: &Path, now: Timestamp) -> std::io::Result<Vec<ProjectId>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = made_here(&name) else { continue };
        if is_old_directory(&entry.path(), now)? {
            found.push(id);
        }
    }
    Ok(found)
}

/// The id, if the name is one that this program makes.
fn made_here(name: &str) -> Option<ProjectId> {
    let is_ours = name != SHARED && name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit());
    is_ours.then(|| name.parse().ok()).flatten()
}

fn is_old_directory(path: &Path, now: Timestamp) -> std::io::Result<bool> {
    let found = match std::fs::symlink_metadata(path) {
        // It is gone by now.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let changed = Timestamp::from_second(found.ctime()).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(found.is_dir() && now.duration_since(changed) > GRACE)
}
