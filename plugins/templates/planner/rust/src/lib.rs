//! Plans a script of one file with its test.

// The bindings are generated from `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });
}

use bindings::exports::lockhouse::agent::planner::{self, Brief, ProjectPlan};
use bindings::exports::lockhouse::plugin::lifecycle::{self, Description, Problem};
use bindings::lockhouse::agent::types::{Check, PlannedFile};
use bindings::lockhouse::host::settings;
use bindings::lockhouse::types::common::ProjectKind;
use bindings::lockhouse::types::errors::Error;
use serde_json::Value;

/// What the setting `entry` is where the operator gives none.
const ENTRY: &str = "main.py";

struct Plugin;

impl lifecycle::Guest for Plugin {
    fn describe() -> Description {
        Description {
            id: "my-plugin".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Plans a script of one file with its test.".to_owned(),
        }
    }

    fn validate_settings(json: String) -> Result<(), Vec<Problem>> {
        entry(&json).map(drop).map_err(|problem| vec![problem])
    }
}

impl planner::Guest for Plugin {
    fn plan(brief: Brief) -> Result<ProjectPlan, Error> {
        let entry = entry(&settings::get()).map_err(|problem| Error::Invalid(problem.message))?;
        let wish = brief.prompt.trim();
        if wish.is_empty() {
            // Shown to whoever asked.
            return Err(Error::Invalid(
                "Say in a few words what the script should do.".to_owned(),
            ));
        }
        let file = |path: String, purpose: String| PlannedFile { path, purpose };
        let test = format!("test_{entry}");
        Ok(ProjectPlan {
            kind: ProjectKind::Python,
            summary: format!("A Python script: {wish}."),
            files: vec![
                file(entry, format!("The script: {wish}.")),
                file(test, "Tests of the script.".to_owned()),
            ],
            install: Vec::new(),
            start: None,
            port: None,
            checks: vec![Check::Command("python3 -m unittest".to_owned())],
            notes: String::new(),
        })
    }
}

/// The setting, or what is wrong with the settings and where.
fn entry(json: &str) -> Result<String, Problem> {
    let problem = |path: &str, message: &str| Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let settings: serde_json::Map<String, Value> =
        serde_json::from_str(json).map_err(|_| problem("", "must be one JSON object"))?;
    if let Some(key) = settings.keys().find(|key| *key != "entry") {
        return Err(problem(&format!("/{key}"), "is no setting; known: entry"));
    }
    match settings.get("entry") {
        None => Ok(ENTRY.to_owned()),
        Some(Value::String(text)) if text.ends_with(".py") && !text.contains('/') => {
            Ok(text.clone())
        }
        Some(_) => Err(problem("/entry", "must be the name of a Python file")),
    }
}

bindings::export!(Plugin with_types_in bindings);
