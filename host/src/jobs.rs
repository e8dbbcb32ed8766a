//! Room: jobs, ephemeral directories in which generated files gather.
//!
//! ```text
//!   create ──► generating ──complete──► complete
//!                   └───────fail──────► failed
//! ```
//!
//! Files and plan change only while a job is generating. Each state ends when
//! the job is deleted or expires; an expired job is gone at once, and its
//! directory with the next sweep. That it was there is remembered for a while.

mod archive;
mod orphans;
mod store;
mod sweep;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use serde::Deserialize;

use crate::auth::Caller;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{About, Events, What};
use crate::files::{
    self, Content, Disk, Files, List, Listing, Opened, Operation, Precondition, Record, RelPath,
    Save, Saved,
};
use crate::gate::{Permit, Target};
use crate::ids::{JobId, ProjectName, UserId};
use crate::objects::{self, Objects, Stored};
use crate::projects::Project;
use crate::tasks::Tasks;
use archive::Archiving;
use store::Store;

pub use archive::Archive;
pub use sweep::Stats;

/// Jobs answered at once when a list names no limit.
pub const DEFAULT_PAGE: u32 = 100;

/// The most that one page of a list holds.
pub const MAX_PAGE: u32 = 1_000;

/// The longest plan, as JSON.
pub const MAX_PLAN_BYTES: usize = 1024 * 1024;

/// Of a longer reason for a failure the beginning is kept.
pub const MAX_ERROR_BYTES: usize = 4 * 1024;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a job is kept after its creation.
    pub expiry_hours: u32,
    /// Where job directories are; without it, `jobs` in the data directory.
    pub base_path: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self { expiry_hours: 48, base_path: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Generating,
    Complete,
    Failed,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Generating, Self::Complete, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generating => "generating",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Unique among its owner's jobs.
    pub id: JobId,
    pub owner: UserId,
    pub project_name: ProjectName,
    pub status: Status,
    /// What is to be written, as JSON.
    pub plan: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Timestamp,
    /// Its archive, once that is kept.
    archive: Option<Stored>,
    /// The name of its directory, unique among all jobs.
    directory: JobId,
}

impl Job {
    /// This job as something the gate can judge.
    pub fn target(&self) -> Target {
        Target::Owned { owner: self.owner.clone(), name: format!("job/{}", self.id) }
    }

    fn about(&self) -> About {
        About { owner: self.owner.clone(), project: self.project_name.clone() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The caller's own choice.
    pub id: Option<JobId>,
    pub project_name: ProjectName,
}

/// A file that goes into a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    pub path: RelPath,
    pub bytes: Bytes,
    pub executable: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no job “{0}”")]
    NotFound(String),
    #[error("the job “{id}” has expired, and its files are gone; make another one")]
    Gone { id: String, expired_at: Timestamp },
    #[error("you have a job “{0}” already; choose another id, or none")]
    Taken(JobId),
    /// The job is in a state in which this can't be done.
    #[error("the job is {is}; this needs one that is {needs}", is = .is.as_str(), needs = .needs.as_str())]
    Status { is: Status, needs: Status },
    #[error("a plan may have at most {MAX_PLAN_BYTES} bytes")]
    PlanTooLarge,
    #[error(transparent)]
    Files(#[from] files::Error),
    #[error(transparent)]
    Objects(#[from] objects::Error),
    #[error("the job's directory could not be made: {0}")]
    Directory(std::io::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// The jobs of this installation. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Jobs {
    store: Store,
    clock: Clock,
    events: Events,
    files: Files,
    disk: Disk,
    root: PathBuf,
    batches: PathBuf,
    /// Whether nobody else has anything there.
    is_own_root: bool,
    expiry: Duration,
    archiving: Archiving,
}

/// What the room is built from.
pub struct Parts<'a> {
    pub db: Db,
    pub clock: Clock,
    pub events: Events,
    pub tasks: Tasks,
    /// Where jobs land.
    pub files: Files,
    /// Where archives are kept.
    pub objects: Objects,
    /// Holds the jobs' directories, which belong to the host.
    pub root: PathBuf,
    /// Where batches are written down while they are done.
    pub batches: PathBuf,
    pub config: &'a Config,
    pub limits: &'a files::Config,
}

impl Jobs {
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { db, clock, events, tasks, files, objects, root, batches, config, limits } =
            parts;
        let expiry = Duration::from_secs(u64::from(config.expiry_hours) * 3600);
        let (disk, store) = (Disk::new(limits, None), Store::new(db));
        let (archiving, is_own_root) = (Archiving::new(objects, tasks), config.base_path.is_none());
        Self { store, clock, events, files, disk, root, batches, is_own_root, expiry, archiving }
    }

    /// Undoes the batches that killed servers left half done, and answers how many there
    /// were. For the start, before anybody reads.
    pub async fn recover(&self) -> Result<u64, Error> {
        Ok(self.disk.recover(self.batches.clone(), self.root.clone()).await?)
    }

    pub async fn create(&self, permit: &Permit, new: NewJob) -> Result<Job, Error> {
        let now = self.clock.now();
        let directory = JobId::generate();
        let job = Job {
            id: new.id.unwrap_or_else(|| directory.clone()),
            owner: permit.caller().user.id.clone(),
            project_name: new.project_name,
            status: Status::Generating,
            plan: None,
            error: None,
            created_at: now,
            updated_at: now,
            expires_at: now + self.expiry,
            archive: None,
            directory,
        };
        self.clear_expired(&job).await?;
        // The row first: whatever is in the directory is then swept some day.
        self.store.insert(&job).await.map_err(|error| match error {
            db::Error::Conflict => Error::Taken(job.id.clone()),
            error => error.into(),
        })?;
        tokio::fs::create_dir_all(self.directory(&job)).await.map_err(Error::Directory)?;
        self.publish(&job);
        Ok(job)
    }

    /// An expired job that no sweep has met yet does not keep its id.
    async fn clear_expired(&self, new: &Job) -> Result<(), Error> {
        match self.store.find(&new.owner, &new.id).await? {
            Some(old) if self.is_expired(&old) => self.remove(&old).await?,
            _ => {}
        }
        Ok(self.store.forget_expired(&new.owner, &new.id).await?)
    }

    /// The caller's job; an administrator finds anyone's.
    pub async fn find(&self, caller: &Caller, id: &JobId) -> Result<Job, Error> {
        let found = match self.store.find(&caller.user.id, id).await? {
            None if caller.is_admin() => self.store.find_by_any_owner(id).await?,
            found => found,
        };
        match found {
            Some(job) if !self.is_expired(&job) => Ok(job),
            Some(job) => Err(Error::Gone { id: id.to_string(), expired_at: job.expires_at }),
            None => Err(self.missing(caller, id).await?),
        }
    }

    /// Whether a job that is not there has been.
    async fn missing(&self, caller: &Caller, id: &JobId) -> Result<Error, Error> {
        let owner = (!caller.is_admin()).then_some(&caller.user.id);
        let (known, id) = (self.store.find_expired(owner, id).await?, id.to_string());
        Ok(match known {
            Some(expired_at) => Error::Gone { id, expired_at },
            None => Error::NotFound(id),
        })
    }

    /// A page of the caller's jobs, oldest first; an administrator's holds
    /// everybody's. `after` is the `directory` key of the page before.
    pub async fn list(
        &self,
        caller: &Caller,
        after: Option<&JobId>,
        limit: u32,
    ) -> Result<(Vec<Job>, Option<JobId>), Error> {
        let owner = (!caller.is_admin()).then_some(&caller.user.id);
        let limit = limit.clamp(1, MAX_PAGE);
        let jobs = self.store.list(owner, after, self.clock.now_us(), limit).await?;
        let full = jobs.len() == limit as usize;
        let next = jobs.last().filter(|_| full).map(|job| job.directory.clone());
        Ok((jobs, next))
    }

    /// Keeps the plan, which is JSON.
    pub async fn set_plan(&self, _permit: &Permit, job: &Job, plan: String) -> Result<Job, Error> {
        if plan.len() > MAX_PLAN_BYTES {
            return Err(Error::PlanTooLarge);
        }
        let changed = Job { plan: Some(plan), updated_at: self.clock.now(), ..job.clone() };
        self.change(job, changed).await
    }

    /// Says that all files are there. Once more is no error.
    pub async fn complete(&self, _permit: &Permit, job: &Job) -> Result<Job, Error> {
        self.finish(job, Status::Complete, None).await
    }

    /// Says that nothing will come of it. Once more is no error.
    pub async fn fail(&self, _permit: &Permit, job: &Job, error: &str) -> Result<Job, Error> {
        let end = error.floor_char_boundary(MAX_ERROR_BYTES);
        // PostgreSQL keeps no NUL in texts.
        let error = error[..end].replace('\0', " ");
        self.finish(job, Status::Failed, Some(error)).await
    }

    async fn finish(&self, job: &Job, to: Status, error: Option<String>) -> Result<Job, Error> {
        let changed = Job { status: to, error, updated_at: self.clock.now(), ..job.clone() };
        match self.change(job, changed).await {
            Err(Error::Status { is, .. }) if is == to => self.fresh(job).await,
            Ok(job) => {
                self.publish(&job);
                if to == Status::Complete {
                    self.archive_soon(&job);
                }
                Ok(job)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the change if the job is still generating.
    async fn change(&self, job: &Job, changed: Job) -> Result<Job, Error> {
        if self.store.update_generating(&changed).await? {
            return Ok(changed);
        }
        let is = self.fresh(job).await?.status;
        Err(Error::Status { is, needs: Status::Generating })
    }

    /// Removes the job and its files.
    pub async fn delete(&self, _permit: &Permit, job: &Job) -> Result<(), Error> {
        self.remove(job).await
    }

    /// Saves one file from a stream.
    pub async fn write<S, E>(
        &self,
        _permit: &Permit,
        job: &Job,
        path: &RelPath,
        body: S,
        executable: bool,
    ) -> Result<Saved, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        self.needs(job, Status::Generating).await?;
        let save = Save { executable: Some(executable), ..Save::default() };
        Ok(self.disk.save(self.directory(job), path.clone(), body, save).await?)
    }

    /// Saves all files, or none of them, and answers how many.
    pub async fn write_all(
        &self,
        _permit: &Permit,
        job: &Job,
        files: Vec<NewFile>,
    ) -> Result<usize, Error> {
        self.needs(job, Status::Generating).await?;
        let count = files.len();
        if let [NewFile { path, bytes, executable }] = files.as_slice() {
            let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes.clone())]);
            let save = Save { executable: Some(*executable), ..Save::default() };
            self.disk.save(self.directory(job), path.clone(), body, save).await?;
            return Ok(count);
        }
        let write = |NewFile { path, bytes, executable }| {
            let save = Save { executable: Some(executable), ..Save::default() };
            Operation::Write { path, bytes, save }
        };
        let operations = files.into_iter().map(write).collect();
        let project = job.directory.to_string();
        let record = Record { folder: self.batches.clone(), project };
        self.disk.batch(self.directory(job), record, operations).await?;
        Ok(count)
    }

    /// Removes one file; answers whether it was there.
    pub async fn remove_file(
        &self,
        _permit: &Permit,
        job: &Job,
        path: &RelPath,
    ) -> Result<bool, Error> {
        self.needs(job, Status::Generating).await?;
        let (dir, none) = (self.directory(job), Precondition::None);
        Ok(self.disk.remove(dir, path.clone(), false, none).await?)
    }

    /// A page of what a directory of the job holds.
    pub async fn list_files(
        &self,
        job: &Job,
        directory: Option<&RelPath>,
        list: List,
    ) -> Result<Listing, Error> {
        let (limit, dir) = (list.entries(), self.directory(job));
        Ok(self.disk.list(dir, directory.cloned(), list.recursive, limit, list.cursor).await?)
    }

    pub async fn open(&self, job: &Job, path: &RelPath) -> Result<Opened, Error> {
        Ok(self.disk.open(self.directory(job), path.clone()).await?)
    }

    pub async fn read(&self, job: &Job, path: &RelPath) -> Result<Content, Error> {
        let limit = files::MAX_READ_BYTES;
        Ok(self.disk.read(self.directory(job), path.clone(), limit).await?)
    }

    /// Copies the job's files into a project, over what is there, and deletes there what is
    /// `gone`: all of it, or nothing. Answers the paths of the files.
    pub async fn land(
        &self,
        permit: &Permit,
        job: &Job,
        project: &Project,
        gone: Vec<RelPath>,
    ) -> Result<Vec<RelPath>, Error> {
        Ok(self.files.land_all(permit, project, self.directory(job), gone).await?)
    }

    /// The job must be in this state now, whatever it was when it was found.
    async fn needs(&self, job: &Job, needs: Status) -> Result<(), Error> {
        let is = self.fresh(job).await?.status;
        if is == needs { Ok(()) } else { Err(Error::Status { is, needs }) }
    }

    async fn fresh(&self, job: &Job) -> Result<Job, Error> {
        let found = self.store.find(&job.owner, &job.id).await?;
        match found.filter(|fresh| fresh.directory == job.directory) {
            Some(fresh) if self.is_expired(&fresh) => {
                Err(Error::Gone { id: job.id.to_string(), expired_at: fresh.expires_at })
            }
            found => found.ok_or_else(|| Error::NotFound(job.id.to_string())),
        }
    }

    fn is_expired(&self, job: &Job) -> bool {
        job.expires_at <= self.clock.now()
    }

    fn directory(&self, job: &Job) -> PathBuf {
        self.root.join(job.directory.as_str())
    }

    fn publish(&self, job: &Job) {
        let what = What::Job { job: job.id.clone(), status: job.status.as_str() };
        self.events.publish(job.about(), what);
    }
}
