//! Runtimes in the database: what should be, and what was last seen.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::activity::{Activity, Cause};
use super::spec::Settings;
use super::state::{Desired, Status};
use super::{Error, Runtime};
use crate::clock::from_micros;
use crate::db::{self, Db};
use crate::ids::{ProjectId, UserId};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Writes the row anew, or for the first time.
    pub(super) async fn put(&self, runtime: &Runtime) -> Result<(), Error> {
        let settings = serde_json::to_string(&runtime.settings)
            .map_err(|error| db::Error::Failed(error.to_string()))?;
        sqlx::query(
            "INSERT INTO runtimes (project_id, engine, desired, status, reason, generation, \
             settings, created_at, updated_at, started_at, crashes, retry_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (project_id) DO UPDATE SET engine = excluded.engine, \
             desired = excluded.desired, status = excluded.status, reason = excluded.reason, \
             generation = excluded.generation, settings = excluded.settings, \
             updated_at = excluded.updated_at, started_at = excluded.started_at, \
             crashes = excluded.crashes, retry_at = excluded.retry_at",
        )
        .bind(runtime.project.as_str())
        .bind(runtime.engine.as_str())
        .bind(runtime.desired.as_str())
        .bind(runtime.status.as_str())
        .bind(runtime.reason.as_deref())
        .bind(i64::from(runtime.generation))
        .bind(settings)
        .bind(runtime.created_at.as_microsecond())
        .bind(runtime.updated_at.as_microsecond())
        .bind(runtime.started_at.map(Timestamp::as_microsecond))
        .bind(i64::from(runtime.crashes))
        .bind(runtime.retry_at.map(Timestamp::as_microsecond))
        .execute(self.db.writer())
        .await
        .map_err(db::Error::from)?;
        Ok(())
    }

    /// Engines by which there are runtimes that should run.
    pub(super) async fn engines(&self) -> Result<Vec<String>, Error> {
        let engines = "SELECT DISTINCT engine FROM runtimes WHERE desired = $1";
        let engines = sqlx::query_scalar(engines).bind(Desired::Running.as_str());
        Ok(engines.fetch_all(self.db.pool()).await.map_err(db::Error::from)?)
    }

    /// Writes down a use, unless a later one is there already.
    pub(super) async fn note_activity(
        &self,
        project: &ProjectId,
        activity: Activity,
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE runtimes SET active_at = $2, active_by = $3 \
             WHERE project_id = $1 AND (active_at IS NULL OR active_at < $2)",
        )
        .bind(project.as_str())
        .bind(activity.at.as_microsecond())
        .bind(activity.by.as_str())
        .execute(self.db.unsynced())
        .await
        .map_err(db::Error::from)?;
        Ok(())
    }

    pub(super) async fn find(&self, project: &ProjectId) -> Result<Option<Runtime>, Error> {
        let row = sqlx::query("SELECT * FROM runtimes WHERE project_id = $1")
            .bind(project.as_str())
            .fetch_optional(self.db.pool())
            .await
            .map_err(db::Error::from)?;
        Ok(row.map(|row| runtime(&row)).transpose()?)
    }

    pub(super) async fn list(&self) -> Result<Vec<Runtime>, Error> {
        let rows = sqlx::query("SELECT * FROM runtimes ORDER BY project_id")
            .fetch_all(self.db.pool())
            .await
            .map_err(db::Error::from)?;
        Ok(rows.iter().map(runtime).collect::<Result<_, _>>()?)
    }

    pub(super) async fn page(
        &self,
        after: Option<&ProjectId>,
        status: Option<Status>,
        limit: u32,
    ) -> Result<Vec<(ProjectId, Option<Runtime>)>, Error> {
        let rows = sqlx::query(
            "SELECT p.id AS listed_id, r.* FROM projects p \
             LEFT JOIN runtimes r ON r.project_id = p.id \
             WHERE p.id > $1 AND ($2 = '' OR COALESCE(r.status, 'absent') = $2) \
             ORDER BY p.id LIMIT $3",
        )
        .bind(after.map_or("", ProjectId::as_str))
        .bind(status.map_or("", Status::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await
        .map_err(db::Error::from)?;
        Ok(rows.iter().map(listed).collect::<Result<_, _>>()?)
    }

    /// How many of this owner's other projects have a runtime that runs, or should.
    pub(super) async fn count_running(
        &self,
        owner: &UserId,
        other_than: &ProjectId,
    ) -> Result<i64, Error> {
        let count = sqlx::query_scalar(
            "SELECT COUNT(*) FROM runtimes r JOIN projects p ON p.id = r.project_id \
             WHERE p.owner_id = $1 AND r.project_id <> $2 AND r.desired = 'running'",
        )
        .bind(owner.as_str())
        .bind(other_than.as_str())
        .fetch_one(self.db.pool())
        .await
        .map_err(db::Error::from)?;
        Ok(count)
    }

    pub(super) async fn count_by_status(&self) -> Result<Vec<(Status, u64)>, Error> {
        let rows = sqlx::query(
            "SELECT COALESCE(r.status, 'absent') AS state, COUNT(*) AS projects FROM projects p \
             LEFT JOIN runtimes r ON r.project_id = p.id GROUP BY 1 ORDER BY 1",
        )
        .fetch_all(self.db.pool())
        .await
        .map_err(db::Error::from)?;
        Ok(rows.iter().map(counted).collect::<Result<_, _>>()?)
    }

    pub(super) async fn list_running(&self) -> Result<Vec<Runtime>, Error> {
        let rows = sqlx::query("SELECT * FROM runtimes WHERE status = $1 ORDER BY project_id")
            .bind(Status::Running.as_str())
            .fetch_all(self.db.pool())
            .await
            .map_err(db::Error::from)?;
        Ok(rows.iter().map(runtime).collect::<Result<_, _>>()?)
    }

    pub(super) async fn delete(&self, project: &ProjectId) -> Result<(), Error> {
        sqlx::query("DELETE FROM runtimes WHERE project_id = $1")
            .bind(project.as_str())
            .execute(self.db.writer())
            .await
            .map_err(db::Error::from)?;
        Ok(())
    }
}

fn listed(row: &AnyRow) -> Result<(ProjectId, Option<Runtime>), db::Error> {
    let unreadable = |_| db::Error::Failed("projects.id is not readable".to_owned());
    let id = row.try_get::<String, _>("listed_id")?.parse().map_err(unreadable)?;
    let has_one = row.try_get::<Option<String>, _>("project_id")?.is_some();
    Ok((id, has_one.then(|| runtime(row)).transpose()?))
}

fn counted(row: &AnyRow) -> Result<(Status, u64), db::Error> {
    let unreadable = || db::Error::Failed("runtimes.status is not readable".to_owned());
    let status = Status::parse(&row.try_get::<String, _>("state")?).ok_or_else(unreadable)?;
    Ok((status, row.try_get::<i64, _>("projects")?.unsigned_abs()))
}

fn runtime(row: &AnyRow) -> Result<Runtime, db::Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let unreadable = |what: &str| db::Error::Failed(format!("runtimes.{what} is not readable"));
    let settings: Settings =
        serde_json::from_str(&text("settings")?).map_err(|_| unreadable("settings"))?;
    let generation: i64 = row.try_get("generation")?;
    let crashes: i64 = row.try_get("crashes")?;
    let time =
        |name: &str| Ok::<_, db::Error>(row.try_get::<Option<i64>, _>(name)?.map(from_micros));
    Ok(Runtime {
        project: text("project_id")?.parse().map_err(|_| unreadable("project_id"))?,
        engine: text("engine")?,
        desired: Desired::parse(&text("desired")?).ok_or_else(|| unreadable("desired"))?,
        status: Status::parse(&text("status")?).ok_or_else(|| unreadable("status"))?,
        reason: row.try_get("reason")?,
        generation: generation.try_into().map_err(|_| unreadable("generation"))?,
        settings,
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
        started_at: time("started_at")?,
        activity: activity(time("active_at")?, row.try_get("active_by")?),
        crashes: crashes.try_into().map_err(|_| unreadable("crashes"))?,
        retry_at: time("retry_at")?,
    })
}

fn activity(at: Option<Timestamp>, by: Option<String>) -> Option<Activity> {
    Some(Activity { at: at?, by: Cause::parse(&by?)? })
}
