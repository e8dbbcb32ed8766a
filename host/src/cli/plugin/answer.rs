//! One question to a plugin, and its answer.

use serde_json::{Value, json};

use super::show;
use crate::agents::{Agent as _, AgentError};
use crate::http::{document_view, query_view};
use crate::plugins::request::{self, EditRecord, PlanRecord, Question, ReportQuestion};
use crate::plugins::{AgentPlugin, Plugin, ReportPlugin};
use crate::policy::CommandPolicy as _;
use crate::reports::{Document, Query, Report as _, ReportError, check_document};

/// How many reports of progress may wait; there is nobody here to watch them.
const PROGRESS_WAITING: usize = 16;

/// What an agent answered.
pub(super) enum Answer {
    Plan(PlanRecord),
    Edits(Vec<EditRecord>),
}

impl Answer {
    /// Paths that a plan names or that were edited.
    pub(super) fn paths(&self) -> Vec<&str> {
        match self {
            Self::Plan(plan) => plan.files.iter().map(|file| file.path.as_str()).collect(),
            Self::Edits(edits) => edits.iter().map(EditRecord::path).collect(),
        }
    }

    /// The kind that a plan is for.
    pub(super) fn kind(&self) -> Option<&str> {
        match self {
            Self::Plan(plan) => Some(&plan.kind),
            Self::Edits(_) => None,
        }
    }

    /// Whether a text stands in it: in a plan's commands and notes, or in what was written.
    pub(super) fn contains(&self, text: &str) -> bool {
        let contains = |part: &str| part.contains(text);
        match self {
            Self::Plan(plan) => {
                let commands = plan.install.iter().chain(&plan.start).map(String::as_str);
                commands.chain([plan.summary.as_str(), &plan.notes]).any(contains)
            }
            Self::Edits(edits) => edits.iter().any(|edit| match edit {
                EditRecord::Write { content, .. } => content.as_deref().is_some_and(contains),
                EditRecord::Delete(_) => false,
            }),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Plan(plan) => json!(plan),
            Self::Edits(edits) => json!({ "edits": edits }),
        }
    }
}

/// What a report answered: what it asks, and what it makes of the rows that it
/// was given.
pub(super) struct Reported {
    queries: Vec<Query>,
    document: Option<Document>,
}

impl Reported {
    /// The questions it asks of the host.
    pub(super) fn questions(&self) -> Vec<&str> {
        self.queries.iter().map(|query| query.question.as_str()).collect()
    }

    pub(super) fn into_json(self) -> Value {
        let queries: Vec<_> = self.queries.iter().map(query_view).collect();
        json!({ "queries": queries, "document": self.document.map(document_view) })
    }
}

/// Whether a text stands anywhere in an answer.
pub(super) fn has_text(answer: &Value, text: &str) -> bool {
    match answer {
        Value::String(found) => found.contains(text),
        Value::Number(found) => found.to_string().contains(text),
        Value::Array(parts) => parts.iter().any(|part| has_text(part, text)),
        Value::Object(parts) => parts.values().any(|part| has_text(part, text)),
        Value::Null | Value::Bool(_) => false,
    }
}

/// A plugin's answer as JSON, whatever it plays.
pub(super) async fn of(plugin: &Plugin, question: &[u8]) -> anyhow::Result<Value> {
    Ok(match plugin {
        Plugin::Policy(policy) => {
            show::verdict(&policy.evaluate(&request::command(question)?).await?)
        }
        Plugin::Agent(agent) => of_agent(agent, request::question(question)?).await?.to_json(),
        Plugin::Report(report) => of_report(report, request::report(question)?).await?.into_json(),
    })
}

pub(super) async fn of_agent(
    agent: &AgentPlugin,
    question: Question,
) -> Result<Answer, AgentError> {
    let (progress, _reports) = tokio::sync::mpsc::channel(PROGRESS_WAITING);
    match question {
        Question::Plan(brief) => Ok(Answer::Plan(agent.plan(&brief, &progress).await?.into())),
        Question::Write { plan, step, context } => {
            let edits = agent.write(&plan, step, &context, &progress).await?;
            Ok(Answer::Edits(edits.into_iter().map(EditRecord::from).collect()))
        }
        Question::Fix { failure, context } => {
            let edits = agent.fix(&failure, &context, &progress).await?;
            Ok(Answer::Edits(edits.into_iter().map(EditRecord::from).collect()))
        }
    }
}

/// The questions, and with rows the document, checked as the server does.
pub(super) async fn of_report(
    report: &ReportPlugin,
    question: ReportQuestion,
) -> Result<Reported, ReportError> {
    let parameters = question.parameters_of(report.description());
    let queries = report.queries(&parameters).await?;
    let Some(dataset) = question.dataset else { return Ok(Reported { queries, document: None }) };
    let document = report.render(&parameters, dataset).await?;
    check_document(&document).map_err(ReportError::Fault)?;
    Ok(Reported { queries, document: Some(document) })
}
