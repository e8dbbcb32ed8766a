//! The words planner and writer share, free of WIT so that they run natively.

use crate::brief::{self, Reading};
use crate::recipes;

/// The kinds of project that a host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Python,
    Node,
    Java,
    Go,
    Rust,
    Ruby,
    Php,
    Static,
}

impl Kind {
    /// The kind's name in a sentence.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Python => "Python",
            Kind::Node => "Node",
            Kind::Java => "Java",
            Kind::Go => "Go",
            Kind::Rust => "Rust",
            Kind::Ruby => "Ruby",
            Kind::Php => "PHP",
            Kind::Static => "static",
        }
    }
}

/// What a user asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub prompt: &'a str,
    pub project: &'a str,
    /// The project's kind where it is settled; none where the plan decides.
    pub kind: Option<Kind>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    pub path: String,
    pub purpose: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A command that must exit with 0.
    Command(String),
    /// `GET path` must answer with this status.
    Http { path: String, status: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub kind: Kind,
    pub summary: String,
    pub files: Vec<PlannedFile>,
    pub install: Vec<String>,
    pub start: Option<String>,
    pub port: Option<u16>,
    pub checks: Vec<Check>,
    /// The [`Reading`] as JSON.
    pub notes: String,
}

/// Why a request is not answered; each text says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Invalid(String),
    TooLarge(String),
    Internal(String),
}

/// Plans the project that a request asks for.
///
/// # Errors
/// `Invalid` for an empty prompt or a kind this agent cannot write, `TooLarge`
/// for a prompt above [`brief::MAX_PROMPT_BYTES`].
pub fn plan(request: Request<'_>) -> Result<Plan, Refusal> {
    let reading = brief::read(request)?;
    let blueprint = recipes::blueprint(&reading);
    let notes = serde_json::to_string(&reading)
        .map_err(|error| Refusal::Internal(format!("The plan's notes cannot be kept: {error}.")))?;
    let files = blueprint.files.iter().map(recipes::Source::planned).collect();
    Ok(Plan {
        kind: reading.recipe.kind(),
        summary: summary(&reading, &blueprint.what),
        files,
        install: blueprint.install,
        start: blueprint.start,
        port: blueprint.port,
        checks: blueprint.checks,
        notes,
    })
}

/// What will be built and, behind it, what was assumed on the way.
fn summary(reading: &Reading, what: &str) -> String {
    let mut summary = format!("{what}.");
    for assumption in &reading.assumptions {
        summary.push(' ');
        summary.push_str(assumption);
    }
    summary
}
