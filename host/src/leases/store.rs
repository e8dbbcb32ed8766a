//! Leases in the database.

use crate::db::{self, Db};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Takes it where there is none, or where the one there is has ended.
    pub(super) async fn take(
        &self,
        name: &str,
        holder: &str,
        now_us: i64,
        until_us: i64,
    ) -> Result<bool, db::Error> {
        let taken = sqlx::query(
            "INSERT INTO leases (name, holder, until_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, \
             until_at = excluded.until_at WHERE leases.until_at < $4",
        )
        .bind(name)
        .bind(holder)
        .bind(until_us)
        .bind(now_us)
        .execute(self.db.unsynced())
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    pub(super) async fn renew(
        &self,
        name: &str,
        holder: &str,
        until_us: i64,
    ) -> Result<bool, db::Error> {
        let renewed =
            sqlx::query("UPDATE leases SET until_at = $3 WHERE name = $1 AND holder = $2")
                .bind(name)
                .bind(holder)
                .bind(until_us)
                .execute(self.db.unsynced())
                .await?;
        Ok(renewed.rows_affected() == 1)
    }

    pub(super) async fn holder(&self, name: &str) -> Result<Option<String>, db::Error> {
        let holder = sqlx::query_scalar("SELECT holder FROM leases WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db.unsynced())
            .await?;
        Ok(holder)
    }

    pub(super) async fn give_back(&self, name: &str, holder: &str) -> Result<(), db::Error> {
        sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(holder)
            .execute(self.db.unsynced())
            .await?;
        Ok(())
    }

    /// Gives back all that a server holds.
    pub(super) async fn give_back_all(&self, host: &str) -> Result<(), db::Error> {
        // Ids have no characters that LIKE would read as anything else but `_`,
        // which a generated one lacks.
        sqlx::query("DELETE FROM leases WHERE holder LIKE $1")
            .bind(format!("{host}.%"))
            .execute(self.db.unsynced())
            .await?;
        Ok(())
    }
}
