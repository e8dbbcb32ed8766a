//! Quotas in the database.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{OwnQuota, Quota};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{ProjectId, UserId};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn find(&self, user: &UserId) -> Result<Option<Quota>, Error> {
        let row = sqlx::query("SELECT * FROM quotas WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.as_ref().map(quota).transpose()
    }

    pub(super) async fn list(&self, after: &str, limit: u32) -> Result<Vec<OwnQuota>, Error> {
        let rows = sqlx::query("SELECT * FROM quotas WHERE user_id > $1 ORDER BY user_id LIMIT $2")
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.db.pool())
            .await?;
        rows.iter().map(own).collect()
    }

    /// Answers whether there is such a user.
    pub(super) async fn put(&self, own: &OwnQuota) -> Result<bool, Error> {
        let put = sqlx::query(
            "INSERT INTO quotas (user_id, projects, runtimes, model_tokens, disk_bytes, updated_at) \
             SELECT id, $2, $3, $4, $5, $6 FROM users WHERE id = $1 \
             ON CONFLICT (user_id) DO UPDATE SET projects = excluded.projects, \
             runtimes = excluded.runtimes, model_tokens = excluded.model_tokens, \
             disk_bytes = excluded.disk_bytes, updated_at = excluded.updated_at",
        )
        .bind(own.user.as_str())
        .bind(own.quota.projects.map(i64::from))
        .bind(own.quota.runtimes.map(i64::from))
        .bind(own.quota.model_tokens.map(whole))
        .bind(own.quota.disk_bytes.map(whole))
        .bind(own.updated_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(put.rows_affected() > 0)
    }

    pub(super) async fn delete(&self, user: &UserId) -> Result<(), Error> {
        sqlx::query("DELETE FROM quotas WHERE user_id = $1")
            .bind(user.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// What the projects of users from `first` to `last` take, by their owners.
    pub(super) async fn disk_taken(
        &self,
        first: &str,
        last: &str,
    ) -> Result<BTreeMap<String, u64>, Error> {
        let rows = sqlx::query(
            "SELECT p.owner_id AS owner, CAST(SUM(m.bytes) AS BIGINT) AS bytes FROM projects p \
             JOIN disk_measures m ON m.project_id = p.id \
             WHERE p.owner_id >= $1 AND p.owner_id <= $2 GROUP BY p.owner_id",
        )
        .bind(first)
        .bind(last)
        .fetch_all(self.db.pool())
        .await?;
        let taken = |row: &AnyRow| {
            let bytes: i64 = row.try_get("bytes")?;
            Ok((row.try_get("owner")?, u64::try_from(bytes).unwrap_or_default()))
        };
        rows.iter().map(taken).collect()
    }

    /// Adds to what a project takes, unless all of its owner would then take more than
    /// `most`; answers whether it was added. A project that was never measured still is
    /// due to be.
    pub(super) async fn take_disk(
        &self,
        (user, project): (&UserId, &ProjectId),
        bytes: u64,
        most: u64,
    ) -> Result<bool, Error> {
        let taken = sqlx::query(
            "INSERT INTO disk_measures (project_id, bytes, measured_at) \
             SELECT id, $3, 0 FROM projects WHERE id = $1 AND $3 + (\
             SELECT CAST(COALESCE(SUM(m.bytes), 0) AS BIGINT) FROM projects p \
             JOIN disk_measures m ON m.project_id = p.id WHERE p.owner_id = $2) <= $4 \
             ON CONFLICT (project_id) DO UPDATE SET bytes = disk_measures.bytes + excluded.bytes",
        )
        .bind(project.as_str())
        .bind(user.as_str())
        .bind(whole(bytes))
        .bind(whole(most))
        .execute(self.db.unsynced())
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    pub(super) async fn change_disk(&self, project: &ProjectId, bytes: i64) -> Result<(), Error> {
        sqlx::query(
            "UPDATE disk_measures SET bytes = CASE WHEN bytes + $2 < 0 THEN 0 ELSE bytes + $2 END \
             WHERE project_id = $1",
        )
        .bind(project.as_str())
        .bind(bytes)
        .execute(self.db.unsynced())
        .await?;
        Ok(())
    }
}

/// No more than the database can hold.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn quota(row: &AnyRow) -> Result<Quota, Error> {
    let number = |name: &str| row.try_get::<Option<i64>, _>(name);
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    let large = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    Ok(Quota {
        projects: small(number("projects")?),
        runtimes: small(number("runtimes")?),
        model_tokens: large(number("model_tokens")?),
        disk_bytes: large(number("disk_bytes")?),
    })
}

fn own(row: &AnyRow) -> Result<OwnQuota, Error> {
    let unreadable = |_| Error::Failed("quotas.user_id is not readable".to_owned());
    Ok(OwnQuota {
        user: row.try_get::<String, _>("user_id")?.parse().map_err(unreadable)?,
        quota: quota(row)?,
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}
