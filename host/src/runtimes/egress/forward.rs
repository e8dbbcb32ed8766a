//! Room: runtimes. Plain HTTP carried to the decided host.
//!
//! The request that leaves is made anew: its `Host` is the decided host, and
//! nothing that is meant for the proxy goes on.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;

use super::Inner;
use super::dial::{Form, MAX_HEAD_BYTES, Outside, authorization_header};
use super::name::Target;
use super::rules::PLAIN_PORT;
use crate::tasks::Task;

/// The most header lines an answer may have.
pub(super) const MAX_HEADERS: usize = 128;

pub(super) type Body = BoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Headers between two neighbours, which are not passed on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Further ones for which there is no constant. `Expect` is answered here.
const HOP_BY_HOP_NAMES: [&str; 4] = ["keep-alive", "proxy-connection", "trailer", "expect"];

/// Why there is no answer from the outside.
#[derive(Debug)]
pub(super) enum Failure {
    TimedOut,
    /// The request can't be carried; the text says why.
    BadRequest(String),
    /// The host broke off or talked nonsense.
    BadAnswer(String),
}

/// Sends a request on a fresh connection and answers with what comes back.
pub(super) async fn forward(
    inner: &Inner,
    outside: Outside,
    target: &Target,
    request: Request<Incoming>,
) -> Result<Response<Body>, Failure> {
    let bad_answer = |error: hyper::Error| Failure::BadAnswer(error.to_string());
    let request = rewrite(request, target, &outside.form)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(outside.socket))
        .await
        .map_err(bad_answer)?;
    let driver = inner.tasks.spawn("egress request", async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the outside broke off");
        }
    });
    let answer = tokio::time::timeout(inner.deadlines.answer, sender.send_request(request));
    let response = answer.await.map_err(|_| Failure::TimedOut)?.map_err(bad_answer)?;
    pass_back(response, driver)
}

fn rewrite(
    request: Request<Incoming>,
    target: &Target,
    form: &Form,
) -> Result<Request<Incoming>, Failure> {
    let bad = |error: &dyn std::fmt::Display| Failure::BadRequest(error.to_string());
    let (mut parts, body) = request.into_parts();
    let host = match target.port {
        PLAIN_PORT => target.host.to_string(),
        _ => target.to_string(),
    };
    strip_hop_by_hop(&mut parts.headers);
    let value = HeaderValue::from_str(&host).map_err(|error| bad(&error))?;
    parts.headers.insert(header::HOST, value);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri = match form {
        Form::Path => path.parse::<Uri>(),
        Form::WholeUrl(authorization) => {
            if let Some(value) = authorization.as_ref().and_then(authorization_header) {
                parts.headers.insert(header::PROXY_AUTHORIZATION, value);
            }
            format!("http://{host}{path}").parse()
        }
    };
    parts.uri = uri.map_err(|error| bad(&error))?;
    parts.version = Version::HTTP_11;
    // Extensions may carry an upgrade or a client's odd spelling; neither goes on.
    parts.extensions = hyper::http::Extensions::new();
    Ok(Request::from_parts(parts, body))
}

fn pass_back(response: Response<Incoming>, driver: Task) -> Result<Response<Body>, Failure> {
    let (mut parts, body) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::BadAnswer("it switched to another protocol unasked".to_owned()));
    }
    strip_hop_by_hop(&mut parts.headers);
    parts.version = Version::HTTP_11;
    parts.extensions = hyper::http::Extensions::new();
    let body = Driven { body, _driver: driver }.map_err(Into::into).boxed();
    Ok(Response::from_parts(parts, body))
}

/// Takes out what is meant for the next neighbour only, and whatever else
/// `Connection` names.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    named.iter().chain(&HOP_BY_HOP).for_each(|name| {
        headers.remove(name);
    });
    HOP_BY_HOP_NAMES.iter().for_each(|name| {
        headers.remove(*name);
    });
}

/// A body whose connection is driven as long as it is read.
struct Driven {
    body: Incoming,
    _driver: Task,
}

impl HttpBody for Driven {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_between_neighbours_are_taken_out_with_those_that_connection_names() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, x-secret"),
            ("x-secret", "1"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("te", "trailers"),
            ("accept", "*/*"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
    }
}
