//! `Idempotency-Key`: a POST that is sent again is answered as the first time.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::layers::MAX_BODY_BYTES;
use super::problem::Problem;
use crate::app::App;
use crate::auth::Caller;
use crate::idempotency::{Answer, MAX_ANSWER_BYTES, MAX_KEY_BYTES, Ticket, Turn};
use crate::ids::RequestId;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Headers that are part of an answer.
const KEPT_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::LOCATION];

/// Where the stream is found again that was the first answer. The handler answers with
/// the same again, and does nothing anew.
#[derive(Debug, Clone)]
pub(super) struct FirstAnswer {
    pub location: String,
}

/// Carries a request with a key out once.
pub(super) async fn answer_once(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    once(app, request, next).await.unwrap_or_else(Problem::into_response)
}

async fn once(app: App, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = read_key(&parts.headers)?;
    let caller = Caller::from_request_parts(&mut parts, &app).await?;
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| too_long())?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let turn = app.idempotency.begin(&caller.user.id, &key, fingerprint(target, &body)).await?;
    match turn {
        Turn::First(ticket) => {
            let request = Request::from_parts(parts, Body::from(body));
            let (done, answer) = tokio::sync::oneshot::channel();
            // Carried out to its end, also where the client goes away meanwhile.
            app.tasks.run("a request with a key", async move {
                let response = next.run(request).await;
                let _ = done.send(keep(ticket, response, &caller.request_id).await);
            });
            answer.await.map_err(|_| Problem::unavailable("stopping", "the server is stopping"))
        }
        Turn::Again(answer) => match found_again(&answer) {
            Some(first) => {
                parts.extensions.insert(first);
                let mut again = next.run(Request::from_parts(parts, Body::from(body))).await;
                again.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                Ok(again)
            }
            None => replay(answer),
        },
        Turn::Differs => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "this Idempotency-Key came with another request before; use a new one",
        )),
        Turn::Busy => {
            let detail = "the first request with this Idempotency-Key is still being carried out";
            let mut problem = Problem::conflict("idempotency_key_busy", detail);
            problem.retry_after = Some(std::time::Duration::from_secs(1));
            Err(problem)
        }
    }
}

/// Streams say where they are found again.
fn found_again(answer: &Answer) -> Option<FirstAnswer> {
    let header = |wanted: HeaderName| {
        let found = answer.headers.iter().find(|(name, _)| *name == wanted.as_str());
        found.map(|(_, value)| value.as_str())
    };
    let streamed = header(header::CONTENT_TYPE) == Some("text/event-stream");
    let location = header(header::LOCATION).filter(|_| streamed && answer.body.is_none())?;
    Some(FirstAnswer { location: location.to_owned() })
}

fn read_key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get(KEY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if (1..=MAX_KEY_BYTES).contains(&key.len()) {
        return Ok(key.to_owned());
    }
    let detail = format!("Idempotency-Key: use 1 to {MAX_KEY_BYTES} visible ASCII characters");
    Err(Problem::bad_request("invalid_idempotency_key", detail))
}

fn too_long() -> Problem {
    Problem::too_large(format!(
        "a request with an Idempotency-Key may have at most {MAX_BODY_BYTES} bytes; send it \
         without the key, or in parts"
    ))
}

/// Stands for a request: where it goes and what it says.
fn fingerprint(target: &str, body: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(target.as_bytes()).update(b"\n").update(body);
    hasher.finalize().to_hex().to_string()
}

/// Keeps an answer that a second try would not better.
async fn keep(ticket: Ticket, response: Response, request_id: &RequestId) -> Response {
    let status = response.status();
    // Another token of the same user may be allowed to; and who waits may be let in.
    let passing = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passing.contains(&status) {
        return response;
    }
    let mut response = response;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(request_id.as_str());
    }
    let (parts, body) = response.into_parts();
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let mut answer = Answer { status: status.as_u16(), headers: headers.collect(), body: None };
    let body = match whole(&parts.headers, body).await {
        Ok(bytes) => {
            let secret = parts.headers.get(header::CACHE_CONTROL).is_some_and(|v| v == "no-store");
            answer.body = String::from_utf8(bytes.to_vec()).ok().filter(|_| !secret);
            Body::from(bytes)
        }
        Err(body) => body,
    };
    if let Err(error) = ticket.keep(&answer).await {
        tracing::warn!(%error, "the answer to a request with a key was not kept");
    }
    Response::from_parts(parts, body)
}

/// The body, where it is known to be short; a stream is handed on as it is.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Body> {
    use axum::body::HttpBody as _;
    let short = body.size_hint().exact().is_some_and(|size| size <= MAX_ANSWER_BYTES as u64);
    let streamed =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    if !short || streamed {
        return Err(body);
    }
    Ok(to_bytes(body, MAX_ANSWER_BYTES).await.unwrap_or_default())
}

fn replay(answer: Answer) -> Result<Response, Problem> {
    let Some(body) = answer.body else {
        let detail = "the first request with this Idempotency-Key was carried out; its answer was \
                      a stream, too long or secret, and can't be repeated";
        let found = answer.headers.iter().find(|(name, _)| *name == header::LOCATION.as_str());
        let location = found.map(|(_, value)| value.as_str());
        return Err(Problem::conflict("idempotency_answer_gone", detail)
            .with("first_status", answer.status)
            .with("location", location));
    };
    let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
