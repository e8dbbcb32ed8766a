//! Jobs in the database.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Job, Status};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, JobId, UserId};

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
        .execute(self.db.pool())
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
        .execute(self.db.pool())
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

    pub(super) async fn delete(&self, job: &Job) -> Result<(), Error> {
        sqlx::query("DELETE FROM jobs WHERE directory = $1")
            .bind(job.directory.as_str())
            .execute(self.db.pool())
            .await?;
        Ok(())
    }
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
        directory: text("directory")?.parse().map_err(unreadable)?,
    })
}
