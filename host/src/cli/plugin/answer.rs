//! One question to a plugin, and its answer as it is shown.

use serde_json::{Value, json};

use super::show;
use crate::plugins::request::{self, ReportQuestion};
use crate::plugins::{Plugin, ReportPlugin, cases};
use crate::policy::CommandPolicy as _;
use crate::reports::{
    Document, Query, Report as _, ReportError, check_document, document_view, query_view,
};

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

/// A plugin's answer as JSON, whatever it plays.
pub(super) async fn of(plugin: &Plugin, question: &[u8]) -> anyhow::Result<Value> {
    Ok(match plugin {
        Plugin::Policy(policy) => {
            show::verdict(&policy.evaluate(&request::command(question)?).await?)
        }
        Plugin::Agent(agent) => {
            cases::of_agent(agent, request::question(question)?).await?.to_json()
        }
        Plugin::Report(report) => of_report(report, request::report(question)?).await?.into_json(),
    })
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
