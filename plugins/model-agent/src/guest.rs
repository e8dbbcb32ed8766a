//! The component's skin: WIT in, WIT out, no decisions.

use bindings::exports::lockhouse::agent::{fixer, planner, writer};
use bindings::exports::lockhouse::plugin::lifecycle;
use bindings::lockhouse::agent::types;
use bindings::lockhouse::host::{log, model, progress, settings};
use bindings::lockhouse::types::common::ProjectKind;
use bindings::lockhouse::types::errors::Error;

use crate::ask::{self, Answer, Question, Speaker, Stop, Trouble};
use crate::files::File;
use crate::{fix, plan, write};

mod bindings {
    #![expect(unsafe_code, reason = "generated code crosses the component boundary")]

    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/plugin", "../../wit/agent"],
        world: "lockhouse:agent/agent",
        generate_all,
    });

    use super::ModelAgent;
    export!(ModelAgent);
}

struct ModelAgent;

impl lifecycle::Guest for ModelAgent {
    fn describe() -> lifecycle::Description {
        lifecycle::Description {
            id: "model-agent".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Plans, writes and repairs projects through a model.".to_owned(),
        }
    }

    fn validate_settings(settings: String) -> Result<(), Vec<lifecycle::Problem>> {
        let problems: Vec<_> = crate::settings::problems(&settings)
            .into_iter()
            .map(|(path, message)| lifecycle::Problem { path, message })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl planner::Guest for ModelAgent {
    fn plan(brief: planner::Brief) -> Result<planner::ProjectPlan, Error> {
        let kind = brief.kind_fixed.then(|| kind_name(brief.project.kind));
        let request = plan::Request { prompt: &brief.prompt, project: &brief.project.name, kind };
        progress::report(0, 1, "Asking the model for a plan");
        let plan = answered(plan::question(request), |text| plan::read(text, kind))?;
        Ok(plan.into())
    }
}

impl writer::Guest for ModelAgent {
    fn write(
        plan: writer::Plan,
        step: u32,
        context: writer::Context,
    ) -> Result<Vec<writer::Edit>, Error> {
        let total = u32::try_from(plan.files.len()).unwrap_or(u32::MAX);
        let file = usize::try_from(step).ok().and_then(|index| plan.files.get(index));
        let Some(file) = file else {
            return Err(Error::Invalid(format!(
                "The plan has {total} files; there is no step {step}."
            )));
        };
        progress::report(step, total, &format!("Asking the model for {}", file.path));
        let (files, shown) = (files(&context), shown(&plan));
        let planned: Vec<_> = plan.files.iter().map(|file| file.path.as_str()).collect();
        let question = write::question(write::Step {
            prompt: &context.prompt,
            plan: &shown,
            path: &file.path,
            purpose: &file.purpose,
            files: &files,
            planned: &planned,
        });
        let written = answered(question, write::read)?;
        Ok(vec![edit(file.path.clone(), written.content, written.executable)])
    }
}

impl fixer::Guest for ModelAgent {
    fn fix(failure: fixer::Failure, context: fixer::Context) -> Result<Vec<fixer::Edit>, Error> {
        let (files, shown) = (files(&context), shown(&failure.plan));
        let question = fix::question(fix::Failure {
            prompt: &context.prompt,
            plan: &shown,
            what: &failure.what,
            stage: match failure.stage {
                types::Stage::Install => "the installation",
                types::Stage::Check => "the check",
                types::Stage::Start => "the start",
                types::Stage::Request => "a request to the running project",
            },
            code: failure.code,
            output: &failure.output,
            attempt: failure.attempt,
            files: &files,
        });
        let repair = answered(question, fix::read)?;
        log::write(log::Level::Info, &repair.reason);
        let edit = |change: fix::Edit| match change.content {
            // Whether it was executable is not known; scripts are.
            Some(content) if content.starts_with("#!") => edit(change.path, content, true),
            Some(content) => edit(change.path, content, false),
            None => types::Edit::Delete(change.path),
        };
        Ok(repair.edits.into_iter().map(edit).collect())
    }
}

fn answered<T>(question: Question, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Error> {
    let named = crate::settings::model(&settings::get());
    ask::ask(question, |question| consult(named, question), read).map_err(Error::from)
}

fn consult(named: &str, question: &Question) -> Result<Answer, Trouble> {
    let instructions =
        model::Message { speaker: model::Speaker::System, text: question.instructions.to_owned() };
    let turn = |(speaker, text): &(Speaker, String)| model::Message {
        speaker: match speaker {
            Speaker::User => model::Speaker::User,
            Speaker::Assistant => model::Speaker::Assistant,
        },
        text: text.clone(),
    };
    let asked = model::Question {
        model: named.to_owned(),
        messages: std::iter::once(instructions).chain(question.turns.iter().map(turn)).collect(),
        schema: Some(question.schema.to_owned()),
        max_tokens: question.max_tokens,
    };
    let answer = model::ask(&asked).map_err(Trouble::from)?;
    let stop = match answer.stop {
        model::Stop::Finished => Stop::Finished,
        model::Stop::Length => Stop::Length,
        model::Stop::Refused => Stop::Refused,
    };
    Ok(Answer { text: answer.text, stop })
}

fn files(context: &types::Context) -> Vec<File<'_>> {
    let existing = context.existing.iter();
    existing.map(|file| File { path: &file.path, text: file.content.as_deref() }).collect()
}

/// The plan as a model is shown it.
fn shown(plan: &types::Plan) -> String {
    let files: Vec<_> = plan
        .files
        .iter()
        .map(|file| serde_json::json!({ "path": file.path, "purpose": file.purpose }))
        .collect();
    let check = |check: &types::Check| match check {
        types::Check::Command(command) => serde_json::json!({ "command": command }),
        types::Check::Http(http) => {
            serde_json::json!({ "path": http.path, "status": http.status })
        }
    };
    serde_json::json!({
        "kind": kind_name(plan.kind),
        "summary": plan.summary,
        "files": files,
        "notes": plan.notes,
        "install": plan.install,
        "start": plan.start,
        "port": plan.port,
        "checks": plan.checks.iter().map(check).collect::<Vec<_>>(),
    })
    .to_string()
}

fn edit(path: String, content: String, executable: bool) -> types::Edit {
    let content = content.into_bytes();
    types::Edit::Write(types::FileContent { path, content, executable })
}

fn kind_name(kind: ProjectKind) -> &'static str {
    match kind {
        ProjectKind::Python => "python",
        ProjectKind::Node => "node",
        ProjectKind::Java => "java",
        ProjectKind::Go => "go",
        ProjectKind::Rust => "rust",
        ProjectKind::Ruby => "ruby",
        ProjectKind::Php => "php",
        ProjectKind::Static => "static",
    }
}

/// The plan's reader has refused every other name.
fn kind_of(name: &str) -> ProjectKind {
    match name {
        "node" => ProjectKind::Node,
        "java" => ProjectKind::Java,
        "go" => ProjectKind::Go,
        "rust" => ProjectKind::Rust,
        "ruby" => ProjectKind::Ruby,
        "php" => ProjectKind::Php,
        "static" => ProjectKind::Static,
        _ => ProjectKind::Python,
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(text) => Self::Denied(text),
            Error::NotFound(text) => Self::NotFound(text),
            Error::Invalid(text) => Self::Invalid(text),
            Error::TooLarge(text) => Self::TooLarge(text),
            Error::Timeout => Self::Timeout,
            Error::Quota(text) => Self::Quota(text),
            Error::Unavailable(text) => Self::Unavailable(text),
            Error::Internal(text) => Self::Internal(text),
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Denied(text) => Self::Denied(text),
            Trouble::NotFound(text) => Self::NotFound(text),
            Trouble::Invalid(text) => Self::Invalid(text),
            Trouble::TooLarge(text) => Self::TooLarge(text),
            Trouble::Timeout => {
                Self::Unavailable("The model did not answer in time; try again.".to_owned())
            }
            Trouble::Quota(text) => Self::Quota(text),
            Trouble::Unavailable(text) => Self::Unavailable(text),
            Trouble::Internal(text) => Self::Internal(text),
        }
    }
}

impl From<plan::Plan> for types::Plan {
    fn from(plan: plan::Plan) -> Self {
        let files = plan.files.into_iter();
        types::Plan {
            kind: kind_of(&plan.kind),
            summary: plan.summary,
            files: files
                .map(|file| types::PlannedFile { path: file.path, purpose: file.purpose })
                .collect(),
            install: plan.install,
            start: plan.start,
            port: plan.port,
            checks: plan.checks.into_iter().map(types::Check::from).collect(),
            notes: plan.notes,
        }
    }
}

impl From<plan::Check> for types::Check {
    fn from(check: plan::Check) -> Self {
        match check {
            plan::Check::Command { command } => types::Check::Command(command),
            plan::Check::Http { path, status } => {
                types::Check::Http(types::HttpCheck { path, status })
            }
        }
    }
}
