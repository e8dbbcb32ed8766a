//! Keys that an issuer publishes. They are fetched again now and then, and when
//! a token names one that is not known: so the issuer may change them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::TryStreamExt as _;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, Url};
use tokio::time::Instant;

use super::Refused;

/// How long keys count without being asked for again.
const FRESH: Duration = Duration::from_secs(600);
/// How long they count where they were asked for and could not be had: an issuer that is away
/// for a night locks nobody out, and a key that it took back does not count for ever.
pub(super) const STALE: Duration = Duration::from_secs(24 * 3600);
/// How soon they are asked for again, whatever tokens name.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 100;

#[derive(Debug, Clone)]
pub(super) struct Published(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: Url,
    http: Client,
    known: RwLock<Known>,
    /// Held while keys are fetched: who waits for it finds them.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Vec<Jwk>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Known {
    /// Whether there are keys, and not too old ones.
    fn count(&self) -> bool {
        self.fetched.is_some_and(|fetched| fetched.elapsed() < STALE)
    }
}

impl Published {
    pub(super) fn at(url: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("auth.jwt.jwks_url = \"{url}\": {why}");
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let is_own = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if parsed.scheme() != "https" && !is_own {
            return Err(wrong("whoever is on the way could change the keys; use https".to_owned()));
        }
        // Already installed is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http =
            Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        if is_own {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| wrong(error.to_string()))?;
        let (known, fetching) = (RwLock::default(), tokio::sync::Mutex::default());
        Ok(Self(Arc::new(Inner { url: parsed, http, known, fetching })))
    }

    /// The key of this name for this algorithm; where a token names none, the
    /// issuer's only one for it.
    pub(super) async fn key(
        &self,
        name: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, Refused> {
        match self.find(name, algorithm) {
            Some(key) if self.is_fresh() => Ok(key),
            _ => {
                let there_are_keys = self.fetch_once().await;
                let lacks =
                    if there_are_keys { Refused::UnknownKey } else { Refused::KeysUnreachable };
                self.find(name, algorithm).ok_or(lacks)
            }
        }
    }

    fn is_fresh(&self) -> bool {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.fetched.is_some_and(|fetched| fetched.elapsed() < FRESH)
    }

    fn find(&self, name: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.count().then_some(())?;
        let mut fitting = known.keys.iter().filter(|key| {
            fits(key, algorithm)
                && name.is_none_or(|name| key.common.key_id.as_deref() == Some(name))
        });
        let key = fitting.next()?;
        if name.is_none() && fitting.next().is_some() {
            return None;
        }
        DecodingKey::from_jwk(key).ok()
    }

    /// Asks the issuer, unless that was done a moment ago; says whether there are
    /// keys. Those that were there stay where the issuer can't be asked.
    async fn fetch_once(&self) -> bool {
        let _fetching = self.0.fetching.lock().await;
        {
            let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
                return known.count();
            }
            known.tried = Some(Instant::now());
        }
        match self.fetch().await {
            Ok(keys) => {
                let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
                known.keys = keys;
                known.fetched = Some(Instant::now());
                true
            }
            Err(why) => {
                tracing::warn!(url = %self.0.url, why, "keys for JSON Web Tokens can't be had");
                self.0.known.read().unwrap_or_else(PoisonError::into_inner).count()
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let asked = self.0.http.get(self.0.url.clone()).send().await;
        let answer = asked.and_then(reqwest::Response::error_for_status);
        let mut body = answer.map_err(|error| error.to_string())?.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(part) = body.try_next().await.map_err(|error| error.to_string())? {
            if bytes.len() + part.len() > MAX_BYTES {
                return Err(format!("more than {MAX_BYTES} bytes"));
            }
            bytes.extend_from_slice(&part);
        }
        let set: JwkSet = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        Ok(set.keys.into_iter().take(MAX_KEYS).collect())
    }
}

/// Whether a key is for this algorithm. A shared secret has no place among
/// published keys.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let for_signatures =
        key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let named = key.common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm));
    let of_its_kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), _) => is_rsa(algorithm),
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => {
            key.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => {
            key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    for_signatures && named && of_its_kind
}

fn is_rsa(algorithm: Algorithm) -> bool {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
}
