//! Comments in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Store, number, unreadable};
use crate::clock::from_micros;
use crate::db::Error;
use crate::ids::{CommentId, InvalidId, SubmissionId};
use crate::reviews::Submission;
use crate::reviews::comments::{Comment, Place};

impl Store {
    /// Answers whether the submission had fewer than `most` before, so that it was added.
    pub(in crate::reviews) async fn insert_comment(
        &self,
        comment: &Comment,
        most: u32,
    ) -> Result<bool, Error> {
        let added = sqlx::query(
            "INSERT INTO comments (id, submission_id, author_id, path, line, body, created_at, \
             updated_at) SELECT $1, $2, $3, $4, $5, $6, $7, $7 \
             WHERE (SELECT COUNT(*) FROM comments WHERE submission_id = $2) < $8",
        )
        .bind(comment.id.as_str())
        .bind(comment.submission.as_str())
        .bind(comment.author.as_str())
        .bind(comment.place.path.as_deref())
        .bind(comment.place.line.map(i64::from))
        .bind(comment.body.as_str())
        .bind(comment.created_at.as_microsecond())
        .bind(i64::from(most))
        .execute(self.db.writer())
        .await?;
        Ok(added.rows_affected() > 0)
    }

    pub(in crate::reviews) async fn update_comment(&self, comment: &Comment) -> Result<(), Error> {
        sqlx::query(
            "UPDATE comments SET body = $2, resolved_by = $3, resolved_at = $4, updated_at = $5 \
             WHERE id = $1",
        )
        .bind(comment.id.as_str())
        .bind(comment.body.as_str())
        .bind(comment.resolved_by.as_ref().map(|by| by.as_str()))
        .bind(comment.resolved_at.map(|at| at.as_microsecond()))
        .bind(comment.updated_at.as_microsecond())
        .execute(self.db.writer())
        .await?;
        Ok(())
    }

    pub(in crate::reviews) async fn find_comment(
        &self,
        submission: &SubmissionId,
        id: &CommentId,
    ) -> Result<Option<Comment>, Error> {
        let row = sqlx::query(
            "SELECT c.*, s.number FROM comments c JOIN submissions s ON s.id = c.submission_id \
             WHERE c.id = $1 AND c.submission_id = $2",
        )
        .bind(id.as_str())
        .bind(submission.as_str())
        .fetch_optional(self.db.pool())
        .await?;
        row.map(|row| comment(&row)).transpose()
    }

    /// Those on a submission and on the ones before it in its project, oldest first.
    pub(in crate::reviews) async fn comments(
        &self,
        of: &Submission,
        after: Option<&CommentId>,
        limit: u32,
    ) -> Result<Vec<Comment>, Error> {
        let rows = sqlx::query(
            "SELECT c.*, s.number FROM comments c JOIN submissions s ON s.id = c.submission_id \
             WHERE s.project_id = $1 AND s.number <= $2 AND s.state <> 'hidden' AND c.id > $3 \
             ORDER BY c.id LIMIT $4",
        )
        .bind(of.project.as_str())
        .bind(i64::from(of.number))
        .bind(after.map_or("", CommentId::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.db.pool())
        .await?;
        rows.iter().map(comment).collect()
    }
}

fn comment(row: &AnyRow) -> Result<Comment, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let unreadable = |error: InvalidId| unreadable(&error);
    let resolved_by: Option<String> = row.try_get("resolved_by")?;
    let line: Option<i64> = row.try_get("line")?;
    Ok(Comment {
        id: text("id")?.parse().map_err(unreadable)?,
        submission: text("submission_id")?.parse().map_err(unreadable)?,
        number: number(row, "number")?,
        author: text("author_id")?.parse().map_err(unreadable)?,
        place: Place {
            path: row.try_get("path")?,
            line: line.and_then(|line| u32::try_from(line).ok()),
        },
        body: text("body")?,
        resolved_by: resolved_by.map(|by| by.parse()).transpose().map_err(unreadable)?,
        resolved_at: row.try_get::<Option<i64>, _>("resolved_at")?.map(from_micros),
        created_at: from_micros(row.try_get("created_at")?),
        updated_at: from_micros(row.try_get("updated_at")?),
    })
}
