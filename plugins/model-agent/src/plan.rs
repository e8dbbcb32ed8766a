//! The plan: what a model is told of the place where projects run, and what its
//! plan must keep to.

use serde::Deserialize;

use crate::ask::{Question, Speaker};
use crate::paths;

const MAX_FILES: usize = 40;
const MAX_COMMANDS: usize = 12;
const MAX_CHECKS: usize = 16;
const MAX_COMMAND_BYTES: usize = 1_000;
const MAX_SENTENCE_BYTES: usize = 600;
const MAX_NOTES_BYTES: usize = 16 * 1024;

/// Ports below are the system's.
const LOWEST_PORT: u16 = 1_024;

/// A plan has about a hundred tokens a file.
const MAX_TOKENS: u32 = 8_192;

/// The kinds of project that a host knows.
pub const KINDS: [&str; 8] = ["python", "node", "java", "go", "rust", "ruby", "php", "static"];

const INSTRUCTIONS: &str = "\
You plan small software projects that another step writes file by file, and that are then \
installed, started and checked without anybody's help. A plan that is modest and works is worth \
more than one that is grand and fails.

Where projects run:
- One container for each project, its files in /workspace, which is the working directory of \
every command. An ordinary user, no root, no sudo, no Docker.
- No network but the package registries of the project's language. No databases, queues or other \
servers besides the project's own process; keep data in memory, in files, or in SQLite.
- Commands are shell commands and are judged by a policy: keep to ordinary tools of the language. \
No pipes from the network into a shell, nothing outside the project, no background processes.
- python: Python 3.11. Make an environment with `python3 -m venv .venv` and install into it with \
`.venv/bin/pip install -r requirements.txt`; start and test by `.venv/bin/python …`. Packages that \
a requirements.txt names need no exact versions.
- node: Node 20 with npm. `npm install` where there are dependencies; prefer few or none.
- static: plain files, served by `python3 -m http.server $PORT --bind 127.0.0.1`.
- go, rust, java, ruby, php: the usual tools of each.
- The project's one long-running process listens on 127.0.0.1 or 0.0.0.0 at the port of the plan, \
which is in the variable PORT as well. The container has 512 MB of memory.

The plan:
- `files`: every file that a person would write, in the order in which they are best written: what \
others build upon first, tests last. No lock files, nothing that tools make. `purpose` is one \
sentence.
- `notes`: for who writes the files and sees no other file than those written before: names of \
modules, functions, routes, fields and formats that more than one file relies upon. Be exact.
- `install`: commands that bring in what the project needs, in order; none where it needs nothing.
- `start`: the command of the long-running process, with `port`; both null for a project that \
serves nothing, such as a command-line tool.
- `checks`: what shows that it works: commands that must exit with 0, such as the project's own \
tests, and requests by GET that must answer with a status. Requests need `start`. Let the project \
have tests of its own, and check by them.
- `summary`: one sentence, for the person who asked.";

const SCHEMA: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["kind", "summary", "files", "notes", "install", "start", "port", "checks"],
    "properties": {
        "kind": {
            "type": "string",
            "enum": ["python", "node", "java", "go", "rust", "ruby", "php", "static"]
        },
        "summary": { "type": "string" },
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["path", "purpose"],
                "properties": {
                    "path": { "type": "string", "description": "Relative, with / between names." },
                    "purpose": { "type": "string" }
                }
            }
        },
        "notes": { "type": "string" },
        "install": { "type": "array", "items": { "type": "string" } },
        "start": { "type": ["string", "null"] },
        "port": { "type": ["integer", "null"] },
        "checks": {
            "type": "array",
            "items": {
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["command"],
                        "properties": { "command": { "type": "string" } }
                    },
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["path", "status"],
                        "properties": {
                            "path": { "type": "string" },
                            "status": { "type": "integer" }
                        }
                    }
                ]
            }
        }
    }
}"#;

/// What a user asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub prompt: &'a str,
    pub project: &'a str,
    /// The project's kind where it is settled; none where the plan decides.
    pub kind: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub kind: String,
    pub summary: String,
    pub files: Vec<PlannedFile>,
    pub notes: String,
    pub install: Vec<String>,
    pub start: Option<String>,
    pub port: Option<u16>,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFile {
    pub path: String,
    pub purpose: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Check {
    /// A command that must exit with 0.
    Command { command: String },
    /// `GET path` must answer with this status.
    Http { path: String, status: u16 },
}

/// Asks for a plan.
#[must_use]
pub fn question(request: Request<'_>) -> Question {
    let kind = match request.kind {
        Some(kind) => format!("Its kind is settled: {kind}."),
        None => "Choose its kind.".to_owned(),
    };
    let Request { prompt, project, .. } = request;
    let asked = format!(
        "Plan the project “{project}”. {kind}\n\nWhat the person wants, in their own words:\n\
         <prompt>\n{prompt}\n</prompt>"
    );
    Question {
        instructions: INSTRUCTIONS,
        turns: vec![(Speaker::User, asked)],
        schema: SCHEMA,
        max_tokens: MAX_TOKENS,
    }
}

/// Reads a plan, and says what is wrong with it.
///
/// # Errors
/// A sentence for the model, which is asked again with it.
pub fn read(text: &str, fixed: Option<&str>) -> Result<Plan, String> {
    let plan: Plan =
        serde_json::from_str(text).map_err(|error| format!("it is no plan: {error}."))?;
    if !KINDS.contains(&plan.kind.as_str()) {
        return Err(format!("“{}” is no kind of project.", plan.kind));
    }
    if let Some(fixed) = fixed.filter(|fixed| *fixed != plan.kind) {
        return Err(format!("the project's kind is settled: it must be {fixed}."));
    }
    sentence("summary", &plan.summary)?;
    files(&plan.files)?;
    if plan.notes.len() > MAX_NOTES_BYTES {
        return Err(format!("the notes are longer than {MAX_NOTES_BYTES} bytes."));
    }
    commands(&plan)?;
    checks(&plan)?;
    Ok(plan)
}

fn sentence(what: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.len() > MAX_SENTENCE_BYTES {
        return Err(format!(
            "the {what} must be one sentence of at most {MAX_SENTENCE_BYTES} bytes."
        ));
    }
    Ok(())
}

fn files(files: &[PlannedFile]) -> Result<(), String> {
    if files.is_empty() || files.len() > MAX_FILES {
        return Err(format!("it plans {} files; plan 1 to {MAX_FILES}.", files.len()));
    }
    let mut seen = Vec::new();
    for file in files {
        paths::check(&file.path)?;
        sentence(&format!("purpose of {}", file.path), &file.purpose)?;
        if seen.contains(&file.path.as_str()) {
            return Err(format!("the file {} stands there twice.", file.path));
        }
        seen.push(&file.path);
    }
    Ok(())
}

fn commands(plan: &Plan) -> Result<(), String> {
    if plan.install.len() > MAX_COMMANDS {
        return Err(format!("it has over {MAX_COMMANDS} commands to install."));
    }
    let checks = plan.checks.iter().filter_map(|check| match check {
        Check::Command { command } => Some(command),
        Check::Http { .. } => None,
    });
    for command in plan.install.iter().chain(&plan.start).chain(checks) {
        if command.trim().is_empty() || command.len() > MAX_COMMAND_BYTES || command.contains('\0')
        {
            return Err(format!("a command must have 1 to {MAX_COMMAND_BYTES} bytes."));
        }
    }
    match (&plan.start, plan.port) {
        (Some(_), Some(LOWEST_PORT..)) | (None, None) => Ok(()),
        (Some(_), _) => Err(format!("`start` needs a `port` of {LOWEST_PORT} or more.")),
        (None, Some(_)) => Err("`port` needs a `start`.".to_owned()),
    }
}

fn checks(plan: &Plan) -> Result<(), String> {
    if plan.checks.len() > MAX_CHECKS {
        return Err(format!("it has over {MAX_CHECKS} checks."));
    }
    for check in &plan.checks {
        if let Check::Http { path, status } = check {
            let plain = path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
            if !plain || !(100..=599).contains(status) {
                return Err(format!(
                    "the check of “{path}” must be a path that begins with `/`, and a status."
                ));
            }
            if plan.start.is_none() {
                return Err(format!("the check of “{path}” needs a `start`."));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan() -> Value {
        json!({
            "kind": "python", "summary": "A todo API.", "notes": "Todos are a list.",
            "files": [{ "path": "app.py", "purpose": "The API." }],
            "install": ["python3 -m venv .venv"], "start": "python3 app.py", "port": 8000,
            "checks": [{ "command": "true" }, { "path": "/todos", "status": 200 }],
        })
    }

    fn problem(key: &str, value: Value) -> String {
        let mut plan = plan();
        plan[key] = value;
        read(&plan.to_string(), None).unwrap_err()
    }

    #[test]
    fn a_plan_is_read_whole() {
        let plan = read(&plan().to_string(), Some("python")).unwrap();
        assert_eq!((plan.files.len(), plan.checks.len(), plan.port), (1, 2, Some(8000)));
        assert_eq!(plan.checks[1], Check::Http { path: "/todos".to_owned(), status: 200 });
    }

    #[test]
    fn the_question_holds_the_prompt_and_a_settled_kind() {
        let request = Request { prompt: "a todo api", project: "todo", kind: Some("go") };
        let question = question(request);
        assert!(question.turns[0].1.contains("<prompt>\na todo api\n</prompt>"));
        assert!(question.turns[0].1.contains("settled: go."));
        assert!(serde_json::from_str::<Value>(question.schema).is_ok());
    }

    #[test]
    fn what_a_plan_may_not_be_is_told_in_words() {
        assert!(read("Here is the plan", None).unwrap_err().contains("it is no plan"));
        assert!(read(&plan().to_string(), Some("node")).unwrap_err().contains("must be node"));
        assert!(problem("files", json!([])).contains("plan 1 to 40"));
        let file = json!({ "path": "../x", "purpose": "No." });
        assert!(problem("files", json!([file])).contains("“../x”"));
        let file = json!({ "path": "x", "purpose": "Yes." });
        assert!(problem("files", json!([file, file])).contains("twice"));
        assert!(problem("port", json!(80)).contains("1024 or more"));
        assert!(problem("start", json!(null)).contains("needs a `start`"));
        assert!(problem("install", json!([" "])).contains("a command must have"));
        let check = json!({ "path": "http://x", "status": 200 });
        assert!(problem("checks", json!([check])).contains("begins with `/`"));
        assert!(problem("more", json!(1)).contains("unknown field"));
    }
}
