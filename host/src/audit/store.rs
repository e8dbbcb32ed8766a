//! The audit chain in the database.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::chain::{BROKEN, FORMAT, Mark, Record};
use super::page::{MAX_PAGE, Outcome, Wanted};
use super::verify::Follower;
use super::{Entry, Phase, server_itself};
use crate::db::{Db, Error};
use crate::ids::{AuditId, RequestId};
use crate::origin::Origin;

/// How often an append is tried again when another host was faster.
const TRIES: usize = 8;

/// Entries that one page looks through; what is rarer takes further pages.
const SCANNED: i64 = 100_000;

/// By how much clocks of several servers may differ before a page ends too early.
const CLOCKS_US: i64 = 24 * 3600 * 1_000_000;

/// Entries that are cut off at once.
const CHUNK: i64 = 1_000;

/// The last entry that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub seq: i64,
    pub hash: String,
    /// When it was cut.
    pub at_us: i64,
    pub key_id: String,
    pub seal: String,
}

impl Checkpoint {
    pub(super) fn mark(&self) -> Mark {
        Mark { seq: self.seq, hash: self.hash.clone() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Store {
    db: Db,
}

impl Store {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Appends all or none, and answers with the last. Where the record no longer
    /// holds `head`, an entry before them says so. Another host on the same database
    /// may take a number first; then the chain's new end is read and it is tried
    /// again.
    pub(super) async fn append(
        &self,
        entries: &[&Entry],
        head: Option<&Mark>,
    ) -> Result<Mark, Error> {
        for _ in 1..TRIES {
            match self.try_append(entries, head).await {
                Err(Error::Conflict) => {}
                result => return result,
            }
        }
        self.try_append(entries, head).await
    }

    async fn try_append(&self, entries: &[&Entry], head: Option<&Mark>) -> Result<Mark, Error> {
        if let Some(head) = head {
            // As a rule nobody else has written since, which one statement can tell.
            let records = chain(entries.iter().copied(), head);
            if insert(self.db.writer(), &records, Some(head)).await? {
                return Ok(end(&records, head));
            }
        }
        let mut transaction = self.db.begin().await?;
        let mut last = tail(&mut transaction).await?;
        if let Some(head) = head
            && !holds(&mut transaction, head, &last).await?
        {
            tracing::error!(seq = head.seq, "the audit record is not as this server left it");
            let at_us = entries.first().map_or(0, |entry| entry.at_us);
            let records = chain([&broken(head, at_us)], &last);
            insert(&mut *transaction, &records, None).await?;
            last = end(&records, &last);
        }
        let records = chain(entries.iter().copied(), &last);
        insert(&mut *transaction, &records, None).await?;
        transaction.commit().await?;
        Ok(end(&records, &last))
    }

    /// All entries in their order.
    pub(super) fn records(&self) -> BoxStream<'_, Result<Record, Error>> {
        let rows = sqlx::query("SELECT * FROM audit_entries ORDER BY seq").fetch(self.db.pool());
        rows.map(|row| record(&row?)).boxed()
    }

    pub(super) async fn after(&self, seq: i64) -> Result<Vec<Record>, Error> {
        let rows = sqlx::query("SELECT * FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(seq)
            .bind(i64::from(MAX_PAGE))
            .fetch_all(self.db.pool())
            .await?;
        rows.iter().map(record).collect()
    }

    pub(super) async fn page(&self, wanted: &Wanted) -> Result<(Vec<Record>, Option<i64>), Error> {
        let limit = wanted.limit.clamp(1, MAX_PAGE);
        let before = match wanted.before {
            Some(before) => before,
            None => self.end().await?.seq.saturating_add(1),
        };
        let from = before.saturating_sub(SCANNED);
        let found = self.scan(wanted, (from, before), limit).await?;
        if found.len() == limit as usize {
            let next = found.last().map(|record| record.seq);
            return Ok((found, next));
        }
        let goes_on = self.goes_on(from, wanted.since_us).await?;
        Ok((found, goes_on.then_some(from)))
    }

    async fn scan(
        &self,
        wanted: &Wanted,
        (from, before): (i64, i64),
        limit: u32,
    ) -> Result<Vec<Record>, Error> {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let project = wanted.project.as_ref().map(|name| format!("project/{name}"));
        let within = project.as_ref().map(|target| format!("{target}/%"));
        let rows = sqlx::query(MATCHING)
            .bind(before)
            .bind(from)
            .bind(of(&wanted.actor))
            .bind(of(&wanted.action))
            .bind(project.unwrap_or_default())
            .bind(within.unwrap_or_default())
            .bind(wanted.since_us.unwrap_or(i64::MIN))
            .bind(wanted.until_us.unwrap_or(i64::MAX))
            .bind(wanted.outcome.map_or("", Outcome::as_str))
            .bind(i64::from(limit))
            .fetch_all(self.db.pool())
            .await?;
        rows.iter().map(record).collect()
    }

    /// Whether something wanted may have a lower number than `seq`.
    async fn goes_on(&self, seq: i64, since_us: Option<i64>) -> Result<bool, Error> {
        let older = "SELECT at FROM audit_entries WHERE seq < $1 ORDER BY seq DESC LIMIT 1";
        let at: Option<i64> =
            sqlx::query_scalar(older).bind(seq).fetch_optional(self.db.pool()).await?;
        let recent = |at: i64| since_us.is_none_or(|since| at >= since.saturating_sub(CLOCKS_US));
        Ok(at.is_some_and(recent))
    }

    async fn end(&self) -> Result<Mark, Error> {
        let mut connection = self.db.pool().acquire().await?;
        tail(&mut connection).await
    }

    pub(super) async fn checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        let mut connection = self.db.pool().acquire().await?;
        last_checkpoint(&mut connection).await
    }

    /// Cuts one chunk off if all of it is from before `before_us` and follows;
    /// answers with the number of its last entry.
    pub(super) async fn cut_chunk(
        &self,
        before_us: i64,
        seal: impl FnOnce(&Mark) -> Checkpoint,
    ) -> Result<Option<i64>, Error> {
        let mut transaction = self.db.begin().await?;
        let begin = last_checkpoint(&mut transaction).await?;
        let begin = begin.map_or_else(Mark::genesis, |checkpoint| checkpoint.mark());
        let chunk = "SELECT * FROM audit_entries WHERE seq <= $1 ORDER BY seq LIMIT $2";
        let rows = sqlx::query(chunk)
            .bind(begin.seq.saturating_add(CHUNK))
            .bind(CHUNK)
            .fetch_all(&mut *transaction)
            .await?;
        let records = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        let old = |record: &Record| record.at_us < before_us;
        if i64::try_from(records.len()) != Ok(CHUNK) || !records.iter().all(old) {
            return Ok(None);
        }
        let mut follower = Follower::from(begin);
        if let Some((seq, fault)) = records.iter().find_map(|record| follower.read(record).err()) {
            tracing::error!(seq, %fault, "the audit record is broken; nothing is cut off");
            return Ok(None);
        }
        replace_checkpoint(&mut transaction, &seal(follower.last())).await?;
        sqlx::query("DELETE FROM audit_entries WHERE seq <= $1")
            .bind(follower.last().seq)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(follower.last().seq))
    }
}

/// One page's share of the record, newest first.
const MATCHING: &str = "SELECT * FROM audit_entries WHERE seq < $1 AND seq >= $2 \
    AND ($3 = '' OR actor = $3) AND ($4 = '' OR action = $4) \
    AND ($5 = '' OR target = $5 OR target LIKE $6) AND at >= $7 AND at < $8 \
    AND ($9 = '' OR $9 = CASE WHEN phase <> 'finished' THEN phase \
    WHEN outcome = 'ok' OR outcome LIKE 'ok; %' THEN 'ok' ELSE 'failed' END) \
    ORDER BY seq DESC LIMIT $10";

/// The last entry, or what was cut off last where there is none.
async fn tail(connection: &mut sqlx::AnyConnection) -> Result<Mark, Error> {
    let tail = sqlx::query("SELECT seq, hash FROM audit_entries ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = tail {
        return Ok(Mark { seq: row.try_get("seq")?, hash: row.try_get("hash")? });
    }
    let checkpoint = last_checkpoint(connection).await?;
    Ok(checkpoint.map_or_else(Mark::genesis, |checkpoint| checkpoint.mark()))
}

async fn last_checkpoint(
    connection: &mut sqlx::AnyConnection,
) -> Result<Option<Checkpoint>, Error> {
    let row = sqlx::query("SELECT * FROM audit_checkpoints ORDER BY seq DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Checkpoint {
        seq: row.try_get("seq")?,
        hash: row.try_get("hash")?,
        at_us: row.try_get("at")?,
        key_id: row.try_get("key_id")?,
        seal: row.try_get("seal")?,
    }))
}

async fn replace_checkpoint(
    connection: &mut sqlx::AnyConnection,
    checkpoint: &Checkpoint,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM audit_checkpoints").execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO audit_checkpoints (seq, hash, at, key_id, seal) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(checkpoint.seq)
    .bind(checkpoint.hash.as_str())
    .bind(checkpoint.at_us)
    .bind(checkpoint.key_id.as_str())
    .bind(checkpoint.seal.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the record that ends with `last` still has `head`, or has cut it off.
async fn holds(
    connection: &mut sqlx::AnyConnection,
    head: &Mark,
    last: &Mark,
) -> Result<bool, Error> {
    if head.seq >= last.seq {
        return Ok(head == last);
    }
    let hash: Option<String> = sqlx::query_scalar("SELECT hash FROM audit_entries WHERE seq = $1")
        .bind(head.seq)
        .fetch_optional(&mut *connection)
        .await?;
    match hash {
        Some(hash) => Ok(hash == head.hash),
        None => Ok(last_checkpoint(connection).await?.is_some_and(|cut| cut.seq >= head.seq)),
    }
}

fn broken(head: &Mark, at_us: i64) -> Entry {
    Entry {
        id: AuditId::generate(),
        phase: Phase::Finished,
        at_us,
        actor: server_itself(),
        action: BROKEN,
        target: "installation".to_owned(),
        origin: Origin::default(),
        duration_us: None,
        request_id: RequestId::generate(),
        outcome: format!("this server had written entry {} with the hash {}", head.seq, head.hash),
    }
}

/// Columns of an entry, and what their values are.
const COLUMNS: [(&str, &str); 15] = [
    ("seq", "BIGINT"),
    ("format", "BIGINT"),
    ("id", "TEXT"),
    ("phase", "TEXT"),
    ("at", "BIGINT"),
    ("actor", "TEXT"),
    ("action", "TEXT"),
    ("target", "TEXT"),
    ("address", "TEXT"),
    ("user_agent", "TEXT"),
    ("duration_us", "BIGINT"),
    ("request_id", "TEXT"),
    ("outcome", "TEXT"),
    ("previous", "TEXT"),
    ("hash", "TEXT"),
];

/// Writes records, all in one statement; where `only_after` is not the last entry, none of
/// them. Answers whether they were written.
async fn insert<'c>(
    executor: impl sqlx::Executor<'c, Database = sqlx::Any>,
    records: &[Record],
    only_after: Option<&Mark>,
) -> Result<bool, Error> {
    if records.is_empty() {
        return Ok(true);
    }
    let text = insertion(records.len(), only_after.is_some());
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    for record in records {
        query = query
            .bind(record.seq)
            .bind(record.format)
            .bind(record.id.as_str())
            .bind(record.phase.as_str())
            .bind(record.at_us)
            .bind(record.actor.as_str())
            .bind(record.action.as_str())
            .bind(record.target.as_str())
            .bind(record.address.as_str())
            .bind(record.user_agent.as_str())
            .bind(record.duration_us)
            .bind(record.request_id.as_str())
            .bind(record.outcome.as_str())
            .bind(record.previous.as_str())
            .bind(record.hash.as_str());
    }
    if let Some(mark) = only_after {
        query = query.bind(mark.seq).bind(mark.hash.as_str());
    }
    Ok(query.execute(executor).await?.rows_affected() > 0)
}

/// The statement for so many records. A database that is told no types takes a value for
/// text, or refuses.
fn insertion(records: usize, guarded: bool) -> String {
    let names = COLUMNS.map(|(name, _)| name).join(", ");
    let mut number = 0;
    let mut row = || {
        let values = COLUMNS.map(|(_, sort)| {
            number += 1;
            format!("CAST(${number} AS {sort})")
        });
        format!("({})", values.join(", "))
    };
    let rows = (0..records).map(|_| row()).collect::<Vec<_>>().join(", ");
    let mut text =
        format!("INSERT INTO audit_entries ({names}) SELECT * FROM (VALUES {rows}) AS fresh");
    if guarded {
        let (seq, hash) = (number + 1, number + 2);
        text += &format!(
            " WHERE EXISTS (SELECT 1 FROM audit_entries WHERE seq = ${seq} AND hash = ${hash}) \
             AND NOT EXISTS (SELECT 1 FROM audit_entries WHERE seq > ${seq})"
        );
    }
    text
}

/// Entries as they follow `last`.
fn chain<'a>(entries: impl IntoIterator<Item = &'a Entry>, last: &Mark) -> Vec<Record> {
    let mut last = last.clone();
    let follow = |entry| {
        let mut record = written(entry, &last);
        record.hash = record.expected_hash().unwrap_or_default();
        last = record.mark();
        record
    };
    entries.into_iter().map(follow).collect()
}

/// Where the record ends with these after `before`.
fn end(records: &[Record], before: &Mark) -> Mark {
    records.last().map_or_else(|| before.clone(), Record::mark)
}

fn written(entry: &Entry, last: &Mark) -> Record {
    Record {
        seq: last.seq + 1,
        format: FORMAT,
        id: entry.id.to_string(),
        phase: entry.phase.as_str().to_owned(),
        at_us: entry.at_us,
        actor: entry.actor.to_string(),
        action: entry.action.to_owned(),
        target: entry.target.clone(),
        address: entry.origin.address_text(),
        user_agent: entry.origin.agent.clone(),
        duration_us: entry.duration_us,
        request_id: entry.request_id.to_string(),
        outcome: entry.outcome.clone(),
        previous: last.hash.clone(),
        hash: String::new(),
    }
}

fn record(row: &AnyRow) -> Result<Record, Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    Ok(Record {
        seq: row.try_get("seq")?,
        format: row.try_get("format")?,
        id: text("id")?,
        phase: text("phase")?,
        at_us: row.try_get("at")?,
        actor: text("actor")?,
        action: text("action")?,
        target: text("target")?,
        address: text("address")?,
        user_agent: text("user_agent")?,
        duration_us: row.try_get("duration_us")?,
        request_id: text("request_id")?,
        outcome: text("outcome")?,
        previous: text("previous")?,
        hash: text("hash")?,
    })
}
