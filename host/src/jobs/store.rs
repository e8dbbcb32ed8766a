//! Jobs in the database.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Job, Status};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, JobId, UserId};
use crate::objects::Stored;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn insert(&self, job: &Job) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO jobs (id, owner_id, directory, project_name, status, plan, error, \
             created_at, updated_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(job.id.as_str())
        .bind(job.owner.as_str())
        .bind(job.directory.as_str())
        .bind(job.project_name.as_str())
        .bind(job.status.as_str())
        .bind(job.plan.as_deref())
        .bind(job.error.as_deref())
        .bind(job.created_at.as_microsecond())
        .bind(job.updated_at.as_microsecond())
        .bind(job.expires_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// Writes what may change, unless the job is finished; answers whether it
    /// was written.
    pub(super) async fn update_generating(&self, job: &Job) -> Result<bool, Error> {
        let result = sqlx::query(
            "UPDATE jobs SET status = $2, plan = COALESCE($3, plan), error = $4, updated_at = $5 \
             WHERE directory = $1 AND status = $6 AND expires_at > $5",
        )
        .bind(job.directory.as_str())
        .bind(job.status.as_str())
        .bind(job.plan.as_deref())
        .bind(job.error.as_deref())
        .bind(job.updated_at.as_microsecond())
        .bind(Status::Generating.as_str())
        .execute(self.db.writer())
        .await?;
        Ok(result.rows_affected() > 0)
    }

    pub(super) async fn find(&self, owner: &UserId, id: &JobId) -> Result<Option<Job>, Error> {
        let row = sqlx::query("SELECT * FROM jobs WHERE owner_id = $1 AND id = $2")
            .bind(owner.as_str())
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| job(&row)).transpose()
    }

    /// The oldest job of that id, whoever owns it.
    pub(super) async fn find_by_any_owner(&self, id: &JobId) -> Result<Option<Job>, Error> {
        let row = sqlx::query("SELECT * FROM jobs WHERE id = $1 ORDER BY directory LIMIT 1")
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| job(&row)).transpose()
    }

    /// Jobs that have not expired, oldest first.
    pub(super) async fn list(
        &self,
        owner: Option<&UserId>,
        after: Option<&JobId>,
        now_us: i64,
        limit: u32,
    ) -> Result<Vec<Job>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE ($1 = '' OR owner_id = $1) AND directory > $2 \
             AND expires_at > $3 ORDER BY directory LIMIT $4",
        )
        .bind(owner.map_or("", UserId::as_str))
        .bind(after.map_or("", JobId::as_str))
        .bind(now_us)
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(job).collect()
    }

    pub(super) async fn list_expired(&self, now_us: i64, limit: u32) -> Result<Vec<Job>, Error> {
        let rows =
            sqlx::query("SELECT * FROM jobs WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2")
                .bind(now_us)
                .bind(i64::from(limit))
                .fetch_all(self.db.pool())
                .await?;
        rows.iter().map(job).collect()
    }

    pub(super) async fn directories(&self) -> Result<HashSet<JobId>, Error> {
        let rows = sqlx::query("SELECT directory FROM jobs").fetch_all(self.db.pool()).await?;
        let unreadable = |error: InvalidId| Error::Failed(format!("jobs: {error}"));
        let directory = |row: &AnyRow| row.try_get::<String, _>("directory");
        rows.iter().map(|row| directory(row)?.parse().map_err(unreadable)).collect()
    }

    pub(super) async fn count_by_status(&self) -> Result<Vec<(Status, u64)>, Error> {
        let rows = sqlx::query("SELECT status, COUNT(*) AS jobs FROM jobs GROUP BY status")
            .fetch_all(self.db.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let jobs: i64 = row.try_get("jobs")?;
                Ok((status(row)?, jobs.unsigned_abs()))
            })
            .collect()
    }

    /// Complete ones whose archive is not kept yet.
    pub(super) async fn list_unarchived(&self, now_us: i64, limit: u32) -> Result<Vec<Job>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE status = $1 AND archive_bytes IS NULL AND expires_at > $2 \
             ORDER BY directory LIMIT $3",
        )
        .bind(Status::Complete.as_str())
        .bind(now_us)
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(job).collect()
    }

    /// Answers whether the job is still there.
    pub(super) async fn set_archive(&self, job: &Job, kept: &Stored) -> Result<bool, Error> {
        let result = sqlx::query(
            "UPDATE jobs SET archive_bytes = $2, archive_blake3 = $3 WHERE directory = $1",
        )
        .bind(job.directory.as_str())
        .bind(i64::try_from(kept.size_bytes).unwrap_or(i64::MAX))
        .bind(kept.blake3.as_str())
        .execute(self.db.writer())
        .await?;
        Ok(result.rows_affected() > 0)
    }

    /// The archive is not where it was kept.
    pub(super) async fn forget_archive(&self, job: &Job) -> Result<(), Error> {
        sqlx::query(
            "UPDATE jobs SET archive_bytes = NULL, archive_blake3 = NULL WHERE directory = $1",
        )
        .bind(job.directory.as_str())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// How many archives are kept, and their bytes.
    pub(super) async fn count_archives(&self) -> Result<(u64, u64), Error> {
        let row = sqlx::query(
            "SELECT COUNT(archive_bytes) AS archives, \
             CAST(COALESCE(SUM(archive_bytes), 0) AS BIGINT) AS bytes FROM jobs",
        )
        .fetch_one(self.db.pool())
        .await?;
        let number = |name: &str| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
        Ok((number("archives")?, number("bytes")?))
    }

    /// When the oldest job was made.
    pub(super) async fn oldest(&self, now_us: i64) -> Result<Option<Timestamp>, Error> {
        let row = sqlx::query("SELECT MIN(created_at) AS oldest FROM jobs WHERE expires_at > $1")
            .bind(now_us)
            .fetch_one(self.db.pool())
            .await?;
        Ok(row.try_get::<Option<i64>, _>("oldest")?.map(from_micros))
    }

    /// Jobs that have expired, as far as that is remembered.
    pub(super) async fn count_expired(&self, now_us: i64) -> Result<u64, Error> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM expired_jobs) + \
             (SELECT COUNT(*) FROM jobs WHERE expires_at <= $1) AS expired",
        )
        .bind(now_us)
        .fetch_one(self.db.pool())
        .await?;
        Ok(row.try_get::<i64, _>("expired")?.unsigned_abs())
    }

    /// Removes a job that has expired, and remembers it.
    /// Whether it was still there.
    pub(super) async fn retire(&self, job: &Job) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        sqlx::query(
            "INSERT INTO expired_jobs (directory, id, owner_id, expired_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (directory) DO NOTHING",
        )
        .bind(job.directory.as_str())
        .bind(job.id.as_str())
        .bind(job.owner.as_str())
        .bind(job.expires_at.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        let removed = sqlx::query("DELETE FROM jobs WHERE directory = $1")
            .bind(job.directory.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(removed.rows_affected() > 0)
    }

    /// When the job of that id expired last, of this owner or of anybody.
    pub(super) async fn find_expired(
        &self,
        owner: Option<&UserId>,
        id: &JobId,
    ) -> Result<Option<Timestamp>, Error> {
        let row = sqlx::query(
            "SELECT expired_at FROM expired_jobs WHERE id = $1 AND ($2 = '' OR owner_id = $2) \
             ORDER BY expired_at DESC LIMIT 1",
        )
        .bind(id.as_str())
        .bind(owner.map_or("", UserId::as_str))
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| Ok(from_micros(row.try_get("expired_at")?))).transpose()
    }

    pub(super) async fn forget_expired(&self, owner: &UserId, id: &JobId) -> Result<(), Error> {
        sqlx::query("DELETE FROM expired_jobs WHERE owner_id = $1 AND id = $2")
            .bind(owner.as_str())
            .bind(id.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// Forgets what expired before, and all but the newest of the rest.
    pub(super) async fn purge_expired(&self, before_us: i64, newest: u32) -> Result<(), Error> {
        sqlx::query("DELETE FROM expired_jobs WHERE expired_at <= $1")
            .bind(before_us)
            .execute(self.db.writer())
            .await?;
        sqlx::query(
            "DELETE FROM expired_jobs WHERE directory IN (SELECT directory FROM expired_jobs \
             ORDER BY expired_at DESC, directory DESC LIMIT 1000000 OFFSET $1)",
        )
        .bind(i64::from(newest))
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn delete(&self, job: &Job) -> Result<(), Error> {
        sqlx::query("DELETE FROM jobs WHERE directory = $1")
            .bind(job.directory.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn archive(row: &AnyRow) -> Result<Option<Stored>, Error> {
    let size: Option<i64> = row.try_get("archive_bytes")?;
    let blake3: Option<String> = row.try_get("archive_blake3")?;
    let stored = |(size, blake3): (i64, _)| Stored { size_bytes: size.unsigned_abs(), blake3 };
    Ok(size.zip(blake3).map(stored))
}

fn status(row: &AnyRow) -> Result<Status, Error> {
    let text: String = row.try_get("status")?;
    Status::parse(&text).ok_or_else(|| Error::Failed(format!("jobs.status: “{text}”")))
}

fn job(row: &AnyRow) -> Result<Job, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let time = |name: &str| row.try_get(name).map(from_micros);
    let unreadable = |error: InvalidId| Error::Failed(format!("jobs: {error}"));
    Ok(Job {
        id: text("id")?.parse().map_err(unreadable)?,
        owner: text("owner_id")?.parse().map_err(unreadable)?,
        project_name: text("project_name")?.parse().map_err(unreadable)?,
        status: status(row)?,
        plan: row.try_get("plan")?,
        error: row.try_get("error")?,
        created_at: time("created_at")?,
        updated_at: time("updated_at")?,
        expires_at: time("expires_at")?,
        archive: archive(row)?,
        directory: text("directory")?.parse().map_err(unreadable)?,
    })
}
