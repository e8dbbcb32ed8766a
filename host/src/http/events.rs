//! The door to news.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures::Stream;

use super::problem::ProblemView;
use super::sse;
use crate::app::App;
use crate::auth::Caller;
use crate::events::{Event, Events};

/// What happens to the caller's projects, as it happens; for reviewers also what happens
/// to anybody's submissions. `Last-Event-ID` resumes.
#[utoipa::path(get, path = "/events", tag = "events",
    responses((status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn listen(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Response {
    let events = news(app.events.clone(), caller, sse::last_event_id(&headers), app.tasks.clone());
    sse::stream(events).into_response()
}

fn news(
    events: Events,
    caller: Caller,
    since: Option<u64>,
    tasks: crate::tasks::Tasks,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        let mut subscription = events.subscribe(since);
        // Something at once, so that the client knows that it is heard.
        yield Ok(SseEvent::default().comment("listening"));
        loop {
            let event = tokio::select! {
                event = subscription.next() => event,
                () = tasks.stopping() => None,
            };
            let Some(event) = event else { break };
            if may_hear(&caller, &event) {
                yield Ok(sse::event(&event.view()).id(event.seq.to_string()));
            }
        }
    }
}

fn may_hear(caller: &Caller, event: &Event) -> bool {
    let own = event.about.as_ref().is_some_and(|about| about.owner == caller.user.id);
    own || event.what.is_for_reviewers() && caller.is_reviewer() || caller.is_admin()
}
