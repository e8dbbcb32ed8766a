//! The component's skin: WIT in, WIT out, no decisions.

use bindings::exports::lockhouse::agent::{fixer, planner, writer};
use bindings::exports::lockhouse::plugin::lifecycle;
use bindings::lockhouse::agent::types;
use bindings::lockhouse::host::{log, progress};
use bindings::lockhouse::types::common::ProjectKind;
use bindings::lockhouse::types::errors::Error;

use crate::fix::{self, Repair};
use crate::plan::{self, Check, Kind, Refusal, Request};
use crate::write::{self, Existing, Outcome, Step};

mod bindings {
    #![expect(unsafe_code, reason = "generated code crosses the component boundary")]

    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/plugin", "../../wit/agent"],
        world: "lockhouse:agent/agent",
        generate_all,
    });

    use super::Scaffold;
    export!(Scaffold);
}

struct Scaffold;

impl lifecycle::Guest for Scaffold {
    fn describe() -> lifecycle::Description {
        lifecycle::Description {
            id: "scaffold".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Makes small tested projects from a prompt's words, without a model."
                .to_owned(),
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

impl planner::Guest for Scaffold {
    fn plan(brief: planner::Brief) -> Result<planner::ProjectPlan, Error> {
        let kind = brief.kind_fixed.then(|| kind_of(brief.project.kind));
        let request = Request { prompt: &brief.prompt, project: &brief.project.name, kind };
        let plan = plan::plan(request)?;
        log::write(log::Level::Debug, &format!("read the prompt as {}", plan.notes));
        Ok(plan.into())
    }
}

impl writer::Guest for Scaffold {
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
        progress::report(step, total, &format!("Writing {}", file.path));
        let now = context.existing.iter().find(|existing| existing.path == file.path);
        let existing = match now.map(|existing| existing.content.as_deref()) {
            None => Existing::Missing,
            Some(Some(text)) => Existing::Text(text),
            Some(None) => Existing::NotText,
        };
        let outcome = write::write(Step { notes: &plan.notes, path: &file.path, existing })?;
        tell(&file.path, &outcome);
        Ok(edits(&file.path, outcome))
    }
}

impl fixer::Guest for Scaffold {
    fn fix(failure: fixer::Failure, context: fixer::Context) -> Result<Vec<fixer::Edit>, Error> {
        let existing = context.existing.iter();
        let files: Vec<_> =
            existing.map(|file| (file.path.as_str(), file.content.as_deref())).collect();
        let failure =
            fix::Failure { output: &failure.output, install: &failure.plan.install, files: &files };
        let Some(Repair { path, text, why }) = fix::fix(failure) else { return Ok(Vec::new()) };
        log::write(log::Level::Info, &why);
        Ok(vec![edit(path, text)])
    }
}

/// Says in the log when something that was there changes.
fn tell(path: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Replace(_) => {
            log::write(log::Level::Warn, &format!("{path} exists and is to be replaced"));
        }
        Outcome::Extend(_) => {
            log::write(log::Level::Info, &format!("{path} keeps its lines and gets more"));
        }
        Outcome::Create(_) | Outcome::Unchanged => {}
    }
}

fn edits(path: &str, outcome: Outcome) -> Vec<writer::Edit> {
    match outcome {
        Outcome::Unchanged => Vec::new(),
        Outcome::Create(text) | Outcome::Replace(text) | Outcome::Extend(text) => {
            vec![edit(path, text)]
        }
    }
}

fn edit(path: &str, text: String) -> types::Edit {
    types::Edit::Write(types::FileContent {
        path: path.to_owned(),
        content: text.into_bytes(),
        executable: false,
    })
}

fn kind_of(kind: ProjectKind) -> Kind {
    match kind {
        ProjectKind::Python => Kind::Python,
        ProjectKind::Node => Kind::Node,
        ProjectKind::Java => Kind::Java,
        ProjectKind::Go => Kind::Go,
        ProjectKind::Rust => Kind::Rust,
        ProjectKind::Ruby => Kind::Ruby,
        ProjectKind::Php => Kind::Php,
        ProjectKind::Static => Kind::Static,
    }
}

impl From<Kind> for ProjectKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Python => ProjectKind::Python,
            Kind::Node => ProjectKind::Node,
            Kind::Java => ProjectKind::Java,
            Kind::Go => ProjectKind::Go,
            Kind::Rust => ProjectKind::Rust,
            Kind::Ruby => ProjectKind::Ruby,
            Kind::Php => ProjectKind::Php,
            Kind::Static => ProjectKind::Static,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(text) => Error::Invalid(text),
            Refusal::TooLarge(text) => Error::TooLarge(text),
            Refusal::Internal(text) => Error::Internal(text),
        }
    }
}

impl From<plan::Plan> for types::Plan {
    fn from(plan: plan::Plan) -> Self {
        let files = plan.files.into_iter();
        types::Plan {
            kind: plan.kind.into(),
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

impl From<Check> for types::Check {
    fn from(check: Check) -> Self {
        match check {
            Check::Command(command) => types::Check::Command(command),
            Check::Http { path, status } => types::Check::Http(types::HttpCheck { path, status }),
        }
    }
}
