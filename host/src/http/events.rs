//! The door to news.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde_json::{Value, json};

use super::problem::ProblemView;
use super::sse;
use crate::app::App;
use crate::auth::Caller;
use crate::events::{Change, Event, Events, What};

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
                yield Ok(sse::event(&view(&event)).id(event.seq.to_string()));
            }
        }
    }
}

fn may_hear(caller: &Caller, event: &Event) -> bool {
    let own = event.about.as_ref().is_some_and(|about| about.owner == caller.user.id);
    let reviewed = matches!(event.what, What::Submission { .. }) && caller.is_reviewer();
    own || reviewed || caller.is_admin()
}

fn view(event: &Event) -> Value {
    let mut view = what(&event.what);
    if let Value::Object(members) = &mut view {
        if let Some(about) = &event.about {
            members.insert("project".to_owned(), about.project.as_str().into());
        }
        members.insert("at".to_owned(), event.at.to_string().into());
    }
    view
}

fn what(what: &What) -> Value {
    match what {
        What::Project { change } => json!({ "type": "project", "change": change_name(*change) }),
        What::Runtime { status, reason } => {
            json!({ "type": "runtime", "status": status, "reason": reason })
        }
        What::Process { status, exit_code } => {
            json!({ "type": "process", "status": status, "exit_code": exit_code })
        }
        What::File { path, change, .. } => {
            json!({ "type": "file", "path": path, "change": change_name(*change) })
        }
        What::Job { job, status } => {
            json!({ "type": "job", "job_id": job.as_str(), "status": status })
        }
        What::Run { run, state } => {
            json!({ "type": "run", "run_id": run.as_str(), "state": state })
        }
        What::Submission { submission, number, state, change, by } => json!({
            "type": "submission", "submission_id": submission.as_str(), "number": number,
            "state": state, "change": change, "by": by.as_str(),
        }),
        What::Plugin { name, version, change, reason } => json!({
            "type": "plugin", "name": name, "version": version, "change": change,
            "reason": reason,
        }),
        What::Port { port, open } => json!({ "type": "port", "port": port, "open": open }),
        What::Transfer { host, received_bytes } => {
            json!({ "type": "transfer", "host": host, "received_bytes": received_bytes })
        }
        What::Egress { host, port, allowed, reason } => json!({
            "type": "egress", "host": host, "port": port, "allowed": allowed, "reason": reason,
        }),
    }
}

fn change_name(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Changed => "changed",
        Change::Deleted => "deleted",
    }
}
