//! Room: reports for operators. A report asks for rows and lays them out; the
//! host runs the questions that it knows, and believes nothing of the answer.
//!
//! ```text
//! parameters ─▶ report: which questions ─▶ known? bounded ─▶ rows
//!                                                             │
//!               document ◀─ checked ◀─ report: render ◀───────┘
//! ```

mod catalogue;
mod dataset;
mod document;
mod format;
mod question;
mod report;
mod schedule;
mod schedules;
mod store;
mod timing;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::files::Files;
use crate::gate::Permit;
use crate::ids::ProjectId;
use crate::runtimes::{Runtimes, spec};
use dataset::Budget;
use question::{Asked, Question, Refused};
use store::{Found, Store};

pub use catalogue::Catalogue;
pub(crate) use document::{check_description, check_document};
pub use format::{Format, InvalidFormat};
pub(crate) use format::{ReportView, document_view, query_view, report_view};
pub use report::{
    Block, Cell, Chart, Description, Document, Metric, Parameter, Query, Report, ReportError,
    Section, Series, Shape, Table,
};
pub use schedule::{Config, Schedule, To};
pub use schedules::{Last, Parts as ScheduleParts, Schedules, Standing, Unusable};
pub use timing::{Every, Timing};

/// Reports that are written at once; others wait their turn.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long the questions of one report may take together.
const LONGEST_QUESTIONS: Duration = Duration::from_secs(20);
/// How long the workspaces of projects are counted; what is left has no size.
const LONGEST_COUNTING: Duration = Duration::from_secs(10);
/// How long one runtime may take to say what it uses.
const LONGEST_USAGE: Duration = Duration::from_secs(1);
/// Workspaces and runtimes that are asked at once.
const ASKED_AT_ONCE: usize = 4;
/// The longest value of a parameter.
const MAX_VALUE_BYTES: usize = 1_000;

/// What an operator gave to a report, by the names of its parameters.
pub type Given = BTreeMap<String, String>;

/// What reports are built from.
#[derive(Clone)]
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub files: Files,
    pub runtimes: Runtimes,
    pub reports: Catalogue,
}

/// Writes reports. Cloning is cheap.
#[derive(Clone)]
pub struct Reports {
    parts: Arc<Parts>,
    store: Store,
    turns: Arc<Semaphore>,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Such as `usage@0.1.0`.
    pub report: String,
    pub at: jiff::Timestamp,
    /// Every parameter with its value.
    pub parameters: Given,
    pub document: Document,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no report “{asked}”; there are {known}")]
    NotFound { asked: String, known: String },
    /// The parameters can't be used.
    #[error("{0}")]
    Invalid(String),
    #[error("{LONGEST_WAIT:?} were not enough to wait for the reports before this one")]
    Busy,
    /// It was stopped, or could not be asked.
    #[error("{0}")]
    Fault(String),
    /// It asked or answered what is not allowed.
    #[error("the report {report} can't be used: {why}")]
    Broken { report: String, why: String },
    #[error("the report's questions took longer than {LONGEST_QUESTIONS:?}: ask for less")]
    TooSlow,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Invalid(text) => Self::Invalid(text),
            ReportError::Fault(text) => Self::Fault(text),
        }
    }
}

impl Reports {
    pub fn new(parts: Parts) -> Self {
        let store = Store::new(parts.db.clone());
        Self { parts: Arc::new(parts), store, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Every report, by id.
    pub fn list(&self) -> Arc<[Arc<dyn Report>]> {
        self.parts.reports.all()
    }

    /// Has a report written: of the whole installation, so for its administrators.
    pub async fn write(&self, _permit: &Permit, id: &str, given: Given) -> Result<Written, Error> {
        self.compose(id, given).await
    }

    /// Whether a report could be written of what is given; no question is answered.
    async fn check(&self, id: &str, given: Given) -> Result<(), Error> {
        let report = self.find(id)?;
        let parameters = Parameters::read(report.description(), given)?;
        self.questions(report.as_ref(), &parameters).await.map(drop)
    }

    /// The same as `write`, for whoever answers to nobody.
    async fn compose(&self, id: &str, given: Given) -> Result<Written, Error> {
        let report = self.find(id)?;
        let parameters = Parameters::read(report.description(), given)?;
        let turn = timeout(LONGEST_WAIT, self.turns.acquire()).await.map_err(|_| Error::Busy)?;
        let _turn = turn.map_err(|_| Error::Busy)?;
        let asked = self.questions(report.as_ref(), &parameters).await?;
        let rows = timeout(LONGEST_QUESTIONS, self.dataset(asked)).await;
        let dataset = rows.map_err(|_| Error::TooSlow)??;
        let document = report.render(&parameters.text(), dataset).await?;
        check_document(&document).map_err(|why| broken(report.as_ref(), why))?;
        let (at, parameters) = (self.parts.clock.now(), parameters.all);
        Ok(Written { report: report.name().to_owned(), at, parameters, document })
    }

    /// What the report asks, all of which may be asked.
    async fn questions(
        &self,
        report: &dyn Report,
        parameters: &Parameters,
    ) -> Result<Vec<(String, Asked)>, Error> {
        let queries = report.queries(&parameters.text()).await?;
        document::check_queries(&queries).map_err(|why| broken(report, why))?;
        self.read(&queries).map_err(|(query, refused)| match refused.value {
            // The report has handed on what it was given.
            Some(value) if parameters.own.contains(&value) => Error::Invalid(refused.why),
            _ => broken(report, format!("its query “{query}”: {}", refused.why)),
        })
    }

    fn find(&self, id: &str) -> Result<Arc<dyn Report>, Error> {
        self.parts.reports.find(id).ok_or_else(|| {
            let all = self.list();
            let known: Vec<_> = all.iter().map(|report| report.id()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::NotFound { asked: id.chars().take(80).collect(), known }
        })
    }

    /// Whether all of it may be asked, before any of it is.
    fn read(&self, queries: &[Query]) -> Result<Vec<(String, Asked)>, (String, Refused)> {
        let now = self.parts.clock.now();
        let read = |query: &Query| match Asked::read(&query.question, &query.parameters, now) {
            Ok(asked) => Ok((query.name.clone(), asked)),
            Err(refused) => Err((query.name.clone(), refused)),
        };
        queries.iter().map(read).collect()
    }

    async fn dataset(&self, asked: Vec<(String, Asked)>) -> Result<Vec<Table>, Error> {
        let (mut budget, mut tables) = (Budget::new(), Vec::with_capacity(asked.len()));
        for (name, asked) in asked {
            let found = self.answer(&asked).await?;
            tables.push(budget.table(name, found, asked.limit));
        }
        Ok(tables)
    }

    async fn answer(&self, asked: &Asked) -> Result<Found, Error> {
        match asked.question {
            Question::Disk => self.disk(asked).await,
            Question::Runtimes => Ok(self.with_usage(self.store.rows(asked).await?).await),
            _ => Ok(self.store.rows(asked).await?),
        }
    }

    /// What the workspaces of projects hold, the largest first. Which are the
    /// largest is known only when all were counted, so the limit comes last.
    async fn disk(&self, asked: &Asked) -> Result<Found, Error> {
        let all = Asked { limit: question::MAX_ROWS, ..asked.clone() };
        let mut found = self.store.rows(&all).await?;
        let until = Instant::now() + LONGEST_COUNTING;
        let files = &self.parts.files;
        let sizes = each(&found.rows, |id| async move {
            let counted = timeout_at(until, files.usage(&id)).await;
            counted.ok().and_then(Result::ok).map_or([None, None], |(files, bytes)| {
                [i64::try_from(bytes).ok(), i64::try_from(files).ok()]
            })
        })
        .await;
        for (row, sizes) in found.rows.iter_mut().zip(sizes) {
            row.extend(sizes.map(whole));
        }
        found.rows.sort_by_key(|row| std::cmp::Reverse(row.iter().rev().nth(1).and_then(integer)));
        found.columns.extend(["bytes", "files"]);
        Ok(found)
    }

    /// What each runtime may use and, while it runs, does use.
    async fn with_usage(&self, mut found: Found) -> Found {
        let runtimes = &self.parts.runtimes;
        let usages = each(&found.rows, |id| async move {
            let usage = timeout(LONGEST_USAGE, runtimes.usage(&id)).await;
            usage.ok().and_then(Result::ok).map_or([None; 3], |usage| {
                let [memory, cpu] = [u128::from(usage.memory_bytes), usage.cpu.as_millis()];
                [memory, cpu, usage.pids.into()].map(|n| i64::try_from(n).ok())
            })
        })
        .await;
        for (row, usage) in found.rows.iter_mut().zip(usages) {
            let limit = row.pop().and_then(memory_limit);
            row.push(whole(limit));
            row.extend(usage.map(whole));
        }
        found.columns.pop();
        found.columns.extend(["memory_limit_bytes", "memory_bytes", "cpu_ms", "pids"]);
        found
    }
}

/// What is found out about the project at the beginning of each row, a few at
/// a time, in the order of the rows.
async fn each<const N: usize, F>(
    rows: &[Vec<Cell>],
    ask: impl Fn(ProjectId) -> F,
) -> Vec<[Option<i64>; N]>
where
    F: Future<Output = [Option<i64>; N]>,
{
    let asked: Vec<_> = rows.iter().map(|row| or_nothing(id(row).map(&ask))).collect();
    stream::iter(asked).buffered(ASKED_AT_ONCE).collect().await
}

async fn or_nothing<const N: usize>(
    asked: Option<impl Future<Output = [Option<i64>; N]>>,
) -> [Option<i64>; N] {
    match asked {
        Some(asked) => asked.await,
        None => [None; N],
    }
}

fn id(row: &[Cell]) -> Option<ProjectId> {
    match row.first() {
        Some(Cell::Text(id)) => id.parse().ok(),
        _ => None,
    }
}

fn whole(number: Option<i64>) -> Cell {
    number.map_or(Cell::Empty, Cell::Integer)
}

fn integer(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Integer(number) => Some(*number),
        _ => None,
    }
}

/// Out of a runtime's settings.
fn memory_limit(settings: Cell) -> Option<i64> {
    let Cell::Text(settings) = settings else { return None };
    let settings = serde_json::from_str::<spec::Settings>(&settings).ok()?;
    i64::try_from(settings.memory_bytes).ok()
}

/// What a report is given.
struct Parameters {
    /// Every parameter, as given or by default.
    all: Given,
    /// The values that were given.
    own: Vec<String>,
}

impl Parameters {
    fn read(about: &Description, given: Given) -> Result<Self, Error> {
        let own = given.values().cloned().collect();
        Ok(Self { all: parameters(about, given)?, own })
    }

    /// One JSON object of texts.
    fn text(&self) -> String {
        serde_json::json!(self.all).to_string()
    }
}

fn broken(report: &dyn Report, why: String) -> Error {
    Error::Broken { report: report.name().to_owned(), why }
}

/// Every parameter of the report, as given or by default.
fn parameters(about: &Description, mut given: Given) -> Result<Given, Error> {
    let mut all = Given::new();
    for parameter in &about.parameters {
        let value = given.remove(&parameter.name);
        all.insert(parameter.name.clone(), value.unwrap_or_else(|| parameter.default.clone()));
    }
    if let Some(unknown) = given.keys().next() {
        let known: Vec<_> = about.parameters.iter().map(|p| p.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let unknown: String = unknown.chars().take(80).collect();
        return Err(Error::Invalid(format!(
            "the report has no parameter “{unknown}”; it has {known}"
        )));
    }
    match all.iter().find(|(_, value)| value.len() > MAX_VALUE_BYTES) {
        Some((name, _)) => {
            Err(Error::Invalid(format!("{name}: use at most {MAX_VALUE_BYTES} bytes")))
        }
        None => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> Description {
        let since = Parameter {
            name: "since".to_owned(),
            description: "How far back.".to_owned(),
            default: "30d".to_owned(),
        };
        Description { title: "t".to_owned(), summary: "s".to_owned(), parameters: vec![since] }
    }

    fn given(name: &str, value: &str) -> Result<Given, Error> {
        parameters(&about(), Given::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn a_parameter_that_is_not_given_has_its_default() {
        assert_eq!(parameters(&about(), Given::new()).unwrap()["since"], "30d");
        assert_eq!(given("since", "7d").unwrap()["since"], "7d");
    }

    #[test]
    fn a_parameter_that_the_report_does_not_have_is_told_which_it_has() {
        let error = given("sinse", "7d").unwrap_err().to_string();
        assert_eq!(error, "the report has no parameter “sinse”; it has since");
        assert!(matches!(given("since", &"x".repeat(2_000)), Err(Error::Invalid(_))));
    }
}
