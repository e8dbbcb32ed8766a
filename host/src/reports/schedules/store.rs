//! What became of reports on a schedule, in the database.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Last, State};
use crate::clock::from_micros;
use crate::db::{Db, Error};

/// Files of one schedule, in one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shelf<'a> {
    pub(super) schedule: &'a str,
    /// The storage, or a directory.
    pub(super) place: &'a str,
}

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Begins with a schedule that is new: what was due before is not missed.
    pub(super) async fn introduce(&self, name: &str, now: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO report_schedules (name, settled_at, failures, retry_at) \
             VALUES ($1, $2, 0, 0) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(now.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<State>, Error> {
        let row = sqlx::query("SELECT * FROM report_schedules WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db.pool())
            .await?;
        row.as_ref().map(state).transpose()
    }

    pub(super) async fn put(&self, name: &str, state: &State) -> Result<(), Error> {
        sqlx::query(
            "UPDATE report_schedules SET settled_at = $2, failures = $3, retry_at = $4, \
             last_at = $5, last_outcome = $6, last_file = $7 WHERE name = $1",
        )
        .bind(name)
        .bind(state.settled.as_microsecond())
        .bind(i64::from(state.failures))
        .bind(state.retry.as_microsecond())
        .bind(state.last.as_ref().map(|last| last.at.as_microsecond()))
        .bind(state.last.as_ref().map(|last| last.outcome.clone()))
        .bind(state.last_file.clone())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// Notes a file that is kept; one that was written again is the same.
    pub(super) async fn add_file(
        &self,
        shelf: Shelf<'_>,
        name: &str,
        due: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO report_files (schedule, place, name, due_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (schedule, place, name) DO NOTHING",
        )
        .bind(shelf.schedule)
        .bind(shelf.place)
        .bind(name)
        .bind(due.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// A bounded number of files beyond the newest `keep`.
    pub(super) async fn old_files(
        &self,
        shelf: Shelf<'_>,
        keep: u32,
        limit: u32,
    ) -> Result<Vec<String>, Error> {
        let names = sqlx::query_scalar(
            "SELECT name FROM report_files WHERE schedule = $1 AND place = $2 \
             ORDER BY due_at DESC, name LIMIT $3 OFFSET $4",
        )
        .bind(shelf.schedule)
        .bind(shelf.place)
        .bind(i64::from(limit))
        .bind(i64::from(keep))
        .fetch_all(self.db.pool())
        .await?;
        Ok(names)
    }

    pub(super) async fn forget_file(&self, shelf: Shelf<'_>, name: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM report_files WHERE schedule = $1 AND place = $2 AND name = $3")
            .bind(shelf.schedule)
            .bind(shelf.place)
            .bind(name)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// Files in other places are not ours any more.
    pub(super) async fn forget_elsewhere(&self, shelf: Shelf<'_>) -> Result<(), Error> {
        sqlx::query("DELETE FROM report_files WHERE schedule = $1 AND place <> $2")
            .bind(shelf.schedule)
            .bind(shelf.place)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }
}

fn state(row: &AnyRow) -> Result<State, Error> {
    let at: Option<i64> = row.try_get("last_at")?;
    let outcome: Option<String> = row.try_get("last_outcome")?;
    Ok(State {
        settled: from_micros(row.try_get("settled_at")?),
        failures: u32::try_from(row.try_get::<i64, _>("failures")?).unwrap_or(u32::MAX),
        retry: from_micros(row.try_get("retry_at")?),
        last: at.zip(outcome).map(|(at, outcome)| Last { at: from_micros(at), outcome }),
        last_file: row.try_get("last_file")?,
    })
}
