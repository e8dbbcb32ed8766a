//! Room: runtimes. Connections to the outside: resolve, check, connect to what
//! was checked.
//!
//! A name is resolved once, and the connection is made to one of the very
//! addresses that passed, so that no second answer of a resolver can lead it
//! elsewhere.
//!
//! Where the machine itself needs a proxy, that proxy resolves the name. Then
//! the addresses are checked if this machine can resolve the name too; if it
//! can't, only the name is checked, and what the proxy may reach is the proxy's
//! decision.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::name::{Host, Target};
use super::rules::{Rule, Rules};
use super::upstream::{Proxy, Purpose, Upstream};
use crate::secret::Secret;

/// One attempt, so that an address which swallows packets leaves time for others.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a name is looked up that a further proxy will resolve anyway.
const COURTESY_LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// How many addresses of a name are tried. All of them are checked.
const MAX_ATTEMPTS: usize = 6;

/// The most that an answer's head may have.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Finds the addresses of a name. The system's resolver, or a test's table.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A connection's bytes, whatever carries them.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// An open connection to the outside.
pub(super) struct Outside {
    pub(super) socket: Box<dyn Socket>,
    pub(super) form: Form,
}

/// How a plain HTTP request is written on a connection.
pub(super) enum Form {
    /// To the host itself: a path.
    Path,
    /// To a further proxy: the whole URL, and what the proxy wants to see.
    WholeUrl(Option<Secret>),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Rule),
    /// The name has no address, or the resolver does not answer.
    Unresolved(String),
    Unreachable(String),
    TimedOut,
}

/// Makes connections to the outside. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) rules: Arc<Rules>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) connect_timeout: Duration,
}

impl Dialer {
    /// Connects to a target that was allowed by name.
    pub(super) async fn dial(&self, purpose: Purpose, target: &Target) -> Result<Outside, Failure> {
        let dialling = async {
            match self.upstream.carries(purpose, target) {
                None => self.direct(target).await,
                Some(proxy) => self.through(proxy, purpose, target).await,
            }
        };
        timeout(self.connect_timeout, dialling).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// The addresses of a target, all of which may be reached.
    pub(super) async fn checked(&self, target: &Target) -> Result<Vec<IpAddr>, Failure> {
        let addresses = self.resolve(&target.host).await?;
        self.rules.check_addresses(target, &addresses).map_err(Failure::Refused)?;
        Ok(addresses)
    }

    /// Checks a target that a further proxy will resolve.
    pub(super) async fn check_for_proxy(&self, target: &Target) -> Result<(), Failure> {
        match timeout(COURTESY_LOOKUP_TIMEOUT, self.resolve(&target.host)).await {
            Ok(Ok(addresses)) => {
                self.rules.check_addresses(target, &addresses).map_err(Failure::Refused)
            }
            Ok(Err(_)) | Err(_) => self.rules.check_name(target).map_err(Failure::Refused),
        }
    }

    async fn resolve(&self, host: &Host) -> Result<Vec<IpAddr>, Failure> {
        let addresses = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self
                .resolver
                .resolve(name)
                .await
                .map_err(|error| Failure::Unresolved(error.to_string()))?,
        };
        if addresses.is_empty() {
            return Err(Failure::Unresolved("it has no address".to_owned()));
        }
        Ok(addresses)
    }

    async fn direct(&self, target: &Target) -> Result<Outside, Failure> {
        let addresses = self.checked(target).await?;
        let stream = connect_any(&addresses, target.port).await?;
        self.refuse_ourselves(target, &stream)?;
        Ok(Outside { socket: Box::new(stream), form: Form::Path })
    }

    /// A public address of this very machine passes the list of special ranges.
    /// Only a connection to oneself has the same address at both ends.
    fn refuse_ourselves(&self, target: &Target, stream: &TcpStream) -> Result<(), Failure> {
        let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
            return Err(Failure::Unreachable("the connection ended at once".to_owned()));
        };
        if local.ip() == peer.ip() && !self.rules.is_excepted(target, peer.ip()) {
            return Err(Failure::Refused(Rule::OwnAddress));
        }
        Ok(())
    }

    async fn through(
        &self,
        proxy: &Proxy,
        purpose: Purpose,
        target: &Target,
    ) -> Result<Outside, Failure> {
        self.check_for_proxy(target).await?;
        let addresses = self.resolve(&proxy.address.host).await?;
        let stream = connect_any(&addresses, proxy.address.port).await?;
        match purpose {
            Purpose::PlainHttp => Ok(Outside {
                socket: Box::new(stream),
                form: Form::WholeUrl(proxy.authorization.clone()),
            }),
            Purpose::Tunnel => {
                let socket = connect_by_proxy(stream, proxy, target).await?;
                Ok(Outside { socket, form: Form::Path })
            }
        }
    }
}

async fn connect_any(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
    let mut last = Failure::TimedOut;
    for address in addresses.iter().take(MAX_ATTEMPTS) {
        match timeout(ATTEMPT_TIMEOUT, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => {
                // Small writes are a TLS handshake's; holding them back only adds delay.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = Failure::Unreachable(error.to_string()),
            Err(_) => last = Failure::TimedOut,
        }
    }
    Err(last)
}

/// Asks a further proxy for a tunnel.
async fn connect_by_proxy(
    stream: TcpStream,
    proxy: &Proxy,
    target: &Target,
) -> Result<Box<dyn Socket>, Failure> {
    let failed = |what: String| Failure::Unreachable(format!("this machine's proxy {what}"));
    let (mut sender, connection) = http1::Builder::new()
        .max_header_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(format!("failed: {error}")))?;
    let request = connect_request(proxy, target)?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(|e| failed(e.to_string()))?;
        if !response.status().is_success() {
            return Err(failed(format!("answered {}", response.status())));
        }
        hyper::upgrade::on(response).await.map_err(|error| failed(error.to_string()))
    };
    // The connection's own outcome shows in the exchange's.
    let (_, upgraded) = tokio::join!(connection.with_upgrades(), exchange);
    Ok(Box::new(TokioIo::new(upgraded?)))
}

fn connect_request(proxy: &Proxy, target: &Target) -> Result<Request<Empty<Bytes>>, Failure> {
    let authority = target.to_string();
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&authority)
        .header(HOST, &authority)
        .body(Empty::new())
        .map_err(|error| Failure::Unreachable(error.to_string()))?;
    if let Some(value) = proxy.authorization.as_ref().and_then(authorization_header) {
        request.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
    Ok(request)
}

/// The header's value, marked so that it is never printed.
pub(super) fn authorization_header(secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret.reveal()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
