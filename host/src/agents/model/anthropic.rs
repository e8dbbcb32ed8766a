//! The Messages API: what is sent, and what its answers say. Pure.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::provider::Way;
use super::{Question, Reply, Speaker, Stop};

const BASE: &str = "https://api.anthropic.com";

/// The version of the API that is spoken here.
const VERSION: &str = "2023-06-01";

/// The tool that stands for an answer with a schema.
const TOOL: &str = "answer";

pub(super) fn url(base: Option<&str>) -> String {
    format!("{}/v1/messages", base.unwrap_or(BASE).trim_end_matches('/'))
}

pub(super) fn authorize(request: RequestBuilder, key: Option<&str>) -> RequestBuilder {
    let request = request.header("anthropic-version", VERSION);
    match key {
        Some(key) => request.header("x-api-key", key),
        None => request,
    }
}

/// An answer with a schema is the input of a tool that the model must use;
/// models that always think take no such tool, and a format instead.
pub(super) fn body(model: &str, question: &Question, way: Way) -> Value {
    let of = |system: bool| {
        let messages = question.messages.iter();
        messages.filter(move |message| (message.speaker == Speaker::System) == system)
    };
    let turns = of(false).map(|m| json!({ "role": m.speaker.as_str(), "content": m.text }));
    let mut body = json!({
        "model": model,
        "max_tokens": question.max_tokens,
        "messages": turns.collect::<Vec<_>>(),
    });
    let system: Vec<&str> = of(true).map(|message| message.text.as_str()).collect();
    if !system.is_empty() {
        body["system"] = system.join("\n\n").into();
    }
    match (question.schema.as_ref().map(super::Schema::value), way) {
        (None, _) => {}
        (Some(schema), Way::First) => {
            let about = "Gives the answer, whole.";
            body["tools"] = json!([{ "name": TOOL, "description": about, "input_schema": schema }]);
            body["tool_choice"] = json!({ "type": "tool", "name": TOOL });
        }
        (Some(schema), Way::Other) => {
            body["output_config"] =
                json!({ "format": { "type": "json_schema", "schema": schema } });
        }
    }
    body
}

/// Whether a refusal is of the tool that must be used.
pub(super) fn wants_other_way(why: &str) -> bool {
    why.contains("tool_choice") || why.contains("tool use")
}

pub(super) fn reply(body: &Value) -> Option<Reply> {
    let blocks = body["content"].as_array()?;
    let tool = blocks.iter().find(|block| block["type"] == "tool_use");
    let text = match tool {
        Some(tool) => tool["input"].to_string(),
        None => blocks
            .iter()
            .filter(|block| block["type"] == "text")
            .filter_map(|block| block["text"].as_str())
            .collect(),
    };
    let usage = &body["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let read = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    Some(Reply {
        text,
        input_tokens: read.into_iter().map(count).fold(0, u64::saturating_add),
        output_tokens: count("output_tokens"),
        stop: match body["stop_reason"].as_str()? {
            "max_tokens" | "model_context_window_exceeded" => Stop::Length,
            "refusal" => Stop::Refused,
            _ => Stop::Finished,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Message, Schema};
    use super::*;

    fn question(schema: Option<&str>) -> Question {
        let message = |speaker, text: &str| Message { speaker, text: text.to_owned() };
        Question {
            messages: vec![message(Speaker::System, "Be brief."), message(Speaker::User, "Hello")],
            schema: schema.map(|text| Schema::parse(text).unwrap()),
            max_tokens: 7,
        }
    }

    #[test]
    fn instructions_stand_apart_from_the_turns() {
        let body = body("m", &question(None), Way::First);
        let wanted = json!({ "model": "m", "max_tokens": 7, "system": "Be brief.",
            "messages": [{ "role": "user", "content": "Hello" }] });
        assert_eq!(body, wanted);
    }

    #[test]
    fn a_schema_is_a_tool_that_must_be_used_or_a_format() {
        let question = question(Some(r#"{"type": "object"}"#));
        let first = body("m", &question, Way::First);
        assert_eq!(first["tool_choice"], json!({ "type": "tool", "name": "answer" }));
        assert_eq!(first["tools"][0]["input_schema"], json!({ "type": "object" }));
        let other = body("m", &question, Way::Other);
        assert_eq!(other["output_config"]["format"]["schema"], json!({ "type": "object" }));
        assert!(other.get("tool_choice").is_none());
    }

    #[test]
    fn a_tools_input_is_the_answer_and_all_that_was_read_is_counted() {
        let body = json!({ "content": [{ "type": "text", "text": "Here." },
                { "type": "tool_use", "id": "t", "name": "answer", "input": { "a": 1 } }],
            "stop_reason": "tool_use",
            "usage": { "input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 4 } });
        let reply = reply(&body).unwrap();
        assert_eq!((reply.text.as_str(), reply.stop), (r#"{"a":1}"#, Stop::Finished));
        assert_eq!((reply.input_tokens, reply.output_tokens), (5, 4));
    }

    #[test]
    fn an_answer_that_was_cut_or_refused_says_so() {
        let stop = |why: &str| {
            let body = json!({ "content": [], "stop_reason": why, "usage": {} });
            reply(&body).unwrap().stop
        };
        assert_eq!((stop("max_tokens"), stop("refusal")), (Stop::Length, Stop::Refused));
        assert_eq!(reply(&json!({ "type": "message" })), None);
    }
}
