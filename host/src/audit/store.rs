//! The audit chain in the database.

use futures::TryStreamExt as _;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Entry, GENESIS, Verification, hash};
use crate::db::{Db, Error};

/// How often an append is tried again when another host was faster.
const TRIES: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Appends all or none. Another host on the same database may take a
    /// number first; then the chain's new end is read and it is tried again.
    pub(super) async fn append(&self, entries: &[&Entry]) -> Result<(), Error> {
        for _ in 1..TRIES {
            match self.try_append(entries).await {
                Err(Error::Conflict) => {}
                result => return result,
            }
        }
        self.try_append(entries).await
    }

    async fn try_append(&self, entries: &[&Entry]) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        let tail = sqlx::query("SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut *transaction)
            .await?;
        let (mut seq, mut previous) = match tail {
            Some(row) => (row.try_get("seq")?, row.try_get("hash")?),
            None => (0_i64, GENESIS.to_owned()),
        };
        for entry in entries {
            seq += 1;
            let at = entry.at_us.to_string();
            let hash = hash(&previous, seq, fields(entry, &at));
            insert(&mut transaction, seq, entry, &previous, &hash).await?;
            previous = hash;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn verify(&self) -> Result<Verification, Error> {
        let mut rows =
            sqlx::query("SELECT * FROM audit_entries ORDER BY seq").fetch(self.db.pool());
        let (mut entries, mut previous) = (0_i64, GENESIS.to_owned());
        while let Some(row) = rows.try_next().await? {
            entries += 1;
            match follows(&row, entries, &previous)? {
                Some(hash) => previous = hash,
                None => return Ok(Verification::Broken { seq: entries }),
            }
        }
        Ok(Verification::Intact { entries: entries.unsigned_abs() })
    }
}

fn fields<'a>(entry: &'a Entry, at: &'a str) -> [&'a str; 8] {
    [
        entry.id.as_str(),
        entry.phase.as_str(),
        at,
        entry.actor.as_str(),
        entry.action,
        &entry.target,
        entry.request_id.as_str(),
        &entry.outcome,
    ]
}

async fn insert(
    connection: &mut sqlx::AnyConnection,
    seq: i64,
    entry: &Entry,
    previous: &str,
    hash: &str,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO audit_entries (seq, id, phase, at, actor, action, target, request_id, \
         outcome, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(seq)
    .bind(entry.id.as_str())
    .bind(entry.phase.as_str())
    .bind(entry.at_us)
    .bind(entry.actor.as_str())
    .bind(entry.action)
    .bind(entry.target.as_str())
    .bind(entry.request_id.as_str())
    .bind(entry.outcome.as_str())
    .bind(previous)
    .bind(hash)
    .execute(connection)
    .await?;
    Ok(())
}

/// The row's hash if it is the `seq`th entry and follows from `previous`.
fn follows(row: &AnyRow, seq: i64, previous: &str) -> Result<Option<String>, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let at = row.try_get::<i64, _>("at")?.to_string();
    let texts = [
        text("id")?,
        text("phase")?,
        at,
        text("actor")?,
        text("action")?,
        text("target")?,
        text("request_id")?,
        text("outcome")?,
    ];
    let expected = hash(previous, seq, texts.each_ref().map(String::as_str));
    let stored = text("hash")?;
    let sound =
        row.try_get::<i64, _>("seq")? == seq && text("previous")? == previous && stored == expected;
    Ok(sound.then_some(stored))
}
