//! The door to what changes in a project.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse as _, Response};
use futures::Stream;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Caller;
use crate::events::Change;
use crate::files::{News, Told, Watch};
use crate::http::extract::Path;
use crate::http::problem::{Problem, ProblemView};
use crate::http::sse;
use crate::tasks::Tasks;

/// What changes, by whomever: `created`, `changed` or `deleted` with its `path`.
/// `ready` comes first; `overflow` means that more happened than can be told, so
/// list anew. `Last-Event-ID` resumes.
#[utoipa::path(get, path = "/projects/{project}/watch", tag = "files", params(("project" = String, Path)),
    responses((status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn watch_files(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let since = sse::last_event_id(&headers);
    let watch = app.files.watch(&project, since, &app.tasks).await?;
    Ok(sse::stream(told(watch, app.tasks.clone())).into_response())
}

fn told(mut watch: Watch, tasks: Tasks) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        yield Ok(sse::event(&json!({ "type": "ready" })).id(watch.last().to_string()));
        loop {
            let news = tokio::select! {
                news = watch.next() => news,
                () = tasks.stopping() => None,
            };
            let Some(news) = news else { break };
            yield Ok(sse::event(&view(&news)).id(news.seq.to_string()));
        }
    }
}

fn view(news: &News) -> Value {
    let at = news.at.to_string();
    match &news.told {
        Told::Overflow => json!({ "type": "overflow", "seq": news.seq, "at": at }),
        Told::Change { path, change, is_directory } => json!({
            "type": name(*change), "path": path, "directory": is_directory,
            "seq": news.seq, "at": at,
        }),
    }
}

fn name(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Changed => "changed",
        Change::Deleted => "deleted",
    }
}
