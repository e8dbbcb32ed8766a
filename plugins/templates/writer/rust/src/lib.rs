//! Writes each planned file as a commented beginning.

// The bindings are generated from `wit/`.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });
}

use bindings::exports::lockhouse::agent::writer::{self, Context, Edit, Plan};
use bindings::exports::lockhouse::plugin::lifecycle::{self, Description, Problem};
use bindings::lockhouse::agent::types::FileContent;
use bindings::lockhouse::host::settings;
use bindings::lockhouse::types::errors::Error;
use serde_json::Value;

/// What the setting `header` is where the operator gives none.
const HEADER: &str = "";

struct Plugin;

impl lifecycle::Guest for Plugin {
    fn describe() -> Description {
        Description {
            id: "my-plugin".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Writes each planned file as a commented beginning.".to_owned(),
        }
    }

    fn validate_settings(json: String) -> Result<(), Vec<Problem>> {
        header(&json).map(drop).map_err(|problem| vec![problem])
    }
}

impl writer::Guest for Plugin {
    fn write(plan: Plan, step: u32, context: Context) -> Result<Vec<Edit>, Error> {
        let header = header(&settings::get()).map_err(|problem| Error::Invalid(problem.message))?;
        let file = usize::try_from(step)
            .ok()
            .and_then(|step| plan.files.get(step));
        let file = file.ok_or_else(|| Error::Invalid(format!("The plan has no step {step}.")))?;
        // A user's own work is not overwritten.
        if context
            .existing
            .iter()
            .any(|existing| existing.path == file.path)
        {
            return Ok(Vec::new());
        }
        let mark = comment(&file.path);
        let lines = [header.as_str(), &file.purpose]
            .into_iter()
            .filter(|line| !line.is_empty());
        let content: String = lines.map(|line| format!("{mark} {line}\n")).collect();
        Ok(vec![Edit::Write(FileContent {
            path: file.path.clone(),
            content: content.into_bytes(),
            executable: false,
        })])
    }
}

/// What begins a comment in a file of this name.
fn comment(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js" | "mjs" | "ts" | "java" | "go" | "rs" | "php") => "//",
        _ => "#",
    }
}

/// The setting, or what is wrong with the settings and where.
fn header(json: &str) -> Result<String, Problem> {
    let problem = |path: &str, message: &str| Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let settings: serde_json::Map<String, Value> =
        serde_json::from_str(json).map_err(|_| problem("", "must be one JSON object"))?;
    if let Some(key) = settings.keys().find(|key| *key != "header") {
        return Err(problem(&format!("/{key}"), "is no setting; known: header"));
    }
    match settings.get("header") {
        None => Ok(HEADER.to_owned()),
        Some(Value::String(text)) if !text.contains('\n') => Ok(text.clone()),
        Some(_) => Err(problem("/header", "must be one line of text")),
    }
}

bindings::export!(Plugin with_types_in bindings);
