//! A question to a model and its answer as JSON: in the database, in the
//! transcripts that are handed out, and read back from either.

use serde::{Deserialize, Serialize};

use crate::agents::model::{
    Message, ModelCall, ModelError, Question, Reply, Schema, Speaker, Stop,
};

/// All of a call: what is needed to answer it again without a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCall {
    model: String,
    messages: Vec<StoredMessage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    max_tokens: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<StoredAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<StoredError>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMessage {
    speaker: String,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAnswer {
    text: String,
    input_tokens: u64,
    output_tokens: u64,
    stop: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredError {
    kind: String,
    text: String,
}

impl From<ModelCall> for StoredCall {
    fn from(call: ModelCall) -> Self {
        let message =
            |m: Message| StoredMessage { speaker: m.speaker.as_str().to_owned(), text: m.text };
        let (answer, error) = match call.outcome {
            Ok(reply) => (Some(answer(reply)), None),
            Err(error) => {
                let kind = error.label().to_owned();
                (None, Some(StoredError { kind, text: error.to_string() }))
            }
        };
        Self {
            model: call.model,
            messages: call.question.messages.into_iter().map(message).collect(),
            schema: call.question.schema.map(|schema| schema.text().to_owned()),
            max_tokens: call.question.max_tokens,
            answer,
            error,
        }
    }
}

fn answer(reply: Reply) -> StoredAnswer {
    let stop = reply.stop.as_str().to_owned();
    let Reply { text, input_tokens, output_tokens, .. } = reply;
    StoredAnswer { text, input_tokens, output_tokens, stop }
}

impl StoredCall {
    /// The call, if it is one.
    pub fn read(self) -> Option<ModelCall> {
        let message =
            |m: StoredMessage| Some(Message { speaker: Speaker::parse(&m.speaker)?, text: m.text });
        let question = Question {
            messages: self.messages.into_iter().map(message).collect::<Option<_>>()?,
            schema: self.schema.map(|text| Schema::parse(&text)).transpose().ok()?,
            max_tokens: self.max_tokens,
        };
        let outcome = match (self.answer, self.error) {
            (Some(answer), None) => Ok(Reply {
                stop: Stop::parse(&answer.stop)?,
                text: answer.text,
                input_tokens: answer.input_tokens,
                output_tokens: answer.output_tokens,
            }),
            (None, Some(error)) => Err(ModelError::read(&error.kind, error.text)?),
            _ => return None,
        };
        Some(ModelCall { model: self.model, question, outcome })
    }
}
