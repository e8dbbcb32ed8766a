//! Refuses git pushes to protected branches, and forced ones.

mod push;
mod settings;

// The bindings are generated from `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "plugin", generate_all });
}

use bindings::exports::lockhouse::plugin::lifecycle::{self, Description, Problem};
use bindings::exports::lockhouse::policy::command_policy::{
    self, Decision, Request, Risk, Verdict,
};
use bindings::lockhouse::host::settings as host;
use bindings::lockhouse::types::errors::Error;

struct ProtectedBranches;

impl lifecycle::Guest for ProtectedBranches {
    fn describe() -> Description {
        Description {
            id: "protected-branches".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Refuses git pushes to protected branches, and forced ones.".to_owned(),
        }
    }

    fn validate_settings(json: String) -> Result<(), Vec<Problem>> {
        let problem = |(path, message)| Problem { path, message };
        settings::protected(&json)
            .map(drop)
            .map_err(|problems| problems.into_iter().map(problem).collect())
    }
}

impl command_policy::Guest for ProtectedBranches {
    fn evaluate(request: Request) -> Result<Verdict, Error> {
        let protected = protected()?;
        let commands = match request.argv {
            Some(argv) => vec![argv],
            None => push::commands(&request.command),
        };
        // The worst of its parts decides on the whole line.
        let findings = commands.iter().map(|words| push::look_at(words, &protected));
        Ok(verdict(findings.max().unwrap_or_default()))
    }

    fn explain() -> String {
        let protected = protected().unwrap_or_default();
        format!(
            "Never push with force. Never push to {}; push a branch and ask for a review.",
            if protected.is_empty() { "no branch at all".to_owned() } else { protected.join(", ") }
        )
    }
}

/// An error is no verdict, and without a verdict the host refuses the command.
fn protected() -> Result<Vec<String>, Error> {
    settings::protected(&host::get()).map_err(|problems| {
        let problems: Vec<_> =
            problems.into_iter().map(|(at, why)| format!("{at}: {why}")).collect();
        Error::Invalid(problems.join("; "))
    })
}

fn verdict(finding: push::Finding) -> Verdict {
    let (decision, risk) = match finding {
        push::Finding::NoPush => (Decision::Allow, Risk::Safe),
        push::Finding::Push => (Decision::Allow, Risk::Moderate),
        push::Finding::Forced => (Decision::Deny, Risk::Dangerous),
        push::Finding::Protected => (Decision::Deny, Risk::Blocked),
    };
    let (rule, reason, advice) = finding.words();
    Verdict {
        decision,
        risk,
        rule: rule.to_owned(),
        reason: reason.to_owned(),
        sanitised: None,
        advice: advice.map(str::to_owned),
    }
}

bindings::export!(ProtectedBranches with_types_in bindings);
