//! What every request passes through, in order.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::origin;
use super::problem::Problem;
use crate::ids::RequestId;
use crate::traces::{self, SPANS};

/// The largest body that a handler reads at once; file uploads are streamed
/// and have a limit of their own.
pub(super) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const UNFRAMED: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'");

/// Outermost first: identify, note where from, answer problems, secure, catch panics, limit.
pub(super) fn wrap(router: Router, trusted_proxies: &[IpNet]) -> Router {
    let trusted: Arc<[IpNet]> = trusted_proxies.into();
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(secure))
        .layer(middleware::from_fn(answer_problems))
        .layer(middleware::from_fn_with_state(Arc::clone(&trusted), origin::note))
        .layer(middleware::from_fn_with_state(trusted, identify))
}

/// Gives the request its id, its spans and its count.
async fn identify(
    State(trusted): State<Arc<[IpNet]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::generate();
    request.extensions_mut().insert(id.clone());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = known(request.method());
    // The user is told by whoever finds out.
    let span = tracing::info_span!("request", %id, method, route, user = Empty);
    let traced = traced(&request, (&id, method, &route), &trusted);
    let (began, active) = (Instant::now(), Active::begin());
    let answer = next.run(request).instrument(span.clone()).instrument(traced.clone());
    let mut response = answer.await;
    drop(active);
    let (status, took) = (response.status().as_u16(), began.elapsed());
    span.in_scope(|| tracing::debug!(status, took_us = took.as_micros(), "answered"));
    traced.record("http.response.status_code", status);
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What a client calls its method may be anything.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The request's span where traces are exported, in the trace that its caller named.
fn traced(
    request: &Request,
    (id, method, route): (&RequestId, &str, &str),
    trusted: &[IpNet],
) -> Span {
    let span = tracing::info_span!(
        target: SPANS,
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        lockhouse.request_id = %id,
    );
    let named = request.headers().get(traces::HEADER).and_then(|value| value.to_str().ok());
    if let Some(named) = named.filter(|_| !span.is_disabled()) {
        traces::join(&span, named, origin::is_trusted(request, trusted));
    }
    span
}

/// One of the requests whose answer has not begun, until this is dropped.
struct Active;

impl Active {
    fn begin() -> Self {
        metrics::gauge!("http_requests_active").increment(1.0);
        Self
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_active").decrement(1.0);
    }
}

/// Writes problems out, and logs those that are ours.
async fn answer_problems(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    if let Some(internal) = &problem.internal {
        tracing::error!(code = problem.code, error = internal, "a request failed");
    }
    problem.render(id.as_ref().map_or("", RequestId::as_str))
}

async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    // Previews say themselves who may frame them; nobody frames anything else.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(UNFRAMED);
    response
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    Problem::internal(format!("a handler panicked: {text}")).into_response()
}
