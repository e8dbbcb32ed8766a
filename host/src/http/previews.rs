//! Doors to previews.
//!
//! A path preview runs in a sandbox, so that a project's page is a stranger to
//! Lockhouse's own: no cookie of the session goes with what it loads. A browser
//! that asks with its session is therefore sent on to the same preview under a
//! key (`/preview/@<key>/…`), which opens that one project's ports and no more.
//! Previews with an origin of their own are in [`host`] and [`mapped`].

pub(super) mod host;
pub(super) mod links;
pub(super) mod look;
pub(super) mod mapped;
mod page;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::extract::session;
use super::problem::Problem;
use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::gate::{Action, Denied};
use crate::ids::ProjectId;
use crate::previews::proxy::Visit;
use crate::previews::{Entry, Error, Leave, Reach};
use crate::projects::Project;

/// What a project's page may do: run, and nothing of ours.
const SANDBOX: &str = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads";

/// Sent by a browser that fetches the script of a service worker.
const SERVICE_WORKER: HeaderName = HeaderName::from_static("service-worker");

/// What a browser is shown, and where it stands.
struct Showing {
    project: ProjectId,
    /// The port that was asked for.
    port: Option<u16>,
    /// What stands before the project's paths.
    prefix: String,
    keeps_authorization: bool,
    leave: Leave,
    reach: Reach,
    /// `Content-Security-Policy` beside the project's own.
    policy: String,
}

/// Any request to a port of a project.
pub(super) async fn preview(
    State(app): State<App>,
    params: RawPathParams,
    request: Request,
) -> Result<Response, Problem> {
    let param = |wanted| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let place = param("project").unwrap_or_default().to_owned();
    let (place, asked) = split_port(&place)?;
    if request.headers().contains_key(SERVICE_WORKER) {
        let detail = "a preview on Lockhouse's own origin has no service worker; open it by its \
                      host name";
        return Err(Problem::new(StatusCode::FORBIDDEN, "no_service_worker", detail));
    }
    if let Some(key) = place.strip_prefix('@') {
        let entry = app.previews.read_key(key).await?.ok_or_else(expired)?;
        return show_entry(&app, entry, asked, request).await;
    }
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, &app).await?;
    let project = app.projects.find(&caller, place).await?;
    let reach = admit(&app, &caller, &project, &parts).await?;
    let request = Request::from_parts(parts, body);
    if by_session(&request) {
        return Ok(with_key(&app, (&project.id, reach), asked, &request));
    }
    let showing = Showing {
        project: project.id,
        port: asked,
        prefix: prefix_of(request.uri()),
        keeps_authorization: false,
        leave: Leave::default(),
        reach,
        policy: SANDBOX.to_owned(),
    };
    show(&app, showing, request).await
}

async fn show_entry(
    app: &App,
    entry: Entry,
    asked: Option<u16>,
    request: Request,
) -> Result<Response, Problem> {
    let Entry { project, port, leave, reach } = entry;
    if port.is_some() && asked.is_some() && port != asked {
        return Err(expired());
    }
    let showing = Showing {
        project,
        port: port.or(asked),
        prefix: prefix_of(request.uri()),
        keeps_authorization: true,
        leave,
        reach,
        policy: SANDBOX.to_owned(),
    };
    show(app, showing, request).await
}

/// What a caller may do in a preview.
fn reach_of(caller: &Caller) -> Reach {
    if caller.scope < Scope::Write { Reach::Look } else { Reach::Use }
}

/// Lets a caller in. A token for reading looks, and what might change something is
/// judged as a write.
async fn admit(
    app: &App,
    caller: &Caller,
    project: &Project,
    parts: &Parts,
) -> Result<Reach, Problem> {
    let (reach, target) = (reach_of(caller), project.target());
    let action = match reach {
        Reach::Look if !only_looks(&parts.method, &parts.headers) => {
            Action::write("preview.use", target)
        }
        Reach::Look | Reach::Use => Action::read("preview.open", target),
    };
    app.gate.admit(caller, action).await?;
    Ok(reach)
}

/// Whether a request should change nothing; what is said over a WebSocket may.
fn only_looks(method: &Method, headers: &HeaderMap) -> bool {
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    safe && !headers.contains_key(header::UPGRADE)
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

fn expired() -> Problem {
    let detail = "this preview's key has expired or was revoked; open the preview from the \
                  project again";
    Problem::new(StatusCode::UNAUTHORIZED, "preview_key_expired", detail)
}

/// Whether it was the session's cookie that let a page be looked at.
fn by_session(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let bearer = request.headers().contains_key(header::AUTHORIZATION);
    reads && !bearer && session(request.headers()).is_some()
}

fn with_key(
    app: &App,
    (project, reach): (&ProjectId, Reach),
    asked: Option<u16>,
    request: &Request,
) -> Response {
    let key = app.previews.issue_key(project, reach);
    let port = asked.map(|port| format!(":{port}")).unwrap_or_default();
    let rest = rest_of(request.uri());
    untold(Redirect::temporary(&format!("/api/v1/preview/@{key}{port}{rest}")).into_response())
}

/// An answer that carries a secret in an address or a cookie: nobody keeps it, and
/// nobody is told where the browser came from.
fn untold(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// All before the path as the project's server sees it.
fn prefix_of(uri: &Uri) -> String {
    let path = uri.path();
    let begin = path.find("/preview/").map_or(0, |at| at + "/preview/".len());
    let end = path[begin..].find('/').map_or(path.len(), |at| begin + at);
    path[..end].to_owned()
}

/// The path and query as the project's server sees them: all after
/// `/preview/<place>`, still encoded as it came.
fn rest_of(uri: &Uri) -> String {
    let rest = &uri.path()[prefix_of(uri).len()..];
    let rest = if rest.is_empty() { "/" } else { rest };
    match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    }
}

async fn show(app: &App, showing: Showing, request: Request) -> Result<Response, Problem> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        let detail = "a preview answers to the methods that pages use";
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail));
    }
    if showing.reach == Reach::Look && !only_looks(request.method(), request.headers()) {
        return Err(Denied::ReadOnly.into());
    }
    let page = wants_page(request.method(), request.headers());
    let (project, policy) = (showing.project.clone(), showing.policy.clone());
    let answer = forward(app, showing, request).await;
    count(&answer);
    match answer {
        Ok(answer) => Ok(answer),
        Err(error) if page => page::waiting(app, &project, &error, &policy).await,
        Err(error) => Err(error.into()),
    }
}

fn count(answer: &Result<Response, Error>) {
    let status = match answer.as_ref().map(|answer| answer.status().as_u16() / 100) {
        Ok(1) => "1xx",
        Ok(2) => "2xx",
        Ok(3) => "3xx",
        Ok(4) => "4xx",
        Ok(_) => "5xx",
        Err(_) => "failed",
    };
    metrics::counter!("preview_requests_total", "status" => status).increment(1);
}

async fn forward(app: &App, showing: Showing, request: Request) -> Result<Response, Error> {
    let port = app.previews.port(&showing.project, showing.port).await?;
    let path = match showing.prefix.is_empty() {
        true => request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        false => rest_of(request.uri()),
    };
    let path = path.parse::<Uri>().map_err(|error| Error::BadAnswer(error.to_string()))?;
    let is_ours = !showing.prefix.is_empty();
    let visit = Visit {
        project: showing.project,
        port,
        path,
        prefix: showing.prefix,
        keeps_authorization: showing.keeps_authorization,
        leave: showing.leave,
    };
    let answer = app.previews.forward(request, visit).await?;
    let mut answer = answer.map(Body::new).into_response();
    let headers = answer.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&showing.policy) {
        headers.append(header::CONTENT_SECURITY_POLICY, policy);
    }
    if is_ours {
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    Ok(answer)
}

fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    reads && text(headers, &header::ACCEPT).is_some_and(|kinds| kinds.contains("text/html"))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
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
            Error::TooManyConnections => Self::unavailable("too_many_connections", text),
            Error::Lifetime(_) => Self::bad_request("invalid_lifetime", text),
            Error::TooManyLinks(_) => Self::conflict("too_many_links", text),
            Error::Runtime(error) => error.into(),
            Error::Process(error) => error.into(),
            Error::Link(_) => Self::unavailable("runtime_unreachable", text),
            Error::Db(error) => error.into(),
            Error::NoRandomness(error) => Self::internal(error),
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
        assert_eq!(prefix_of(&uri), "/api/v1/preview/todo:5000");
    }

    #[test]
    fn a_preview_without_a_path_is_its_root() {
        assert_eq!(rest_of(&"/api/v1/preview/todo".parse().unwrap()), "/");
    }

    #[test]
    fn another_preview_in_the_path_is_part_of_it() {
        let uri = "/api/v1/preview/todo/preview/other/x".parse().unwrap();
        assert_eq!(rest_of(&uri), "/preview/other/x");
    }

    #[test]
    fn port_zero_is_refused() {
        assert!(split_port("todo:0").is_err());
        assert_eq!(split_port("todo:8080").ok(), Some(("todo", Some(8080))));
    }
}
