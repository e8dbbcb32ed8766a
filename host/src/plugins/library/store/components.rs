//! The bytes of installed components, for servers whose disks lack them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::AnyConnection;

use super::{Store, unreadable};
use crate::db::Error;
use crate::plugins::fault::Digest;

/// How much of a component one row has.
const PART_BYTES: usize = 1024 * 1024;

impl Store {
    /// The bytes that were put there, or none; whether they are the right ones is
    /// for the caller to say.
    pub(in super::super) async fn component(
        &self,
        digest: Digest,
    ) -> Result<Option<Vec<u8>>, Error> {
        let parts: Vec<String> = sqlx::query_scalar(
            "SELECT bytes FROM plugin_components WHERE digest = $1 ORDER BY part",
        )
        .bind(digest.to_string())
        .fetch_all(self.db.pool())
        .await?;
        let mut bytes = Vec::with_capacity(parts.len() * PART_BYTES);
        for part in &parts {
            STANDARD.decode_vec(part, &mut bytes).map_err(unreadable)?;
        }
        Ok((!parts.is_empty()).then_some(bytes))
    }

    /// Versions whose bytes only a disk has: they were installed before the
    /// database kept them.
    pub(in super::super) async fn without_component(&self) -> Result<Vec<Digest>, Error> {
        let digests: Vec<String> = sqlx::query_scalar(
            "SELECT digest FROM plugin_versions WHERE digest NOT IN \
             (SELECT digest FROM plugin_components)",
        )
        .fetch_all(self.db.pool())
        .await?;
        digests.iter().map(|digest| digest.parse().map_err(unreadable)).collect()
    }

    pub(in super::super) async fn put_component(
        &self,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        put(&mut transaction, digest, bytes).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// What is there already stays: the digest says that it is the same.
pub(super) async fn put(
    connection: &mut AnyConnection,
    digest: Digest,
    bytes: &[u8],
) -> Result<(), Error> {
    for (part, bytes) in (0_i64..).zip(bytes.chunks(PART_BYTES)) {
        sqlx::query(
            "INSERT INTO plugin_components (digest, part, bytes) VALUES ($1, $2, $3) \
             ON CONFLICT (digest, part) DO NOTHING",
        )
        .bind(digest.to_string())
        .bind(part)
        .bind(STANDARD.encode(bytes))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn delete(connection: &mut AnyConnection, digest: Digest) -> Result<(), Error> {
    sqlx::query("DELETE FROM plugin_components WHERE digest = $1")
        .bind(digest.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
