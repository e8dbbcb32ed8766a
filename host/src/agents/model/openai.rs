//! Chat completions: what is sent, and what their answers say. Pure.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::provider::Way;
use super::{Question, Reply, Stop};

const BASE: &str = "https://api.openai.com/v1";

/// Bytes that stand for a token where a server counts none.
const BYTES_A_TOKEN: usize = 4;

pub(super) fn url(base: Option<&str>) -> String {
    format!("{}/chat/completions", base.unwrap_or(BASE).trim_end_matches('/'))
}

pub(super) fn authorize(request: RequestBuilder, key: Option<&str>) -> RequestBuilder {
    match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    }
}

/// Most servers know `max_tokens` alone, the newest models only its successor.
pub(super) fn body(model: &str, question: &Question, way: Way) -> Value {
    let messages = question.messages.iter();
    let messages = messages.map(|m| json!({ "role": m.speaker.as_str(), "content": m.text }));
    let mut body = json!({ "model": model, "messages": messages.collect::<Vec<_>>() });
    let limit = match way {
        Way::First => "max_tokens",
        Way::Other => "max_completion_tokens",
    };
    body[limit] = question.max_tokens.into();
    if let Some(schema) = &question.schema {
        let (value, strict) = (schema.value(), schema.is_closed());
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": "answer", "schema": value, "strict": strict },
        });
    }
    body
}

/// Whether a refusal is of `max_tokens`.
pub(super) fn wants_other_way(why: &str) -> bool {
    why.contains("max_completion_tokens")
}

pub(super) fn reply(body: &Value) -> Option<Reply> {
    let choice = body["choices"].get(0)?;
    let message = &choice["message"];
    let refusal = message["refusal"].as_str();
    let text = refusal.or(message["content"].as_str()).unwrap_or_default().to_owned();
    let stop = match choice["finish_reason"].as_str() {
        _ if refusal.is_some() => Stop::Refused,
        Some("content_filter") => Stop::Refused,
        Some("length") => Stop::Length,
        _ if message.is_object() => Stop::Finished,
        _ => return None,
    };
    let usage = &body["usage"];
    let estimated = (text.len() / BYTES_A_TOKEN) as u64;
    Some(Reply {
        input_tokens: usage["prompt_tokens"].as_u64().unwrap_or(0),
        output_tokens: usage["completion_tokens"].as_u64().unwrap_or(estimated),
        text,
        stop,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Message, Schema, Speaker};
    use super::*;

    fn question(schema: Option<&str>) -> Question {
        Question {
            messages: vec![Message { speaker: Speaker::User, text: "Hello".to_owned() }],
            schema: schema.map(|text| Schema::parse(text).unwrap()),
            max_tokens: 7,
        }
    }

    #[test]
    fn the_limit_is_named_as_the_server_knows_it() {
        let [first, other] = [Way::First, Way::Other].map(|way| body("m", &question(None), way));
        assert_eq!(first["max_tokens"], 7);
        assert_eq!(other["max_completion_tokens"], 7);
        assert!(other.get("max_tokens").is_none());
    }

    #[test]
    fn a_schema_is_strict_where_it_says_all() {
        let closed = r#"{"type": "object", "properties": {}, "additionalProperties": false}"#;
        let strict = |schema| {
            body("m", &question(Some(schema)), Way::First)["response_format"]["json_schema"]
                ["strict"]
                .clone()
        };
        assert_eq!(strict(closed), true);
        assert_eq!(strict(r#"{"properties": {"a": {}}}"#), false);
    }

    #[test]
    fn an_answer_is_read_with_what_it_cost() {
        let body = json!({ "choices": [{ "index": 0, "finish_reason": "stop",
                "message": { "role": "assistant", "content": "Hi.", "refusal": null } }],
            "usage": { "prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5 } });
        let reply = reply(&body).unwrap();
        assert_eq!((reply.text.as_str(), reply.stop), ("Hi.", Stop::Finished));
        assert_eq!((reply.input_tokens, reply.output_tokens), (2, 3));
    }

    #[test]
    fn a_refusal_is_no_answer_and_says_why() {
        let body = json!({ "choices": [{ "finish_reason": "stop",
            "message": { "role": "assistant", "content": null, "refusal": "No." } }] });
        let reply = reply(&body).unwrap();
        assert_eq!((reply.text.as_str(), reply.stop), ("No.", Stop::Refused));
    }

    #[test]
    fn what_is_no_answer_is_not_taken_for_one() {
        assert_eq!(reply(&json!({ "choices": [] })), None);
        assert_eq!(reply(&json!({ "choices": [{ "text": "Hi." }] })), None);
    }
}
