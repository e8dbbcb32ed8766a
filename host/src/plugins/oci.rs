//! Components from OCI registries, in the shape that the CNCF's Wasm artifacts
//! have: one layer of `application/wasm`. A pull says which bytes it wants, by
//! the digest of the manifest or of the component, so that a tag that moves or a
//! registry that lies gets nothing in.
//!
//! All that a registry sends is bounded: each body by its size, the whole pull
//! by time. That is why this speaks the distribution protocol itself: the client
//! libraries read manifests and tokens to their end, however long they are.

mod artifact;
mod reference;
mod session;

use std::time::Duration;

use serde::Deserialize;

use super::fault::{Digest, Size};
use crate::runtimes::egress::upstream;
use crate::secret::Secret;

pub use reference::Reference;

use artifact::Artifact;
use session::Session;

/// Where a manifest carries its component's signature.
pub const SIGNATURE_ANNOTATION: &str = "dev.lockhouse.signature";

/// To a registry's first answer at the latest.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often one request may be sent on, such as to where blobs are stored.
const MAX_REDIRECTS: usize = 5;

/// The `[plugins.oci]` part of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `host` or `host:port` of registries that have no TLS. Loopback addresses
    /// are always asked without.
    pub insecure_registries: Vec<String>,
    /// How long one pull may take.
    pub timeout_seconds: u64,
    /// For registries that want to know who asks.
    pub credentials: Vec<Credentials>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// `host` or `host:port`.
    pub registry: String,
    pub username: String,
    /// A password or an access token.
    pub password: Secret,
}

/// Pulls components. Cloning is cheap enough for each request.
#[derive(Debug, Clone)]
pub struct Registries {
    config: Config,
    upstream: upstream::Config,
    max_component_bytes: usize,
}

/// A component as a registry had it; its bytes are those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    pub component: Vec<u8>,
    /// Text of its signature, not verified yet.
    pub signature: Option<String>,
    /// Under which the same can be pulled again.
    pub manifest: Digest,
}

/// Why there is no component; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "“{0}” names no component: write oci://HOST/REPOSITORY@sha256:… or oci://HOST/REPOSITORY:TAG"
    )]
    Reference(String),
    #[error(
        "{0} is a tag, which may move: write its digest instead (…@sha256:…), or give the component's digest besides"
    )]
    NotPinned(Reference),
    #[error("{registry} can't be asked: {why}")]
    Unreachable { registry: String, why: String },
    #[error("{registry} did not finish within {} s; plugins.oci.timeout_seconds says how long it may take", limit.as_secs())]
    Timeout { registry: String, limit: Duration },
    #[error("{registry} refuses: {why}; check [[plugins.oci.credentials]] for it")]
    Denied { registry: String, why: String },
    #[error("{registry} has no {what}")]
    NotFound { registry: String, what: String },
    #[error("{reference} is no WebAssembly component: {why}")]
    NotWasm { reference: Reference, why: String },
    #[error(
        "{reference} is not what was asked for: {what} is {found}, wanted {wanted}; a tag may have moved"
    )]
    OtherDigest { reference: Reference, what: &'static str, found: Digest, wanted: Digest },
    #[error("{reference} is {}, limit {}: raise plugins.max_component_bytes or make it smaller", Size(*size), Size(*limit))]
    TooLarge { reference: Reference, size: usize, limit: usize },
}

impl Default for Config {
    fn default() -> Self {
        Self { insecure_registries: Vec::new(), timeout_seconds: 60, credentials: Vec::new() }
    }
}

impl Registries {
    /// `upstream` is the proxy by which this machine reaches the outside.
    pub fn new(config: Config, upstream: upstream::Config, max_component_bytes: usize) -> Self {
        // Another provider may have been chosen first; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { config, upstream, max_component_bytes }
    }

    /// Pulls what `reference` names. Where that is a tag, `component` is the
    /// sha-256 that its bytes must have; otherwise it may be left out.
    pub async fn pull(
        &self,
        reference: &Reference,
        component: Option<Digest>,
    ) -> Result<Pulled, Error> {
        if reference.manifest().is_none() && component.is_none() {
            return Err(Error::NotPinned(reference.clone()));
        }
        let limit = Duration::from_secs(self.config.timeout_seconds);
        match tokio::time::timeout(limit, self.pull_now(reference, component)).await {
            Ok(pulled) => pulled,
            Err(_) => Err(Error::Timeout { registry: reference.registry().to_owned(), limit }),
        }
    }

    async fn pull_now(&self, reference: &Reference, pin: Option<Digest>) -> Result<Pulled, Error> {
        let mut session = self.session(reference)?;
        let document = session.manifest().await?;
        let manifest = Digest::of(&document);
        if let Some(wanted) = reference.manifest() {
            same(reference, "its manifest", manifest, wanted)?;
        }
        let artifact = Artifact::read(reference, &document)?;
        if let Some(wanted) = pin {
            same(reference, "its component", artifact.component, wanted)?;
        }
        let limit = self.max_component_bytes;
        let size = usize::try_from(artifact.size_bytes).unwrap_or(usize::MAX);
        if size > limit {
            return Err(Error::TooLarge { reference: reference.clone(), size, limit });
        }
        let component = session.component(artifact.component, size).await?;
        same(reference, "what its registry sent", Digest::of(&component), artifact.component)?;
        Ok(Pulled { component, signature: artifact.signature, manifest })
    }

    fn session<'a>(&'a self, reference: &'a Reference) -> Result<Session<'a>, Error> {
        let plain = reference.is_loopback()
            || self.config.insecure_registries.iter().any(|name| name == reference.registry());
        let credentials = self.config.credentials.iter();
        let credentials = credentials.into_iter().find(|c| c.registry == reference.registry());
        let unusable = |error: reqwest::Error| Error::Unreachable {
            registry: reference.registry().to_owned(),
            why: error.to_string(),
        };
        let http = self.client(reference, plain).map_err(unusable)?;
        Ok(Session::new(http, reference, plain, credentials))
    }

    /// Neither a redirect nor a token's address leads from TLS to none.
    fn client(&self, reference: &Reference, plain: bool) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::limited(MAX_REDIRECTS))
            .https_only(!plain)
            // The environment is not asked; the configuration has done that.
            .no_proxy();
        if !reference.is_loopback() {
            for proxy in self.upstream.proxies()? {
                builder = builder.proxy(proxy);
            }
        }
        builder.build()
    }
}

fn same(
    reference: &Reference,
    what: &'static str,
    found: Digest,
    wanted: Digest,
) -> Result<(), Error> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::OtherDigest { reference: reference.clone(), what, found, wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_and_not_shown() {
        let config: Config = toml::from_str(
            "[[credentials]]\nregistry = \"ghcr.io\"\nusername = \"ada\"\npassword = \"hush\"",
        )
        .unwrap();
        assert_eq!(config.credentials[0].password.reveal(), "hush");
        assert!(!format!("{config:?}").contains("hush"));
    }
}
