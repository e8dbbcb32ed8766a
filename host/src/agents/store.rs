//! Runs and their steps in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::run::{Recorded, Run, State};
use super::spend::{Spend, day_us};
use super::transcript;
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, ProjectId, RunId, UserId};

/// Reads runs with their projects' names.
macro_rules! runs {
    ($which:literal) => {
        concat!(
            "SELECT runs.*, projects.name AS project_name FROM runs \
             JOIN projects ON projects.id = runs.project_id ",
            $which
        )
    };
}

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Everybody's, where nobody is named.
    pub(super) owner: Option<&'a UserId>,
    pub(super) project: Option<&'a ProjectId>,
    /// The last one of the page before.
    pub(super) before: Option<&'a RunId>,
    pub(super) limit: u32,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    pub(super) async fn insert(&self, run: &Run, kind_open: bool) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO runs (id, project_id, owner_id, job_id, agent, prompt, state, error, \
             kind_open, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(run.id.as_str())
        .bind(run.project.as_str())
        .bind(run.owner.as_str())
        .bind(run.job.as_str())
        .bind(run.agent.as_str())
        .bind(run.prompt.as_str())
        .bind(run.state.as_str())
        .bind(run.error.as_deref())
        .bind(i64::from(kind_open))
        .bind(run.created_at.as_microsecond())
        .bind(run.updated_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(super) async fn update(
        &self,
        run: &RunId,
        state: State,
        error: Option<&str>,
        now_us: i64,
    ) -> Result<(), Error> {
        sqlx::query("UPDATE runs SET state = $2, error = $3, updated_at = $4 WHERE id = $1")
            .bind(run.as_str())
            .bind(state.as_str())
            .bind(error.map(without_nul))
            .bind(now_us)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// Whether the project's kind is only the guess of a run that came to no
    /// plan.
    pub(super) async fn kind_is_open(&self, project: &ProjectId) -> Result<bool, Error> {
        let open = sqlx::query_scalar::<_, i64>(
            "SELECT kind_open FROM runs WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(project.as_str())
        .fetch_optional(self.db.pool())
        .await?;
        Ok(open.is_some_and(|open| open != 0))
    }

    pub(super) async fn settle_kind(&self, run: &RunId) -> Result<(), Error> {
        sqlx::query("UPDATE runs SET kind_open = 0 WHERE id = $1")
            .bind(run.as_str())
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    pub(super) async fn find(&self, id: &RunId) -> Result<Option<Run>, Error> {
        let row = sqlx::query(runs!("WHERE runs.id = $1"))
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| run(&row)).transpose()
    }

    /// Newest first.
    pub(super) async fn list(&self, wanted: Wanted<'_>) -> Result<Vec<Run>, Error> {
        let rows = sqlx::query(runs!(
            "WHERE ($1 = '' OR runs.owner_id = $1) AND ($2 = '' OR runs.project_id = $2) \
             AND ($3 = '' OR runs.id < $3) ORDER BY runs.id DESC LIMIT $4"
        ))
        .bind(wanted.owner.map_or("", UserId::as_str))
        .bind(wanted.project.map_or("", ProjectId::as_str))
        .bind(wanted.before.map_or("", RunId::as_str))
        .bind(i64::from(wanted.limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(run).collect()
    }

    /// The runs that have not ended.
    pub(super) async fn unfinished(&self) -> Result<Vec<Run>, Error> {
        let rows = sqlx::query(runs!(
            "WHERE runs.state NOT IN ('done', 'failed', 'cancelled') ORDER BY runs.id"
        ))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(run).collect()
    }

    /// The run of a project that has not ended.
    pub(super) async fn unfinished_of(&self, project: &ProjectId) -> Result<Option<RunId>, Error> {
        let id = sqlx::query_scalar::<_, String>(
            "SELECT id FROM runs WHERE project_id = $1 \
             AND state NOT IN ('done', 'failed', 'cancelled') ORDER BY id LIMIT 1",
        )
        .bind(project.as_str())
        .fetch_optional(self.db.pool())
        .await?;
        id.map(|id| id.parse().map_err(unreadable)).transpose()
    }

    pub(super) async fn ask_to_end(&self, run: &RunId, now_us: i64) -> Result<(), Error> {
        sqlx::query("UPDATE runs SET cancel_asked_at = $2 WHERE id = $1")
            .bind(run.as_str())
            .bind(now_us)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    /// The runs that somebody wants to end, and that have not.
    pub(super) async fn asked_to_end(&self) -> Result<Vec<RunId>, Error> {
        let ids = sqlx::query_scalar::<_, String>(
            "SELECT id FROM runs WHERE cancel_asked_at IS NOT NULL \
             AND state NOT IN ('done', 'failed', 'cancelled')",
        )
        .fetch_all(self.db.pool())
        .await?;
        ids.into_iter().map(|id| id.parse().map_err(unreadable)).collect()
    }

    pub(super) async fn append(&self, run: &RunId, steps: &[Recorded]) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        for step in steps {
            sqlx::query("INSERT INTO run_steps (run_id, seq, at, event) VALUES ($1, $2, $3, $4)")
                .bind(run.as_str())
                .bind(i64::try_from(step.seq).unwrap_or(i64::MAX))
                .bind(step.at.as_microsecond())
                .bind(transcript::encode(&step.event)?)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Adds what a question of a run cost.
    pub(super) async fn add_spend(&self, run: &Run, spend: &Spend) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO model_spend (day, user_id, project_id, model, project, calls, failed, \
             input_tokens, output_tokens) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8) \
             ON CONFLICT (day, user_id, project_id, model) DO UPDATE SET \
             project = excluded.project, calls = model_spend.calls + 1, \
             failed = model_spend.failed + excluded.failed, \
             input_tokens = model_spend.input_tokens + excluded.input_tokens, \
             output_tokens = model_spend.output_tokens + excluded.output_tokens",
        )
        .bind(spend.day_us)
        .bind(spend.user.as_str())
        .bind(run.project.as_str())
        .bind(spend.model.as_str())
        .bind(run.project_name.as_str())
        .bind(i64::from(spend.failed))
        .bind(spend.input_tokens)
        .bind(spend.output_tokens)
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    /// Forgets what the oldest day before this moment cost; answers how many rows that were.
    pub(super) async fn forget_oldest_day(&self, before_us: i64) -> Result<u64, Error> {
        let forgotten = sqlx::query(
            "DELETE FROM model_spend WHERE day = \
             (SELECT MIN(day) FROM model_spend WHERE day < $1)",
        )
        .bind(before_us)
        .execute(self.db.unsynced())
        .await?;
        Ok(forgotten.rows_affected())
    }

    /// Tokens that somebody's questions and answers came to on the day of this moment.
    pub(super) async fn spent_today(&self, user: &UserId, now_us: i64) -> Result<u64, Error> {
        let spent: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(input_tokens + output_tokens), 0) AS BIGINT) \
             FROM model_spend WHERE day = $1 AND user_id = $2",
        )
        .bind(day_us(now_us))
        .bind(user.as_str())
        .fetch_one(self.db.pool())
        .await?;
        Ok(u64::try_from(spent).unwrap_or_default())
    }

    /// The steps behind `after`, at most `limit`.
    pub(super) async fn steps(
        &self,
        run: &RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, Error> {
        let rows = sqlx::query(
            "SELECT seq, at, event FROM run_steps WHERE run_id = $1 AND seq > $2 \
             ORDER BY seq LIMIT $3",
        )
        .bind(run.as_str())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(recorded).collect()
    }

    /// The number of the last step; 0 where there is none.
    pub(super) async fn last_seq(&self, run: &RunId) -> Result<u64, Error> {
        let last = sqlx::query_scalar::<_, i64>(
            "SELECT COALESCE(MAX(seq), 0) FROM run_steps WHERE run_id = $1",
        )
        .bind(run.as_str())
        .fetch_one(self.db.pool())
        .await?;
        Ok(last.try_into().unwrap_or(0))
    }
}

/// PostgreSQL holds no NUL in a text.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn run(row: &AnyRow) -> Result<Run, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let state = text("state")?;
    Ok(Run {
        id: text("id")?.parse().map_err(unreadable)?,
        project: text("project_id")?.parse().map_err(unreadable)?,
        project_name: text("project_name")?.parse().map_err(unreadable)?,
        owner: text("owner_id")?.parse().map_err(unreadable)?,
        job: text("job_id")?.parse().map_err(unreadable)?,
        agent: text("agent")?,
        prompt: text("prompt")?,
        state: State::parse(&state)
            .ok_or_else(|| Error::Failed(format!("runs: “{state}” is no state")))?,
        error: row.try_get("error")?,
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}

fn unreadable(error: InvalidId) -> Error {
    Error::Failed(format!("runs: {error}"))
}

fn recorded(row: &AnyRow) -> Result<Recorded, Error> {
    let seq: i64 = row.try_get("seq")?;
    let event: String = row.try_get("event")?;
    Ok(Recorded {
        seq: seq.try_into().unwrap_or(0),
        at: from_micros(row.try_get("at")?),
        event: transcript::decode(&event)?,
    })
}
