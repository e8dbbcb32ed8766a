//! The door to what a runtime uses, once or as a stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::ToSchema;

use super::extract::Path;
use super::problem::{Problem, ProblemView};
use super::sse;
use crate::app::App;
use crate::auth::Caller;
use crate::projects::Project;
use crate::runtimes::engine::{self, Usage};
use crate::runtimes::state::Status;
use crate::runtimes::{self, Runtime};

/// How long the use of the processor is watched for one answer.
const WINDOW: Duration = Duration::from_millis(100);

/// How often a stream tells.
const PERIOD: Duration = Duration::from_secs(1);

/// How long one stream lasts; a client that still listens asks again.
const LONGEST: Duration = Duration::from_secs(3600);

/// Streams at once, on the whole server.
static STREAMS: Semaphore = Semaphore::const_new(256);

const MB: f64 = 1024.0 * 1024.0;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatsView {
    /// Of one CPU: since the one before in a stream, else over a tenth of a second.
    pub cpu_percent: f64,
    pub memory_usage_mb: f64,
    pub memory_limit_mb: f64,
    pub memory_percent: f64,
    /// Of the workspace. It is measured now and then; null where it can't be.
    pub disk_usage_mb: Option<f64>,
    /// How long ago that was measured, in seconds.
    pub disk_age_seconds: Option<i64>,
    pub pids: u64,
    pub status: &'static str,
}

/// What the runtime uses now; each second anew where the client accepts
/// `text/event-stream`, until the runtime stops.
#[utoipa::path(get, path = "/containers/{project}/stats", tag = "runtimes", params(("project" = String, Path)),
    responses((status = 200, description = "What it uses", content((StatsView = "application/json"), (StatsView = "text/event-stream"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn runtime_stats(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let runtime = app.runtimes.find(&project.id).await?.ok_or(runtimes::Error::NotFound)?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|kinds| kinds.contains("text/event-stream")) {
        let place = STREAMS.try_acquire().map_err(|_| too_many())?;
        return Ok(sse::stream(events(app, project, place)).into_response());
    }
    let mut watch = Watch::begin(&app, &runtime).await?;
    if runtime.status == Status::Running {
        tokio::time::sleep(WINDOW).await;
    }
    Ok(axum::Json(watch.look(&app, &runtime).await?).into_response())
}

fn too_many() -> Problem {
    let detail = "too many clients follow statistics; ask for them once instead";
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail);
    problem.retry_after = Some(PERIOD);
    problem
}

/// Nothing is measured unless the client takes it: one that does not read costs its
/// connection.
fn events(
    app: App,
    project: Project,
    place: SemaphorePermit<'static>,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    async_stream::stream! {
        let _place = place;
        let until = Instant::now() + LONGEST;
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = None;
        while Instant::now() < until {
            tokio::select! {
                _ = ticks.tick() => {}
                () = app.tasks.stopping() => break,
            }
            let Ok(Some(runtime)) = app.runtimes.find(&project.id).await else { break };
            match told(&app, &runtime, &mut watch).await {
                Ok(view) => yield Ok(sse::event(&view)),
                Err(error) => {
                    tracing::debug!(project = %project.id, %error, "statistics end");
                    break;
                }
            }
            if runtime.status != Status::Running {
                break;
            }
        }
    }
}

async fn told(
    app: &App,
    runtime: &Runtime,
    watch: &mut Option<Watch>,
) -> Result<StatsView, runtimes::Error> {
    let watch = match watch {
        Some(watch) => watch,
        None => {
            let begun = watch.insert(Watch::begin(app, runtime).await?);
            if runtime.status == Status::Running {
                tokio::time::sleep(WINDOW).await;
            }
            begun
        }
    };
    watch.look(app, runtime).await
}

/// What was used when it was last looked.
struct Watch {
    at: Instant,
    cpu: Duration,
}

impl Watch {
    async fn begin(app: &App, runtime: &Runtime) -> Result<Self, runtimes::Error> {
        Ok(Self { at: Instant::now(), cpu: usage(app, runtime).await?.cpu })
    }

    async fn look(&mut self, app: &App, runtime: &Runtime) -> Result<StatsView, runtimes::Error> {
        let usage = usage(app, runtime).await?;
        let elapsed = self.at.elapsed().max(Duration::from_millis(1));
        let cpu = usage.cpu.saturating_sub(self.cpu).as_secs_f64() / elapsed.as_secs_f64();
        *self = Self { at: Instant::now(), cpu: usage.cpu };
        let disk = app.runtimes.disk_usage(&runtime.project).await;
        if let Err(error) = &disk {
            tracing::debug!(project = %runtime.project, %error, "a workspace was not measured");
        }
        let (disk, limit) = (disk.ok(), runtime.settings.memory_bytes);
        let age = |at| app.clock.now().duration_since(at).as_secs();
        Ok(StatsView {
            cpu_percent: cpu * 100.0,
            memory_usage_mb: megabytes(usage.memory_bytes),
            memory_limit_mb: megabytes(limit),
            memory_percent: megabytes(usage.memory_bytes) / megabytes(limit).max(1.0 / MB) * 100.0,
            disk_usage_mb: disk.map(|disk| megabytes(disk.bytes)),
            disk_age_seconds: disk.map(|disk| age(disk.measured_at)),
            pids: usage.pids,
            status: runtime.status.as_str(),
        })
    }
}

/// Nothing, where it does not run.
async fn usage(app: &App, runtime: &Runtime) -> Result<Usage, runtimes::Error> {
    const NOTHING: Usage = Usage { cpu: Duration::ZERO, memory_bytes: 0, pids: 0 };
    match app.runtimes.usage(&runtime.project).await {
        Ok(usage) => Ok(usage),
        Err(runtimes::Error::Engine(engine::Error::NotFound)) => Ok(NOTHING),
        Err(_) if runtime.status != Status::Running => Ok(NOTHING),
        Err(error) => Err(error),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MB
}
