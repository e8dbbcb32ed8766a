//! Questions to planners and writers, and their answers, as JSON: the records
//! of `wit/agent` in snake case.

use serde::{Deserialize, Serialize};

use super::{CallerRecord, Invalid, ProjectRecord, project_id, read, request_id};
use crate::agents::{
    self, Brief, Edit, ExistingFile, Failure, MAX_MODEL_TOKENS, Plan, Stage, Tally, WriteContext,
};
use crate::ids::Kind;

/// A question by what it asks for.
#[derive(Debug, Clone)]
pub enum Question {
    Plan(Brief),
    Write { plan: Plan, step: u32, context: WriteContext },
    Fix { failure: Failure, context: WriteContext },
}

/// Told apart by their keys: `plan` asks a writer, `failure` a fixer, anything
/// else a planner.
pub fn question(json: &[u8]) -> Result<Question, Invalid> {
    let keys: serde_json::Map<String, serde_json::Value> = read(json)?;
    if keys.contains_key("failure") {
        return read::<FixRequest>(json)?.question();
    }
    if keys.contains_key("plan") {
        return read::<WriteRequest>(json)?.question();
    }
    read::<BriefRequest>(json)?.brief().map(Question::Plan)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BriefRequest {
    prompt: String,
    #[serde(default)]
    project: ProjectRecord,
    #[serde(default)]
    caller: CallerRecord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteRequest {
    plan: PlanRecord,
    #[serde(default)]
    step: u32,
    #[serde(default)]
    context: ContextRecord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixRequest {
    failure: FailureRecord,
    #[serde(default)]
    context: ContextRecord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureRecord {
    plan: PlanRecord,
    what: String,
    stage: StageName,
    code: Option<i32>,
    #[serde(default)]
    output: String,
    #[serde(default)]
    attempt: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StageName {
    Install,
    Check,
    Start,
    Request,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ContextRecord {
    prompt: String,
    project: ProjectRecord,
    caller: CallerRecord,
    existing: Vec<FileRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRecord {
    path: String,
    /// None for what is not text.
    content: Option<String>,
}

/// A plan, as a planner answers it and a writer is asked with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRecord {
    pub kind: String,
    pub summary: String,
    pub files: Vec<PlannedRecord>,
    #[serde(default)]
    pub install: Vec<String>,
    pub start: Option<String>,
    pub port: Option<u16>,
    #[serde(default)]
    pub checks: Vec<CheckRecord>,
    #[serde(default)]
    pub notes: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRecord {
    pub path: String,
    #[serde(default)]
    pub purpose: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum CheckRecord {
    Command(String),
    Http { path: String, status: u16 },
}

/// An edit, as writers answer it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EditRecord {
    Write {
        path: String,
        /// None where the content is no text.
        content: Option<String>,
        size_bytes: usize,
        executable: bool,
    },
    Delete(String),
}

impl BriefRequest {
    fn brief(self) -> Result<Brief, Invalid> {
        Ok(Brief {
            prompt: self.prompt,
            project: project_id()?,
            project_name: self.project.name()?,
            kind: self.project.kind()?,
            kind_fixed: self.project.kind.is_some(),
            caller: self.caller.id()?,
            caller_role: self.caller.role(),
            request_id: request_id()?,
            tally: Tally::new(MAX_MODEL_TOKENS),
        })
    }
}

impl WriteRequest {
    fn question(self) -> Result<Question, Invalid> {
        let steps = self.plan.files.len();
        if usize::try_from(self.step).map_or(true, |step| step >= steps) {
            let step = self.step;
            return Err(Invalid(format!(
                "step {step} is none of the plan's {steps}; its first is 0"
            )));
        }
        let (plan, context) = (self.plan.try_into()?, self.context.context()?);
        Ok(Question::Write { plan, step: self.step, context })
    }
}

impl FixRequest {
    fn question(self) -> Result<Question, Invalid> {
        let FailureRecord { plan, what, stage, code, output, attempt } = self.failure;
        let stage = match stage {
            StageName::Install => Stage::Install,
            StageName::Check => Stage::Check,
            StageName::Start => Stage::Start,
            StageName::Request => Stage::Request,
        };
        let failure = Failure { plan: plan.try_into()?, what, stage, code, output, attempt };
        Ok(Question::Fix { failure, context: self.context.context()? })
    }
}

impl ContextRecord {
    fn context(self) -> Result<WriteContext, Invalid> {
        let brief =
            BriefRequest { prompt: self.prompt, project: self.project, caller: self.caller };
        let existing = self.existing.into_iter();
        let existing =
            existing.map(|f| ExistingFile { path: f.path, content: f.content }).collect();
        Ok(WriteContext { brief: brief.brief()?, existing })
    }
}

impl TryFrom<PlanRecord> for Plan {
    type Error = Invalid;

    fn try_from(plan: PlanRecord) -> Result<Self, Invalid> {
        let file = |f: PlannedRecord| agents::PlannedFile { path: f.path, purpose: f.purpose };
        let check = |check| match check {
            CheckRecord::Command(command) => agents::Check::Command(command),
            CheckRecord::Http { path, status } => agents::Check::Http { path, status },
        };
        Ok(Self {
            kind: plan.kind.parse::<Kind>().map_err(super::at("plan.kind"))?,
            summary: plan.summary,
            files: plan.files.into_iter().map(file).collect(),
            install: plan.install,
            start: plan.start,
            port: plan.port,
            checks: plan.checks.into_iter().map(check).collect(),
            notes: plan.notes,
        })
    }
}

impl From<Plan> for PlanRecord {
    fn from(plan: Plan) -> Self {
        let file = |f: agents::PlannedFile| PlannedRecord { path: f.path, purpose: f.purpose };
        let check = |check| match check {
            agents::Check::Command(command) => CheckRecord::Command(command),
            agents::Check::Http { path, status } => CheckRecord::Http { path, status },
        };
        Self {
            kind: plan.kind.to_string(),
            summary: plan.summary,
            files: plan.files.into_iter().map(file).collect(),
            install: plan.install,
            start: plan.start,
            port: plan.port,
            checks: plan.checks.into_iter().map(check).collect(),
            notes: plan.notes,
        }
    }
}

impl From<Edit> for EditRecord {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Write { path, content, executable } => {
                let size_bytes = content.len();
                let content = String::from_utf8(content).ok();
                Self::Write { path, content, size_bytes, executable }
            }
            Edit::Delete { path } => Self::Delete(path),
        }
    }
}

impl EditRecord {
    /// What the edit is about.
    pub fn path(&self) -> &str {
        match self {
            Self::Write { path, .. } | Self::Delete(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"kind": "python", "summary": "s", "files": [{"path": "a.py"}],
        "start": "python a.py", "port": 80,
        "checks": [{"command": "pytest"}, {"http": {"path": "/", "status": 200}}]}"#;

    #[test]
    fn a_prompt_asks_a_planner() {
        let Question::Plan(brief) = question(br#"{"prompt": "a todo app"}"#).unwrap() else {
            panic!("it asks a planner")
        };
        assert_eq!((brief.prompt.as_str(), brief.kind_fixed), ("a todo app", false));
    }

    #[test]
    fn a_plan_asks_a_writer() {
        let json = format!(r#"{{"plan": {PLAN}, "context": {{"prompt": "p"}}}}"#);
        let Question::Write { plan, step, context } = question(json.as_bytes()).unwrap() else {
            panic!("it asks a writer")
        };
        assert_eq!((plan.checks.len(), step, context.brief.prompt.as_str()), (2, 0, "p"));
    }

    #[test]
    fn a_failure_asks_a_fixer() {
        let json = format!(
            r#"{{"failure": {{"plan": {PLAN}, "what": "pytest", "stage": "check", "code": 1}}}}"#
        );
        let Question::Fix { failure, .. } = question(json.as_bytes()).unwrap() else {
            panic!("it asks a fixer")
        };
        assert_eq!((failure.stage, failure.code, failure.attempt), (Stage::Check, Some(1), 0));
    }

    #[test]
    fn a_plan_reads_back_as_it_was_shown() {
        let record: PlanRecord = serde_json::from_str(PLAN).unwrap();
        let plan = Plan::try_from(record.clone()).unwrap();
        assert_eq!(PlanRecord::from(plan), record);
    }

    #[test]
    fn a_step_that_the_plan_does_not_have_is_refused() {
        let json = format!(r#"{{"plan": {PLAN}, "step": 1}}"#);
        let error = question(json.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "step 1 is none of the plan's 1; its first is 0");
    }
}
