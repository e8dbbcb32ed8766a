//! First answers in the database.

use sqlx::Row as _;

use super::Answer;
use crate::db::{self, Db};

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
        key: &str,
        request: &str,
        answer: &Answer,
        now_us: i64,
    ) -> Result<(), db::Error> {
        let body =
            serde_json::to_string(answer).map_err(|error| db::Error::Failed(error.to_string()))?;
        sqlx::query(
            "INSERT INTO idempotency_keys (key, request, status, body, created_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET \
             request = excluded.request, status = excluded.status, body = excluded.body, \
             created_at = excluded.created_at",
        )
        .bind(key)
        .bind(request)
        .bind(i64::from(answer.status))
        .bind(body)
        .bind(now_us)
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// The request that came with the key after `oldest`, and its answer.
    pub(super) async fn find(
        &self,
        key: &str,
        oldest_us: i64,
    ) -> Result<Option<(String, Answer)>, db::Error> {
        let row = sqlx::query(
            "SELECT request, body FROM idempotency_keys WHERE key = $1 AND created_at > $2",
        )
        .bind(key)
        .bind(oldest_us)
        .fetch_optional(self.db.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let body: String = row.try_get("body")?;
        let answer = serde_json::from_str(&body)
            .map_err(|error| db::Error::Failed(format!("idempotency_keys.body: {error}")))?;
        Ok(Some((row.try_get("request")?, answer)))
    }

    pub(super) async fn delete_before(&self, oldest_us: i64) -> Result<(), db::Error> {
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at <= $1")
            .bind(oldest_us)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}
