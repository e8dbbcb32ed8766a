//! Writes one step of a plan: the file that the step names.

use crate::brief::Reading;
use crate::plan::Refusal;
use crate::{recipes, render};

/// What is asked of the writer: one file of a plan, and how it stands now.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The plan's notes.
    pub notes: &'a str,
    /// The path of `plan.files[step]`.
    pub path: &'a str,
    pub existing: Existing<'a>,
}

/// The file as it stands before the step.
#[derive(Debug, Clone, Copy)]
pub enum Existing<'a> {
    Missing,
    Text(&'a str),
    NotText,
}

/// What the writer proposes for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file as it stands is what the plan wants.
    Unchanged,
    /// A new file.
    Create(String),
    /// Another text than the file has now; the host shows the difference.
    Replace(String),
    /// The file's own lines, with what was missing added behind them.
    Extend(String),
}

/// Renders the file of a step. An existing `.gitignore` keeps its lines and gets
/// the missing ones; any other existing file is proposed as a replacement.
///
/// # Errors
/// `Invalid` where the plan is not one of this agent's.
pub fn write(step: Step<'_>) -> Result<Outcome, Refusal> {
    let reading: Reading = serde_json::from_str(step.notes).map_err(|error| {
        Refusal::Invalid(format!(
            "The plan's notes are not the offline agent's ({error}); plan again with this agent."
        ))
    })?;
    let blueprint = recipes::blueprint(&reading);
    let source = blueprint.files.iter().find(|source| source.path == step.path).ok_or_else(|| {
        Refusal::Invalid(format!(
            "The plan has no file {:?} that the offline agent knows; plan again with this agent.",
            step.path
        ))
    })?;
    let text = render::render(source.template, &reading).map_err(|error| {
        Refusal::Internal(format!("The template of {} cannot be rendered: {error}.", step.path))
    })?;
    Ok(outcome(step, text))
}

fn outcome(step: Step<'_>, text: String) -> Outcome {
    match step.existing {
        Existing::Missing => Outcome::Create(text),
        Existing::Text(now) if now == text => Outcome::Unchanged,
        Existing::Text(now) if step.path.ends_with(".gitignore") => extended(now, &text),
        Existing::Text(_) | Existing::NotText => Outcome::Replace(text),
    }
}

fn extended(existing: &str, wanted: &str) -> Outcome {
    let missing: Vec<&str> =
        wanted.lines().filter(|line| !existing.lines().any(|known| known == *line)).collect();
    if missing.is_empty() {
        return Outcome::Unchanged;
    }
    let mut text = existing.trim_end_matches('\n').to_owned();
    for line in missing {
        text.push('\n');
        text.push_str(line);
    }
    text.push('\n');
    Outcome::Extend(text.trim_start_matches('\n').to_owned())
}
