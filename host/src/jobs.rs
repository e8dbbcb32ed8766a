//! Room: jobs, ephemeral directories in which generated files gather.
//!
//! ```text
//!   create ──► generating ──complete──► complete
//!                   └───────fail──────► failed
//! ```
//!
//! Files and plan change only while a job is generating. Each state ends when
//! the job is deleted or expires; an expired job is gone at once, and its
//! directory with the next sweep.

mod orphans;
mod store;
mod sweep;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::auth::Caller;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::{About, Events, What};
use crate::files::{
    self, Content, Disk, Download, Entry, EntryKind, Files, Format, List, Listing, Missing, Opened,
    Precondition, RelPath, Save, Saved,
};
use crate::gate::{Permit, Target};
use crate::ids::{JobId, ProjectName, UserId};
use crate::projects::Project;
use store::Store;

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
    #[error("there is no job “{0}”, or it has expired")]
    NotFound(String),
    #[error("you have a job “{0}” already; choose another id, or none")]
    Taken(JobId),
    /// The job is in a state in which this can't be done.
    #[error("the job is {is}; this needs one that is {needs}", is = .is.as_str(), needs = .needs.as_str())]
    Status { is: Status, needs: Status },
    #[error("a plan may have at most {MAX_PLAN_BYTES} bytes")]
    PlanTooLarge,
    #[error(transparent)]
    Files(#[from] files::Error),
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
    /// Whether nobody else has anything there.
    is_own_root: bool,
    expiry: Duration,
}

impl Jobs {
    /// `root` holds the jobs' directories, which belong to the host; `files` is
    /// where jobs land.
    pub fn new(
        db: Db,
        clock: Clock,
        events: Events,
        files: Files,
        root: PathBuf,
        (config, limits): (&Config, &files::Config),
    ) -> Self {
        let expiry = Duration::from_secs(u64::from(config.expiry_hours) * 3600);
        let disk = Disk::new(limits, None);
        let (store, is_own_root) = (Store::new(db), config.base_path.is_none());
        Self { store, clock, events, files, disk, root, is_own_root, expiry }
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
            Some(old) if self.is_expired(&old) => self.remove(&old).await,
            _ => Ok(()),
        }
    }

    /// The caller's job; an administrator finds anyone's.
    pub async fn find(&self, caller: &Caller, id: &JobId) -> Result<Job, Error> {
        let found = match self.store.find(&caller.user.id, id).await? {
            None if caller.is_admin() => self.store.find_by_any_owner(id).await?,
            found => found,
        };
        found.filter(|job| !self.is_expired(job)).ok_or_else(|| Error::NotFound(id.to_string()))
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
        self.finish(job, Status::Failed, Some(error[..end].to_owned())).await
    }

    async fn finish(&self, job: &Job, to: Status, error: Option<String>) -> Result<Job, Error> {
        let changed = Job { status: to, error, updated_at: self.clock.now(), ..job.clone() };
        match self.change(job, changed).await {
            Err(Error::Status { is, .. }) if is == to => self.fresh(job).await,
            Ok(job) => {
                self.publish(&job);
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

    /// Saves files one after the other and answers how many; the first that
    /// can't be saved ends it.
    pub async fn write_all(
        &self,
        _permit: &Permit,
        job: &Job,
        files: Vec<NewFile>,
    ) -> Result<usize, Error> {
        self.needs(job, Status::Generating).await?;
        let count = files.len();
        for NewFile { path, bytes, executable } in files {
            let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
            let save = Save { executable: Some(executable), ..Save::default() };
            self.disk.save(self.directory(job), path, body, save).await?;
        }
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

    /// The files of a complete job as a zip, made while it is sent.
    pub async fn download(&self, job: &Job) -> Result<Download, Error> {
        self.needs(job, Status::Complete).await?;
        let (dir, name) = (self.directory(job), job.project_name.as_str());
        Ok(self.disk.download(dir, name, (Format::Zip, Missing::Fails)))
    }

    /// Copies the job's files into a project, over what is there, and answers
    /// their paths.
    pub async fn land(
        &self,
        permit: &Permit,
        job: &Job,
        project: &Project,
    ) -> Result<Vec<RelPath>, Error> {
        let (mut landed, mut cursor) = (Vec::new(), None);
        loop {
            let list = List { recursive: true, limit: Some(files::MAX_PAGE), cursor };
            let page = self.list_files(job, None, list).await?;
            for entry in page.entries.iter().filter(|entry| entry.kind == EntryKind::File) {
                landed.push(self.land_file(permit, job, project, entry).await?);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(landed);
            }
        }
    }

    async fn land_file(
        &self,
        permit: &Permit,
        job: &Job,
        project: &Project,
        entry: &Entry,
    ) -> Result<RelPath, Error> {
        let path: RelPath = entry.path.parse().map_err(files::Error::from)?;
        let Opened { entry, file } = self.open(job, &path).await?;
        let executable = entry.executable.then_some(true);
        let body = ReaderStream::new(tokio::fs::File::from_std(file));
        let save = Save { executable, ..Save::default() };
        self.files.write(permit, project, &path, body, save).await?;
        Ok(path)
    }

    /// The job must be in this state now, whatever it was when it was found.
    async fn needs(&self, job: &Job, needs: Status) -> Result<(), Error> {
        let is = self.fresh(job).await?.status;
        if is == needs { Ok(()) } else { Err(Error::Status { is, needs }) }
    }

    async fn fresh(&self, job: &Job) -> Result<Job, Error> {
        let found = self.store.find(&job.owner, &job.id).await?;
        found
            .filter(|fresh| fresh.directory == job.directory && !self.is_expired(fresh))
            .ok_or_else(|| Error::NotFound(job.id.to_string()))
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
