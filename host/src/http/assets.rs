//! The door to the IDE: files that are part of the server.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::problem::Problem;
use crate::app::App;

/// Built by `make web`.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Assets;

/// What the IDE's own pages may do, besides showing previews in frames.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    frame-ancestors 'none'; base-uri 'none'; object-src 'none'; frame-src 'self'";

/// A file of the IDE; every other page address is the IDE itself.
pub(super) async fn serve(State(app): State<App>, request: Request) -> Response {
    let policy = format!("{POLICY} {}", app.previews.all_origins());
    let path = request.uri().path().trim_start_matches('/');
    let reads = matches!(request.method().as_str(), "GET" | "HEAD");
    let missing = || Problem::not_found("there is nothing here; `/docs` lists what is");
    if !reads || path.starts_with("api/") {
        return missing().into_response();
    }
    if let Some(file) = Assets::get(path) {
        return answer(path, file.data.into_owned(), path.starts_with("assets/"), &policy);
    }
    let looks_like_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    match Assets::get("index.html") {
        Some(page) if !looks_like_file => {
            answer("index.html", page.data.into_owned(), false, &policy)
        }
        _ => missing().into_response(),
    }
}

/// Files under `assets/` carry their digest in their name and never change.
fn answer(path: &str, content: Vec<u8>, for_ever: bool, policy: &str) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let cache = if for_ever { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = (StatusCode::OK, content).into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
