//! What should run in each project, in the database.

use sqlx::Row as _;

use super::{NewProcess, Restart};
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

    pub(super) async fn put(
        &self,
        project: &ProjectId,
        process: &NewProcess,
        now_us: i64,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO processes (project_id, command, port, restart, desired, started_at) \
             VALUES ($1, $2, $3, $4, 'running', $5) ON CONFLICT (project_id) DO UPDATE SET \
             command = excluded.command, port = excluded.port, restart = excluded.restart, \
             desired = excluded.desired, started_at = excluded.started_at",
        )
        .bind(project.as_str())
        .bind(process.command.as_str())
        .bind(process.port.map(i64::from))
        .bind(restart_name(process.restart))
        .bind(now_us)
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn find(&self, project: &ProjectId) -> Result<Option<NewProcess>, Error> {
        let row = sqlx::query("SELECT command, port, restart FROM processes WHERE project_id = $1")
            .bind(project.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| {
            let port: Option<i64> = row.try_get("port")?;
            let restart: String = row.try_get("restart")?;
            Ok(NewProcess {
                command: row.try_get("command")?,
                port: port.and_then(|port| port.try_into().ok()),
                restart: parse_restart(&restart),
            })
        })
        .transpose()
    }

    pub(super) async fn delete(&self, project: &ProjectId) -> Result<(), Error> {
        sqlx::query("DELETE FROM processes WHERE project_id = $1")
            .bind(project.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn restart_name(restart: Restart) -> &'static str {
    match restart {
        Restart::Never => "never",
        Restart::OnFailure => "on-failure",
        Restart::Always => "always",
    }
}

fn parse_restart(name: &str) -> Restart {
    match name {
        "on-failure" => Restart::OnFailure,
        "always" => Restart::Always,
        _ => Restart::Never,
    }
}
