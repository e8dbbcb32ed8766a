//! Refuses programs that the operator names.

// The bindings are generated from `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });
}

use bindings::exports::lockhouse::plugin::lifecycle::{self, Description, Problem};
use bindings::exports::lockhouse::policy::command_policy::{
    self, Decision, Request, Risk, Verdict,
};
use bindings::lockhouse::host::settings;
use bindings::lockhouse::types::errors::Error;
use serde_json::Value;

/// What the setting `refused` is where the operator gives none.
const REFUSED: [&str; 2] = ["sudo", "su"];

struct Plugin;

impl lifecycle::Guest for Plugin {
    fn describe() -> Description {
        Description {
            id: "my-plugin".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Refuses programs that the operator names.".to_owned(),
        }
    }

    fn validate_settings(json: String) -> Result<(), Vec<Problem>> {
        refused(&json).map(drop).map_err(|problem| vec![problem])
    }
}

impl command_policy::Guest for Plugin {
    fn evaluate(request: Request) -> Result<Verdict, Error> {
        // An error is no verdict, and without a verdict the host refuses the command.
        let refused = refused(&settings::get()).map_err(|p| Error::Invalid(p.message))?;
        let programs = match &request.argv {
            Some(words) => words.first().map(String::as_str).into_iter().collect(),
            None => programs(&request.command),
        };
        let found = programs
            .into_iter()
            .map(base)
            .find(|name| refused.iter().any(|r| r == name));
        Ok(found.map_or_else(allow, deny))
    }

    fn explain() -> String {
        let refused = refused(&settings::get()).unwrap_or_default();
        format!("These programs are refused: {}.", refused.join(", "))
    }
}

/// The setting, or what is wrong with the settings and where.
fn refused(json: &str) -> Result<Vec<String>, Problem> {
    let problem = |path: &str, message: &str| Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let settings: serde_json::Map<String, Value> =
        serde_json::from_str(json).map_err(|_| problem("", "must be one JSON object"))?;
    if let Some(key) = settings.keys().find(|key| *key != "refused") {
        return Err(problem(&format!("/{key}"), "is no setting; known: refused"));
    }
    let names = match settings.get("refused") {
        None => return Ok(REFUSED.map(str::to_owned).to_vec()),
        Some(Value::Array(names)) => names
            .iter()
            .map(|n| n.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    };
    names.ok_or_else(|| problem("/refused", "must be a list of program names"))
}

/// The first word of each part of a command line. A real shell does more; what it does is
/// judged by the policy that is built in, and deny wins.
fn programs(line: &str) -> Vec<&str> {
    line.split([';', '|', '&', '\n'])
        .filter_map(|part| part.split_whitespace().next())
        .collect()
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn allow() -> Verdict {
    Verdict {
        decision: Decision::Allow,
        risk: Risk::Safe,
        rule: "ordinary".to_owned(),
        reason: "It starts no program that is refused.".to_owned(),
        sanitised: None,
        advice: None,
    }
}

fn deny(program: &str) -> Verdict {
    Verdict {
        decision: Decision::Deny,
        risk: Risk::Blocked,
        rule: "refused-program".to_owned(),
        reason: format!("`{program}` may not run here."),
        sanitised: None,
        advice: Some("Do it without that program, or ask the operator.".to_owned()),
    }
}

bindings::export!(Plugin with_types_in bindings);
