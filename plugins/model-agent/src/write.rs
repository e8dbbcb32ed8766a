//! One file of a plan.

use serde::Deserialize;

use crate::ask::{Question, Speaker};
use crate::files::{self, File};

/// The longest file that is written.
const MAX_BYTES: usize = 256 * 1024;

/// Room for a file of some thousand lines.
const MAX_TOKENS: u32 = 16_384;

const INSTRUCTIONS: &str = "\
You write one file of a software project, whole: no placeholders, no omissions, no comments about \
what would have to be added. Other files are written in other steps, before and after this one; \
rely on them exactly as the plan's notes and the files that are shown say, and on nothing else.

- Write what the file is for, and no more. Plain, readable code as an experienced developer of the \
language writes it; comments where something is not obvious.
- The project runs in a container without network, on loopback, as an ordinary user; servers \
listen at the port of the variable PORT, or else at the plan's.
- Tests must pass by themselves, at once, in any order, without network, and leave nothing behind.
- Where the file exists already, keep what the plan does not want changed.
- Answer with the file's text as it shall stand on the disk, in `content`: not wrapped in a code \
block. `executable` is for scripts that are run by their name.";

const SCHEMA: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["content", "executable"],
    "properties": {
        "content": { "type": "string" },
        "executable": { "type": "boolean" }
    }
}"#;

/// What is asked of the writer.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub prompt: &'a str,
    /// The plan, as a model is shown it.
    pub plan: &'a str,
    pub path: &'a str,
    pub purpose: &'a str,
    /// The project's files as they stand.
    pub files: &'a [File<'a>],
    /// Paths of the plan, in order.
    pub planned: &'a [&'a str],
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub content: String,
    pub executable: bool,
}

/// Asks for the file of a step.
#[must_use]
pub fn question(step: Step<'_>) -> Question {
    let Step { prompt, plan, path, purpose, files, planned } = step;
    let shown = files::shown(files, |file| {
        let place = planned.iter().position(|planned| *planned == file.path);
        if file.path == path { 0 } else { place.map_or(usize::MAX, |place| place + 1) }
    });
    let asked = format!(
        "What the person wants:\n<prompt>\n{prompt}\n</prompt>\n\nThe plan:\n{plan}\n\n\
         The project as it stands:\n{shown}\nNow write {path}: {purpose}"
    );
    Question {
        instructions: INSTRUCTIONS,
        turns: vec![(Speaker::User, asked)],
        schema: SCHEMA,
        max_tokens: MAX_TOKENS,
    }
}

/// Reads the file that was written.
///
/// # Errors
/// A sentence for the model, which is asked again with it.
pub fn read(text: &str) -> Result<Written, String> {
    let mut written: Written =
        serde_json::from_str(text).map_err(|error| format!("it is no file: {error}."))?;
    if written.content.len() > MAX_BYTES {
        return Err(format!("the file is longer than {MAX_BYTES} bytes."));
    }
    if is_wrapped(&written.content) {
        return Err("the content is wrapped in a code block; give the bare text.".to_owned());
    }
    if !written.content.is_empty() && !written.content.ends_with('\n') {
        written.content.push('\n');
    }
    Ok(written)
}

/// Whether the whole text is one code block of Markdown.
fn is_wrapped(text: &str) -> bool {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inner.is_some_and(|inner| inner.contains('\n') && !inner.contains("\n```"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_ends_with_a_line() {
        let written = read(r#"{"content": "print(1)", "executable": false}"#).unwrap();
        assert_eq!(written.content, "print(1)\n");
        assert_eq!(read(r#"{"content": "", "executable": false}"#).unwrap().content, "");
    }

    #[test]
    fn what_is_no_file_is_told_in_words() {
        assert!(read("print(1)").unwrap_err().contains("it is no file"));
        let wrapped = r#"{"content": "```python\nprint(1)\n```", "executable": false}"#;
        assert!(read(wrapped).unwrap_err().contains("code block"));
        let markdown = r#"{"content": "```\na\n```\nText\n```\nb\n```", "executable": false}"#;
        assert!(read(markdown).is_ok());
    }

    #[test]
    fn the_question_shows_the_plan_and_the_file_itself_first() {
        let file = |path| File { path, text: Some("x") };
        let question = question(Step {
            prompt: "a todo api",
            plan: "the plan",
            path: "b.py",
            purpose: "The API.",
            files: &[file("a.py"), file("b.py")],
            planned: &["a.py", "b.py"],
        });
        let asked = &question.turns[0].1;
        assert!(asked.ends_with("Now write b.py: The API."), "{asked}");
        assert!(asked.find("\"b.py\"") < asked.find("\"a.py\""), "{asked}");
    }
}
