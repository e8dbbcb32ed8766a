//! Judgements in the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::record::{Judgement, Kept};
use super::{Channel, NetworkMode, Opinion, Request, Risk};
use crate::auth::Role;
use crate::clock;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, JudgementId};

/// After how many new ones the oldest are looked for.
const PRUNE_EVERY: u64 = 1_000;

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
    keep: i64,
    written: Arc<AtomicU64>,
}

/// A request as it is kept.
#[derive(Serialize, Deserialize)]
struct Row {
    command: String,
    argv: Option<Vec<String>>,
    cwd: String,
    env_names: Vec<String>,
    channel: Channel,
    caller: String,
    caller_role: String,
    project: String,
    project_name: String,
    kind: String,
    network: NetworkMode,
    request_id: String,
}

impl Store {
    pub(super) fn new(db: Db, keep: u32) -> Self {
        Self { db, keep: i64::from(keep), written: Arc::default() }
    }

    pub(super) async fn insert(&self, batch: &[Kept]) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        for kept in batch {
            insert(&mut transaction, kept).await?;
        }
        transaction.commit().await?;
        let new = batch.len() as u64;
        let before = self.written.fetch_add(new, Ordering::Relaxed);
        if before / PRUNE_EVERY != (before + new) / PRUNE_EVERY {
            self.prune().await?;
        }
        Ok(())
    }

    /// Deletes all but the newest.
    async fn prune(&self) -> Result<(), Error> {
        sqlx::query(
            "DELETE FROM judgements WHERE id <= \
             (SELECT id FROM judgements ORDER BY id DESC LIMIT 1 OFFSET $1)",
        )
        .bind(self.keep)
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn page(
        &self,
        since_us: i64,
        before: Option<&JudgementId>,
        limit: u32,
    ) -> Result<Vec<Judgement>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM judgements WHERE at >= $1 AND ($2 = '' OR id < $2) \
             ORDER BY id DESC LIMIT $3",
        )
        .bind(since_us)
        .bind(before.map_or("", JudgementId::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(judgement).collect()
    }
}

async fn insert(connection: &mut sqlx::AnyConnection, kept: &Kept) -> Result<(), Error> {
    let decision = &kept.decision;
    let opinions: Vec<_> = decision.opinions.iter().map(opinion).collect();
    sqlx::query(
        "INSERT INTO judgements (id, at, request, allowed, risk, policy, rule, opinions) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(kept.id.as_str())
    .bind(kept.at_us)
    .bind(json!(row(&kept.request)).to_string())
    .bind(i64::from(decision.allow))
    .bind(decision.risk.as_str())
    .bind(kept_text(&decision.policy))
    .bind(kept_text(&decision.rule))
    .bind(json!(opinions).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// PostgreSQL holds no NUL in a text, and a plugin may say what it likes.
fn kept_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn opinion(opinion: &Opinion) -> serde_json::Value {
    json!({
        "policy": opinion.policy,
        "mode": opinion.mode.as_str(),
        "allow": opinion.verdict.allow,
        "risk": opinion.verdict.risk.as_str(),
        "rule": opinion.verdict.rule,
        "fault": opinion.fault,
    })
}

fn row(request: &Request) -> Row {
    Row {
        command: request.command.clone(),
        argv: request.argv.clone(),
        cwd: request.cwd.clone(),
        env_names: request.env_names.clone(),
        channel: request.channel,
        caller: request.caller.to_string(),
        caller_role: request.caller_role.as_str().to_owned(),
        project: request.project.to_string(),
        project_name: request.project_name.to_string(),
        kind: request.kind.to_string(),
        network: request.network,
        request_id: request.request_id.to_string(),
    }
}

fn judgement(found: &AnyRow) -> Result<Judgement, Error> {
    let text = |column: &str| found.try_get::<String, _>(column);
    let unreadable = |why: String| Error::Failed(format!("a kept judgement: {why}"));
    let row: Row =
        serde_json::from_str(&text("request")?).map_err(|e| unreadable(e.to_string()))?;
    Ok(Judgement {
        id: text("id")?.parse().map_err(|e: InvalidId| unreadable(e.to_string()))?,
        at: clock::from_micros(found.try_get("at")?),
        request: request(row).map_err(|error| unreadable(error.to_string()))?,
        allow: found.try_get::<i64, _>("allowed")? != 0,
        risk: text("risk")?.parse().map_err(unreadable)?,
        policy: text("policy")?,
        rule: text("rule")?,
    })
}

fn request(row: Row) -> Result<Request, InvalidId> {
    Ok(Request {
        command: row.command,
        argv: row.argv,
        cwd: row.cwd,
        env_names: row.env_names,
        channel: row.channel,
        caller: row.caller.parse()?,
        caller_role: Role::parse(&row.caller_role),
        project: row.project.parse()?,
        project_name: row.project_name.parse()?,
        kind: row.kind.parse()?,
        network: row.network,
        request_id: row.request_id.parse()?,
    })
}

impl std::str::FromStr for Risk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Safe, Self::Moderate, Self::Dangerous, Self::Blocked]
            .into_iter()
            .find(|risk| risk.as_str() == text)
            .ok_or_else(|| format!("“{text}” is no risk"))
    }
}
