//! Carries one HTTP request to a server in a runtime, and its answer back.
//!
//! The project's server is a stranger: it never sees Lockhouse's cookies or
//! tokens, and it can't set a cookie for Lockhouse.

use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use lockhouse_supervisor::client::Tunnel;
use tokio::io::copy_bidirectional;

use super::Error;
use crate::tasks::Tasks;

/// How long the server may take until its answer begins.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

pub type Body = BoxBody<Bytes, hyper::Error>;

/// What must not pass from one connection to the next (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Sends `request` over `tunnel`. `path` is the path and query that the server
/// sees; `prefix` is where the browser believes to be.
pub async fn forward<B>(
    tasks: &Tasks,
    tunnel: Tunnel,
    mut request: Request<B>,
    path: Uri,
    port: u16,
) -> Result<Response<Body>, Error>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let upgrade = wanted_upgrade(request.headers());
    let client = upgrade.as_ref().and_then(|_| request.extensions_mut().remove::<OnUpgrade>());
    *request.uri_mut() = path;
    *request.version_mut() = hyper::Version::HTTP_11;
    prepare(request.headers_mut(), port, upgrade.as_ref());
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .handshake(TokioIo::new(tunnel))
        .await
        .map_err(bad_answer)?;
    tasks.run("preview connection", async move {
        // An early end shows as an error of the answer or its body.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a preview connection broke");
        }
    });
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, sender.send_request(request));
    let answer = answer
        .await
        .map_err(|_| Error::BadAnswer(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())))?
        .map_err(bad_answer)?;
    Ok(match (answer.status(), client) {
        (StatusCode::SWITCHING_PROTOCOLS, Some(client)) => switch(tasks, client, answer),
        _ => hand_back(answer),
    })
}

fn bad_answer(error: impl std::fmt::Display) -> Error {
    Error::BadAnswer(error.to_string())
}

fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get(header::CONNECTION)?.to_str().ok()?;
    let asked = connection.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    asked.then(|| headers.get(header::UPGRADE).cloned()).flatten()
}

/// Makes the request one from Lockhouse to the server.
fn prepare(headers: &mut HeaderMap, port: u16, upgrade: Option<&HeaderValue>) {
    remove_hop_by_hop(headers);
    headers.remove(header::AUTHORIZATION);
    headers.remove("x-user-id");
    keep_foreign_cookies(headers);
    if let Ok(host) = HeaderValue::from_str(&format!("localhost:{port}")) {
        headers.insert(header::HOST, host.clone());
        // A dev server compares the origin of an upgrade with its own address.
        if headers.contains_key(header::ORIGIN)
            && let Ok(origin) = HeaderValue::from_str(&format!("http://localhost:{port}"))
        {
            headers.insert(header::ORIGIN, origin);
        }
    }
    if let Some(upgrade) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, upgrade.clone());
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Cookies whose names begin with `lockhouse` are ours.
fn keep_foreign_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|pair| pair.trim().to_owned())
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lockhouse"))
        .collect();
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_str(&cookies.join("; "))
        && !cookies.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

fn hand_back(answer: Response<Incoming>) -> Response<Body> {
    let mut answer = answer.map(|body| body.boxed());
    let headers = answer.headers_mut();
    remove_hop_by_hop(headers);
    headers.remove(header::SET_COOKIE);
    headers.remove("service-worker-allowed");
    headers.remove("clear-site-data");
    headers.remove(header::STRICT_TRANSPORT_SECURITY);
    answer
}

/// Joins both sides of a WebSocket.
fn switch(tasks: &Tasks, client: OnUpgrade, mut answer: Response<Incoming>) -> Response<Body> {
    let server = hyper::upgrade::on(&mut answer);
    tasks.run("preview websocket", async move {
        match tokio::try_join!(client, server) {
            Ok((client, server)) => {
                let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                // Either side may go at any time.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
            Err(error) => tracing::debug!(%error, "a preview websocket was not opened"),
        }
    });
    let mut switched = answer.map(|_| Full::default().map_err(|never| match never {}).boxed());
    switched.headers_mut().remove(header::SET_COOKIE);
    switched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        prepare(&mut headers, 5000, None);
        headers
    }

    #[test]
    fn the_project_never_sees_our_token_or_cookie() {
        let seen =
            prepared(&[("authorization", "Bearer x"), ("cookie", "lockhouse_session=s; own=1")]);
        assert_eq!(seen.get("authorization"), None);
        assert_eq!(seen.get("cookie").unwrap(), "own=1");
    }

    #[test]
    fn headers_named_by_connection_do_not_pass() {
        let seen = prepared(&[("connection", "x-secret, close"), ("x-secret", "1")]);
        assert_eq!(seen.get("x-secret"), None);
    }

    #[test]
    fn the_server_sees_its_own_address() {
        assert_eq!(
            prepared(&[("host", "lockhouse.example")]).get("host").unwrap(),
            "localhost:5000"
        );
    }
}
