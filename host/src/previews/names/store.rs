//! Labels of previews in the database.

use sqlx::Row as _;

use super::Named;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, ProjectId};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Gives the project this label unless it has one; answers with the one it
    /// has, which is none where the label is another's.
    pub(super) async fn keep(
        &self,
        project: &ProjectId,
        label: &str,
    ) -> Result<Option<String>, Error> {
        if let Some(kept) = self.label(project).await? {
            return Ok(Some(kept));
        }
        sqlx::query(
            "INSERT INTO preview_labels (label, project_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(label)
        .bind(project.as_str())
        .execute(self.db.writer())
        .await?;
        self.label(project).await
    }

    async fn label(&self, project: &ProjectId) -> Result<Option<String>, Error> {
        let label = sqlx::query_scalar("SELECT label FROM preview_labels WHERE project_id = $1")
            .bind(project.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        Ok(label)
    }

    pub(super) async fn find(&self, label: &str) -> Result<Option<Named>, Error> {
        let row = sqlx::query(
            "SELECT projects.id, projects.name FROM preview_labels \
             JOIN projects ON projects.id = preview_labels.project_id \
             WHERE preview_labels.label = $1",
        )
        .bind(label)
        .fetch_optional(self.db.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (id, name): (String, String) = (row.try_get("id")?, row.try_get("name")?);
        let unreadable = |error: InvalidId| Error::Failed(format!("preview_labels: {error}"));
        let project = id.parse().map_err(unreadable)?;
        Ok(Some(Named { project, name: name.parse().map_err(unreadable)? }))
    }
}
