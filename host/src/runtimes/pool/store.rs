//! Pool entries in the database. None of them is worth waiting for the disk: an
//! entry that a power cut forgets is removed as an orphan.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::db::{self, Db};
use crate::ids::{Kind, ProjectId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: ProjectId,
    pub(super) kind: Kind,
    pub(super) ready: bool,
    pub(super) claimed_at_us: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn insert(
        &self,
        id: &ProjectId,
        kind: Kind,
        now_us: i64,
    ) -> Result<(), db::Error> {
        sqlx::query(
            "INSERT INTO pool_entries (project_id, kind, state, created_at) \
             VALUES ($1, $2, 'making', $3)",
        )
        .bind(id.as_str())
        .bind(kind.as_str())
        .bind(now_us)
        .execute(self.db.unsynced())
        .await?;
        Ok(())
    }

    pub(super) async fn set_ready(&self, id: &ProjectId) -> Result<(), db::Error> {
        sqlx::query("UPDATE pool_entries SET state = 'ready' WHERE project_id = $1")
            .bind(id.as_str())
            .execute(self.db.unsynced())
            .await?;
        Ok(())
    }

    /// Takes an entry for one project; false where another was faster.
    pub(super) async fn claim(&self, id: &ProjectId, now_us: i64) -> Result<bool, db::Error> {
        let claimed = sqlx::query(
            "UPDATE pool_entries SET claimed_at = $2 \
             WHERE project_id = $1 AND claimed_at IS NULL AND state = 'ready'",
        )
        .bind(id.as_str())
        .bind(now_us)
        .execute(self.db.unsynced())
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    pub(super) async fn list(&self) -> Result<Vec<Entry>, db::Error> {
        let rows = sqlx::query("SELECT * FROM pool_entries ORDER BY created_at, project_id")
            .fetch_all(self.db.unsynced())
            .await?;
        rows.iter().map(entry).collect()
    }

    pub(super) async fn find(&self, id: &ProjectId) -> Result<Option<Entry>, db::Error> {
        let row = sqlx::query("SELECT * FROM pool_entries WHERE project_id = $1")
            .bind(id.as_str())
            .fetch_optional(self.db.unsynced())
            .await?;
        row.as_ref().map(entry).transpose()
    }

    pub(super) async fn delete(&self, id: &ProjectId) -> Result<(), db::Error> {
        sqlx::query("DELETE FROM pool_entries WHERE project_id = $1")
            .bind(id.as_str())
            .execute(self.db.unsynced())
            .await?;
        Ok(())
    }
}

fn entry(row: &AnyRow) -> Result<Entry, db::Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let unreadable = |what: &str| db::Error::Failed(format!("pool_entries.{what} is not readable"));
    Ok(Entry {
        id: text("project_id")?.parse().map_err(|_| unreadable("project_id"))?,
        kind: text("kind")?.parse().map_err(|_| unreadable("kind"))?,
        ready: text("state")? == "ready",
        claimed_at_us: row.try_get("claimed_at")?,
    })
}
