//! Users and tokens in the database.

use std::str::FromStr;

use sqlx::Row as _;

use super::recent::Holder;
use super::{ADMIN, Role, Scope, User};
use crate::db::{Db, Error};
use crate::ids::{InvalidId, TokenId, UserId};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) db: Db,
}

/// A token as it is written down, but for its secret.
pub(super) struct Added<'a> {
    pub(super) user: &'a UserId,
    pub(super) purpose: &'static str,
    pub(super) name: &'a str,
    pub(super) scope: Scope,
    pub(super) parent: Option<&'a TokenId>,
    pub(super) now_us: i64,
    pub(super) expires_us: Option<i64>,
}

impl<'a> Added<'a> {
    /// One that may do all, for ever.
    pub(super) fn of(user: &'a UserId, purpose: &'static str, now_us: i64) -> Self {
        let (name, scope) = ("", Scope::Admin);
        Self { user, purpose, name, scope, parent: None, now_us, expires_us: None }
    }
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
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// The role of a user, unless he was removed or what was issued then no
    /// longer counts.
    pub(super) async fn role_of(
        &self,
        user: &UserId,
        issued_us: i64,
    ) -> Result<Option<Role>, Error> {
        let row = sqlx::query(
            "SELECT role FROM users WHERE id = $1 AND removed_at IS NULL AND valid_after <= $2",
        )
        .bind(user.as_str())
        .bind(issued_us)
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| Ok(Role::parse(row.try_get("role")?))).transpose()
    }

    /// Makes `token` the administrator's one from the data directory.
    pub(super) async fn replace_token(
        &self,
        token: &Secret,
        user: &UserId,
        now_us: i64,
    ) -> Result<(), Error> {
        sqlx::query("DELETE FROM tokens WHERE user_id = $1 AND purpose = $2 AND fingerprint <> $3")
            .bind(user.as_str())
            .bind(ADMIN)
            .bind(token.fingerprint())
            .execute(self.db.writer())
            .await?;
        match self.add_token(token, &Added::of(user, ADMIN, now_us)).await {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn add_token(
        &self,
        token: &Secret,
        added: &Added<'_>,
    ) -> Result<TokenId, Error> {
        let id = TokenId::generate();
        sqlx::query(
            "INSERT INTO tokens \
             (fingerprint, id, user_id, purpose, name, scope, parent, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(token.fingerprint())
        .bind(id.as_str())
        .bind(added.user.as_str())
        .bind(added.purpose)
        .bind(added.name)
        .bind(added.scope.as_str())
        .bind(added.parent.map(TokenId::as_str))
        .bind(added.now_us)
        .bind(added.expires_us)
        .execute(self.db.writer())
        .await?;
        Ok(id)
    }

    /// Who holds the token with this fingerprint, if it is valid now.
    pub(super) async fn find_holder(
        &self,
        fingerprint: &str,
        now_us: i64,
    ) -> Result<Option<Holder>, Error> {
        let row = sqlx::query(
            "SELECT users.id, users.role, tokens.id AS token, tokens.scope, tokens.expires_at \
             FROM tokens JOIN users ON users.id = tokens.user_id \
             WHERE tokens.fingerprint = $1 AND users.removed_at IS NULL \
             AND (tokens.expires_at IS NULL OR tokens.expires_at > $2)",
        )
        .bind(fingerprint)
        .bind(now_us)
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| holder(&row)).transpose()
    }

    /// Whether a token is there, and has not expired.
    pub(super) async fn is_valid(&self, token: &TokenId, now_us: i64) -> Result<bool, Error> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM tokens WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(token.as_str())
        .bind(now_us)
        .fetch_one(self.db.pool())
        .await?;
        Ok(count > 0)
    }

    pub(super) async fn delete_token(&self, token: &Secret) -> Result<(), Error> {
        sqlx::query("DELETE FROM tokens WHERE fingerprint = $1")
            .bind(token.fingerprint())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    pub(super) async fn delete_expired(&self, now_us: i64) -> Result<(), Error> {
        sqlx::query("DELETE FROM tokens WHERE expires_at <= $1")
            .bind(now_us)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn holder(row: &sqlx::any::AnyRow) -> Result<Holder, Error> {
    let id: String = row.try_get("id")?;
    let role: String = row.try_get("role")?;
    let (token, scope): (String, String) = (row.try_get("token")?, row.try_get("scope")?);
    let user = User { id: parsed("users.id", &id)?, role: Role::parse(&role) };
    Ok(Holder {
        user,
        scope: Scope::parse(&scope),
        token: Some(parsed("tokens.id", &token)?),
        expires_us: row.try_get("expires_at")?,
    })
}

pub(super) fn parsed<T>(column: &str, text: &str) -> Result<T, Error>
where
    T: FromStr<Err = InvalidId>,
{
    text.parse().map_err(|error| Error::Failed(format!("{column}: {error}")))
}
