//! Room files: how much a project may hold.
//!
//! What a project holds is measured, and from then on added up, so that a save
//! costs no walk. What its programs make is seen with the next measurement, which
//! comes after a while, and before anybody is refused.

use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::disk::Disk;
use super::{Config, Error, Files, RelPath};
use crate::ids::ProjectId;
use crate::projects::Project;
use crate::quotas::{self, Over, Share};

/// How long a measurement counts.
const FRESH: Duration = Duration::from_secs(300);

/// A project that is full is measured again at most so often, unless something
/// was deleted.
const PAUSE: Duration = Duration::from_secs(1);

/// Projects whose measure is remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Files and directories, and bytes of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

/// What projects hold, and may hold.
#[derive(Debug, Clone)]
pub(super) struct Quotas {
    limit: Amount,
    held: Arc<Mutex<HashMap<ProjectId, Held>>>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    amount: Amount,
    measured: Timestamp,
    /// Whether nothing was added since.
    is_measured: bool,
}

impl Quotas {
    pub(super) fn new(config: &Config) -> Self {
        let limit = Amount { entries: config.max_project_files, bytes: config.max_project_bytes };
        Self { limit, held: Arc::default() }
    }

    fn find(&self, project: &ProjectId) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get(project).copied()
    }

    fn keep(&self, project: &ProjectId, held: Held) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // They are measured anew, which is all that is lost.
        if all.len() >= MAX_REMEMBERED {
            all.clear();
        }
        all.insert(project.clone(), held);
    }

    /// Something was deleted: the next save measures.
    pub(super) fn forget(&self, project: &ProjectId) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }

    /// What a save added, as far as it knows.
    pub(super) fn add(&self, project: &ProjectId, entries: u64, bytes: i64) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all.get_mut(project) {
            held.amount.entries = held.amount.entries.saturating_add(entries);
            held.amount.bytes = held.amount.bytes.saturating_add_signed(bytes);
            held.is_measured = false;
        }
    }

    /// What is left, if it is at least `wanted`.
    fn left(&self, held: Amount, wanted: Amount) -> Result<Amount, Error> {
        let entries = self.limit.entries.saturating_sub(held.entries);
        let bytes = self.limit.bytes.saturating_sub(held.bytes);
        if entries < wanted.entries {
            return Err(Error::TooManyFiles);
        }
        if bytes < wanted.bytes {
            return Err(Error::NoSpace);
        }
        Ok(Amount { entries, bytes })
    }
}

/// Room for more in a project.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) dir: PathBuf,
    pub(super) left: Amount,
    /// What its owner may have, where that leaves less than the project itself.
    share: Option<Share>,
}

impl Room {
    fn within(mut self, share: Share, wanted: Amount) -> Result<Self, Error> {
        if wanted != Amount::default() && share.left() < wanted.bytes.max(1) {
            return Err(quotas::Error::from(Over::Disk(share)).into());
        }
        if share.left() < self.left.bytes {
            self.left.bytes = share.left();
            self.share = Some(share);
        }
        Ok(self)
    }

    /// Says who has no space, where that is the owner.
    pub(super) fn explain(&self, error: Error) -> Error {
        match (error, self.share) {
            (Error::NoSpace, Some(share)) => quotas::Error::from(Over::Disk(share)).into(),
            (error, _) => error,
        }
    }
}

impl Files {
    /// The project's directory, for what takes at least so much room in it, and
    /// how much there is.
    pub(super) async fn room(&self, project: &Project, wanted: Amount) -> Result<Room, Error> {
        let room = self.room_in(project, wanted).await?;
        match self.projects.disk_share(&project.owner).await.map_err(quotas::Error::from)? {
            Some(share) => room.within(share, wanted),
            None => Ok(room),
        }
    }

    /// The same, whatever else its owner has.
    async fn room_in(&self, project: &Project, wanted: Amount) -> Result<Room, Error> {
        let dir = self.growing(project)?;
        let now = self.clock.now();
        let age = |held: Held| now.duration_since(held.measured).unsigned_abs();
        let held = self.disk.quotas().find(&project.id).filter(|held| age(*held) < FRESH);
        if let Some(held) = held {
            match self.disk.quotas().left(held.amount, wanted) {
                Ok(left) => return Ok(Room { dir, left, share: None }),
                Err(error) if held.is_measured && age(held) < PAUSE => return Err(error),
                Err(_) => {}
            }
        }
        let amount = self.disk.amount(dir.clone()).await?;
        self.disk.quotas().keep(&project.id, Held { amount, measured: now, is_measured: true });
        let left = self.disk.quotas().left(amount, wanted)?;
        Ok(Room { dir, left, share: None })
    }
}

impl Files {
    /// The same for one file; one that is there already needs no further entry.
    pub(super) async fn room_for(&self, project: &Project, path: &RelPath) -> Result<Room, Error> {
        match self.room(project, Amount::entries(1)).await {
            Err(Error::TooManyFiles) if self.entry(project, path).await.is_ok() => {
                self.room(project, Amount::default()).await
            }
            room => room,
        }
    }
}

impl Amount {
    pub(super) fn entries(entries: usize) -> Self {
        Self { entries: entries as u64, bytes: 0 }
    }

    pub(super) fn of(entries: usize, bytes: u64) -> Self {
        Self { entries: entries as u64, bytes }
    }
}

impl Disk {
    async fn amount(&self, dir: PathBuf) -> Result<Amount, Error> {
        self.on(dir, |root| {
            let dir = root.directory(None)?;
            let (entries, bytes) = super::tree::amount(dir.as_fd(), 0)
                .map_err(|errno| Error::from_errno(errno, "."))?;
            Ok(Amount { entries, bytes })
        })
        .await
    }
}
