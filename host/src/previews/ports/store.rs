//! Host ports in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::Mappings;
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

    pub(super) async fn find(&self, project: &ProjectId) -> Result<Mappings, Error> {
        let rows = sqlx::query("SELECT port, host_port FROM preview_ports WHERE project_id = $1")
            .bind(project.as_str())
            .fetch_all(self.db.pool())
            .await?;
        let port = |row: &AnyRow, name: &str| {
            let port: i64 = row.try_get(name)?;
            u16::try_from(port).map_err(|_| Error::Failed(format!("preview_ports.{name}: {port}")))
        };
        rows.iter().map(|row| Ok((port(row, "port")?, port(row, "host_port")?))).collect()
    }

    /// Makes them the project's host ports, unless one is another's: then none is.
    pub(super) async fn take(
        &self,
        project: &ProjectId,
        mappings: &Mappings,
    ) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        for (port, host_port) in mappings {
            let taken = sqlx::query(
                "INSERT INTO preview_ports (project_id, port, host_port) VALUES ($1, $2, $3) \
                 ON CONFLICT (project_id, port) DO UPDATE SET host_port = excluded.host_port",
            )
            .bind(project.as_str())
            .bind(i64::from(*port))
            .bind(i64::from(*host_port))
            .execute(&mut *transaction)
            .await;
            match taken.map_err(Error::from) {
                Ok(_) => {}
                Err(Error::Conflict) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        transaction.commit().await?;
        Ok(true)
    }

    pub(super) async fn free(&self, project: &ProjectId) -> Result<(), Error> {
        sqlx::query("DELETE FROM preview_ports WHERE project_id = $1")
            .bind(project.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}
