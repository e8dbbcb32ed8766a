//! Installed plugins, their versions and their bindings in the database.

mod components;

use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::record::{Installed, PluginBinding, Release, Version};
use crate::clock::from_micros;
use crate::db::{Db, Error, Writing};
use crate::ids::BindingId;
use crate::plugins::fault::Digest;
use crate::policy::{Mode, OnError};

/// A fact of the installation: how often its plugins have been changed.
const GENERATION: &str = "plugins_generation";

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

/// A change of one plugin, written whole or not at all.
pub(super) struct Change<'a> {
    pub(super) plugin: &'a Installed,
    /// A version that was not there before, and its bytes.
    pub(super) version: Option<(&'a Version, &'a [u8])>,
    pub(super) bindings: &'a [PluginBinding],
    /// Versions that are kept no longer.
    pub(super) forgotten: &'a [Digest],
}

impl<'a> Change<'a> {
    /// Of the plugin itself alone.
    pub(super) fn of(plugin: &'a Installed) -> Self {
        Self { plugin, version: None, bindings: &[], forgotten: &[] }
    }
}

/// Rises with every change, whichever server on the database makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Generation(i64);

/// Why a change was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    #[error("the plugins have changed since they were looked at")]
    Stale,
    #[error(transparent)]
    Db(#[from] Error),
}

impl From<sqlx::Error> for Unwritten {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn plugins(&self) -> Result<Vec<Installed>, Error> {
        let rows = sqlx::query("SELECT * FROM plugins ORDER BY name");
        rows.fetch_all(self.db.pool()).await?.iter().map(installed).collect()
    }

    /// Newest first.
    pub(super) async fn versions(&self) -> Result<Vec<Version>, Error> {
        let rows =
            sqlx::query("SELECT * FROM plugin_versions ORDER BY name, installed_at DESC, digest");
        rows.fetch_all(self.db.pool()).await?.iter().map(version).collect()
    }

    /// In the order in which they are asked.
    pub(super) async fn bindings(&self) -> Result<Vec<PluginBinding>, Error> {
        let rows = sqlx::query("SELECT * FROM plugin_bindings ORDER BY position, id");
        rows.fetch_all(self.db.pool()).await?.iter().map(binding).collect()
    }

    /// Which state of plugins, versions and bindings there is now.
    pub(super) async fn generation(&self) -> Result<Generation, Error> {
        let value: Option<String> =
            sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
                .bind(GENERATION)
                .fetch_optional(self.db.pool())
                .await?;
        let value = value.map(|value| value.parse().map_err(unreadable)).transpose()?;
        Ok(Generation(value.unwrap_or_default()))
    }

    /// Begins the change of what was seen. Whoever comes second waits, and is
    /// then refused.
    async fn begin(&self, seen: Generation) -> Result<Writing, Unwritten> {
        let mut transaction = self.db.begin().await?;
        let first =
            "INSERT INTO settings (name, value) VALUES ($1, '0') ON CONFLICT (name) DO NOTHING";
        sqlx::query(first).bind(GENERATION).execute(&mut *transaction).await?;
        let moved = sqlx::query("UPDATE settings SET value = $1 WHERE name = $2 AND value = $3")
            .bind((seen.0 + 1).to_string())
            .bind(GENERATION)
            .bind(seen.0.to_string())
            .execute(&mut *transaction)
            .await?;
        if moved.rows_affected() == 1 { Ok(transaction) } else { Err(Unwritten::Stale) }
    }

    pub(super) async fn write(
        &self,
        change: Change<'_>,
        seen: Generation,
    ) -> Result<(), Unwritten> {
        let mut transaction = self.begin(seen).await?;
        put_plugin(&mut transaction, change.plugin).await?;
        if let Some((version, bytes)) = change.version {
            put_version(&mut transaction, version).await?;
            components::put(&mut transaction, version.digest, bytes).await?;
        }
        for binding in change.bindings {
            put_binding(&mut transaction, binding).await?;
        }
        for old in change.forgotten {
            delete_version(&mut transaction, &change.plugin.name, *old).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn put_binding(
        &self,
        binding: &PluginBinding,
        seen: Generation,
    ) -> Result<(), Unwritten> {
        let mut transaction = self.begin(seen).await?;
        put_binding(&mut transaction, binding).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn delete_binding(
        &self,
        id: &BindingId,
        seen: Generation,
    ) -> Result<(), Unwritten> {
        let mut transaction = self.begin(seen).await?;
        sqlx::query("DELETE FROM plugin_bindings WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The plugin with all that hangs on it.
    pub(super) async fn delete(&self, name: &str, seen: Generation) -> Result<(), Unwritten> {
        let mut transaction = self.begin(seen).await?;
        for table in [
            "DELETE FROM plugin_bindings WHERE plugin = $1",
            "DELETE FROM plugin_components WHERE digest IN \
             (SELECT digest FROM plugin_versions WHERE name = $1)",
            "DELETE FROM plugin_versions WHERE name = $1",
            "DELETE FROM plugins WHERE name = $1",
        ] {
            sqlx::query(table).bind(name).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

async fn delete_version(
    connection: &mut sqlx::AnyConnection,
    name: &str,
    digest: Digest,
) -> Result<(), Error> {
    components::delete(connection, digest).await?;
    sqlx::query("DELETE FROM plugin_versions WHERE name = $1 AND digest = $2")
        .bind(name)
        .bind(digest.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

async fn put_plugin(connection: &mut sqlx::AnyConnection, plugin: &Installed) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO plugins (name, digest, previous, enabled, judges, grants, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET \
         digest = excluded.digest, previous = excluded.previous, enabled = excluded.enabled, \
         judges = excluded.judges, grants = excluded.grants, updated_at = excluded.updated_at",
    )
    .bind(plugin.name.as_str())
    .bind(plugin.current.to_string())
    .bind(plugin.previous.as_ref().map(Release::to_string))
    .bind(i64::from(plugin.enabled))
    .bind(i64::from(plugin.judges))
    .bind(json!(plugin.grants).to_string())
    .bind(plugin.created_at.as_microsecond())
    .bind(plugin.updated_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_version(connection: &mut sqlx::AnyConnection, version: &Version) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO plugin_versions (name, digest, version, source, signed_by, installed_by, \
         installed_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name, digest) DO UPDATE \
         SET source = excluded.source, signed_by = excluded.signed_by, \
         installed_by = excluded.installed_by, installed_at = excluded.installed_at",
    )
    .bind(version.name.as_str())
    .bind(version.digest.to_string())
    .bind(version.version.as_str())
    .bind(version.source.as_str())
    .bind(version.signed_by.as_deref())
    .bind(version.installed_by.as_str())
    .bind(version.installed_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_binding(
    connection: &mut sqlx::AnyConnection,
    binding: &PluginBinding,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO plugin_bindings (id, plugin, project_id, position, mode, on_error, settings, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (id) DO UPDATE SET project_id = excluded.project_id, \
         position = excluded.position, mode = excluded.mode, on_error = excluded.on_error, \
         settings = excluded.settings, updated_at = excluded.updated_at",
    )
    .bind(binding.id.as_str())
    .bind(binding.plugin.as_str())
    .bind(binding.project.as_ref().map(|project| project.as_str().to_owned()))
    .bind(i64::from(binding.position))
    .bind(binding.mode.as_str())
    .bind(binding.on_error.as_str())
    .bind(binding.settings.as_deref().unwrap_or_default())
    .bind(binding.created_at.as_microsecond())
    .bind(binding.updated_at.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::Failed(format!("an installed plugin can't be read: {why}"))
}

fn installed(row: &AnyRow) -> Result<Installed, Error> {
    let previous = row.try_get::<Option<String>, _>("previous")?;
    let previous = previous.map(|text| text.parse()).transpose();
    Ok(Installed {
        name: row.try_get("name")?,
        current: row.try_get::<String, _>("digest")?.parse().map_err(unreadable)?,
        previous: previous.map_err(unreadable)?,
        enabled: row.try_get::<i64, _>("enabled")? != 0,
        judges: row.try_get::<i64, _>("judges")? != 0,
        grants: serde_json::from_str(&row.try_get::<String, _>("grants")?).map_err(unreadable)?,
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}

fn version(row: &AnyRow) -> Result<Version, Error> {
    Ok(Version {
        name: row.try_get("name")?,
        digest: row.try_get::<String, _>("digest")?.parse().map_err(unreadable)?,
        version: row.try_get("version")?,
        source: row.try_get("source")?,
        signed_by: row.try_get("signed_by")?,
        installed_by: row.try_get("installed_by")?,
        installed_at: from_micros(row.try_get("installed_at")?),
    })
}

fn binding(row: &AnyRow) -> Result<PluginBinding, Error> {
    let project = row.try_get::<Option<String>, _>("project_id")?;
    let mode = match row.try_get::<String, _>("mode")?.as_str() {
        "shadow" => Mode::Shadow,
        _ => Mode::Enforce,
    };
    let on_error = match row.try_get::<String, _>("on_error")?.as_str() {
        "allow" => OnError::Allow,
        _ => OnError::Deny,
    };
    let settings: String = row.try_get("settings")?;
    Ok(PluginBinding {
        id: row.try_get::<String, _>("id")?.parse().map_err(unreadable)?,
        plugin: row.try_get("plugin")?,
        project: project.map(|id| id.parse()).transpose().map_err(unreadable)?,
        position: i32::try_from(row.try_get::<i64, _>("position")?).map_err(unreadable)?,
        mode,
        on_error,
        settings: (!settings.is_empty()).then_some(settings),
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}
