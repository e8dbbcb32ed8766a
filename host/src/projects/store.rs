//! Projects in the database.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Deleted, Project};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{ProjectId, ProjectName, UserId};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Answers whether its owner had fewer than `most` before, so that it was added.
    pub(super) async fn insert(&self, project: &Project, most: Option<u32>) -> Result<bool, Error> {
        let added = sqlx::query(
            "INSERT INTO projects (id, owner_id, name, kind, description, created_at, updated_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7 \
             WHERE $8 < 0 OR (SELECT COUNT(*) FROM projects WHERE owner_id = $2) < $8",
        )
        .bind(project.id.as_str())
        .bind(project.owner.as_str())
        .bind(project.name.as_str())
        .bind(project.kind.as_str())
        .bind(project.description.as_str())
        .bind(project.created_at.as_microsecond())
        .bind(project.updated_at.as_microsecond())
        .bind(most.map_or(-1, i64::from))
        .execute(self.db.writer())
        .await?;
        Ok(added.rows_affected() > 0)
    }

    pub(super) async fn count(&self, owner: &UserId) -> Result<i64, Error> {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM projects WHERE owner_id = $1")
            .bind(owner.as_str())
            .fetch_one(self.db.pool())
            .await?;
        Ok(count)
    }

    pub(super) async fn update(&self, project: &Project) -> Result<(), Error> {
        sqlx::query(
            "UPDATE projects SET kind = $2, description = $3, updated_at = $4 WHERE id = $1",
        )
        .bind(project.id.as_str())
        .bind(project.kind.as_str())
        .bind(project.description.as_str())
        .bind(project.updated_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn find(&self, id: &ProjectId) -> Result<Option<Project>, Error> {
        let row = sqlx::query("SELECT * FROM projects WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| project(&row)).transpose()
    }

    pub(super) async fn find_by_name(
        &self,
        owner: &UserId,
        name: &ProjectName,
    ) -> Result<Option<Project>, Error> {
        let row = sqlx::query("SELECT * FROM projects WHERE owner_id = $1 AND name = $2")
            .bind(owner.as_str())
            .bind(name.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| project(&row)).transpose()
    }

    /// The oldest project of that name, whoever owns it.
    pub(super) async fn find_by_any_owner(&self, name: &str) -> Result<Option<Project>, Error> {
        let row = sqlx::query("SELECT * FROM projects WHERE name = $1 ORDER BY id LIMIT 1")
            .bind(name)
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| project(&row)).transpose()
    }

    pub(super) async fn list(
        &self,
        owner: Option<&UserId>,
        after: Option<&ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM projects WHERE ($1 = '' OR owner_id = $1) AND id > $2 \
             ORDER BY id LIMIT $3",
        )
        .bind(owner.map_or("", UserId::as_str))
        .bind(after.map_or("", ProjectId::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(project).collect()
    }

    pub(super) async fn all_ids(&self) -> Result<HashSet<ProjectId>, Error> {
        let ids = "SELECT id FROM projects UNION ALL SELECT id FROM deleted_projects";
        let rows = sqlx::query(ids).fetch_all(self.db.pool()).await?;
        let unreadable = |error: crate::ids::InvalidId| Error::Failed(format!("projects: {error}"));
        rows.iter().map(|row| row.try_get::<String, _>("id")?.parse().map_err(unreadable)).collect()
    }

    /// Removes the project and all rows that speak of it.
    pub(super) async fn delete(&self, id: &ProjectId) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        for statement in OF_A_PROJECT {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The same, but what is known of it is kept aside.
    pub(super) async fn retire(&self, deleted: &Deleted) -> Result<(), Error> {
        let id = deleted.project.id.as_str();
        let mut transaction = self.db.begin().await?;
        sqlx::query(
            "INSERT INTO deleted_projects (id, owner_id, name, kind, description, created_at, \
             updated_at, deleted_at, expires_at, disk_bytes) SELECT id, owner_id, name, kind, \
             description, created_at, updated_at, $2, $3, \
             (SELECT bytes FROM disk_measures WHERE project_id = projects.id) \
             FROM projects WHERE id = $1",
        )
        .bind(id)
        .bind(deleted.deleted_at.as_microsecond())
        .bind(deleted.expires_at.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        for statement in OF_A_PROJECT {
            sqlx::query(statement).bind(id).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Answers whether there was one to take back.
    pub(super) async fn restore(&self, project: &Project) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        let restored = sqlx::query(
            "INSERT INTO projects (id, owner_id, name, kind, description, created_at, updated_at) \
             SELECT id, owner_id, name, kind, description, created_at, updated_at \
             FROM deleted_projects WHERE id = $1",
        )
        .bind(project.id.as_str())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO disk_measures (project_id, bytes, measured_at) \
             SELECT id, disk_bytes, deleted_at FROM deleted_projects \
             WHERE id = $1 AND disk_bytes IS NOT NULL",
        )
        .bind(project.id.as_str())
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM deleted_projects WHERE id = $1")
            .bind(project.id.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(restored.rows_affected() > 0)
    }

    pub(super) async fn find_deleted(
        &self,
        id: &ProjectId,
        now_us: i64,
    ) -> Result<Option<Deleted>, Error> {
        let row = sqlx::query("SELECT * FROM deleted_projects WHERE id = $1 AND expires_at > $2")
            .bind(id.as_str())
            .bind(now_us)
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| deleted(&row)).transpose()
    }

    /// The one of that name that was deleted last.
    pub(super) async fn find_deleted_name(
        &self,
        owner: &UserId,
        name: &ProjectName,
        now_us: i64,
    ) -> Result<Option<Deleted>, Error> {
        let row = sqlx::query(
            "SELECT * FROM deleted_projects WHERE owner_id = $1 AND name = $2 \
             AND expires_at > $3 ORDER BY deleted_at DESC, id DESC LIMIT 1",
        )
        .bind(owner.as_str())
        .bind(name.as_str())
        .bind(now_us)
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| deleted(&row)).transpose()
    }

    pub(super) async fn list_deleted(
        &self,
        owner: Option<&UserId>,
        after: Option<&ProjectId>,
        (now_us, limit): (i64, u32),
    ) -> Result<Vec<Deleted>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM deleted_projects WHERE ($1 = '' OR owner_id = $1) AND id > $2 \
             AND expires_at > $3 ORDER BY id LIMIT $4",
        )
        .bind(owner.map_or("", UserId::as_str))
        .bind(after.map_or("", ProjectId::as_str))
        .bind(now_us)
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(deleted).collect()
    }

    pub(super) async fn list_expired(
        &self,
        now_us: i64,
        limit: u32,
    ) -> Result<Vec<ProjectId>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM deleted_projects WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        )
        .bind(now_us)
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(|row| Ok(deleted(row)?.project.id)).collect()
    }

    /// Whether it was there.
    pub(super) async fn forget_deleted(&self, id: &ProjectId) -> Result<bool, Error> {
        let removed = sqlx::query("DELETE FROM deleted_projects WHERE id = $1")
            .bind(id.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(removed.rows_affected() > 0)
    }
}

/// What speaks of a project, and at last the project.
const OF_A_PROJECT: [&str; 6] = [
    "DELETE FROM run_steps WHERE run_id IN (SELECT id FROM runs WHERE project_id = $1)",
    "DELETE FROM runs WHERE project_id = $1",
    "DELETE FROM commands WHERE project_id = $1",
    "DELETE FROM processes WHERE project_id = $1",
    "DELETE FROM runtimes WHERE project_id = $1",
    "DELETE FROM projects WHERE id = $1",
];

fn deleted(row: &AnyRow) -> Result<Deleted, Error> {
    let disk_bytes: Option<i64> = row.try_get("disk_bytes")?;
    Ok(Deleted {
        project: project(row)?,
        deleted_at: from_micros(row.try_get("deleted_at")?),
        expires_at: from_micros(row.try_get("expires_at")?),
        disk_bytes: disk_bytes.map_or(0, i64::unsigned_abs),
    })
}

fn project(row: &AnyRow) -> Result<Project, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let unreadable = |error: crate::ids::InvalidId| Error::Failed(format!("projects: {error}"));
    Ok(Project {
        id: text("id")?.parse().map_err(unreadable)?,
        owner: text("owner_id")?.parse().map_err(unreadable)?,
        name: text("name")?.parse().map_err(unreadable)?,
        kind: text("kind")?.parse().map_err(unreadable)?,
        description: text("description")?,
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}
