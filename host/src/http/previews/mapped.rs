//! Doors to previews on ports of this machine.
//!
//! Nobody signs in: whoever reaches the port sees the preview, as if the project's
//! server listened there itself. But only HTTP passes, since a browser sends the
//! cookies of Lockhouse's own host along; and a page from elsewhere can neither
//! write nor listen in.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::mpsc;

use super::super::problem::Problem;
use super::host::{foreign_origin, host_of};
use super::{Showing, show, text};
use crate::app::App;
use crate::ids::{ProjectId, RequestId};
use crate::previews::{Leave, Reach, Visitor};

/// How long a browser may take for a request's headers, or keep a connection
/// without any request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves who comes to the host ports, until the server ends.
pub(crate) async fn serve_visitors(app: App, mut visitors: mpsc::Receiver<Visitor>) {
    loop {
        let visitor = tokio::select! {
            visitor = visitors.recv() => visitor,
            () = app.tasks.stopping() => None,
        };
        let Some(visitor) = visitor else { break };
        let app = app.clone();
        app.tasks.clone().run("visitor of a host port", serve(app, visitor));
    }
}

async fn serve(app: App, visitor: Visitor) {
    let Visitor { stream, project, port, place } = visitor;
    let _place = place;
    // An answer's last bytes wait for nobody; one that can't be told so is slower.
    let _ = stream.set_nodelay(true);
    let tasks = app.tasks.clone();
    let answering = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (app, project) = (app.clone(), project.clone());
        async move { Ok::<_, Infallible>(answer(app, project, port, request.map(Body::new)).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let serving = http.serve_connection(TokioIo::new(stream), answering).with_upgrades();
    tokio::select! {
        served = serving => {
            if let Err(error) = served {
                tracing::debug!(%error, "a visitor of a host port went away");
            }
        }
        () = tasks.stopping() => {}
    }
}

async fn answer(app: App, project: ProjectId, port: u16, request: Request) -> Response {
    let answered = match check(&request) {
        Ok(()) => show(&app, showing(project, port), request).await,
        Err(problem) => Err(problem),
    };
    answered.unwrap_or_else(|problem| problem.render(RequestId::generate().as_str()))
}

fn showing(project: ProjectId, port: u16) -> Showing {
    Showing {
        project,
        port: Some(port),
        prefix: String::new(),
        keeps_authorization: true,
        reach: Reach::Use,
        leave: Leave::default(),
        policy: "frame-ancestors http://localhost:* http://127.0.0.1:* http://*.localhost:*"
            .to_owned(),
    }
}

/// A name that leads here by a trick of DNS, and pages from elsewhere, are refused.
fn check(request: &Request) -> Result<(), Problem> {
    let host = host_of(request.headers(), request.uri())?.unwrap_or_default();
    if !is_address(host) {
        let detail = "use localhost or an address, as `port_mappings` says";
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = request.headers().contains_key(header::UPGRADE);
    let from = text(request.headers(), &header::ORIGIN);
    let foreign = from
        .is_some_and(|origin| origin.split_once("://").is_none_or(|(_, from)| !is_address(from)));
    if foreign && (upgrades || !reads) { Err(foreign_origin()) } else { Ok(()) }
}

/// `localhost` or an address, with or without a port.
fn is_address(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(method: &str, pairs: &[(&str, &str)]) -> bool {
        let request = axum::http::Request::builder().method(method).uri("/");
        let with =
            pairs.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        check(&with.body(Body::empty()).unwrap()).is_ok()
    }

    const HERE: (&str, &str) = ("host", "localhost:10001");

    #[test]
    fn a_name_that_leads_here_by_a_trick_is_refused() {
        assert!(!passes("GET", &[("host", "evil.example:10001")]));
        assert!(passes("GET", &[HERE]));
        assert!(passes("GET", &[("host", "[::1]:10001")]));
    }

    #[test]
    fn a_page_from_elsewhere_can_neither_write_nor_listen() {
        let evil = ("origin", "https://evil.example");
        assert!(!passes("POST", &[HERE, evil]));
        assert!(!passes("GET", &[HERE, evil, ("upgrade", "websocket")]));
        assert!(!passes("POST", &[HERE, ("origin", "null")]));
    }

    #[test]
    fn a_page_on_another_port_of_this_machine_is_the_projects_own_affair() {
        assert!(passes("POST", &[HERE, ("origin", "http://localhost:10002")]));
    }
}
