//! Room jobs: the files of a complete job as one zip.
//!
//! It is made once, after the job is complete, and kept as an object, of which parts can
//! be read. Until it is there, or where it can't be had, the zip is made while it is sent:
//! the job's directory stays as long as the job.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Error, Job, Jobs, Status};
use crate::files::{Download, Format, Missing};
use crate::objects::{self, Body, Key, Objects, Stored};
use crate::tasks::Tasks;

/// Archives that are made at once; others wait their turn.
const AT_ONCE: usize = 2;

/// Jobs taken from the database at once.
const BATCH: u32 = 100;

/// Where archives are kept, and by whom they are made.
#[derive(Debug, Clone)]
pub(super) struct Archiving {
    objects: Objects,
    tasks: Tasks,
    turns: Arc<Semaphore>,
}

/// The zip of a job that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Such as `todo.zip`.
    pub file_name: String,
    pub size_bytes: u64,
    /// Stands for this very content.
    pub etag: String,
}

impl Archiving {
    pub(super) fn new(objects: Objects, tasks: Tasks) -> Self {
        Self { objects, tasks, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Jobs {
    /// The files of a complete job as a zip, made while it is sent.
    pub async fn download(&self, job: &Job) -> Result<Download, Error> {
        self.needs(job, Status::Complete).await?;
        Ok(self.pack(job))
    }

    fn pack(&self, job: &Job) -> Download {
        let (dir, name) = (self.directory(job), job.project_name.as_str());
        self.disk.download(dir, name, (Format::Zip, Missing::Fails))
    }

    /// The archive of a complete job, where it is kept by now.
    pub async fn archive(&self, job: &Job) -> Result<Option<Archive>, Error> {
        self.needs(job, Status::Complete).await?;
        let kept = self.fresh(job).await?.archive;
        Ok(kept.map(|Stored { size_bytes, blake3 }| Archive {
            file_name: format!("{}.{}", job.project_name, Format::Zip.as_str()),
            size_bytes,
            etag: format!("\"{blake3}\""),
        }))
    }

    /// A part of the archive; `None` where it is not to be had just now.
    pub async fn read_archive(
        &self,
        job: &Job,
        archive: &Archive,
        part: std::ops::Range<u64>,
    ) -> Result<Option<Body>, Error> {
        let part = (part != (0..archive.size_bytes)).then_some(part);
        match self.archiving.objects.read(&key(job)?, part).await {
            Ok(body) => Ok(Some(body)),
            Err(objects::Error::NotFound(_)) => {
                tracing::warn!(job = %job.id, "an archive is gone; it is made again");
                self.store.forget_archive(job).await?;
                self.archive_soon(job);
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(job = %job.id, %error, "an archive can't be read");
                Ok(None)
            }
        }
    }

    /// Keeps the archive, while the server goes about its work.
    pub(super) fn archive_soon(&self, job: &Job) {
        let (jobs, job) = (self.clone(), job.clone());
        self.archiving.tasks.run("job archive", async move {
            if let Err(error) = jobs.keep_archive(&job).await {
                tracing::warn!(job = %job.id, %error, "an archive was not kept; tried again later");
            }
        });
    }

    /// Keeps archives that are not kept yet, a bounded number of them.
    pub async fn archive_all(&self) -> Result<(), Error> {
        for job in self.store.list_unarchived(self.clock.now_us(), BATCH).await? {
            match self.keep_archive(&job).await {
                // This one's files can't be read: that keeps nobody else's.
                Err(Error::Objects(objects::Error::Body(error))) => {
                    tracing::warn!(job = %job.id, %error, "an archive can't be made");
                }
                kept => kept?,
            }
        }
        Ok(())
    }

    async fn keep_archive(&self, job: &Job) -> Result<(), Error> {
        let Archiving { objects, turns, .. } = &self.archiving;
        let Ok(_turn) = turns.acquire().await else { return Ok(()) };
        match self.fresh(job).await {
            Ok(fresh) if fresh.status == Status::Complete && fresh.archive.is_none() => {}
            Ok(_) | Err(Error::NotFound(_) | Error::Gone { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        let kept = objects.put(&key(job)?, self.pack(job).body).await?;
        // The job may have been deleted meanwhile, and nobody would look for it again.
        if !self.store.set_archive(job, &kept).await? {
            self.remove_archive(job).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_archive(&self, job: &Job) -> Result<(), Error> {
        Ok(self.archiving.objects.delete(&key(job)?).await?)
    }
}

fn key(job: &Job) -> Result<Key, Error> {
    let key = format!("jobs/{}.zip", job.directory).parse();
    key.map_err(|error: objects::InvalidKey| {
        Error::Objects(objects::Error::Config(error.to_string()))
    })
}
