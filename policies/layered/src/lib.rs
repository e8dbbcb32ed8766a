//! The layered command policy as a component: maps the interface's types to the analysis.

// The bindings are generated; their style is not ours.
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/types", "../../wit/host", "../../wit/plugin", "../../wit/policy"],
        world: "lockhouse:policy/policy",
        generate_all,
    });
}

use bindings::{
    exports::lockhouse::{
        plugin::lifecycle::{self, Description, Problem},
        policy::command_policy::{self, Decision, Request, Risk, Verdict},
    },
    lockhouse::{host::settings, types::errors::Error},
};
use command_analysis::Settings;
use guest_heap::Heap;

#[global_allocator]
static HEAP: Heap = Heap::new();

struct Layered;

impl lifecycle::Guest for Layered {
    fn describe() -> Description {
        Description {
            id: "layered".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Judges every part of a command on a real shell parse, in four layers."
                .to_owned(),
        }
    }

    fn validate_settings(settings: String) -> Result<(), Vec<Problem>> {
        let problem = |problem: command_analysis::Problem| Problem {
            path: problem.path,
            message: problem.message,
        };
        Settings::from_json(&settings)
            .map(drop)
            .map_err(|problems| problems.into_iter().map(problem).collect())
    }
}

impl command_policy::Guest for Layered {
    fn evaluate(request: Request) -> Result<Verdict, Error> {
        let settings = granted_settings()?;
        let request = command_analysis::Request {
            command: request.command,
            argv: request.argv,
            cwd: request.cwd,
            env_names: request.env_names,
        };
        Ok(verdict(command_analysis::judge(&request, &settings)))
    }

    fn explain() -> String {
        // Without readable settings nothing is allowed; the plain rules are still true.
        command_analysis::explain(&granted_settings().unwrap_or_default())
    }
}

/// The operator's settings. Most bindings have none, and reading those must cost nothing.
fn granted_settings() -> Result<Settings, Error> {
    let text = settings::get();
    if text == "{}" {
        return Ok(Settings::default());
    }
    Settings::from_json(&text).map_err(|problems| {
        let problems: Vec<_> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path, problem.message))
            .collect();
        Error::Invalid(format!(
            "The settings of the layered policy are wrong. {}",
            problems.join(" ")
        ))
    })
}

fn verdict(verdict: command_analysis::Verdict) -> Verdict {
    Verdict {
        decision: match verdict.decision {
            command_analysis::Decision::Allow => Decision::Allow,
            command_analysis::Decision::Deny => Decision::Deny,
        },
        risk: match verdict.risk {
            command_analysis::Risk::Safe => Risk::Safe,
            command_analysis::Risk::Moderate => Risk::Moderate,
            command_analysis::Risk::Dangerous => Risk::Dangerous,
            command_analysis::Risk::Blocked => Risk::Blocked,
        },
        rule: verdict.rule.to_owned(),
        reason: verdict.reason,
        sanitised: verdict.sanitised,
        advice: verdict.advice.map(str::to_owned),
    }
}

bindings::export!(Layered with_types_in bindings);
