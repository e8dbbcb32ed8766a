//! Room reports: writes those that are due to where the operator wants them, without being
//! asked.
//!
//! ```text
//!  waiting ──due──► written, under a lease ──► settled until that time ──► waiting
//!     ▲                        │
//!     └──────── pause ◄──── failed
//! ```
//!
//! What is due stands in the database, so that what was missed is made up for once, and
//! servers that share it write each report once. A file is named after the time at which it
//! was due: one that is written again, because a server was killed, takes its own place.

mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use jiff::Timestamp;
use metrics::counter;
use tokio::time::{MissedTickBehavior, timeout};

use super::schedule::{Config, Schedule, To};
use super::{Error, Reports, timing};
use crate::auth;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::gate::{Gate, Target};
use crate::leases::{Lease, Leases};
use crate::objects::{self, InvalidKey, Key, Objects};
use crate::tasks::Tasks;
use store::{Shelf, Store};

/// How often it is looked for what is due: so late a report may begin.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long one report may take, waiting and keeping included.
const LONGEST: Duration = Duration::from_secs(300);

/// Old files that are removed behind one report. More are left only where fewer are to be
/// kept than before; the next reports remove those.
const REMOVED_AT_ONCE: u32 = 100;

/// Of what is told about a failure.
const MAX_OUTCOME_CHARS: usize = 500;

const WRITTEN: &str = "ok";

/// What schedules are kept with.
pub struct Parts {
    pub reports: Reports,
    pub db: Db,
    pub clock: Clock,
    pub leases: Leases,
    pub gate: Gate,
    pub objects: Objects,
}

/// Reports on a schedule. Cloning is cheap.
#[derive(Clone)]
pub struct Schedules {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    store: Store,
    planned: Vec<Planned>,
}

/// A schedule, and where its files are.
struct Planned {
    schedule: Schedule,
    objects: Objects,
    /// The storage, or the directory.
    place: String,
}

/// How it is with a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub schedule: Schedule,
    /// When it is due next, or tried again.
    pub next: Timestamp,
    /// Times in a row that it failed.
    pub failures: u32,
    pub last: Option<Last>,
    /// Key or path of the last file.
    pub last_file: Option<String>,
}

/// The last time that it was written, or tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    pub at: Timestamp,
    /// `ok`, or what failed.
    pub outcome: String,
}

/// What is known of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// What was due until then is written, or need not be.
    settled: Timestamp,
    failures: u32,
    /// It is left alone until then.
    retry: Timestamp,
    last: Option<Last>,
    last_file: Option<String>,
}

/// Why a server can't work with its schedules.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("reports.schedules: “{name}”: {why}")]
    Schedule { name: String, why: String },
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Why one was not written.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Report(#[from] Error),
    #[error("it can't be put into its format: {0}")]
    Format(String),
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Objects(#[from] objects::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error("it took longer than {LONGEST:?}")]
    TooSlow,
}

impl Schedules {
    /// Checks each schedule: its report is there and takes the parameters, its directory
    /// can be written to.
    pub async fn open(parts: Parts, config: &Config) -> Result<Self, Unusable> {
        let store = Store::new(parts.db.clone());
        let mut planned = Vec::with_capacity(config.schedules.len());
        for schedule in &config.schedules {
            let unusable = |why| Unusable::Schedule { name: schedule.name.clone(), why };
            check(&parts.reports, schedule).await.map_err(unusable)?;
            planned.push(plan(schedule, &parts.objects).map_err(unusable)?);
            store.introduce(&schedule.name, parts.clock.now()).await?;
        }
        Ok(Self { inner: Arc::new(Inner { parts, store, planned }) })
    }

    /// How it is with each.
    pub async fn list(&self) -> Result<Vec<Standing>, db::Error> {
        let mut standings = Vec::with_capacity(self.inner.planned.len());
        for planned in &self.inner.planned {
            if let Some(state) = self.inner.store.find(&planned.schedule.name).await? {
                standings.push(standing(planned.schedule.clone(), state));
            }
        }
        Ok(standings)
    }

    /// Writes what is due, until the server stops.
    pub async fn keep(self, tasks: Tasks) {
        if self.inner.planned.is_empty() {
            return;
        }
        let mut due = tokio::time::interval(LOOK_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                _ = due.tick() => {}
            }
            self.write_due().await;
        }
    }

    /// Writes what is due now, and answers how many reports that were.
    pub async fn write_due(&self) -> usize {
        let mut written = 0;
        for planned in &self.inner.planned {
            match self.look_after(planned).await {
                Ok(done) => written += usize::from(done),
                Err(error) => {
                    let schedule = planned.schedule.name.as_str();
                    tracing::warn!(schedule, %error, "a schedule of reports was not looked after");
                }
            }
        }
        written
    }

    /// Whether it was due and is written.
    async fn look_after(&self, planned: &Planned) -> Result<bool, db::Error> {
        if self.due(planned).await?.is_none() {
            return Ok(false);
        }
        let lease = format!("report-schedule/{}", planned.schedule.name);
        let Some(lease) = self.inner.parts.leases.try_take(&lease).await? else {
            return Ok(false);
        };
        let done = self.write_under(&lease, planned).await;
        lease.give_back().await;
        done
    }

    async fn write_under(&self, lease: &Lease, planned: &Planned) -> Result<bool, db::Error> {
        // Another server may have written it a moment ago.
        let Some((state, due)) = self.due(planned).await? else { return Ok(false) };
        let written = tokio::select! {
            written = timeout(LONGEST, self.write(planned, due)) => written,
            // Another server may be at it.
            () = lease.lost() => return Ok(false),
        };
        match written.unwrap_or(Err(Failure::TooSlow)) {
            Ok(file) => self.written(planned, (state, due), file).await.map(|()| true),
            Err(failure) => self.failed(planned, state, &failure).await.map(|()| false),
        }
    }

    /// Whether it is due: how it stands, and for which time.
    async fn due(&self, planned: &Planned) -> Result<Option<(State, Timestamp)>, db::Error> {
        let Inner { parts, store, .. } = &*self.inner;
        let Schedule { name, timing, .. } = &planned.schedule;
        let Some(state) = store.find(name).await? else { return Ok(None) };
        let due = timing::due(*timing, (state.settled, state.retry), parts.clock.now());
        Ok(due.map(|due| (state, due)))
    }

    /// Writes it, and answers with the file's key.
    async fn write(&self, planned: &Planned, due: Timestamp) -> Result<Key, Failure> {
        let schedule = &planned.schedule;
        let given = schedule.parameters.clone();
        let written = self.inner.parts.reports.compose(&schedule.report, given).await?;
        let text = schedule.format.text(written).map_err(Failure::Format)?;
        let key = planned.key(due)?;
        planned.objects.put(&key, stream::iter([Ok(Bytes::from(text))])).await?;
        self.inner.store.add_file(planned.shelf(), &key.to_string(), due).await?;
        Ok(key)
    }

    async fn written(
        &self,
        planned: &Planned,
        (state, due): (State, Timestamp),
        key: Key,
    ) -> Result<(), db::Error> {
        let Inner { parts, store, .. } = &*self.inner;
        let name = planned.schedule.name.as_str();
        let file = planned.shown(&key);
        counter!("scheduled_reports_total", "schedule" => name.to_owned(), "outcome" => "success")
            .increment(1);
        tracing::info!(schedule = name, file, "a report is written");
        let last = Some(Last { at: parts.clock.now(), outcome: WRITTEN.to_owned() });
        let last_file = Some(file.clone());
        let settled = State { settled: due, failures: 0, retry: state.retry, last, last_file };
        store.put(name, &settled).await?;
        let removed = self.remove_old(planned).await.unwrap_or_else(|failure| {
            tracing::warn!(schedule = name, %failure, "old reports were not removed; tried later");
            0
        });
        let outcome = format!("{WRITTEN}; {file} is written, {removed} old ones are removed");
        parts.gate.record("report.write", &planned.target(), outcome);
        Ok(())
    }

    async fn failed(
        &self,
        planned: &Planned,
        state: State,
        failure: &Failure,
    ) -> Result<(), db::Error> {
        let name = planned.schedule.name.as_str();
        tracing::warn!(schedule = name, %failure, "a report was not written; tried again later");
        counter!("scheduled_reports_total", "schedule" => name.to_owned(), "outcome" => "failure")
            .increment(1);
        let now = self.inner.parts.clock.now();
        let failures = state.failures.saturating_add(1);
        let outcome = failure.to_string().chars().take(MAX_OUTCOME_CHARS).collect();
        let failed = State {
            failures,
            retry: now + timing::pause(failures),
            last: Some(Last { at: now, outcome }),
            ..state
        };
        self.inner.store.put(name, &failed).await
    }

    /// Removes files beyond those that are kept, and answers how many there were.
    async fn remove_old(&self, planned: &Planned) -> Result<usize, Failure> {
        let (store, shelf) = (&self.inner.store, planned.shelf());
        store.forget_elsewhere(shelf).await?;
        let old = store.old_files(shelf, planned.schedule.keep, REMOVED_AT_ONCE).await?;
        for name in &old {
            planned.objects.delete(&name.parse()?).await?;
            store.forget_file(shelf, name).await?;
        }
        Ok(old.len())
    }
}

impl Planned {
    fn shelf(&self) -> Shelf<'_> {
        Shelf { schedule: &self.schedule.name, place: &self.place }
    }

    fn key(&self, due: Timestamp) -> Result<Key, InvalidKey> {
        let name = self.schedule.file_name(due);
        match &self.schedule.to {
            To::Directory(_) => name.parse(),
            To::Storage(prefix) => format!("{prefix}/{name}").parse(),
        }
    }

    /// As an operator finds it.
    fn shown(&self, key: &Key) -> String {
        match &self.schedule.to {
            To::Directory(path) => path.join(key.to_string()).display().to_string(),
            To::Storage(_) => key.to_string(),
        }
    }

    fn target(&self) -> Target {
        let name = format!("report-schedule/{}", self.schedule.name);
        Target::Owned { owner: auth::server_itself(), name }
    }
}

fn standing(schedule: Schedule, state: State) -> Standing {
    let next = schedule.timing.next(state.settled);
    let next = if state.failures > 0 { next.max(state.retry) } else { next };
    let State { failures, last, last_file, .. } = state;
    Standing { schedule, next, failures, last, last_file }
}

/// What is wrong with it. A report that fails just now may work when it is due.
async fn check(reports: &Reports, schedule: &Schedule) -> Result<(), String> {
    match reports.check(&schedule.report, schedule.parameters.clone()).await {
        Ok(()) => Ok(()),
        Err(error @ Error::NotFound { .. }) => Err(format!("report: {error}")),
        Err(error @ Error::Invalid(_)) => Err(format!("parameters: {error}")),
        Err(error) => {
            let schedule = schedule.name.as_str();
            tracing::warn!(schedule, %error, "a report on a schedule can't be tried now");
            Ok(())
        }
    }
}

fn plan(schedule: &Schedule, storage: &Objects) -> Result<Planned, String> {
    let (objects, place) = match &schedule.to {
        To::Storage(_) => (storage.clone(), "storage".to_owned()),
        To::Directory(path) => (directory(path)?, path.display().to_string()),
    };
    let planned = Planned { schedule: schedule.clone(), objects, place };
    let named = planned.key(Timestamp::UNIX_EPOCH);
    named.map_err(|_| {
        "to: the prefix is too long for the storage; write a shorter one".to_owned()
    })?;
    Ok(planned)
}

fn directory(path: &Path) -> Result<Objects, String> {
    let unusable = |why: &dyn std::fmt::Display| {
        format!(
            "to: {why}: make it a directory that the user who runs the server may write to, \
             or name another"
        )
    };
    let objects = Objects::in_directory(path.to_owned()).map_err(|error| unusable(&error))?;
    // A file without a name: nobody ever sees it.
    let tried = tempfile::tempfile_in(path);
    tried.map_err(|error| unusable(&format_args!("{}: {error}", path.display())))?;
    Ok(objects)
}
