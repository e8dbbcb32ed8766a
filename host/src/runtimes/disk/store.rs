//! What workspaces were found to take, in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::kept::{After, DiskTotal, Measured};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::ProjectId;

#[derive(Debug, Clone)]
pub(in crate::runtimes) struct Store {
    db: Db,
}

impl Store {
    pub(in crate::runtimes) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Projects whose measure is from before `stale_us`, or from before `fresh_us`
    /// while they run; those that have none first.
    pub(super) async fn due(
        &self,
        (fresh_us, stale_us): (i64, i64),
        limit: i64,
    ) -> Result<Vec<ProjectId>, Error> {
        let rows = sqlx::query(
            "SELECT p.id FROM projects p LEFT JOIN disk_measures m ON m.project_id = p.id \
             LEFT JOIN runtimes r ON r.project_id = p.id \
             WHERE m.measured_at IS NULL OR m.measured_at < $1 \
             OR (r.status = 'running' AND m.measured_at < $2) \
             ORDER BY COALESCE(m.measured_at, 0), p.id LIMIT $3",
        )
        .bind(stale_us)
        .bind(fresh_us)
        .bind(limit)
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(|row| project_id(row, "id")).collect()
    }

    /// Writes a measure down, if the project is still there.
    pub(in crate::runtimes) async fn keep(
        &self,
        project: &ProjectId,
        bytes: u64,
        at_us: i64,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO disk_measures (project_id, bytes, measured_at) \
             SELECT id, $2, $3 FROM projects WHERE id = $1 \
             ON CONFLICT (project_id) DO UPDATE SET bytes = excluded.bytes, \
             measured_at = excluded.measured_at",
        )
        .bind(project.as_str())
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .bind(at_us)
        .execute(self.db.unsynced())
        .await?;
        Ok(())
    }

    /// The largest first; those that were never measured come last.
    pub(super) async fn page(&self, after: &After, limit: u32) -> Result<Vec<Measured>, Error> {
        let rows = sqlx::query(
            "SELECT p.id, p.name, p.owner_id, m.bytes, m.measured_at \
             FROM projects p \
             LEFT JOIN disk_measures m ON m.project_id = p.id AND m.measured_at > 0 \
             WHERE COALESCE(m.bytes, -1) < $1 OR (COALESCE(m.bytes, -1) = $1 AND p.id > $2) \
             ORDER BY COALESCE(m.bytes, -1) DESC, p.id LIMIT $3",
        )
        .bind(after.bytes)
        .bind(after.project.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(measured).collect()
    }

    pub(super) async fn total(&self) -> Result<DiskTotal, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS projects, COUNT(m.project_id) AS measured, \
             CAST(COALESCE(SUM(m.bytes), 0) AS BIGINT) AS bytes, \
             MIN(m.measured_at) AS oldest FROM projects p \
             LEFT JOIN disk_measures m ON m.project_id = p.id AND m.measured_at > 0",
        )
        .fetch_one(self.db.pool())
        .await?;
        let count = |name: &str| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
        Ok(DiskTotal {
            projects: count("projects")?,
            measured: count("measured")?,
            bytes: count("bytes")?,
            oldest: row.try_get::<Option<i64>, _>("oldest")?.map(from_micros),
        })
    }
}

fn project_id(row: &AnyRow, name: &str) -> Result<ProjectId, Error> {
    let unreadable = |_| Error::Failed("projects.id is not readable".to_owned());
    row.try_get::<String, _>(name)?.parse().map_err(unreadable)
}

fn measured(row: &AnyRow) -> Result<Measured, Error> {
    Ok(Measured {
        project: project_id(row, "id")?,
        name: row.try_get("name")?,
        owner: row.try_get("owner_id")?,
        bytes: row.try_get::<Option<i64>, _>("bytes")?.map(i64::unsigned_abs),
        measured_at: row.try_get::<Option<i64>, _>("measured_at")?.map(from_micros),
    })
}
