//! One question to an agent, and its answer.

use serde_json::{Value, json};

use crate::agents::{Agent as _, AgentError};
use crate::plugins::AgentPlugin;
use crate::plugins::request::{EditRecord, PlanRecord, Question};

/// How many reports of progress may wait; there is nobody here to watch them.
const PROGRESS_WAITING: usize = 16;

/// What an agent answered.
pub enum Answer {
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

    pub fn to_json(&self) -> Value {
        match self {
            Self::Plan(plan) => json!(plan),
            Self::Edits(edits) => json!({ "edits": edits }),
        }
    }
}

/// Asks it, and waits for the whole answer.
pub async fn of_agent(agent: &AgentPlugin, question: Question) -> Result<Answer, AgentError> {
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
