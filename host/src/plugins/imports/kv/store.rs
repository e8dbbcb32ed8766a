//! Plugins' values in the database.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::AnyConnection;

use crate::db::{Db, Error};

/// Keys of one plugin.
const MAX_KEYS: i64 = 1_000;

/// Bytes of all values of one plugin, and of their keys.
const MAX_BYTES: i64 = 1024 * 1024;

/// The values of all plugins. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
}

/// A plugin keeps as much as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    Keys,
    Bytes,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys => write!(f, "The plugin keeps {MAX_KEYS} keys, as many as it may;")?,
            Self::Bytes => write!(f, "The plugin may keep {MAX_BYTES} bytes in all;")?,
        }
        f.write_str(" delete some first.")
    }
}

impl Store {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    pub async fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let value = sqlx::query_scalar::<_, String>(
            "SELECT value FROM plugin_kv WHERE plugin = $1 AND key = $2",
        )
        .bind(plugin)
        .bind(key)
        .fetch_optional(self.db.pool())
        .await?;
        value.map(|value| decode(&value)).transpose()
    }

    /// Keeps a value, if there is room for it beside the plugin's others.
    pub async fn set(
        &self,
        plugin: &str,
        key: &str,
        value: &[u8],
    ) -> Result<Result<(), Full>, Error> {
        let mut transaction = self.db.begin().await?;
        lock(&mut transaction, plugin).await?;
        let size = i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX);
        let (keys, bytes) = used_by_others(&mut transaction, plugin, key).await?;
        if keys >= MAX_KEYS {
            return Ok(Err(Full::Keys));
        }
        if bytes.saturating_add(size) > MAX_BYTES {
            return Ok(Err(Full::Bytes));
        }
        sqlx::query(
            "INSERT INTO plugin_kv (plugin, key, value, size_bytes) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (plugin, key) DO UPDATE \
             SET value = excluded.value, size_bytes = excluded.size_bytes",
        )
        .bind(plugin)
        .bind(key)
        .bind(STANDARD.encode(value))
        .bind(size)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Ok(()))
    }

    pub async fn delete(&self, plugin: &str, key: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM plugin_kv WHERE plugin = $1 AND key = $2")
            .bind(plugin)
            .bind(key)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// All keys of a plugin, in the order of their bytes: databases each have
    /// an order of their own.
    pub async fn keys(&self, plugin: &str) -> Result<Vec<String>, Error> {
        let mut keys =
            sqlx::query_scalar::<_, String>("SELECT key FROM plugin_kv WHERE plugin = $1")
                .bind(plugin)
                .fetch_all(self.db.pool())
                .await?;
        keys.sort_unstable();
        Ok(keys)
    }
}

/// Of two who write for one plugin at once, the second waits until the first
/// is counted.
async fn lock(transaction: &mut AnyConnection, plugin: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO plugin_kv_owners (plugin) VALUES ($1) \
         ON CONFLICT (plugin) DO UPDATE SET plugin = excluded.plugin",
    )
    .bind(plugin)
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// Keys and bytes that a plugin uses without what is under `key`.
async fn used_by_others(
    transaction: &mut AnyConnection,
    plugin: &str,
    key: &str,
) -> Result<(i64, i64), Error> {
    let used = sqlx::query_as::<_, (i64, i64)>(
        "SELECT COUNT(*), CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM plugin_kv \
         WHERE plugin = $1 AND key <> $2",
    )
    .bind(plugin)
    .bind(key)
    .fetch_one(&mut *transaction)
    .await?;
    Ok(used)
}

fn decode(value: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(value).map_err(|error| Error::Failed(format!("plugin_kv: {error}")))
}
