//! The operator's settings: which branches are protected.

use serde_json::Value;

/// Where something is wrong, as a JSON pointer, and what.
pub type Problem = (String, String);

const DEFAULT: &str = "main";

/// The protected branches, or everything that is wrong with the settings.
pub fn protected(json: &str) -> Result<Vec<String>, Vec<Problem>> {
    let settings: serde_json::Map<String, Value> = serde_json::from_str(json)
        .map_err(|_| vec![(String::new(), "must be one JSON object".to_owned())])?;
    let unknown = settings.keys().filter(|key| *key != "protected");
    let mut problems: Vec<Problem> = unknown
        .map(|key| (format!("/{key}"), "is no setting; known: protected".to_owned()))
        .collect();
    let names = match settings.get("protected") {
        None => Some(vec![DEFAULT.to_owned()]),
        Some(Value::Array(names)) => {
            names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
        }
        Some(_) => None,
    };
    if names.is_none() {
        problems.push(("/protected".to_owned(), "must be a list of branch names".to_owned()));
    }
    match names {
        Some(names) if problems.is_empty() => Ok(names),
        _ => Err(problems),
    }
}
