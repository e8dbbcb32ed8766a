//! Users, and the tokens that were made for them, in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::super::store::{Store, parsed};
use super::super::{ISSUED, Role, Scope, User};
use super::{ListedToken, ListedUser};
use crate::clock::from_micros;
use crate::db::Error;
use crate::ids::{TokenId, UserId};

impl Store {
    pub(super) async fn users(&self, after: &str, limit: u32) -> Result<Vec<ListedUser>, Error> {
        let rows = sqlx::query(
            "SELECT id, role, created_at FROM users WHERE removed_at IS NULL AND id > $1 \
             ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(listed_user).collect()
    }

    pub(super) async fn user(&self, id: &UserId) -> Result<Option<ListedUser>, Error> {
        let row = sqlx::query(
            "SELECT id, role, created_at FROM users WHERE removed_at IS NULL AND id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.db.pool())
        .await?;
        row.as_ref().map(listed_user).transpose()
    }

    /// Whether nobody was called so. What one of that name could come in with before counts
    /// no more, even where it was made while that one was removed.
    pub(super) async fn add_user(&self, user: &User, now_us: i64) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        let added = sqlx::query(
            "INSERT INTO users (id, role, created_at, valid_after) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (id) DO UPDATE SET role = $2, removed_at = NULL, valid_after = $3 \
             WHERE users.removed_at IS NOT NULL",
        )
        .bind(user.id.as_str())
        .bind(user.role.as_str())
        .bind(now_us)
        .execute(&mut *transaction)
        .await?
        .rows_affected()
            > 0;
        if added {
            sqlx::query("DELETE FROM tokens WHERE user_id = $1")
                .bind(user.id.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(added)
    }

    pub(super) async fn set_role(&self, user: &User) -> Result<bool, Error> {
        let changed =
            sqlx::query("UPDATE users SET role = $2 WHERE id = $1 AND removed_at IS NULL")
                .bind(user.id.as_str())
                .bind(user.role.as_str())
                .execute(self.db.writer())
                .await?;
        Ok(changed.rows_affected() > 0)
    }

    pub(super) async fn remove_user(&self, id: &UserId, now_us: i64) -> Result<(), Error> {
        sqlx::query("UPDATE users SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL")
            .bind(id.as_str())
            .bind(now_us)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// Whether there is such a user.
    pub(super) async fn sign_out(&self, id: &UserId, now_us: i64) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        let found =
            sqlx::query("UPDATE users SET valid_after = $2 WHERE id = $1 AND removed_at IS NULL")
                .bind(id.as_str())
                .bind(now_us)
                .execute(&mut *transaction)
                .await?;
        sqlx::query("DELETE FROM tokens WHERE user_id = $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found.rows_affected() > 0)
    }

    pub(super) async fn tokens(
        &self,
        of: Option<&UserId>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ListedToken>, Error> {
        let rows = sqlx::query(
            "SELECT id, user_id, name, scope, created_at, expires_at FROM tokens \
             WHERE purpose = $1 AND id > $2 AND ($3 = '' OR user_id = $3) ORDER BY id LIMIT $4",
        )
        .bind(ISSUED)
        .bind(after)
        .bind(of.map_or("", UserId::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(listed_token).collect()
    }

    pub(super) async fn count_tokens(&self, of: &UserId) -> Result<i64, Error> {
        let row =
            sqlx::query("SELECT COUNT(*) AS n FROM tokens WHERE purpose = $1 AND user_id = $2")
                .bind(ISSUED)
                .bind(of.as_str())
                .fetch_one(self.db.pool())
                .await?;
        Ok(row.try_get("n")?)
    }

    pub(super) async fn owner_of_token(&self, id: &TokenId) -> Result<Option<UserId>, Error> {
        let row = sqlx::query("SELECT user_id FROM tokens WHERE purpose = $1 AND id = $2")
            .bind(ISSUED)
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| parsed("tokens.user_id", row.try_get("user_id")?)).transpose()
    }

    /// Whether there was such a token. Its sessions go with it.
    pub(super) async fn revoke_token(&self, id: &TokenId) -> Result<bool, Error> {
        let mut transaction = self.db.begin().await?;
        sqlx::query("DELETE FROM tokens WHERE parent = $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        let revoked = sqlx::query("DELETE FROM tokens WHERE purpose = $1 AND id = $2")
            .bind(ISSUED)
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(revoked.rows_affected() > 0)
    }
}

fn listed_user(row: &AnyRow) -> Result<ListedUser, Error> {
    let user = User {
        id: parsed("users.id", row.try_get("id")?)?,
        role: Role::parse(row.try_get("role")?),
    };
    Ok(ListedUser { user, created_at: from_micros(row.try_get("created_at")?) })
}

fn listed_token(row: &AnyRow) -> Result<ListedToken, Error> {
    let expires: Option<i64> = row.try_get("expires_at")?;
    Ok(ListedToken {
        id: parsed("tokens.id", row.try_get("id")?)?,
        user: parsed("tokens.user_id", row.try_get("user_id")?)?,
        name: row.try_get("name")?,
        scope: Scope::parse(row.try_get("scope")?),
        created_at: from_micros(row.try_get("created_at")?),
        expires_at: expires.map(from_micros),
    })
}
