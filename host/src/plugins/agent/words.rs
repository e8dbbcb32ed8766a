//! Between the words of `wit/agent` and those of the room of agents.

use crate::agents::{Brief, Check, Edit, Failure, Plan, PlannedFile, Stage, WriteContext};
use crate::plugins::bindings::planner::lockhouse::agent::types as wit;
use crate::plugins::bindings::policy::lockhouse::types::common;
use crate::plugins::convert;

pub(super) fn brief_to_wit(brief: &Brief) -> wit::Brief {
    wit::Brief {
        prompt: brief.prompt.clone(),
        project: project(brief),
        kind_fixed: brief.kind_fixed,
        caller: convert::caller(&brief.caller, brief.caller_role),
        id: brief.request_id.to_string(),
    }
}

pub(super) fn context_to_wit(context: &WriteContext) -> wit::Context {
    let existing = context.existing.iter();
    let existing = existing
        .map(|f| wit::ExistingFile { path: f.path.clone(), content: f.content.clone() })
        .collect();
    wit::Context {
        project: project(&context.brief),
        prompt: context.brief.prompt.clone(),
        existing,
        id: context.brief.request_id.to_string(),
    }
}

pub(super) fn failure_to_wit(failure: &Failure) -> wit::Failure {
    wit::Failure {
        plan: plan_to_wit(&failure.plan),
        what: failure.what.clone(),
        stage: match failure.stage {
            Stage::Install => wit::Stage::Install,
            Stage::Check => wit::Stage::Check,
            Stage::Start => wit::Stage::Start,
            Stage::Request => wit::Stage::Request,
        },
        code: failure.code,
        output: failure.output.clone(),
        attempt: failure.attempt,
    }
}

pub(super) fn plan_to_wit(plan: &Plan) -> wit::Plan {
    let files = plan.files.iter();
    let files = files
        .map(|f| wit::PlannedFile { path: f.path.clone(), purpose: f.purpose.clone() })
        .collect();
    let check = |check: &Check| match check {
        Check::Command(command) => wit::Check::Command(command.clone()),
        Check::Http { path, status } => {
            wit::Check::Http(wit::HttpCheck { path: path.clone(), status: *status })
        }
    };
    wit::Plan {
        kind: convert::kind_to_wit(plan.kind),
        summary: plan.summary.clone(),
        files,
        install: plan.install.clone(),
        start: plan.start.clone(),
        port: plan.port,
        checks: plan.checks.iter().map(check).collect(),
        notes: plan.notes.clone(),
    }
}

pub(super) fn plan_from_wit(plan: wit::Plan) -> Plan {
    let file = |f: wit::PlannedFile| PlannedFile { path: f.path, purpose: f.purpose };
    let check = |check| match check {
        wit::Check::Command(command) => Check::Command(command),
        wit::Check::Http(http) => Check::Http { path: http.path, status: http.status },
    };
    Plan {
        kind: convert::kind_from_wit(plan.kind),
        summary: plan.summary,
        files: plan.files.into_iter().map(file).collect(),
        install: plan.install,
        start: plan.start,
        port: plan.port,
        checks: plan.checks.into_iter().map(check).collect(),
        notes: plan.notes,
    }
}

pub(super) fn plan_size(plan: &wit::Plan) -> usize {
    let check = |check: &wit::Check| match check {
        wit::Check::Command(command) => command.len(),
        wit::Check::Http(http) => http.path.len(),
    };
    plan.summary.len()
        + plan.notes.len()
        + plan.start.as_ref().map_or(0, String::len)
        + plan.files.iter().map(|f| f.path.len() + f.purpose.len()).sum::<usize>()
        + plan.install.iter().map(String::len).sum::<usize>()
        + plan.checks.iter().map(check).sum::<usize>()
}

#[expect(clippy::ptr_arg, reason = "it measures what an agent answers, which is a Vec")]
pub(super) fn edits_size(edits: &Vec<wit::Edit>) -> usize {
    let edit = |edit: &wit::Edit| match edit {
        wit::Edit::Write(file) => file.path.len() + file.content.len(),
        wit::Edit::Delete(path) => path.len(),
    };
    edits.iter().map(edit).sum()
}

pub(super) fn edit_from_wit(edit: wit::Edit) -> Edit {
    match edit {
        wit::Edit::Write(file) => {
            Edit::Write { path: file.path, content: file.content, executable: file.executable }
        }
        wit::Edit::Delete(path) => Edit::Delete { path },
    }
}

fn project(brief: &Brief) -> common::ProjectRef {
    common::ProjectRef {
        id: brief.project.to_string(),
        name: brief.project_name.to_string(),
        kind: convert::kind_to_wit(brief.kind),
    }
}
