//! Host ports in the database.

use crate::db::{Db, Error};
use crate::ids::ProjectId;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn find(&self, project: &ProjectId, port: u16) -> Result<Option<u16>, Error> {
        let host_port: Option<i64> = sqlx::query_scalar(
            "SELECT host_port FROM preview_ports WHERE project_id = $1 AND port = $2",
        )
        .bind(project.as_str())
        .bind(i64::from(port))
        .fetch_optional(self.db.pool())
        .await?;
        Ok(host_port.and_then(|port| u16::try_from(port).ok()))
    }

    /// Makes it the port's one host port, unless it is another's.
    pub(super) async fn take(
        &self,
        project: &ProjectId,
        port: u16,
        host_port: u16,
    ) -> Result<bool, Error> {
        let taken = sqlx::query(
            "INSERT INTO preview_ports (project_id, port, host_port) VALUES ($1, $2, $3) \
             ON CONFLICT (project_id, port) DO UPDATE SET host_port = excluded.host_port",
        )
        .bind(project.as_str())
        .bind(i64::from(port))
        .bind(i64::from(host_port))
        .execute(self.db.pool())
        .await;
        match taken.map_err(Error::from) {
            Ok(_) => Ok(true),
            Err(Error::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn free(&self, project: &ProjectId) -> Result<(), Error> {
        sqlx::query("DELETE FROM preview_ports WHERE project_id = $1")
            .bind(project.as_str())
            .execute(self.db.pool())
            .await?;
        Ok(())
    }
}
