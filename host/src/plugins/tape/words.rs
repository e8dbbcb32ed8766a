//! Answers of imports as JSON, and back.

use serde_json::{Map, Value, json};

use crate::plugins::bindings::planner::lockhouse::host::{model, project_files};
use crate::plugins::bindings::policy::lockhouse::types::errors::Error;

/// An answer that can be written down and given again.
pub(in crate::plugins) trait Taped: Sized {
    fn write(&self) -> Value;

    fn read(value: &Value) -> Option<Self>;
}

pub(super) fn written<R: Taped>(answer: &Result<R, Error>) -> Value {
    match answer {
        Ok(answer) => json!({ "ok": answer.write() }),
        Err(error) => json!({ "error": write_error(error) }),
    }
}

pub(super) fn read<R: Taped>(answer: &Value) -> Result<R, Error> {
    let unreadable = || Error::Internal("The recorded answer can't be read.".to_owned());
    match (answer.get("ok"), answer.get("error")) {
        (Some(ok), None) => R::read(ok).ok_or_else(unreadable),
        (None, Some(error)) => Err(read_error(error).unwrap_or_else(unreadable)),
        _ => Err(unreadable()),
    }
}

/// What a call is answered that was not expected.
pub(super) fn differs() -> Value {
    let why = "This call is not the one that the test expects.".to_owned();
    json!({ "error": write_error(&Error::Internal(why)) })
}

fn write_error(error: &Error) -> Value {
    match error {
        Error::Denied(text) => json!({ "denied": text }),
        Error::NotFound(text) => json!({ "not-found": text }),
        Error::Invalid(text) => json!({ "invalid": text }),
        Error::TooLarge(text) => json!({ "too-large": text }),
        Error::Timeout => json!("timeout"),
        Error::Quota(text) => json!({ "quota": text }),
        Error::Unavailable(text) => json!({ "unavailable": text }),
        Error::Internal(text) => json!({ "internal": text }),
    }
}

/// A name alone is an error without more to say.
pub(super) fn read_error(value: &Value) -> Option<Error> {
    let (name, text) = match value {
        Value::String(name) => (name.as_str(), String::new()),
        Value::Object(one) => {
            let (name, text) = one.iter().next().filter(|_| one.len() == 1)?;
            (name.as_str(), text.as_str()?.to_owned())
        }
        _ => return None,
    };
    Some(match name {
        "denied" => Error::Denied(text),
        "not-found" => Error::NotFound(text),
        "invalid" => Error::Invalid(text),
        "too-large" => Error::TooLarge(text),
        "timeout" => Error::Timeout,
        "quota" => Error::Quota(text),
        "unavailable" => Error::Unavailable(text),
        "internal" => Error::Internal(text),
        _ => return None,
    })
}

/// Text as text; other bytes each as the character of its number, so that what
/// is readable of them stays so.
pub(in crate::plugins) fn write_bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "bytes": bytes.iter().map(|&b| char::from(b)).collect::<String>() }),
    }
}

pub(super) fn read_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        value => value["bytes"].as_str()?.chars().map(|c| u8::try_from(c).ok()).collect(),
    }
}

impl Taped for () {
    fn write(&self) -> Value {
        Value::Null
    }

    fn read(value: &Value) -> Option<Self> {
        value.is_null().then_some(())
    }
}

impl Taped for u64 {
    fn write(&self) -> Value {
        (*self).into()
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Taped for String {
    fn write(&self) -> Value {
        self.as_str().into()
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Taped for Vec<u8> {
    fn write(&self) -> Value {
        write_bytes(self)
    }

    fn read(value: &Value) -> Option<Self> {
        read_bytes(value)
    }
}

impl Taped for Option<Vec<u8>> {
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Taped::write)
    }

    fn read(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { read_bytes(value).map(Some) }
    }
}

impl Taped for Vec<String> {
    fn write(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(String::read).collect()
    }
}

impl Taped for project_files::Entry {
    fn write(&self) -> Value {
        let kind = match self.entry_type {
            project_files::EntryType::File => "file",
            project_files::EntryType::Directory => "directory",
            project_files::EntryType::Other => "other",
        };
        json!({ "path": self.path, "type": kind, "size_bytes": self.size_bytes })
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            path: String::read(&value["path"])?,
            entry_type: match value["type"].as_str()? {
                "file" => project_files::EntryType::File,
                "directory" => project_files::EntryType::Directory,
                "other" => project_files::EntryType::Other,
                _ => return None,
            },
            size_bytes: value["size_bytes"].as_u64()?,
        })
    }
}

impl Taped for Vec<project_files::Entry> {
    fn write(&self) -> Value {
        self.iter().map(Taped::write).collect()
    }

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(Taped::read).collect()
    }
}

impl Taped for model::Answer {
    fn write(&self) -> Value {
        let stop = match self.stop {
            model::Stop::Finished => "finished",
            model::Stop::Length => "length",
            model::Stop::Refused => "refused",
        };
        json!({
            "text": self.text,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "stop": stop,
        })
    }

    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            text: String::read(&value["text"])?,
            input_tokens: value["input_tokens"].as_u64()?,
            output_tokens: value["output_tokens"].as_u64()?,
            stop: match value["stop"].as_str()? {
                "finished" => model::Stop::Finished,
                "length" => model::Stop::Length,
                "refused" => model::Stop::Refused,
                _ => return None,
            },
        })
    }
}

/// A question to a model, as transcripts have it as well.
pub(in crate::plugins) fn write_question(question: &model::Question) -> Value {
    let message = |message: &model::Message| {
        let speaker = match message.speaker {
            model::Speaker::System => "system",
            model::Speaker::User => "user",
            model::Speaker::Assistant => "assistant",
        };
        json!({ "speaker": speaker, "text": message.text })
    };
    let mut written = Map::new();
    let messages: Value = question.messages.iter().map(message).collect();
    written.insert("model".to_owned(), question.model.as_str().into());
    written.insert("messages".to_owned(), messages);
    if let Some(schema) = &question.schema {
        written.insert("schema".to_owned(), schema.as_str().into());
    }
    written.insert("max_tokens".to_owned(), question.max_tokens.into());
    written.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_read_back_whatever_they_are(bytes: Vec<u8>) {
            prop_assert_eq!(read_bytes(&write_bytes(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn an_error_reads_back_with_its_text() {
        let denied: Result<(), _> = Err(Error::Denied("No.".to_owned()));
        assert!(matches!(read::<()>(&written(&denied)), Err(Error::Denied(text)) if text == "No."));
        assert!(matches!(read::<()>(&json!({ "error": "timeout" })), Err(Error::Timeout)));
    }
}
