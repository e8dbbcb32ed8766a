//! What an agent is asked and what it answers; a plugin gives the answers.

use async_trait::async_trait;

use super::model::Tally;
use crate::ids::{Kind, ProjectId, ProjectName, RequestId, UserId};
use crate::policy;

/// What the user wants.
#[derive(Debug, Clone)]
pub struct Brief {
    pub prompt: String,
    pub project: ProjectId,
    pub project_name: ProjectName,
    pub kind: Kind,
    /// Whether the project had a kind before this brief.
    pub kind_fixed: bool,
    pub caller: UserId,
    pub caller_role: policy::Role,
    pub request_id: RequestId,
    /// What the run asks of models.
    pub tally: Tally,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    pub path: String,
    pub purpose: String,
}

/// What shows that the running project works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    Command(String),
    Http { path: String, status: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub kind: Kind,
    pub summary: String,
    pub files: Vec<PlannedFile>,
    pub install: Vec<String>,
    pub start: Option<String>,
    pub port: Option<u16>,
    pub checks: Vec<Check>,
    /// The planner's notes for its writer.
    pub notes: String,
}

#[derive(Debug, Clone)]
pub struct ExistingFile {
    pub path: String,
    /// `None` for what is not text.
    pub content: Option<String>,
}

#[derive(Debug, Clone)]
pub struct WriteContext {
    pub brief: Brief,
    pub existing: Vec<ExistingFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    Write { path: String, content: Vec<u8>, executable: bool },
    Delete { path: String },
}

/// What an agent can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Planner,
    Writer,
    Fixer,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Writer => "writer",
            Self::Fixer => "fixer",
        }
    }
}

/// Where in a plan something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Install,
    Check,
    Start,
    Request,
}

/// Something of a plan that did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub plan: Plan,
    /// As the plan has it: the command, or `GET path`.
    pub what: String,
    pub stage: Stage,
    /// Exit code of a command, status of a request; `None` where there was
    /// none in time.
    pub code: Option<i32>,
    /// The end of what it printed.
    pub output: String,
    /// How often this run has been repaired before.
    pub attempt: u32,
}

/// Why an agent gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    /// The prompt can't be served; the text is for the user.
    #[error("{0}")]
    Invalid(String),
    /// The agent failed; the text names it and what stopped it.
    #[error("{0}")]
    Fault(String),
}

/// How far a call has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub done: u32,
    pub total: u32,
    /// What is next.
    pub message: String,
}

/// Where an agent's progress goes. A report that finds it full is dropped: it
/// is news, and the next one says more.
pub type ProgressSender = tokio::sync::mpsc::Sender<Progress>;

/// What plans, writes and repairs; a plugin, seen from this side. It is asked
/// only for what it says it plays.
#[async_trait]
pub trait Agent: Send + Sync + 'static {
    fn name(&self) -> &str;

    fn summary(&self) -> &str;

    fn plays(&self, role: Role) -> bool;

    async fn plan(&self, brief: &Brief, progress: &ProgressSender) -> Result<Plan, AgentError>;

    async fn write(
        &self,
        plan: &Plan,
        step: u32,
        context: &WriteContext,
        progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError>;

    /// Edits after which what failed should pass; none where it knows no
    /// remedy.
    async fn fix(
        &self,
        failure: &Failure,
        context: &WriteContext,
        progress: &ProgressSender,
    ) -> Result<Vec<Edit>, AgentError>;
}
