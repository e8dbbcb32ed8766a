//! Links for others in the database.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Link;
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, LinkId, ProjectId};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn insert(&self, link: &Link, secret: &Secret) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO preview_links \
             (id, project_id, creator_id, fingerprint, port, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(link.id.as_str())
        .bind(link.project.as_str())
        .bind(link.creator.as_str())
        .bind(secret.fingerprint())
        .bind(link.port.map(i64::from))
        .bind(link.created_at.as_microsecond())
        .bind(link.expires_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn find(
        &self,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Option<Link>, Error> {
        let row =
            sqlx::query("SELECT * FROM preview_links WHERE fingerprint = $1 AND expires_at > $2")
                .bind(secret.fingerprint())
                .bind(now.as_microsecond())
                .fetch_optional(self.db.pool())
                .await?;
        row.map(|row| link(&row)).transpose()
    }

    pub(super) async fn list(
        &self,
        project: &ProjectId,
        now: Timestamp,
    ) -> Result<Vec<Link>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM preview_links WHERE project_id = $1 AND expires_at > $2 ORDER BY id",
        )
        .bind(project.as_str())
        .bind(now.as_microsecond())
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(link).collect()
    }

    pub(super) async fn count(&self, project: &ProjectId) -> Result<u32, Error> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM preview_links WHERE project_id = $1")
                .bind(project.as_str())
                .fetch_one(self.db.pool())
                .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub(super) async fn delete(&self, project: &ProjectId, id: &LinkId) -> Result<(), Error> {
        sqlx::query("DELETE FROM preview_links WHERE project_id = $1 AND id = $2")
            .bind(project.as_str())
            .bind(id.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    pub(super) async fn delete_expired(&self, now: Timestamp) -> Result<(), Error> {
        sqlx::query("DELETE FROM preview_links WHERE expires_at <= $1")
            .bind(now.as_microsecond())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn link(row: &AnyRow) -> Result<Link, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let time = |name: &str| row.try_get::<i64, _>(name).map(from_micros);
    let unreadable = |error: InvalidId| Error::Failed(format!("preview_links: {error}"));
    let port: Option<i64> = row.try_get("port")?;
    Ok(Link {
        id: text("id")?.parse().map_err(unreadable)?,
        project: text("project_id")?.parse().map_err(unreadable)?,
        creator: text("creator_id")?.parse().map_err(unreadable)?,
        port: port.and_then(|port| u16::try_from(port).ok()),
        created_at: time("created_at")?,
        expires_at: time("expires_at")?,
    })
}
