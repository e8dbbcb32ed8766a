//! Room: runtimes. The HTTP/1.1 proxy on one stream from a runtime.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::dial::{self, Outside};
use super::forward::{self, Body};
use super::hello::Hello;
use super::lists::Leave;
use super::name::Target;
use super::refusal::Refusal;
use super::rules::{PLAIN_PORT, Rule};
use super::runtime::RuntimeUse;
use super::tunnel::{self, End};
use super::upstream::Purpose;
use super::watched::Activity;
use super::{Inner, Origin};

/// The most header lines a request may have.
const MAX_HEADERS: usize = 100;

/// The most that a request's head may have.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// What is buffered of one stream by the HTTP layer.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// One stream from a runtime: who it belongs to, and what it turns into.
#[derive(Clone)]
struct Session {
    inner: Arc<Inner>,
    from: Arc<Origin>,
    runtime: Arc<RuntimeUse>,
    tunnel: Arc<Mutex<Option<Tunnel>>>,
    activity: Arc<Activity>,
}

/// What a stream turns into after `CONNECT`.
struct Tunnel {
    inside: OnUpgrade,
    outside: Outside,
    target: Target,
    hello: Hello,
    /// The most bytes that may leave by it.
    most: Option<u64>,
}

/// Why a request gets no answer from the outside.
enum Denial {
    Refused(Refusal),
    Failed { status: StatusCode, text: String },
}

/// Serves a stream until it is done, whatever it turns into.
pub(super) async fn serve<S>(
    inner: &Arc<Inner>,
    from: Arc<Origin>,
    runtime: Arc<RuntimeUse>,
    (stream, activity): (S, Arc<Activity>),
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let inner = Arc::clone(inner);
    let session = Session { inner, from, runtime, tunnel: Arc::default(), activity };
    let answering = session.clone();
    let service = service_fn(move |request| {
        let session = answering.clone();
        async move { Ok::<_, Infallible>(session.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(session.inner.deadlines.head)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(project = %session.from.project, %error, "a stream to the proxy broke off");
    }
    session.run_tunnel().await;
}

impl Session {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let answered = if request.method() == Method::CONNECT {
            self.connect(request).await
        } else {
            self.forward(request).await
        };
        answered.unwrap_or_else(|denial| self.deny(denial))
    }

    async fn connect(&self, mut request: Request<Incoming>) -> Result<Response<Body>, Denial> {
        let authority = request.uri().authority().map_or("", |authority| authority.as_str());
        let target = Target::parse(authority, None)
            .map_err(|why| Denial::Refused(Refusal::of_name(authority, why)))?;
        let leave = self.decide(&target)?;
        let check = self.inner.rules.tls_check(&self.from.lists, &target);
        let check = check.map_err(|rule| refused(&target, rule))?;
        let outside = self.dial(Purpose::Tunnel, &target).await?;
        let hello = Hello::new(check, &target, self.inner.deadlines.hello);
        let inside = hyper::upgrade::on(&mut request);
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Tunnel { inside, outside, target, hello, most: self.inner.most(leave) });
        Ok(Response::new(text_body(String::new())))
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, Denial> {
        let target = plain_target(request.uri())?;
        let leave = self.decide(&target)?;
        if leave == Leave::Downloads && !request.method().is_safe() {
            return Err(refused(&target, Rule::Upload));
        }
        let outside = self.dial(Purpose::PlainHttp, &target).await?;
        self.allowed(&target);
        forward::forward(&self.inner, outside, &target, request)
            .await
            .map_err(|failure| forward_failed(&target, failure))
    }

    fn decide(&self, target: &Target) -> Result<Leave, Denial> {
        let preset = self.inner.presets.of(self.from.kind);
        let hosts = preset.as_ref().map(|learned| learned.hosts.as_slice()).unwrap_or_default();
        self.inner
            .rules
            .decide((self.from.mode, &self.from.lists), hosts, target)
            .map_err(|rule| self.refusal(target, rule, preset.as_deref()))
    }

    /// Says, too, what could not be learned, where that may be the cause.
    fn refusal(&self, target: &Target, rule: Rule, preset: Option<&super::Learned>) -> Denial {
        let refusal = Refusal::of(target, rule);
        Denial::Refused(match (rule, preset) {
            (Rule::NotListed, None) => {
                refusal.because("the registries of this kind are not learned yet")
            }
            (Rule::NotListed, Some(learned)) if !learned.failures.is_empty() => {
                refusal.because("not all registries could be learned; see /health/ready")
            }
            _ => refusal,
        })
    }

    async fn dial(&self, purpose: Purpose, target: &Target) -> Result<Outside, Denial> {
        self.inner
            .dialer
            .dial(purpose, target)
            .await
            .map_err(|failure| dial_failed(target, failure))
    }

    fn allowed(&self, target: &Target) {
        self.activity.serves(target);
        self.inner.tell_allowed(&self.from, &self.runtime, target);
    }

    fn deny(&self, denial: Denial) -> Response<Body> {
        match denial {
            Denial::Refused(refusal) => {
                self.inner.tell_refused(&self.from, &self.runtime, &refusal);
                let mut response = text_answer(StatusCode::FORBIDDEN, refusal.text());
                if let Ok(phrase) = ReasonPhrase::try_from(refusal.phrase()) {
                    response.extensions_mut().insert(phrase);
                }
                response
            }
            Denial::Failed { status, text } => {
                self.inner.count("failed", "none");
                tracing::debug!(project = %self.from.project, %status, text, "egress failed");
                text_answer(status, text)
            }
        }
    }

    /// Carries the bytes of a `CONNECT` that was answered with yes.
    async fn run_tunnel(&self) {
        let taken = self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Tunnel { inside, outside, target, hello, most }) = taken else { return };
        let Ok(inside) = inside.await else { return };
        let passed = || self.allowed(&target);
        let end = tunnel::run(TokioIo::new(inside), outside.socket, (hello, most), passed).await;
        if let End::Refused(rule) = end {
            let refusal = Refusal::of(&target, rule);
            self.inner.tell_refused(&self.from, &self.runtime, &refusal);
        }
    }
}

/// The host that a whole URL names. Whatever `Host` says is not asked.
fn plain_target(uri: &Uri) -> Result<Target, Denial> {
    let bad = |text: &str| Denial::Failed {
        status: StatusCode::BAD_REQUEST,
        text: format!("Lockhouse: {text}\n"),
    };
    let authority = uri
        .authority()
        .ok_or_else(|| bad("this is a proxy; send a whole http:// URL, or CONNECT for https"))?
        .as_str();
    if uri.scheme_str() != Some("http") {
        return Err(bad("only http:// URLs are carried this way; use CONNECT for https"));
    }
    Target::parse(authority, Some(PLAIN_PORT))
        .map_err(|why| Denial::Refused(Refusal::of_name(authority, why)))
}

fn refused(target: &Target, rule: Rule) -> Denial {
    Denial::Refused(Refusal::of(target, rule))
}

fn dial_failed(target: &Target, failure: dial::Failure) -> Denial {
    let (status, what) = match failure {
        dial::Failure::Refused(rule) => return refused(target, rule),
        dial::Failure::Unresolved(why) => {
            (StatusCode::BAD_GATEWAY, format!("has no address: {why}"))
        }
        dial::Failure::Unreachable(why) => {
            (StatusCode::BAD_GATEWAY, format!("can't be reached: {why}"))
        }
        dial::Failure::TimedOut => {
            (StatusCode::GATEWAY_TIMEOUT, "did not answer in time".to_owned())
        }
    };
    Denial::Failed { status, text: format!("Lockhouse: {target} may be reached, but {what}.\n") }
}

fn forward_failed(target: &Target, failure: forward::Failure) -> Denial {
    let (status, what) = match failure {
        forward::Failure::TimedOut => {
            (StatusCode::GATEWAY_TIMEOUT, "did not answer in time".to_owned())
        }
        forward::Failure::BadRequest(why) => {
            (StatusCode::BAD_REQUEST, format!("can't be sent this request: {why}"))
        }
        forward::Failure::BadAnswer(why) => {
            (StatusCode::BAD_GATEWAY, format!("gave no proper answer: {why}"))
        }
    };
    Denial::Failed { status, text: format!("Lockhouse: {target} {what}.\n") }
}

fn text_answer(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(text_body(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    // What the client sent after a refused head is not worth reading.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn text_body(text: String) -> Body {
    Full::from(text).map_err(|never| match never {}).boxed()
}
