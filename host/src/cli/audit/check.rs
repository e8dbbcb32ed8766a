//! `lockhouse audit verify`: by a server, on its database, or on a file that was
//! exported.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::audit::seal::Seal;
use crate::audit::{self, Follower, Mark, Record, Verification};
use crate::cli::say;
use crate::config::{Config, Flags};
use crate::db::Db;

/// One line of an export.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Checkpoint { checkpoint: i64, hash: String },
    Entry(Box<Entry>),
}

/// The same as the API shows.
#[derive(Deserialize)]
struct Entry {
    seq: i64,
    format: i64,
    id: String,
    phase: String,
    at_us: i64,
    actor: String,
    action: String,
    target: String,
    address: String,
    user_agent: String,
    duration_us: Option<i64>,
    request_id: String,
    outcome: String,
    previous: String,
    hash: String,
}

/// What a server answered.
pub(super) fn tell(answer: &Value) -> anyhow::Result<ExitCode> {
    if answer["intact"] == true {
        return Ok(intact(answer["entries"].as_u64().unwrap_or(0), answer["cut"].as_i64()));
    }
    let seq = answer["broken_at"].as_i64().context("the server did not say what it found")?;
    Ok(broken(seq, answer["fault"].as_str().unwrap_or("it is not as it was written")))
}

pub(super) async fn database(config: Option<&Path>, data: PathBuf) -> anyhow::Result<ExitCode> {
    let config = Config::load(config, Flags { data: Some(data), ..Flags::default() })?;
    let db = Db::look_into(&config.database, &config.data).await?;
    let seal = Seal::find(&config.data, config.audit.key.as_ref())?;
    if seal.is_none() {
        say(
            "no server has kept its end in this data directory: a record that was cut off at the end, or written anew, does not show",
        );
    }
    let found = audit::verify(db.clone(), seal.as_ref()).await;
    db.close().await;
    Ok(match found? {
        Verification::Intact { entries, cut } => intact(entries, Some(cut)),
        Verification::Broken { seq, fault } => broken(seq, &fault.to_string()),
    })
}

pub(super) async fn file(path: &Path) -> anyhow::Result<ExitCode> {
    let file = tokio::fs::File::open(path).await.with_context(|| path.display().to_string())?;
    let mut lines = BufReader::new(file).lines();
    let (mut follower, mut number) = (Follower::default(), 0_u64);
    while let Some(line) = lines.next_line().await? {
        number += 1;
        let line = serde_json::from_str(&line).with_context(|| format!("line {number}"))?;
        match line {
            Line::Checkpoint { checkpoint, hash } if number == 1 => {
                follower = Follower::from(Mark { seq: checkpoint, hash });
            }
            Line::Checkpoint { checkpoint, .. } => {
                return Ok(broken(checkpoint, "a checkpoint stands on the first line alone"));
            }
            Line::Entry(entry) => {
                if let Err((seq, fault)) = follower.read(&record(*entry)) {
                    return Ok(broken(seq, &fault.to_string()));
                }
            }
        }
    }
    say(format_args!(
        "the last entry is {} with the hash {}",
        follower.last().seq,
        follower.last().hash
    ));
    Ok(intact(follower.entries(), None))
}

fn intact(entries: u64, cut: Option<i64>) -> ExitCode {
    match cut.filter(|cut| *cut > 0) {
        Some(cut) => say(format_args!("intact: {entries} entries, after {cut} that were cut off")),
        None => say(format_args!("intact: {entries} entries")),
    }
    ExitCode::SUCCESS
}

fn broken(seq: i64, fault: &str) -> ExitCode {
    say(format_args!("broken at entry {seq}: {fault}"));
    ExitCode::FAILURE
}

fn record(line: Entry) -> Record {
    Record {
        seq: line.seq,
        format: line.format,
        id: line.id,
        phase: line.phase,
        at_us: line.at_us,
        actor: line.actor,
        action: line.action,
        target: line.target,
        address: line.address,
        user_agent: line.user_agent,
        duration_us: line.duration_us,
        request_id: line.request_id,
        outcome: line.outcome,
        previous: line.previous,
        hash: line.hash,
    }
}
