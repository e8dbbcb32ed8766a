//! What a test states that its host answers.

use std::collections::{BTreeMap, VecDeque};

use globset::GlobBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::words::{read_error, write_bytes};
use crate::agents::{ModelError, Reply, Schema, Stop};

/// The host as one case has it. What is not stated is asked elsewhere.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stated {
    /// Microseconds since 1970.
    clock: Option<u64>,
    /// What is kept when the case begins; it changes as the plugin sets it.
    kv: Option<BTreeMap<String, Value>>,
    /// The project's files by their paths.
    files: Option<BTreeMap<String, String>>,
    secrets: Option<BTreeMap<String, String>>,
    /// What models answer, in turn.
    model: Option<VecDeque<Answer>>,
    /// Questions and answers of a run.
    #[serde(skip)]
    run: Option<Vec<Value>>,
}

/// One answer of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Text, or a table that is told as JSON.
    answer: Option<Value>,
    /// Instead: the name of an error, or one with its text.
    error: Option<Value>,
    /// The name under which the model must be asked.
    model: Option<String>,
    /// Texts that the question must hold.
    #[serde(default)]
    asked: Vec<String>,
    /// `finished`, `length` or `refused`.
    #[serde(default = "finished")]
    stop: String,
}

fn finished() -> String {
    Stop::Finished.as_str().to_owned()
}

impl Stated {
    /// Whether nothing is said of what the host answers.
    pub fn is_empty(&self) -> bool {
        let Self { clock, kv, files, secrets, model, run } = self;
        clock.is_none()
            && kv.is_none()
            && files.is_none()
            && secrets.is_none()
            && model.is_none()
            && run.is_none()
    }

    /// The answer, where the test states it; an error says what the test does
    /// not expect.
    pub(super) fn answer(&mut self, call: &str, with: &Value) -> Result<Option<Value>, String> {
        let (interface, function) = call.split_once('.').unwrap_or((call, ""));
        Ok(match interface {
            "clock" => self.clock.map(|now| json!({ "ok": now })),
            "kv" => self.kv.as_mut().map(|kv| of_kv(kv, function, with)),
            "project-files" => self.files.as_ref().map(|files| of_files(files, function, with)),
            "secrets" => self.secrets.as_ref().map(|secrets| of_secrets(secrets, function, with)),
            "model" => match (&mut self.model, &self.run) {
                (Some(answers), _) => Some(of_model(answers, with)?),
                (None, Some(run)) => Some(of_run(run, with)?),
                (None, None) => None,
            },
            _ => None,
        })
    }

    /// The same, where models answer as in a run, whichever of its questions is
    /// asked: each of `calls` is one, as transcripts have it.
    pub fn with_models(self, calls: &[Value]) -> Self {
        Self { run: Some(calls.to_vec()), ..self }
    }

    /// What was stated and not asked for.
    pub(super) fn left(&self) -> Option<String> {
        let left = self.model.as_ref().map_or(0, VecDeque::len);
        (left > 0).then(|| format!("{left} answers of host.model were not asked for"))
    }
}

fn error(kind: &str, text: String) -> Value {
    json!({ "error": { kind: text } })
}

fn text<'a>(with: &'a Value, key: &str) -> &'a str {
    with[key].as_str().unwrap_or_default()
}

fn of_kv(kv: &mut BTreeMap<String, Value>, function: &str, with: &Value) -> Value {
    match function {
        "get" => json!({ "ok": kv.get(text(with, "key")) }),
        "set" => {
            kv.insert(text(with, "key").to_owned(), with["value"].clone());
            json!({ "ok": null })
        }
        "delete" => {
            kv.remove(text(with, "key"));
            json!({ "ok": null })
        }
        _ => {
            let prefix = text(with, "prefix");
            json!({ "ok": kv.keys().filter(|key| key.starts_with(prefix)).collect::<Vec<_>>() })
        }
    }
}

fn of_secrets(secrets: &BTreeMap<String, String>, function: &str, with: &Value) -> Value {
    let name = text(with, "name");
    match (secrets.get(name), function) {
        (None, _) => error("not-found", format!("There is no secret “{name}”.")),
        (Some(_), "find") => json!({ "ok": null }),
        (Some(secret), _) => json!({ "ok": secret }),
    }
}

fn of_files(files: &BTreeMap<String, String>, function: &str, with: &Value) -> Value {
    if function == "open" {
        return json!({ "ok": null });
    }
    if function == "list" {
        return list(files, text(with, "glob"), with["max"].as_u64().unwrap_or(0));
    }
    let path = text(with, "path");
    match (files.get(path), function) {
        (None, _) => error("not-found", format!("There is no “{path}”.")),
        (Some(content), "stat") => json!({ "ok": entry(path, content) }),
        (Some(content), _) => {
            let max = usize::try_from(with["max_bytes"].as_u64().unwrap_or(0)).unwrap_or(0);
            json!({ "ok": write_bytes(&content.as_bytes()[..content.len().min(max)]) })
        }
    }
}

fn list(files: &BTreeMap<String, String>, glob: &str, max: u64) -> Value {
    let built = GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build();
    match built {
        Err(why) => error("invalid", format!("The glob can't be read: {why}.")),
        Ok(built) => {
            let matcher = built.compile_matcher();
            let found = files.iter().filter(|(path, _)| matcher.is_match(path));
            let max = usize::try_from(max).unwrap_or(usize::MAX);
            let entries = found.map(|(path, content)| entry(path, content)).take(max);
            json!({ "ok": entries.collect::<Vec<_>>() })
        }
    }
}

fn entry(path: &str, content: &str) -> Value {
    json!({ "path": path, "type": "file", "size_bytes": content.len() })
}

/// What a run's model answered to the same question.
fn of_run(run: &[Value], with: &Value) -> Result<Value, String> {
    const QUESTION: [&str; 4] = ["model", "messages", "schema", "max_tokens"];
    let is_same = |call: &&Value| QUESTION.iter().all(|key| call.get(key) == with.get(key));
    let Some(call) = run.iter().find(is_same) else {
        return Err(format!("it asks the model “{}” what the run did not", text(with, "model")));
    };
    if let Some(answer) = call.get("answer") {
        return Ok(json!({ "ok": answer }));
    }
    let (kind, why) = (text(&call["error"], "kind"), text(&call["error"], "text"));
    Ok(match kind {
        "timeout" => json!({ "error": "timeout" }),
        // As a plugin is told of it.
        "misfit" => error("internal", why.to_owned()),
        kind => error(kind, why.to_owned()),
    })
}

/// As a server's models answer: what does not fit the schema is an error.
fn of_model(answers: &mut VecDeque<Answer>, with: &Value) -> Result<Value, String> {
    let asked = text(with, "model");
    let Some(next) = answers.pop_front() else {
        return Err(format!("it asked the model “{asked}” once more than host.model answers"));
    };
    if let Some(wanted) = next.model.as_deref().filter(|wanted| *wanted != asked) {
        return Err(format!("it asked the model “{asked}”, not “{wanted}”"));
    }
    let messages = with["messages"].as_array().into_iter().flatten();
    let said: Vec<_> = messages.filter_map(|message| message["text"].as_str()).collect();
    if let Some(missing) = next.asked.iter().find(|text| !said.iter().any(|s| s.contains(*text))) {
        return Err(format!("its question to the model does not hold {missing:?}"));
    }
    if let Some(error) = &next.error {
        read_error(error).ok_or_else(|| format!("host.model: {error} is no error"))?;
        return Ok(json!({ "error": error }));
    }
    let answer = match &next.answer {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => return Err("host.model: state `answer` or `error`".to_owned()),
    };
    let stop = Stop::parse(&next.stop);
    let stop = stop.ok_or_else(|| format!("host.model: “{}” is no way to stop", next.stop))?;
    let schema = with["schema"].as_str().and_then(|text| Schema::parse(text).ok());
    let reply = Reply { text: answer, input_tokens: 0, output_tokens: 0, stop };
    Ok(match reply.fitting(schema.as_ref()) {
        Ok(reply) => json!({ "ok": { "text": reply.text, "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens, "stop": reply.stop.as_str() } }),
        Err(ModelError::TooLarge(why)) => error("too-large", why),
        Err(why) => error("internal", why.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(json: Value) -> Stated {
        serde_json::from_value(json).unwrap()
    }

    fn answer(host: &mut Stated, call: &str, with: Value) -> Value {
        host.answer(call, &with).unwrap().unwrap()
    }

    #[test]
    fn what_a_plugin_keeps_is_there_for_the_rest_of_the_case() {
        let mut host = stated(json!({ "kv": { "a": "1" } }));
        answer(&mut host, "kv.set", json!({ "key": "b", "value": "2" }));
        answer(&mut host, "kv.delete", json!({ "key": "a" }));
        assert_eq!(answer(&mut host, "kv.keys", json!({ "prefix": "" })), json!({ "ok": ["b"] }));
        assert_eq!(answer(&mut host, "kv.get", json!({ "key": "b" })), json!({ "ok": "2" }));
        assert_eq!(answer(&mut host, "kv.get", json!({ "key": "a" })), json!({ "ok": null }));
    }

    #[test]
    fn files_are_listed_and_read_as_far_as_asked() {
        let mut host = stated(json!({ "files": { "src/a.py": "print(1)", "b.txt": "" } }));
        let listed =
            answer(&mut host, "project-files.list", json!({ "glob": "**/*.py", "max": 9 }));
        assert_eq!(listed["ok"][0]["path"], "src/a.py");
        let with = json!({ "path": "src/a.py", "max_bytes": 5 });
        assert_eq!(answer(&mut host, "project-files.read", with), json!({ "ok": "print" }));
        let missing = answer(&mut host, "project-files.stat", json!({ "path": "c" }));
        assert!(missing["error"]["not-found"].is_string());
    }

    #[test]
    fn models_answer_in_turn_and_what_does_not_fit_is_an_error() {
        let mut host = stated(json!({ "model": [
            { "answer": { "a": 1 }, "asked": ["todo"] }, { "answer": "[]" }, { "error": "timeout" },
        ] }));
        let schema = r#"{"type": "object"}"#;
        let with = json!({ "model": "default", "schema": schema,
            "messages": [{ "speaker": "user", "text": "a todo app" }] });
        assert_eq!(answer(&mut host, "model.ask", with.clone())["ok"]["text"], r#"{"a":1}"#);
        let misfit = answer(&mut host, "model.ask", with.clone());
        assert!(misfit["error"]["internal"].as_str().unwrap().contains("is no object"));
        assert!(host.left().is_some());
        assert_eq!(answer(&mut host, "model.ask", with.clone()), json!({ "error": "timeout" }));
        assert!(host.answer("model.ask", &with).unwrap_err().contains("once more"));
    }

    #[test]
    fn what_is_not_stated_is_not_answered() {
        let mut host = Stated::default();
        assert_eq!(host.answer("clock.now-us", &json!({})), Ok(None));
        assert_eq!(host.answer("model.ask", &json!({})), Ok(None));
    }
}
