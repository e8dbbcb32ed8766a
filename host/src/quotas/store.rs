//! Quotas in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{OwnQuota, Quota};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::UserId;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn find(&self, user: &UserId) -> Result<Option<Quota>, Error> {
        let row = sqlx::query("SELECT * FROM quotas WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.as_ref().map(quota).transpose()
    }

    pub(super) async fn list(&self, after: &str, limit: u32) -> Result<Vec<OwnQuota>, Error> {
        let rows = sqlx::query("SELECT * FROM quotas WHERE user_id > $1 ORDER BY user_id LIMIT $2")
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.db.pool())
            .await?;
        rows.iter().map(own).collect()
    }

    /// Answers whether there is such a user.
    pub(super) async fn put(&self, own: &OwnQuota) -> Result<bool, Error> {
        let put = sqlx::query(
            "INSERT INTO quotas (user_id, projects, runtimes, model_tokens, updated_at) \
             SELECT id, $2, $3, $4, $5 FROM users WHERE id = $1 \
             ON CONFLICT (user_id) DO UPDATE SET projects = excluded.projects, \
             runtimes = excluded.runtimes, model_tokens = excluded.model_tokens, \
             updated_at = excluded.updated_at",
        )
        .bind(own.user.as_str())
        .bind(own.quota.projects.map(i64::from))
        .bind(own.quota.runtimes.map(i64::from))
        .bind(own.quota.model_tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)))
        .bind(own.updated_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(put.rows_affected() > 0)
    }

    pub(super) async fn delete(&self, user: &UserId) -> Result<(), Error> {
        sqlx::query("DELETE FROM quotas WHERE user_id = $1")
            .bind(user.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn quota(row: &AnyRow) -> Result<Quota, Error> {
    let number = |name: &str| row.try_get::<Option<i64>, _>(name);
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    Ok(Quota {
        projects: small(number("projects")?),
        runtimes: small(number("runtimes")?),
        model_tokens: number("model_tokens")?.and_then(|tokens| u64::try_from(tokens).ok()),
    })
}

fn own(row: &AnyRow) -> Result<OwnQuota, Error> {
    let unreadable = |_| Error::Failed("quotas.user_id is not readable".to_owned());
    Ok(OwnQuota {
        user: row.try_get::<String, _>("user_id")?.parse().map_err(unreadable)?,
        quota: quota(row)?,
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}
