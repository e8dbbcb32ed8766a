//! Repairs: edits after which what failed should pass.

use serde::Deserialize;

use crate::ask::{Question, Speaker};
use crate::files::{self, File};
use crate::paths;

/// Files that one repair may change.
const MAX_EDITS: usize = 20;

/// The longest file that is written.
const MAX_BYTES: usize = 256 * 1024;

/// The end of the output that a model is shown.
const MAX_OUTPUT_BYTES: usize = 16 * 1024;

/// Room for a few files.
const MAX_TOKENS: u32 = 16_384;

const INSTRUCTIONS: &str = "\
Something in a software project did not do what it should. Find out why from the output and the \
files, and change as little as possible so that it does.

- Change the cause, not the check: tests say what is wanted, unless they are wrong themselves.
- The plan's commands stay as they are; only files can be changed.
- The project runs in a container without network but package registries, as an ordinary user, \
with its files in the working directory. Packages that are missing are added where the language \
lists them.
- An edit gives a file's whole new text in `content`, not wrapped in a code block; `content` is \
null to delete the file.
- Where no change of files would help, or the output does not tell enough, give no edits, and say \
why in `reason`; otherwise `reason` says in one sentence what was wrong.";

const SCHEMA: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["reason", "edits"],
    "properties": {
        "reason": { "type": "string" },
        "edits": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["path", "content"],
                "properties": {
                    "path": { "type": "string", "description": "Relative, with / between names." },
                    "content": { "type": ["string", "null"] }
                }
            }
        }
    }
}"#;

/// What failed, and where.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    pub prompt: &'a str,
    /// The plan, as a model is shown it.
    pub plan: &'a str,
    /// The command, or `GET path`.
    pub what: &'a str,
    /// Such as “the check”.
    pub stage: &'a str,
    pub code: Option<i32>,
    pub output: &'a str,
    pub attempt: u32,
    pub files: &'a [File<'a>],
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    pub reason: String,
    pub edits: Vec<Edit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub path: String,
    /// None deletes the file.
    pub content: Option<String>,
}

/// Asks for a repair.
#[must_use]
pub fn question(failure: Failure<'_>) -> Question {
    let Failure { prompt, plan, what, stage, code, output, attempt, files } = failure;
    // What the output names is where the fault most likely lies.
    let shown = files::shown(files, |file| usize::from(!output.contains(file.path)));
    let output =
        &output[output.ceil_char_boundary(output.len().saturating_sub(MAX_OUTPUT_BYTES))..];
    let code = code.map_or("gave no answer in time".to_owned(), |code| format!("gave {code}"));
    let before = match attempt {
        0 => String::new(),
        n => format!("The project was repaired {n} times before, and it still fails.\n"),
    };
    let asked = format!(
        "What the person wants:\n<prompt>\n{prompt}\n</prompt>\n\nThe plan:\n{plan}\n\n\
         The project as it stands:\n{shown}\n{before}What failed, in {stage}: `{what}` {code}. \
         The end of its output:\n<output>\n{output}\n</output>\nGive the edits that repair it."
    );
    Question {
        instructions: INSTRUCTIONS,
        turns: vec![(Speaker::User, asked)],
        schema: SCHEMA,
        max_tokens: MAX_TOKENS,
    }
}

/// Reads a repair.
///
/// # Errors
/// A sentence for the model, which is asked again with it.
pub fn read(text: &str) -> Result<Repair, String> {
    let mut repair: Repair =
        serde_json::from_str(text).map_err(|error| format!("it is no repair: {error}."))?;
    if repair.edits.len() > MAX_EDITS {
        return Err(format!("it edits {} files; edit at most {MAX_EDITS}.", repair.edits.len()));
    }
    for edit in &mut repair.edits {
        paths::check(&edit.path)?;
        let Some(content) = &mut edit.content else { continue };
        if content.len() > MAX_BYTES {
            return Err(format!("{} is longer than {MAX_BYTES} bytes.", edit.path));
        }
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
    }
    Ok(repair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure<'a>(output: &'a str, files: &'a [File<'a>]) -> Failure<'a> {
        Failure {
            prompt: "a todo api",
            plan: "the plan",
            what: "pytest",
            stage: "the check",
            code: Some(1),
            output,
            attempt: 1,
            files,
        }
    }

    #[test]
    fn what_the_output_names_is_shown_first() {
        let file = |path| File { path, text: Some("x") };
        let files = [file("a.py"), file("b.py")];
        let question = question(failure("Traceback: b.py, line 1", &files));
        let asked = &question.turns[0].1;
        assert!(asked.find("\"b.py\"") < asked.find("\"a.py\""), "{asked}");
        assert!(asked.contains("in the check: `pytest` gave 1."), "{asked}");
        assert!(asked.contains("repaired 1 times before"), "{asked}");
    }

    #[test]
    fn the_end_of_a_long_output_is_shown() {
        let output = format!("{}the reason", "ä".repeat(MAX_OUTPUT_BYTES));
        let asked = &question(failure(&output, &[])).turns[0].1;
        assert!(asked.contains("the reason\n</output>") && asked.len() < MAX_OUTPUT_BYTES + 2_000);
    }

    #[test]
    fn a_repair_is_read_and_its_paths_are_checked() {
        let repair = read(
            r#"{"reason": "A typo.", "edits": [
            {"path": "a.py", "content": "x"}, {"path": "b.py", "content": null}]}"#,
        );
        let repair = repair.unwrap();
        assert_eq!(repair.edits[0].content.as_deref(), Some("x\n"));
        assert_eq!(repair.edits[1].content, None);
        let outside = r#"{"reason": "", "edits": [{"path": "/etc/x", "content": ""}]}"#;
        assert!(read(outside).unwrap_err().contains("“/etc/x”"));
        assert!(read("no").unwrap_err().contains("it is no repair"));
    }
}
