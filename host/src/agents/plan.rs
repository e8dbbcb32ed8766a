//! What a plan must keep to before a line of it is carried out.

use super::agent::{Check, Plan};
use crate::files::RelPath;
use crate::ids::Kind;

const MAX_FILES: usize = 1_000;
const MAX_COMMANDS: usize = 32;
const MAX_CHECKS: usize = 64;

/// Says what is wrong with a plan, if anything is.
pub(super) fn check(plan: &Plan, fixed: Option<Kind>) -> Result<(), String> {
    if let Some(kind) = fixed.filter(|kind| *kind != plan.kind) {
        return Err(format!(
            "the agent planned a {} project, and this project's kind is {kind}; \
             say so in the prompt, or take another project",
            plan.kind
        ));
    }
    at_most("files", plan.files.len(), MAX_FILES)?;
    at_most("commands to install", plan.install.len(), MAX_COMMANDS)?;
    at_most("checks", plan.checks.len(), MAX_CHECKS)?;
    for file in &plan.files {
        file.path.parse::<RelPath>().map_err(|error| error.to_string())?;
    }
    plan.checks.iter().try_for_each(|check| check_request(plan, check))
}

fn at_most(what: &str, count: usize, limit: usize) -> Result<(), String> {
    if count <= limit {
        return Ok(());
    }
    Err(format!("the agent planned {count} {what}, and {limit} is the most"))
}

fn check_request(plan: &Plan, check: &Check) -> Result<(), String> {
    let Check::Http { path, .. } = check else { return Ok(()) };
    if plan.start.is_none() || plan.port.is_none() {
        return Err(format!("the agent planned a request for {path}, and no server to answer it"));
    }
    if !path.starts_with('/') || path.parse::<hyper::Uri>().is_err() {
        return Err(format!("the agent planned a request for “{path}”, which is no path of a URL"));
    }
    Ok(())
}

/// The plan as JSON, as the job keeps it.
pub(super) fn to_json(plan: &Plan) -> String {
    let check = |check: &Check| match check {
        Check::Command(command) => serde_json::json!({ "command": command }),
        Check::Http { path, status } => serde_json::json!({ "path": path, "status": status }),
    };
    let files = plan.files.iter();
    let files = files.map(|f| serde_json::json!({ "path": f.path, "purpose": f.purpose }));
    serde_json::json!({
        "kind": plan.kind.as_str(),
        "summary": plan.summary,
        "files": files.collect::<Vec<_>>(),
        "install": plan.install,
        "start": plan.start,
        "port": plan.port,
        "checks": plan.checks.iter().map(check).collect::<Vec<_>>(),
        "notes": plan.notes,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::agent::PlannedFile;
    use super::*;

    fn plan() -> Plan {
        Plan {
            kind: Kind::Python,
            summary: "An API.".to_owned(),
            files: vec![PlannedFile { path: "app.py".to_owned(), purpose: "It.".to_owned() }],
            install: Vec::new(),
            start: Some("python app.py".to_owned()),
            port: Some(8000),
            checks: vec![Check::Http { path: "/health".to_owned(), status: 200 }],
            notes: String::new(),
        }
    }

    #[test]
    fn a_plan_of_another_kind_than_the_projects_is_refused() {
        assert!(check(&plan(), Some(Kind::Node)).unwrap_err().contains("kind is node"));
        assert!(check(&plan(), None).is_ok());
    }

    #[test]
    fn a_plan_that_leads_out_of_the_project_is_refused() {
        let file = PlannedFile { path: "../x".to_owned(), purpose: String::new() };
        assert!(check(&Plan { files: vec![file], ..plan() }, None).is_err());
    }

    #[test]
    fn a_request_that_nobody_would_answer_is_refused() {
        assert!(check(&Plan { start: None, ..plan() }, None).is_err());
    }

    #[test]
    fn a_request_for_what_is_no_path_is_refused() {
        let checks = vec![Check::Http { path: "http://elsewhere/".to_owned(), status: 200 }];
        assert!(check(&Plan { checks, ..plan() }, None).is_err());
    }

    #[test]
    fn a_plan_without_bounds_is_refused() {
        let install = vec!["true".to_owned(); MAX_COMMANDS + 1];
        assert!(check(&Plan { install, ..plan() }, None).unwrap_err().contains("32 is the most"));
    }
}
