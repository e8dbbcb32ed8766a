//! Projects' own lists of hosts in the database.

use sqlx::Row as _;

use crate::db::{self, Db};
use crate::ids::ProjectId;
use crate::runtimes::egress::{Lists, Pattern};

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
        lists: &Lists,
        now_us: i64,
    ) -> Result<(), db::Error> {
        sqlx::query(
            "INSERT INTO network_lists (project_id, allow, deny, updated_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (project_id) DO UPDATE SET \
             allow = excluded.allow, deny = excluded.deny, updated_at = excluded.updated_at",
        )
        .bind(project.as_str())
        .bind(text(&lists.allow)?)
        .bind(text(&lists.deny)?)
        .bind(now_us)
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// Empty ones where none were written.
    pub(super) async fn find(&self, project: &ProjectId) -> Result<Lists, db::Error> {
        let row = sqlx::query("SELECT allow, deny FROM network_lists WHERE project_id = $1")
            .bind(project.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        let Some(row) = row else { return Ok(Lists::default()) };
        Ok(Lists { allow: patterns(&row, "allow")?, deny: patterns(&row, "deny")? })
    }
}

fn text(patterns: &[Pattern]) -> Result<String, db::Error> {
    let texts: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    serde_json::to_string(&texts).map_err(|error| db::Error::Failed(error.to_string()))
}

/// One that can't be read allows nothing: the connection is refused.
fn patterns(row: &sqlx::any::AnyRow, name: &str) -> Result<Vec<Pattern>, db::Error> {
    let text: String = row.try_get(name)?;
    serde_json::from_str(&text)
        .map_err(|error| db::Error::Failed(format!("network_lists.{name}: {error}")))
}
