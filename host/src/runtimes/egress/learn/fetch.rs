//! Room: runtimes. Bounded requests to registries, under the same rules about
//! addresses as a runtime's own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::target_of;
use crate::runtimes::egress::Error;
use crate::runtimes::egress::dial::{Dialer, Failure, authorization_header};
use crate::runtimes::egress::name::Target;
use crate::runtimes::egress::upstream::{Proxy, Purpose};

/// From a request to the end of its answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of one document. The largest that are asked for have
/// some hundred kilobytes.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// How often one request may be sent on.
const MAX_HOPS: usize = 5;

/// Asks registries.
pub(super) struct Fetcher {
    /// Why there is no TLS on this machine, if there is none.
    tls: Result<ClientConfig, String>,
    dialer: Dialer,
}

/// A document, and the ways that led to it.
pub(super) struct Fetched {
    /// Where it came from in the end.
    pub(super) url: Url,
    /// All URLs that were asked, the last one too.
    pub(super) hops: Vec<Url>,
    pub(super) body: Vec<u8>,
}

impl Fetched {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("it answered no JSON: {error}"))
    }
}

impl Fetcher {
    pub(super) fn new(ca_file: Option<&Path>, dialer: Dialer) -> Result<Self, Error> {
        let tls = match ca_file {
            Some(path) => Ok(trusting(path).map_err(Error::CaFile)?),
            None => trusting_as_the_system_does(),
        };
        Ok(Self { tls, dialer })
    }

    /// A document, wherever it is sent on to.
    pub(super) async fn get(&self, url: &Url, accept: &str) -> Result<Fetched, String> {
        let fetching = async {
            let mut hops = Vec::new();
            let response = self.follow(url, accept, &mut hops).await?;
            if !response.status().is_success() {
                return Err(format!("it answered {}", response.status()));
            }
            let url = response.url().clone();
            Ok(Fetched { url, hops, body: read_bounded(response).await? })
        };
        within(fetching).await
    }

    /// The URLs that a request for a download passes through; none of it is
    /// read. Those seen before something failed are in `hops` too.
    pub(super) async fn pass(&self, url: &Url, hops: &mut Vec<Url>) -> Result<(), String> {
        within(async { self.follow(url, "*/*", hops).await.map(|_| ()) }).await
    }

    async fn follow(
        &self,
        url: &Url,
        accept: &str,
        hops: &mut Vec<Url>,
    ) -> Result<Response, String> {
        let mut next = url.clone();
        for _ in 0..MAX_HOPS {
            hops.push(next.clone());
            let client = self.client(&next).await?;
            let request = client.get(next.clone()).header(ACCEPT, accept);
            let response = request.send().await.map_err(describe)?;
            let Some(location) = sent_on(&response) else { return Ok(response) };
            next = next.join(&location).map_err(|error| error.to_string())?;
        }
        Err("it sends on without end".to_owned())
    }

    /// A client for one URL: through this machine's proxy, or pinned to the
    /// addresses that were checked.
    async fn client(&self, url: &Url) -> Result<Client, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it leads to a URL that is not HTTP".to_owned());
        }
        let target = target_of(url).ok_or("its host name is not well formed")?;
        let builder = Client::builder()
            .tls_backend_preconfigured(self.tls.clone()?)
            .redirect(Policy::none())
            .user_agent(concat!("lockhouse/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        let purpose = match url.scheme() {
            "https" => Purpose::Tunnel,
            _ => Purpose::PlainHttp,
        };
        let builder = match self.dialer.upstream.carries(purpose, &target) {
            Some(proxy) => {
                self.dialer.check_for_proxy(&target).await.map_err(|f| refused(&f))?;
                builder.proxy(through(proxy)?)
            }
            None => builder.resolve_to_addrs(&target.host.bare(), &self.checked(&target).await?),
        };
        builder.build().map_err(describe)
    }

    async fn checked(&self, target: &Target) -> Result<Vec<SocketAddr>, String> {
        let addresses = self.dialer.checked(target).await.map_err(|failure| refused(&failure))?;
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, target.port)).collect())
    }
}

async fn within<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || Err(format!("no answer in {} s", FETCH_TIMEOUT.as_secs()));
    tokio::time::timeout(FETCH_TIMEOUT, work).await.unwrap_or_else(|_| late())
}

fn sent_on(response: &Response) -> Option<String> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection());
    Some(location?.to_str().ok()?.to_owned())
}

async fn read_bounded(response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(describe)?);
        if body.len() > MAX_DOCUMENT_BYTES {
            return Err(format!("its document has more than {MAX_DOCUMENT_BYTES} bytes"));
        }
    }
    Ok(body)
}

fn refused(failure: &Failure) -> String {
    match failure {
        Failure::Refused(rule) => format!(
            "its address is not on the public internet ({}); an operator can add it to `egress.allow_private`",
            rule.as_str()
        ),
        Failure::Unresolved(why) => format!("it has no address: {why}"),
        Failure::Unreachable(why) => why.clone(),
        Failure::TimedOut => "no answer in time".to_owned(),
    }
}

/// The error and its causes, without the URL, which may hold a password.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy, String> {
    let made = reqwest::Proxy::all(format!("http://{}", proxy.address)).map_err(describe)?;
    Ok(match proxy.authorization.as_ref().and_then(authorization_header) {
        Some(value) => made.custom_http_auth(value),
        None => made,
    })
}

/// TLS that trusts the certificates of a file and no others.
fn trusting(path: &Path) -> Result<ClientConfig, String> {
    let said = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| said(&error))?;
    for certificate in certificates {
        // One that can't be used does not spoil the others.
        let _ = roots.add(certificate.map_err(|error| said(&error))?);
    }
    if roots.is_empty() {
        return Err(said(&"it holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| said(&error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn trusting_as_the_system_does() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| {
            format!("this machine has no usable CA certificates ({error}); set `egress.ca_file`")
        })?;
    Ok(builder.with_no_client_auth())
}
