//! Doors to previews.
//!
//! A path preview runs in a sandbox, so that a project's page is a stranger to
//! Lockhouse's own: no cookie of the session goes with what it loads. A browser
//! that asks with its session is therefore sent on to the same preview under a
//! key (`/preview/@<key>/…`), which opens that one project's ports and no more.

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query, session};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::Action;
use crate::previews::{Error, proxy};
use crate::projects::Project;

/// What a project's page may do: run, and nothing of ours.
const SANDBOX: &str = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads";

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    pub port: Option<u16>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewView {
    pub preview_url: String,
    /// `running`, or `waiting` while nothing listens.
    pub status: &'static str,
    pub port: Option<u16>,
}

/// Where the project's preview is, and whether something answers there.
#[utoipa::path(get, path = "/containers/{project}/preview", tag = "previews", params(("project" = String, Path), PreviewQuery),
    responses((status = 200, body = PreviewView), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_preview(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<PreviewQuery>,
    headers: HeaderMap,
) -> Result<axum::Json<PreviewView>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let port = match app.previews.port(&project, query.port).await {
        Ok(port) => Some(port),
        Err(Error::NotListening(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let listening = match port {
        Some(port) => app.previews.dial(&project, port).await.is_ok(),
        None => false,
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let place =
        query.port.map_or(project.name.to_string(), |port| format!("{}:{port}", project.name));
    Ok(axum::Json(PreviewView {
        preview_url: format!("http://{host}/api/v1/preview/{place}/"),
        status: if listening { "running" } else { "waiting" },
        port,
    }))
}

/// Any request to a port of a project.
pub(super) async fn preview(
    State(app): State<App>,
    params: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let param = |wanted| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let place = param("project").unwrap_or_default().to_owned();
    let html = wants_page(request.headers());
    let (place, asked) = split_port(&place)?;
    if let Some(key) = place.strip_prefix('@') {
        let project = project_by_key(&app, key).await?;
        return show(&app, &project, asked, request, html).await;
    }
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &app).await?;
    let project = app.projects.find(&caller, place).await?;
    app.gate.admit(&caller, Action::read("preview.open", project.target())).await?;
    let request = Request::from_parts(parts, body);
    if by_session(&request) {
        return Ok(with_key(&app, &project, asked, &request));
    }
    show(&app, &project, asked, request, html).await
}

/// `todo` or `todo:5000`.
fn split_port(place: &str) -> Result<(&str, Option<u16>), Problem> {
    match place.rsplit_once(':') {
        None => Ok((place, None)),
        Some((name, port)) => match port.parse() {
            Ok(port) if port > 0 => Ok((name, Some(port))),
            _ => Err(Problem::bad_request("invalid_port", "write the port as 1 to 65535")),
        },
    }
}

async fn project_by_key(app: &App, key: &str) -> Result<Project, Problem> {
    let expired = || {
        let detail = "this preview's key has expired; open the preview from the project again";
        Problem::new(StatusCode::UNAUTHORIZED, "preview_key_expired", detail)
    };
    let id = app.previews.read_key(key).ok_or_else(expired)?;
    Ok(app.projects.get(&id).await?)
}

/// Whether it was the session's cookie that let a page be looked at.
fn by_session(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let bearer = request.headers().contains_key(header::AUTHORIZATION);
    reads && !bearer && session(request.headers()).is_some()
}

fn with_key(app: &App, project: &Project, asked: Option<u16>, request: &Request) -> Response {
    let key = app.previews.issue_key(&project.id);
    let port = asked.map(|port| format!(":{port}")).unwrap_or_default();
    let rest = rest_of(request.uri());
    let mut answer =
        Redirect::temporary(&format!("/api/v1/preview/@{key}{port}{rest}")).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// The path and query as the project's server sees them: all after
/// `/preview/<place>`, still encoded as it came.
fn rest_of(uri: &Uri) -> String {
    let path = uri.path();
    let rest = path
        .split_once("/preview/")
        .map_or("", |(_, rest)| rest.find('/').map_or("", |slash| &rest[slash..]));
    let rest = if rest.is_empty() { "/" } else { rest };
    match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    }
}

async fn show(
    app: &App,
    project: &Project,
    asked: Option<u16>,
    request: Request,
    html: bool,
) -> Result<Response, Problem> {
    match forward(app, project, asked, request).await {
        Ok(answer) => Ok(answer),
        Err(error) if html => Ok(state_page(app, project, &error).await),
        Err(error) => Err(error.into()),
    }
}

async fn forward(
    app: &App,
    project: &Project,
    asked: Option<u16>,
    request: Request,
) -> Result<Response, Error> {
    let port = app.previews.port(project, asked).await?;
    let tunnel = app.previews.dial(project, port).await?;
    let path = rest_of(request.uri()).parse::<Uri>();
    let path = path.map_err(|error| Error::BadAnswer(error.to_string()))?;
    let answer = proxy::forward(&app.tasks, tunnel, request, path, port).await?;
    let mut answer = answer.map(Body::new).into_response();
    let headers = answer.headers_mut();
    headers.append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(answer)
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Says what is happening, and looks again by itself.
async fn state_page(app: &App, project: &Project, error: &Error) -> Response {
    let status = match app.runtimes.find(&project.id).await {
        Ok(Some(runtime)) => runtime.status.as_str(),
        Ok(None) => "absent",
        Err(_) => "unknown",
    };
    let page = include_str!("previews/waiting.html")
        .replace("{project}", project.name.as_str())
        .replace("{status}", status)
        .replace("{reason}", &escaped(&error.to_string()));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::BAD_GATEWAY, headers, page).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotListening(port) => {
                let detail = format!("{text}; start the project's process, then try again");
                Self::new(StatusCode::BAD_GATEWAY, "not_listening", detail).with("port", port)
            }
            Error::BadAnswer(_) => Self::new(StatusCode::BAD_GATEWAY, "bad_answer", text),
            Error::Runtime(error) => error.into(),
            Error::Process(error) => error.into(),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_handed_on_as_it_came() {
        let uri = "/api/v1/preview/todo:5000/a%2Fb/?q=%20x".parse().unwrap();
        assert_eq!(rest_of(&uri), "/a%2Fb/?q=%20x");
    }

    #[test]
    fn a_preview_without_a_path_is_its_root() {
        assert_eq!(rest_of(&"/api/v1/preview/todo".parse().unwrap()), "/");
    }

    #[test]
    fn port_zero_is_refused() {
        assert!(split_port("todo:0").is_err());
        assert_eq!(split_port("todo:8080").ok(), Some(("todo", Some(8080))));
    }
}
