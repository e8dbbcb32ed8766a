//! Projects in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Project;
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

    pub(super) async fn insert(&self, project: &Project) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO projects (id, owner_id, name, kind, description, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(project.id.as_str())
        .bind(project.owner.as_str())
        .bind(project.name.as_str())
        .bind(project.kind.as_str())
        .bind(project.description.as_str())
        .bind(project.created_at.as_microsecond())
        .bind(project.updated_at.as_microsecond())
        .execute(self.db.pool())
        .await?;
        Ok(())
    }

    pub(super) async fn update(&self, project: &Project) -> Result<(), Error> {
        sqlx::query(
            "UPDATE projects SET kind = $2, description = $3, updated_at = $4 WHERE id = $1",
        )
        .bind(project.id.as_str())
        .bind(project.kind.as_str())
        .bind(project.description.as_str())
        .bind(project.updated_at.as_microsecond())
        .execute(self.db.pool())
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

    /// Removes the project and all rows that speak of it.
    pub(super) async fn delete(&self, id: &ProjectId) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        for statement in [
            "DELETE FROM run_steps WHERE run_id IN (SELECT id FROM runs WHERE project_id = $1)",
            "DELETE FROM runs WHERE project_id = $1",
            "DELETE FROM commands WHERE project_id = $1",
            "DELETE FROM processes WHERE project_id = $1",
            "DELETE FROM runtimes WHERE project_id = $1",
            "DELETE FROM projects WHERE id = $1",
        ] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
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
