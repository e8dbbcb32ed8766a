//! What every request passes through, in order.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use super::origin;
use super::problem::Problem;
use crate::ids::RequestId;

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
        .layer(middleware::from_fn_with_state(trusted, origin::note))
        .layer(middleware::from_fn(identify))
}

/// Gives the request its id, its span and its count.
async fn identify(mut request: Request, next: Next) -> Response {
    let id = RequestId::generate();
    request.extensions_mut().insert(id.clone());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let span = tracing::info_span!("request", %id, %method, route);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span).await;
    let status = response.status().as_u16().to_string();
    let labels = [("method", method.to_string()), ("route", route), ("status", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels[..2]).record(began.elapsed().as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
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
