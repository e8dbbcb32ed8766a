//! Commands in the database: what was asked, what was decided, how it ended. None of it
//! waits for the disk: that somebody ran a command stands in the audit record by then,
//! which does.

use super::{Exit, NewExec};
use crate::db::{Db, Error};
use crate::gate::Permit;
use crate::ids::CommandId;
use crate::policy::{Channel, Decision, Risk};
use crate::projects::Project;

/// The longest text of a command that is kept.
const MAX_KEPT_BYTES: usize = 16 * 1024;

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
    pub(super) shown: &'a str,
    pub(super) decision: &'a Decision,
    pub(super) now_us: i64,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn insert(&self, asked: Asked<'_>) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO commands (id, project_id, caller_id, channel, command, cwd, allowed, \
             risk, policy, rule, started_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(asked.id.as_str())
        .bind(asked.project.id.as_str())
        .bind(asked.permit.caller().user.id.as_str())
        .bind(channel(asked.new.channel))
        .bind(kept(asked.shown))
        .bind(asked.new.cwd.as_deref().unwrap_or(""))
        .bind(i64::from(asked.decision.allow))
        .bind(risk(asked.decision.risk))
        .bind(asked.decision.policy.as_str())
        .bind(asked.decision.rule.as_str())
        .bind(asked.now_us)
        .execute(self.db.unsynced())
        .await?;
        Ok(())
    }

    pub(super) async fn finish(&self, id: &CommandId, exit: &Exit) -> Result<(), Error> {
        sqlx::query("UPDATE commands SET exit_code = $2, duration_ms = $3 WHERE id = $1")
            .bind(id.as_str())
            .bind(exit.code.map(i64::from))
            .bind(i64::try_from(exit.duration_ms).unwrap_or(i64::MAX))
            .execute(self.db.unsynced())
            .await?;
        Ok(())
    }
}

/// PostgreSQL holds no NUL in a text.
fn kept(command: &str) -> String {
    let end = command.floor_char_boundary(MAX_KEPT_BYTES);
    command[..end].replace('\0', "\u{fffd}")
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
