//! Doors to the audit record, for administrators.

use std::fmt::Display;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Query;
use super::page::{read_cursor, write_cursor};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::audit::{Checkpoint, MAX_PAGE, Outcome, Record, Verification, Wanted};
use crate::auth::Caller;
use crate::clock;
use crate::gate::{Action, Target};
use crate::ids::ProjectName;

const DEFAULT_PAGE: u32 = 100;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerificationView {
    pub intact: bool,
    /// How many entries follow from each other.
    pub entries: u64,
    /// Number of the last entry that was cut off for its age; 0 where none was.
    pub cut: Option<i64>,
    /// Number of the first entry that was edited, moved or put in, that follows one
    /// that was removed, or that is missing at the end.
    pub broken_at: Option<i64>,
    /// What is wrong with that one.
    pub fault: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Who did it: the id of a user, or `lockhouse`.
    pub actor: Option<String>,
    /// Such as `file.write`.
    pub action: Option<String>,
    /// The name of a project.
    pub project: Option<String>,
    /// A time, or how long ago, such as `7d`.
    pub since: Option<String>,
    /// The same; what is from then on is left out.
    pub until: Option<String>,
    /// `begun` `ok` `failed` `denied` `interrupted`
    pub outcome: Option<String>,
    /// How many, at the most.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// One entry: all that its hash covers, and the hash.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryView {
    /// 1 for the first; no number is left out.
    pub seq: i64,
    /// Which fields the hash covers: in 1 neither address, user agent nor duration.
    pub format: i64,
    /// The same for the beginning and the end of one action.
    pub id: String,
    /// `begun` `finished` `interrupted` `denied`
    pub phase: String,
    pub at: String,
    /// The same in microseconds since 1970, as the hash has it.
    pub at_us: i64,
    pub actor: String,
    pub action: String,
    pub target: String,
    /// From where it was asked; empty for what no request asked for.
    pub address: String,
    pub user_agent: String,
    /// Microseconds from its beginning to its end.
    pub duration_us: Option<i64>,
    pub request_id: String,
    /// `ok`, or why not, and what else there is to say of it.
    pub outcome: String,
    /// The hash of the entry before.
    pub previous: String,
    pub hash: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditList {
    pub entries: Vec<EntryView>,
    /// There may be more, even where this page is empty: much was looked through.
    pub next_cursor: Option<String>,
}

/// The last entry that was cut off: what the first one follows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckpointView {
    pub checkpoint: i64,
    pub hash: String,
    pub at_us: i64,
    pub key_id: String,
    pub seal: String,
}

/// What was done, the latest first.
#[utoipa::path(get, path = "/admin/audit", tag = "admin", params(AuditQuery),
    responses((status = 200, body = AuditList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_audit(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<axum::Json<AuditList>, Problem> {
    app.gate.admit(&caller, Action::read("audit.list", Target::Installation)).await?;
    let (found, next) = app.audit.page(&wanted(&app, query)?).await?;
    let next_cursor = next.map(|seq| write_cursor(&seq.to_string()));
    Ok(axum::Json(AuditList { entries: found.into_iter().map(view).collect(), next_cursor }))
}

/// Checks that nobody edited, removed or reordered the audit record.
#[utoipa::path(get, path = "/admin/audit/verify", tag = "admin",
    responses((status = 200, body = VerificationView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn verify_audit(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<VerificationView>, Problem> {
    app.gate.admit(&caller, Action::read("audit.verify", Target::Installation)).await?;
    Ok(axum::Json(match app.audit.verify().await? {
        Verification::Intact { entries, cut } => {
            VerificationView { intact: true, entries, cut: Some(cut), broken_at: None, fault: None }
        }
        Verification::Broken { seq, fault } => VerificationView {
            intact: false,
            entries: seq.saturating_sub(1).unsigned_abs(),
            cut: None,
            broken_at: Some(seq),
            fault: Some(fault.to_string()),
        },
    }))
}

/// The whole record as JSON lines, the oldest entry first, so that anybody can
/// verify it: each hash is the BLAKE3 of the entry's number (8 bytes) and, each
/// after its length (8 bytes), `previous`, `id`, `phase`, `at_us`, `actor`,
/// `action`, `target`, `request_id`, `outcome` and, in format 2, `address`,
/// `user_agent`, `duration_us` and `2`. The first one's `previous` is `lockhouse`,
/// or what a checkpoint on the first line says.
#[utoipa::path(get, path = "/admin/audit/export", tag = "admin",
    responses((status = 200, description = "Lines", content((EntryView = "application/x-ndjson"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn export_audit(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, Problem> {
    app.gate.admit(&caller, Action::read("audit.export", Target::Installation)).await?;
    let checkpoint = app.audit.checkpoint().await?;
    let kinds = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    Ok((kinds, Body::from_stream(lines(app, checkpoint))).into_response())
}

/// An answer that breaks off is told from a whole one by its end.
fn lines(
    app: App,
    checkpoint: Option<Checkpoint>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    async_stream::try_stream! {
        let mut last = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.seq);
        if let Some(checkpoint) = checkpoint {
            yield line(&checkpoint_view(checkpoint))?;
        }
        loop {
            let found = app.audit.after(last).await.map_err(std::io::Error::other)?;
            let Some(end) = found.last().map(|record| record.seq) else { break };
            if app.tasks.is_stopping() {
                Err(std::io::Error::other("the server is stopping"))?;
            }
            let mut page = Vec::new();
            for record in found {
                page.extend_from_slice(&line(&view(record))?);
            }
            yield Bytes::from(page);
            last = end;
        }
    }
}

fn line(view: &impl Serialize) -> Result<Bytes, std::io::Error> {
    let mut line = serde_json::to_vec(view)?;
    line.push(b'\n');
    Ok(line.into())
}

fn wanted(app: &App, query: AuditQuery) -> Result<Wanted, Problem> {
    let now = app.clock.now();
    let time = |name: &str, text: Option<String>| {
        let Some(text) = text else { return Ok(None) };
        let time = clock::since(now, &text).map(|time| Some(time.as_microsecond()));
        time.ok_or_else(|| invalid(format!("{name}: write a time, or how long ago, such as 7d")))
    };
    let outcome = |text: String| {
        let use_one = || format!("outcome: use {}", Outcome::ALL.map(Outcome::as_str).join(", "));
        Outcome::parse(&text).ok_or_else(|| invalid(use_one()))
    };
    let name = |text: String| text.parse::<ProjectName>().map_err(invalid);
    let cursor = |text: String| {
        let before = read_cursor(&text)?.parse();
        before.map_err(|_| invalid("send `cursor` as `next_cursor` gave it"))
    };
    // PostgreSQL refuses to look for a NUL.
    let word = |text: String| match text.contains('\0') {
        true => Err(invalid("write `actor` and `action` without NUL")),
        false => Ok(text),
    };
    Ok(Wanted {
        actor: query.actor.map(word).transpose()?,
        action: query.action.map(word).transpose()?,
        project: query.project.map(name).transpose()?.map(|name| name.to_string()),
        since_us: time("since", query.since)?,
        until_us: time("until", query.until)?,
        outcome: query.outcome.map(outcome).transpose()?,
        before: query.cursor.map(cursor).transpose()?,
        limit: query.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE),
    })
}

fn invalid(why: impl Display) -> Problem {
    Problem::bad_request("invalid_query", why.to_string())
}

fn view(record: Record) -> EntryView {
    EntryView {
        seq: record.seq,
        format: record.format,
        id: record.id,
        phase: record.phase,
        at: clock::from_micros(record.at_us).to_string(),
        at_us: record.at_us,
        actor: record.actor,
        action: record.action,
        target: record.target,
        address: record.address,
        user_agent: record.user_agent,
        duration_us: record.duration_us,
        request_id: record.request_id,
        outcome: record.outcome,
        previous: record.previous,
        hash: record.hash,
    }
}

fn checkpoint_view(checkpoint: Checkpoint) -> CheckpointView {
    CheckpointView {
        checkpoint: checkpoint.seq,
        hash: checkpoint.hash,
        at_us: checkpoint.at_us,
        key_id: checkpoint.key_id,
        seal: checkpoint.seal,
    }
}
