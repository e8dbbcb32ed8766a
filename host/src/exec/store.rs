//! Commands in the database: what was asked, what was decided, how it ended. None of it
//! waits for the disk: that somebody ran a command stands in the audit record by then,
//! which does.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::history::{self, Ended, Entry, Search, State};
use super::{Changes, Exit, NewExec};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::events::Change;
use crate::gate::Permit;
use crate::ids::{CommandId, InvalidId, ProjectId};
use crate::policy::{Channel, Decision, Risk};
use crate::projects::Project;

/// The longest text of a command that is kept.
const MAX_KEPT_BYTES: usize = 16 * 1024;

/// How many are deleted in one go.
const CHUNK: i64 = 1_000;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

/// One command, before it starts.
pub(super) struct Asked<'a> {
    pub(super) id: &'a CommandId,
    pub(super) project: &'a Project,
    pub(super) permit: &'a Permit,
    pub(super) new: &'a NewExec,
    pub(super) cwd: &'a str,
    pub(super) shown: &'a str,
    pub(super) decision: &'a Decision,
    pub(super) now_us: i64,
}

/// Changes as they are kept.
#[derive(Serialize, Deserialize)]
struct Changed {
    created: Vec<String>,
    changed: Vec<String>,
    deleted: Vec<String>,
    complete: bool,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn insert(&self, asked: Asked<'_>) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO commands (id, project_id, caller_id, channel, command, cwd, allowed, \
             risk, policy, rule, started_at, session, folded) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(asked.id.as_str())
        .bind(asked.project.id.as_str())
        .bind(asked.permit.caller().user.id.as_str())
        .bind(channel(asked.new.channel))
        .bind(kept(asked.shown))
        .bind(kept(asked.cwd))
        .bind(i64::from(asked.decision.allow))
        .bind(risk(asked.decision.risk))
        .bind(asked.decision.policy.as_str())
        .bind(asked.decision.rule.as_str())
        .bind(asked.now_us)
        .bind(asked.new.session.as_deref())
        .bind(folded(&kept(asked.shown)))
        .execute(self.db.unsynced())
        .await?;
        Ok(())
    }

    /// Writes down how it ended; once more changes nothing.
    pub(super) async fn finish(
        &self,
        id: &CommandId,
        exit: &Exit,
        changes: Option<&Changes>,
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE commands SET exit_code = $2, signal = $3, reason = $4, duration_ms = $5, \
             changed = COALESCE($6, changed) WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(exit.code.map(i64::from))
        .bind(exit.signal.map(i64::from))
        .bind(history::reason(exit))
        .bind(i64::try_from(exit.duration_ms).unwrap_or(i64::MAX))
        .bind(changes.map(write))
        .execute(self.db.unsynced())
        .await?;
        Ok(())
    }

    pub(super) async fn find(
        &self,
        project: &ProjectId,
        id: &CommandId,
    ) -> Result<Option<Entry>, Error> {
        let row = sqlx::query("SELECT * FROM commands WHERE project_id = $1 AND id = $2")
            .bind(project.as_str())
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| entry(&row)).transpose()
    }

    /// The newest first. What is looked for is taken as it is: no character of it stands
    /// for others.
    pub(super) async fn search(
        &self,
        project: &ProjectId,
        search: &Search,
        limit: u32,
    ) -> Result<Vec<Entry>, Error> {
        let text = search.text.as_deref().unwrap_or("").replace('\0', "\u{fffd}");
        // Of commands that an older server wrote down, the database tells.
        let rows = sqlx::query(
            "SELECT * FROM commands WHERE project_id = $1 AND ($2 = '' OR id < $2) \
             AND ($3 = '' OR REPLACE(COALESCE(folded, LOWER(command)), $3, '') \
             <> COALESCE(folded, LOWER(command))) \
             ORDER BY id DESC LIMIT $4",
        )
        .bind(project.as_str())
        .bind(search.before.as_ref().map_or("", CommandId::as_str))
        .bind(folded(&text))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(entry).collect()
    }

    /// Deletes some of what began before; answers how many.
    pub(super) async fn delete_chunk(&self, before: Timestamp) -> Result<u64, Error> {
        let deleted = sqlx::query(
            "DELETE FROM commands WHERE id IN \
             (SELECT id FROM commands WHERE started_at < $1 LIMIT $2)",
        )
        .bind(before.as_microsecond())
        .bind(CHUNK)
        .execute(self.db.unsynced())
        .await?;
        Ok(deleted.rows_affected())
    }
}

fn entry(row: &AnyRow) -> Result<Entry, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let number = |name: &str| row.try_get::<Option<i64>, _>(name);
    let unreadable = |error: InvalidId| Error::Failed(format!("commands: {error}"));
    let allowed: i64 = row.try_get("allowed")?;
    let reason: Option<String> = row.try_get("reason")?;
    let state = match number("duration_ms")? {
        _ if allowed == 0 => State::Refused { policy: text("policy")?, rule: text("rule")? },
        None => State::Running { output: None },
        Some(duration_ms) => {
            let how = (number("exit_code")?, number("signal")?);
            let exit = history::exit(how, reason.as_deref(), duration_ms);
            State::Ended(Ended { exit, output: None })
        }
    };
    let changed: Option<String> = row.try_get("changed")?;
    Ok(Entry {
        id: text("id")?.parse().map_err(unreadable)?,
        caller: text("caller_id")?.parse().map_err(unreadable)?,
        channel: text("channel")?,
        command: text("command")?,
        cwd: text("cwd")?,
        session: row.try_get("session")?,
        risk: text("risk")?,
        started_at: from_micros(row.try_get("started_at")?),
        state,
        changes: changed.as_deref().and_then(read),
    })
}

fn write(changes: &Changes) -> String {
    let of = |wanted| {
        let files = changes.files.iter().filter(move |(_, change)| *change == wanted);
        files.map(|(path, _)| path.replace('\0', "\u{fffd}")).collect()
    };
    let changed = Changed {
        created: of(Change::Created),
        changed: of(Change::Changed),
        deleted: of(Change::Deleted),
        complete: changes.complete,
    };
    serde_json::to_string(&changed).unwrap_or_default()
}

fn read(text: &str) -> Option<Changes> {
    let Changed { created, changed, deleted, complete } = serde_json::from_str(text).ok()?;
    let with = |paths: Vec<String>, change| paths.into_iter().map(move |path| (path, change));
    let mut files: Vec<_> = with(created, Change::Created)
        .chain(with(changed, Change::Changed))
        .chain(with(deleted, Change::Deleted))
        .collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    Some(Changes { files, complete })
}

/// PostgreSQL holds no NUL in a text.
fn kept(command: &str) -> String {
    let end = command.floor_char_boundary(MAX_KEPT_BYTES);
    command[..end].replace('\0', "\u{fffd}")
}

/// In small letters, each by itself: a part of a text is found in it wherever it stands.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Exec => "exec",
        Channel::Process => "process",
        Channel::Agent => "agent",
    }
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Moderate => "moderate",
        Risk::Dangerous => "dangerous",
        Risk::Blocked => "blocked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_back() {
        let files = [("a", Change::Deleted), ("b", Change::Created), ("c", Change::Changed)];
        let files = files.map(|(path, change)| (path.to_owned(), change)).to_vec();
        let changes = Changes { files, complete: false };
        assert_eq!(read(&write(&changes)), Some(changes));
    }
}
