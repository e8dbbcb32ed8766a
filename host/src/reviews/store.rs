//! Submissions, verdicts and comments in the database.
//!
//! Whatever is seen is joined with its project, so that what belongs to a deleted one is
//! not.

mod comments;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Filter, Judgement, State, Submission, Verdict};
use crate::clock::from_micros;
use crate::db::{Db, Error};
use crate::ids::{InvalidId, ProjectId, SubmissionId, UserId};

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

/// What became of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    Done,
    Superseded,
    /// There are as many as there may be.
    Enough,
}

/// What begins each question for submissions that are seen; conditions follow.
macro_rules! seen {
    ($rest:literal) => {
        concat!(
            "SELECT s.*, p.name AS project_name, p.owner_id FROM submissions s \
             JOIN projects p ON p.id = s.project_id WHERE s.state <> 'hidden' AND ",
            $rest
        )
    };
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Keeps it, hidden; answers its number unless the project has as many as it may.
    pub(super) async fn insert(&self, new: &Submission, most: u32) -> Result<Option<u32>, Error> {
        let row = sqlx::query(
            "INSERT INTO submissions (id, project_id, author_id, number, message, state, digest, \
             files, bytes, left_out, created_at, updated_at) \
             SELECT $1, $2, $3, COALESCE(MAX(number), 0) + 1, $4, 'hidden', $5, $6, $7, $8, $9, $9 \
             FROM submissions WHERE project_id = $2 HAVING COUNT(*) < $10 RETURNING number",
        )
        .bind(new.id.as_str())
        .bind(new.project.as_str())
        .bind(new.author.as_str())
        .bind(new.message.as_str())
        .bind(new.digest.as_str())
        .bind(bounded(new.files))
        .bind(bounded(new.bytes))
        .bind(bounded(new.left_out))
        .bind(new.created_at.as_microsecond())
        .bind(i64::from(most))
        .fetch_optional(self.db.writer())
        .await?;
        row.map(|row| number(&row, "number")).transpose()
    }

    /// Shows what has arrived as a whole, in place of older ones that wait; one that was
    /// overtaken meanwhile waits for nobody. `None` where it is gone.
    pub(super) async fn show(&self, new: &Submission) -> Result<Option<Submission>, Error> {
        let mut transaction = self.db.begin().await?;
        // Of two that arrive at once, one after the other looks which is the newer.
        sqlx::query("UPDATE projects SET id = id WHERE id = $1")
            .bind(new.project.as_str())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE submissions SET state = CASE WHEN EXISTS (SELECT 1 FROM submissions later \
             WHERE later.project_id = $2 AND later.number > $3 AND later.state <> 'hidden') \
             THEN 'superseded' ELSE 'open' END WHERE id = $1",
        )
        .bind(new.id.as_str())
        .bind(new.project.as_str())
        .bind(i64::from(new.number))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "UPDATE submissions SET state = 'superseded', updated_at = $3 \
             WHERE project_id = $1 AND number < $2 AND state = 'open'",
        )
        .bind(new.project.as_str())
        .bind(i64::from(new.number))
        .bind(new.created_at.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.find(&new.id).await
    }

    /// Nobody sees it any more.
    pub(super) async fn hide(&self, id: &SubmissionId, now_us: i64) -> Result<(), Error> {
        sqlx::query("UPDATE submissions SET state = 'hidden', updated_at = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(now_us)
            .execute(self.db.writer())
            .await?;
        Ok(())
    }

    pub(super) async fn delete(&self, id: &SubmissionId) -> Result<(), Error> {
        let mut transaction = self.db.begin().await?;
        for statement in [
            "DELETE FROM comments WHERE submission_id = $1",
            "DELETE FROM verdicts WHERE submission_id = $1",
            "DELETE FROM submissions WHERE id = $1",
        ] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn find(&self, id: &SubmissionId) -> Result<Option<Submission>, Error> {
        let row = sqlx::query(seen!("s.id = $1"))
            .bind(id.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| submission(&row)).transpose()
    }

    /// The newest of a project.
    pub(super) async fn latest(&self, project: &ProjectId) -> Result<Option<Submission>, Error> {
        let row = sqlx::query(seen!("s.project_id = $1 ORDER BY s.number DESC LIMIT 1"))
            .bind(project.as_str())
            .fetch_optional(self.db.pool())
            .await?;
        row.map(|row| submission(&row)).transpose()
    }

    /// The one before it in its project.
    pub(super) async fn before(&self, of: &Submission) -> Result<Option<Submission>, Error> {
        let row = sqlx::query(seen!(
            "s.project_id = $1 AND s.number < $2 ORDER BY s.number DESC LIMIT 1"
        ))
        .bind(of.project.as_str())
        .bind(i64::from(of.number))
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| submission(&row)).transpose()
    }

    pub(super) async fn list(
        &self,
        owner: Option<&UserId>,
        filter: &Filter,
        after: Option<&SubmissionId>,
        limit: u32,
    ) -> Result<Vec<Submission>, Error> {
        let rows = sqlx::query(seen!(
            "($1 = '' OR p.owner_id = $1) AND ($2 = '' OR s.state = $2) \
             AND ($3 = '' OR s.project_id = $3) AND s.id > $4 ORDER BY s.id LIMIT $5"
        ))
        .bind(owner.map_or("", UserId::as_str))
        .bind(filter.state.map_or("", State::as_str))
        .bind(filter.project.as_ref().map_or("", ProjectId::as_str))
        .bind(after.map_or("", SubmissionId::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(submission).collect()
    }

    /// Of one project, whether it is there or not.
    pub(super) async fn of_project(
        &self,
        project: &ProjectId,
        limit: u32,
    ) -> Result<Vec<SubmissionId>, Error> {
        let rows =
            sqlx::query("SELECT id FROM submissions WHERE project_id = $1 ORDER BY id LIMIT $2")
                .bind(project.as_str())
                .bind(i64::from(limit))
                .fetch_all(self.db.pool())
                .await?;
        rows.iter().map(id).collect()
    }

    /// Those that were hidden for long, and those whose projects can't come back.
    pub(super) async fn left_over(
        &self,
        before_us: i64,
        limit: u32,
    ) -> Result<Vec<SubmissionId>, Error> {
        let rows = sqlx::query(
            "SELECT id FROM submissions WHERE (state = 'hidden' AND updated_at < $1) \
             OR NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = submissions.project_id \
             UNION ALL SELECT 1 FROM deleted_projects \
             WHERE deleted_projects.id = submissions.project_id) ORDER BY id LIMIT $2",
        )
        .bind(before_us)
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(id).collect()
    }

    /// Keeps a verdict, and what state it puts the submission in.
    pub(super) async fn judge(
        &self,
        id: &SubmissionId,
        new: &Judgement,
        most: u32,
    ) -> Result<Judged, Error> {
        let mut transaction = self.db.begin().await?;
        let judged = sqlx::query(
            "UPDATE submissions SET state = $2, updated_at = $3 \
             WHERE id = $1 AND state NOT IN ('hidden', 'superseded')",
        )
        .bind(id.as_str())
        .bind(new.verdict.as_str())
        .bind(new.created_at.as_microsecond())
        .execute(&mut *transaction)
        .await?;
        if judged.rows_affected() == 0 {
            return Ok(Judged::Superseded);
        }
        let kept = sqlx::query(
            "INSERT INTO verdicts (id, submission_id, author_id, verdict, body, created_at) \
             SELECT $1, $2, $3, $4, $5, $6 \
             WHERE (SELECT COUNT(*) FROM verdicts WHERE submission_id = $2) < $7",
        )
        // Verdicts are never named, only put in their order.
        .bind(SubmissionId::generate().as_str())
        .bind(id.as_str())
        .bind(new.author.as_str())
        .bind(new.verdict.as_str())
        .bind(new.body.as_str())
        .bind(new.created_at.as_microsecond())
        .bind(i64::from(most))
        .execute(&mut *transaction)
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(Judged::Enough);
        }
        transaction.commit().await?;
        Ok(Judged::Done)
    }

    pub(super) async fn judgements(
        &self,
        of: &SubmissionId,
        limit: u32,
    ) -> Result<Vec<Judgement>, Error> {
        let rows =
            sqlx::query("SELECT * FROM verdicts WHERE submission_id = $1 ORDER BY id LIMIT $2")
                .bind(of.as_str())
                .bind(i64::from(limit))
                .fetch_all(self.db.pool())
                .await?;
        rows.iter().map(judgement).collect()
    }

    pub(super) async fn last_judgement(
        &self,
        of: &SubmissionId,
    ) -> Result<Option<Judgement>, Error> {
        let row =
            sqlx::query("SELECT * FROM verdicts WHERE submission_id = $1 ORDER BY id DESC LIMIT 1")
                .bind(of.as_str())
                .fetch_optional(self.db.pool())
                .await?;
        row.map(|row| judgement(&row)).transpose()
    }
}

fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &AnyRow, name: &str) -> Result<u32, Error> {
    let number: i64 = row.try_get(name)?;
    u32::try_from(number).map_err(|_| Error::Failed(format!("{name}: “{number}”")))
}

fn unreadable(error: &InvalidId) -> Error {
    Error::Failed(format!("reviews: {error}"))
}

fn id(row: &AnyRow) -> Result<SubmissionId, Error> {
    row.try_get::<String, _>("id")?.parse().map_err(|error| unreadable(&error))
}

fn judgement(row: &AnyRow) -> Result<Judgement, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let verdict = text("verdict")?;
    let unknown = || Error::Failed(format!("verdicts.verdict: “{verdict}”"));
    Ok(Judgement {
        author: text("author_id")?.parse().map_err(|error| unreadable(&error))?,
        verdict: Verdict::parse(&verdict).ok_or_else(unknown)?,
        body: text("body")?,
        created_at: from_micros(row.try_get("created_at")?),
    })
}

fn submission(row: &AnyRow) -> Result<Submission, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let count = |name: &str| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
    let unreadable = |error: InvalidId| unreadable(&error);
    let state = text("state")?;
    let unknown = || Error::Failed(format!("submissions.state: “{state}”"));
    Ok(Submission {
        id: id(row)?,
        project: text("project_id")?.parse().map_err(unreadable)?,
        project_name: text("project_name")?.parse().map_err(unreadable)?,
        owner: text("owner_id")?.parse().map_err(unreadable)?,
        author: text("author_id")?.parse().map_err(unreadable)?,
        number: number(row, "number")?,
        message: text("message")?,
        state: State::parse(&state).ok_or_else(unknown)?,
        digest: text("digest")?,
        files: count("files")?,
        bytes: count("bytes")?,
        left_out: count("left_out")?,
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}
