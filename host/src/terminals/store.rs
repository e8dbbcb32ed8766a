//! Tickets in the database.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::tickets::Admission;
use crate::auth::{self, Role, Scope, Standing};
use crate::db::{Db, Error};
use crate::ids::{InvalidId, UserId};
use crate::secret::Secret;

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
        ticket: &Secret,
        admission: &Admission,
        expires: Timestamp,
    ) -> Result<(), Error> {
        let Standing { user, role, scope, token, expires_us, since_us } = &admission.standing;
        sqlx::query(
            "INSERT INTO terminal_tickets (fingerprint, project_id, user_id, role, scope, \
             token_id, valid_until, valid_since, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(ticket.fingerprint())
        .bind(admission.project.as_str())
        .bind(user.as_str())
        .bind(role.as_str())
        .bind(scope.as_str())
        .bind(token.as_ref().map(|token| token.as_str().to_owned()))
        .bind(*expires_us)
        .bind(*since_us)
        .bind(expires.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// One statement, so that of two who show a ticket one has it.
    pub(super) async fn take(
        &self,
        ticket: &Secret,
        now: Timestamp,
    ) -> Result<Option<Admission>, Error> {
        let row = sqlx::query(
            "DELETE FROM terminal_tickets WHERE fingerprint = $1 AND expires_at > $2 \
             RETURNING project_id, user_id, role, scope, token_id, valid_until, valid_since",
        )
        .bind(ticket.fingerprint())
        .bind(now.as_microsecond())
        .fetch_optional(self.db.writer())
        .await?;
        row.map(|row| admission(&row)).transpose()
    }

    pub(super) async fn count(&self, user: &UserId) -> Result<u32, Error> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM terminal_tickets WHERE user_id = $1")
                .bind(user.as_str())
                .fetch_one(self.db.pool())
                .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub(super) async fn delete_expired(&self, now: Timestamp) -> Result<(), Error> {
        sqlx::query("DELETE FROM terminal_tickets WHERE expires_at <= $1")
            .bind(now.as_microsecond())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn admission(row: &AnyRow) -> Result<Admission, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let unreadable = |error: InvalidId| Error::Failed(format!("terminal_tickets: {error}"));
    let token: Option<String> = row.try_get("token_id")?;
    let role = auth::parse_role(&text("role")?).unwrap_or(Role::Learner);
    let scope = auth::parse_scope(&text("scope")?).unwrap_or(Scope::Read);
    let standing = Standing {
        user: text("user_id")?.parse().map_err(unreadable)?,
        role,
        scope,
        token: token.map(|token| token.parse()).transpose().map_err(unreadable)?,
        expires_us: row.try_get("valid_until")?,
        since_us: row.try_get("valid_since")?,
    };
    Ok(Admission { project: text("project_id")?.parse().map_err(unreadable)?, standing })
}
