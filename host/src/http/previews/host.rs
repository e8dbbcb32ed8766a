//! Doors to previews on hosts of their own.
//!
//! Such a host never answers as Lockhouse: all that is asked there is the
//! project's, but for `/.lockhouse/…`. A browser is let in by a cookie of that host
//! alone, which it gets for a ticket from Lockhouse's own origin, or for a link.
//! What another page makes the browser ask is refused.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::super::problem::Problem;
use super::{Showing, page, show, text, untold};
use crate::app::App;
use crate::auth::{Caller, Mode};
use crate::previews::origin::{HostName, Reading};
use crate::previews::{Entry, Leave, Named, Reach};
use crate::secret::Secret;

/// Paths of a preview's host that are not the project's.
const RESERVED: &str = "/.lockhouse/";

/// Where a ticket becomes a cookie.
pub(super) const ENTER: &str = "/.lockhouse/enter";

/// The cookie that opens a preview on its host.
const COOKIE: &str = "lockhouse_preview";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enter {
    ticket: String,
    #[serde(default)]
    to: String,
}

/// Sends requests to a preview's host there, and all others on.
pub(in super::super) async fn divert(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let host = match host_of(request.headers(), request.uri()) {
        Ok(host) => host.unwrap_or_default().to_owned(),
        Err(problem) => return problem.into_response(),
    };
    let answered = match app.previews.read_host(&host) {
        Reading::Foreign => return next.run(request).await,
        Reading::Wrong => Err(no_preview()),
        Reading::Preview(host) => serve(&app, host, request).await,
    };
    answered.unwrap_or_else(IntoResponse::into_response)
}

/// The one host that a request names. Where a proxy before Lockhouse could read
/// another than Lockhouse does, it is refused.
pub(super) fn host_of<'a>(
    headers: &'a HeaderMap,
    uri: &'a Uri,
) -> Result<Option<&'a str>, Problem> {
    let ambiguous = || {
        let detail = "the request names more than one host; send one Host header, and the same \
                      host in the request line";
        Problem::bad_request("ambiguous_host", detail)
    };
    let mut named = headers.get_all(header::HOST).iter();
    let host = named.next().map(|host| host.to_str().map_err(|_| ambiguous())).transpose()?;
    let target = uri.authority().map(|authority| authority.as_str());
    match (host, target) {
        _ if named.next().is_some() => Err(ambiguous()),
        (Some(host), Some(target)) if !host.eq_ignore_ascii_case(target) => Err(ambiguous()),
        (host, target) => Ok(host.or(target)),
    }
}

fn no_preview() -> Problem {
    Problem::not_found("this host name is no preview's; open the preview from its project")
}

async fn serve(app: &App, host: HostName, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Some(named) = app.previews.find_named(&host.project).await? else {
        return by_name_alone(app, &host, &parts);
    };
    if parts.uri.path() == ENTER {
        return enter(app, &host, &named, &parts).await;
    }
    if parts.uri.path().starts_with(RESERVED) {
        return Err(no_preview());
    }
    let (leave, reach, keeps_authorization) = match entry(app, &host, &named, &parts).await? {
        Some(entry) => {
            check_own_page(&parts)?;
            (entry.leave, entry.reach, true)
        }
        None => match by_token(app, &named, &mut parts).await? {
            Some(reach) => (Leave::default(), reach, false),
            None => return page::sign_in(app, &host, &named.name, &parts),
        },
    };
    let showing = Showing {
        project: named.project,
        port: Some(host.port),
        prefix: String::new(),
        keeps_authorization,
        leave,
        reach,
        policy: framed_by(app),
    };
    show(app, showing, Request::from_parts(parts, body)).await
}

/// Who may frame a preview: itself and Lockhouse's own pages.
pub(super) fn framed_by(app: &App) -> String {
    format!("frame-ancestors 'self' {}", app.previews.lockhouse_origins().join(" "))
}

/// Which project a name alone means depends on who asks, which Lockhouse's own
/// origin knows.
fn by_name_alone(app: &App, host: &HostName, parts: &Parts) -> Result<Response, Problem> {
    if parts.method != Method::GET {
        return Err(no_preview());
    }
    let url = open_url(app, &host.project, host.port, &parts.uri);
    Ok(untold(Redirect::temporary(&url).into_response()))
}

/// The address on Lockhouse's own origin that brings a caller to a preview.
pub(super) fn open_url(app: &App, project: &str, port: u16, uri: &Uri) -> String {
    let origin = app.previews.lockhouse_origins().into_iter().next().unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let to = utf8_percent_encode(path, NON_ALPHANUMERIC);
    format!("{origin}/api/v1/containers/{project}/preview/open?port={port}&to={to}")
}

async fn enter(
    app: &App,
    host: &HostName,
    named: &Named,
    parts: &Parts,
) -> Result<Response, Problem> {
    let query = axum::extract::Query::<Enter>::try_from_uri(&parts.uri);
    let axum::extract::Query(Enter { ticket, to }) =
        query.map_err(|error| Problem::bad_request("invalid_query", error.body_text()))?;
    let entered = app.previews.enter(&named.project, host.port, &ticket).await?;
    let Some((cookie, lasts)) = entered else {
        return page::sign_in(app, host, &named.name, parts);
    };
    // Beyond the host's own, a ticket leads nowhere.
    let to = if is_path(&to) { to } else { "/".to_owned() };
    let mut answer = untold(Redirect::to(&to).into_response());
    let standing = if app.previews.is_trustworthy() {
        // Also in the IDE's frame, and there apart from the preview in a tab.
        "Secure; SameSite=None; Partitioned"
    } else {
        "SameSite=Lax"
    };
    let (cookie, lasts) = (cookie.reveal(), lasts.as_secs());
    let cookie = format!("{COOKIE}={cookie}; Path=/; HttpOnly; Max-Age={lasts}; {standing}");
    let cookie = HeaderValue::from_str(&cookie).map_err(Problem::internal)?;
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(answer)
}

/// A path on the same host, whatever a browser makes of backslashes.
pub(super) fn is_path(to: &str) -> bool {
    let plain = to.bytes().all(|b| b.is_ascii_graphic());
    plain && to.starts_with('/') && !to[1..].starts_with(['/', '\\']) && !to.starts_with(RESERVED)
}

/// What the cookie of this host opens.
async fn entry(
    app: &App,
    host: &HostName,
    named: &Named,
    parts: &Parts,
) -> Result<Option<Entry>, Problem> {
    for cookie in cookies(&parts.headers) {
        let Some(entry) = app.previews.read_cookie(cookie.reveal()).await? else { continue };
        if entry.project == named.project && entry.port.is_none_or(|port| port == host.port) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// Cookies by this name; a page of the project may have set more of them.
fn cookies(headers: &HeaderMap) -> Vec<Secret> {
    /// The most that are looked at.
    const MOST: usize = 4;
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| Secret::new(value))
        .take(MOST)
        .collect()
}

/// Lets a program in by a token of Lockhouse's, if it shows one.
async fn by_token(app: &App, named: &Named, parts: &mut Parts) -> Result<Option<Reach>, Problem> {
    let names_user =
        app.auth.mode() == Mode::Development && parts.headers.contains_key("x-user-id");
    if !parts.headers.contains_key(header::AUTHORIZATION) && !names_user {
        return Ok(None);
    }
    let caller = Caller::from_request_parts(parts, app).await?;
    let project = app.projects.find(&caller, named.project.as_str()).await?;
    super::admit(app, &caller, &project, parts).await.map(Some)
}

/// The browser sends the cookie whoever makes it ask. It is believed for the
/// preview's own pages, and for going there.
fn check_own_page(parts: &Parts) -> Result<(), Problem> {
    let headers = &parts.headers;
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = headers.contains_key(header::UPGRADE);
    let own = match text(headers, &FETCH_SITE) {
        Some("same-origin" | "none") => true,
        Some(_) => reads && !upgrades && text(headers, &FETCH_MODE) == Some("navigate"),
        None => match text(headers, &header::ORIGIN) {
            Some(origin) => is_own_origin(parts, origin),
            // An older browser goes somewhere without saying from where.
            None => reads && !upgrades,
        },
    };
    // Whatever else was said, an upgrade says who asks.
    let origin = text(headers, &header::ORIGIN);
    if own && (!upgrades || origin.is_some_and(|origin| is_own_origin(parts, origin))) {
        return Ok(());
    }
    Err(foreign_origin())
}

pub(super) fn foreign_origin() -> Problem {
    let detail = "this request comes from a page of another origin than the preview's";
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail)
}

fn is_own_origin(parts: &Parts, origin: &str) -> bool {
    let host = host_of(&parts.headers, &parts.uri).ok().flatten();
    let from = origin.split_once("://").map(|(_, from)| from);
    from.zip(host).is_some_and(|(from, host)| from.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "3000--todo-k3x9q2ab.localhost:8000";

    fn request(method: &str, pairs: &[(&str, &str)]) -> Parts {
        let request = axum::http::Request::builder().method(method).uri("/").header("host", HOST);
        let with =
            pairs.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        with.body(()).unwrap().into_parts().0
    }

    fn passes(method: &str, pairs: &[(&str, &str)]) -> bool {
        check_own_page(&request(method, pairs)).is_ok()
    }

    const OWN: (&str, &str) = ("origin", "http://3000--todo-k3x9q2ab.localhost:8000");
    const OTHER: (&str, &str) = ("origin", "http://3000--evil-aaaaaaaa.localhost:8000");
    const NULL: (&str, &str) = ("origin", "null");
    const UPGRADE: (&str, &str) = ("upgrade", "websocket");

    #[test]
    fn a_write_with_the_cookie_must_come_from_the_previews_own_page() {
        assert!(passes("POST", &[OWN]));
        assert!(!passes("POST", &[OTHER]));
        assert!(!passes("POST", &[NULL]));
        assert!(!passes("POST", &[]));
    }

    #[test]
    fn an_upgrade_with_the_cookie_must_come_from_the_previews_own_page() {
        assert!(passes("GET", &[UPGRADE, OWN]));
        assert!(!passes("GET", &[UPGRADE, OTHER]));
        assert!(!passes("GET", &[UPGRADE, NULL]));
        assert!(!passes("GET", &[UPGRADE]));
    }

    #[test]
    fn an_upgrade_says_who_asks_whatever_else_is_said() {
        assert!(!passes("GET", &[UPGRADE, OTHER, ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn another_page_may_go_to_a_preview_and_not_look_into_it() {
        let site = ("sec-fetch-site", "cross-site");
        assert!(passes("GET", &[site, ("sec-fetch-mode", "navigate")]));
        assert!(!passes("GET", &[site, ("sec-fetch-mode", "no-cors")]));
        assert!(!passes("POST", &[site, ("sec-fetch-mode", "navigate")]));
    }

    #[test]
    fn a_form_of_a_page_that_tells_no_origin_is_known_by_its_site() {
        assert!(passes("POST", &[NULL, ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn a_request_that_names_two_hosts_is_refused() {
        let two = request("GET", &[("host", "localhost")]);
        assert!(host_of(&two.headers, &two.uri).is_err());
        let elsewhere = "http://evil.example/".parse().unwrap();
        assert!(host_of(&request("GET", &[]).headers, &elsewhere).is_err());
    }

    #[test]
    fn a_ticket_leads_nowhere_else() {
        for to in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/.lockhouse/x"]
        {
            assert!(!is_path(to), "{to}");
        }
        assert!(is_path("/a?b=c"));
    }
}
