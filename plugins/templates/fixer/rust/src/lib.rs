//! Adds Python packages that a failed command missed.

// The bindings are generated from `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });
}

use bindings::exports::lockhouse::agent::fixer::{self, Context, Edit, Failure};
use bindings::exports::lockhouse::plugin::lifecycle::{self, Description, Problem};
use bindings::lockhouse::agent::types::FileContent;
use bindings::lockhouse::host::settings;
use bindings::lockhouse::types::errors::Error;
use serde_json::Value;

/// What the setting `requirements` is where the operator gives none.
const REQUIREMENTS: &str = "requirements.txt";

struct Plugin;

impl lifecycle::Guest for Plugin {
    fn describe() -> Description {
        Description {
            id: "my-plugin".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Adds Python packages that a failed command missed.".to_owned(),
        }
    }

    fn validate_settings(json: String) -> Result<(), Vec<Problem>> {
        requirements(&json)
            .map(drop)
            .map_err(|problem| vec![problem])
    }
}

impl fixer::Guest for Plugin {
    /// No edits where it knows no remedy: somebody else may.
    fn fix(failure: Failure, context: Context) -> Result<Vec<Edit>, Error> {
        let path =
            requirements(&settings::get()).map_err(|problem| Error::Invalid(problem.message))?;
        let Some(package) = missing_package(&failure.output) else {
            return Ok(Vec::new());
        };
        let existing = context.existing.into_iter().find(|file| file.path == path);
        let mut content = existing.and_then(|file| file.content).unwrap_or_default();
        if content.lines().any(|line| line.trim() == package) {
            // It is listed and still missing: the remedy is another one.
            return Ok(Vec::new());
        }
        content.push_str(package);
        content.push('\n');
        let content = content.into_bytes();
        Ok(vec![Edit::Write(FileContent {
            path,
            content,
            executable: false,
        })])
    }
}

/// The package in `No module named 'package.module'`.
fn missing_package(output: &str) -> Option<&str> {
    let (_, rest) = output.split_once("No module named '")?;
    let (module, _) = rest.split_once('\'')?;
    module
        .split('.')
        .next()
        .filter(|package| !package.is_empty())
}

/// The setting, or what is wrong with the settings and where.
fn requirements(json: &str) -> Result<String, Problem> {
    let problem = |path: &str, message: &str| Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let settings: serde_json::Map<String, Value> =
        serde_json::from_str(json).map_err(|_| problem("", "must be one JSON object"))?;
    if let Some(key) = settings.keys().find(|key| *key != "requirements") {
        return Err(problem(
            &format!("/{key}"),
            "is no setting; known: requirements",
        ));
    }
    match settings.get("requirements") {
        None => Ok(REQUIREMENTS.to_owned()),
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) => Err(problem("/requirements", "must be the path of a file")),
    }
}

bindings::export!(Plugin with_types_in bindings);
