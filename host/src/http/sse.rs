//! Server-sent events: one JSON object per `data:` line.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Serialize;

/// A comment goes out this often, so that nobody in between ends the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream of events that stays open.
pub(super) type Events<S> = Sse<axum::response::sse::KeepAliveStream<S>>;

pub(super) fn stream<S>(events: S) -> Events<S>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// One event. A view that JSON can't hold is a fault of ours and is said so.
pub(super) fn event(view: &impl Serialize) -> Event {
    Event::default().json_data(view).unwrap_or_else(|error| {
        tracing::error!(%error, "an event could not be written");
        Event::default().comment("an event could not be written")
    })
}

/// Where the client left off.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// Whether the client wants a stream where JSON is usual.
pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(axum::http::header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Whether the client wants JSON and not a stream.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(axum::http::header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| {
        accept.contains("application/json") && !accept.contains("text/event-stream")
    })
}
