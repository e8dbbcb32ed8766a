//! Users and tokens in the database.

use sqlx::Row as _;

use super::recent::Holder;
use super::{Role, User, new_token_id};
use crate::db::{Db, Error};
use crate::ids::UserId;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn keep_user(&self, user: &User, now_us: i64) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO users (id, role, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(user.id.as_str())
        .bind(user.role.as_str())
        .bind(now_us)
        .execute(self.db.pool())
        .await?;
        Ok(())
    }

    /// Makes `token` the user's one token of this purpose.
    pub(super) async fn replace_token(
        &self,
        token: &Secret,
        user: &UserId,
        purpose: &str,
        now_us: i64,
    ) -> Result<(), Error> {
        sqlx::query("DELETE FROM tokens WHERE user_id = $1 AND purpose = $2 AND fingerprint <> $3")
            .bind(user.as_str())
            .bind(purpose)
            .bind(token.fingerprint())
            .execute(self.db.pool())
            .await?;
        match self.add_token(token, user, purpose, now_us, None).await {
            Ok(()) | Err(Error::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn add_token(
        &self,
        token: &Secret,
        user: &UserId,
        purpose: &str,
        now_us: i64,
        expires_us: Option<i64>,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO tokens (fingerprint, id, user_id, purpose, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(token.fingerprint())
        .bind(new_token_id().to_string())
        .bind(user.as_str())
        .bind(purpose)
        .bind(now_us)
        .bind(expires_us)
        .execute(self.db.pool())
        .await?;
        Ok(())
    }

    /// Who holds the token with this fingerprint, if it is valid now.
    pub(super) async fn find_holder(
        &self,
        fingerprint: &str,
        now_us: i64,
    ) -> Result<Option<Holder>, Error> {
        let row = sqlx::query(
            "SELECT users.id, users.role, tokens.expires_at \
             FROM tokens JOIN users ON users.id = tokens.user_id \
             WHERE tokens.fingerprint = $1 \
             AND (tokens.expires_at IS NULL OR tokens.expires_at > $2)",
        )
        .bind(fingerprint)
        .bind(now_us)
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| holder(&row)).transpose()
    }

    pub(super) async fn delete_token(&self, token: &Secret) -> Result<(), Error> {
        sqlx::query("DELETE FROM tokens WHERE fingerprint = $1")
            .bind(token.fingerprint())
            .execute(self.db.pool())
            .await?;
        Ok(())
    }

    pub(super) async fn delete_expired(&self, now_us: i64) -> Result<(), Error> {
        sqlx::query("DELETE FROM tokens WHERE expires_at <= $1")
            .bind(now_us)
            .execute(self.db.pool())
            .await?;
        Ok(())
    }
}

fn holder(row: &sqlx::any::AnyRow) -> Result<Holder, Error> {
    let id: String = row.try_get("id")?;
    let role: String = row.try_get("role")?;
    let id = id.parse().map_err(|error| Error::Failed(format!("users.id: {error}")))?;
    let user = User { id, role: Role::parse(&role) };
    Ok(Holder { user, expires_us: row.try_get("expires_at")? })
}
