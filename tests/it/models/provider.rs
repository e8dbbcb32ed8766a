//! A provider on this machine that speaks both APIs, as faithfully as they are
//! documented, and answers as it is told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::post;
use futures::stream;
use lockhouse::agents::ProviderName;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The key that it knows.
pub(super) const KEY: &str = "sk-the-key-that-nobody-may-see";

/// How it answers a question.
pub(crate) enum Turn {
    /// With this text, or where a schema was given, JSON.
    Says(String),
    /// The same, cut at its limit.
    Cut(String),
    /// With an error of its own, to be tried again after these seconds.
    Fails(u16, &'static str, Option<&'static str>),
    /// With these bytes, whatever they are.
    Sends(&'static str),
    /// Not at all.
    Hangs,
    /// With an answer that has no end.
    Floods,
}

/// A question that it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(super) body: Value,
    pub(super) at: Instant,
}

type Script = dyn Fn(usize, &Asked) -> Turn + Send + Sync;

pub(crate) struct Provider {
    address: String,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

struct Inner {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
    /// How many questions wait for an answer that does not come.
    hanging: watch::Sender<usize>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Counts a question for as long as its connection lasts.
struct Hanging(Arc<Inner>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.hanging.send_modify(|hanging| *hanging -= 1);
    }
}

impl Asked {
    /// What the user said last.
    pub(super) fn says(&self) -> &str {
        let messages = self.body["messages"].as_array().unwrap();
        messages.last().unwrap()["content"].as_str().unwrap()
    }
}

impl Provider {
    /// Answers each question as `script` says of its number and itself.
    pub(crate) async fn start(
        script: impl Fn(usize, &Asked) -> Turn + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (hanging, _) = watch::channel(0);
        let inner = Arc::new(Inner { script: Box::new(script), asked: Mutex::default(), hanging });
        let router = Router::new()
            .route("/v1/messages", post(anthropic))
            .route("/openai/v1/chat/completions", post(openai))
            .with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, inner, server }
    }

    pub(super) fn base_url(&self, api: ProviderName) -> String {
        match api {
            ProviderName::Anthropic => self.address.clone(),
            ProviderName::OpenAi => format!("{}/openai/v1", self.address),
        }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// Waits until so many questions hang.
    pub(crate) async fn hangs(&self, count: usize) {
        let mut hanging = self.inner.hanging.subscribe();
        let waited =
            tokio::time::timeout(Duration::from_secs(30), hanging.wait_for(|n| *n == count));
        waited.await.expect("so many hang in time").unwrap();
    }
}

async fn anthropic(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let failed = |status, message: &str| {
        let error = json!({ "type": "invalid_request_error", "message": message });
        json_answer(status, &json!({ "type": "error", "error": error }))
    };
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    if key != KEY {
        return failed(401, &format!("invalid x-api-key: {key}"));
    }
    if headers.get("anthropic-version").is_none() {
        return failed(400, "anthropic-version: header is required");
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let roles = body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap());
    if !body["max_tokens"].is_u64() || roles.into_iter().any(|role| role == "system") {
        return failed(400, "max_tokens: Field required; messages: no role “system”");
    }
    let tool = body["tool_choice"]["name"].as_str().map(str::to_owned);
    if tool.is_some() && body["tools"][0]["name"].as_str() != tool.as_deref() {
        return failed(400, "tool_choice: no such tool");
    }
    let message = move |text: String, stop: &str| {
        let (content, stop) = match (&tool, serde_json::from_str::<Value>(&text)) {
            (Some(tool), Ok(input)) => {
                let block =
                    json!({ "type": "tool_use", "id": "toolu_1", "name": tool, "input": input });
                (block, if stop == "end_turn" { "tool_use" } else { stop })
            }
            _ => (json!({ "type": "text", "text": text }), stop),
        };
        json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "a-model",
            "content": [content], "stop_reason": stop, "stop_sequence": null,
            "usage": { "input_tokens": 20, "output_tokens": 10 } })
    };
    match inner.turn(body) {
        Turn::Says(text) => json_answer(200, &message(text, "end_turn")),
        Turn::Cut(text) => json_answer(200, &message(text, "max_tokens")),
        Turn::Fails(status, message, after) => delayed(failed(status, message), after),
        turn => inner.misbehaves(turn).await,
    }
}

async fn openai(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let failed = |status, message: &str| {
        let error = json!({ "message": message, "type": "invalid_request_error", "code": null });
        json_answer(status, &json!({ "error": error }))
    };
    let key = headers.get(header::AUTHORIZATION).and_then(|key| key.to_str().ok());
    if key != Some(&format!("Bearer {KEY}")) {
        return failed(401, "Incorrect API key provided.");
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let format = &body["response_format"];
    if !format.is_null() && !format["json_schema"]["name"].is_string() {
        return failed(400, "Missing required parameter: 'response_format.json_schema.name'.");
    }
    let completion = |text: String, why: &str| {
        json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "a-model",
            "choices": [{ "index": 0, "logprobs": null, "finish_reason": why,
                "message": { "role": "assistant", "content": text, "refusal": null } }],
            "usage": { "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30 } })
    };
    match inner.turn(body) {
        Turn::Says(text) => json_answer(200, &completion(text, "stop")),
        Turn::Cut(text) => json_answer(200, &completion(text, "length")),
        Turn::Fails(status, message, after) => delayed(failed(status, message), after),
        turn => inner.misbehaves(turn).await,
    }
}

impl Inner {
    fn turn(&self, body: Value) -> Turn {
        let asked = Asked { body, at: Instant::now() };
        let mut all = self.asked.lock().unwrap();
        all.push(asked.clone());
        (self.script)(all.len() - 1, &asked)
    }

    async fn misbehaves(self: Arc<Self>, turn: Turn) -> Response<Body> {
        match turn {
            Turn::Sends(text) => answer(200, Body::from(text)),
            Turn::Floods => {
                let piece = || Some((Ok::<_, Infallible>(Bytes::from(vec![b' '; 65_536])), ()));
                answer(200, Body::from_stream(stream::unfold((), move |()| async move { piece() })))
            }
            _ => {
                self.hanging.send_modify(|hanging| *hanging += 1);
                let _until_the_client_goes = Hanging(self);
                std::future::pending().await
            }
        }
    }
}

fn json_answer(status: u16, body: &Value) -> Response<Body> {
    answer(status, Body::from(body.to_string()))
}

fn answer(status: u16, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    answer
}

fn delayed(mut answer: Response<Body>, after: Option<&'static str>) -> Response<Body> {
    if let Some(after) = after {
        answer.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
    }
    answer
}
