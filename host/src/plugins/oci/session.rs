//! One pull's talk with a registry: bounded answers, and who we are if it asks.

use http_auth::ChallengeParser;
use reqwest::header::{ACCEPT, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use super::super::fault::{Digest, Size};
use super::{Credentials, Error, Reference};
use crate::secret::Secret;

/// A component's manifest has a kilobyte; registries take up to 4 MiB.
const MAX_MANIFEST_BYTES: usize = 1024 * 1024;
const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// How much of an answer that is an error is repeated.
const MAX_WHY_CHARS: usize = 200;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub(super) struct Session<'a> {
    http: Client,
    reference: &'a Reference,
    plain: bool,
    credentials: Option<&'a Credentials>,
    authorization: Authorization,
}

/// What goes with each request, once the registry has asked for it.
enum Authorization {
    None,
    Basic,
    Bearer(Secret),
}

/// Where a token is to be had.
struct Challenge {
    realm: String,
    service: Option<String>,
}

/// Registries call it by one of these names, or by both.
#[derive(Deserialize)]
struct Token {
    token: Option<Secret>,
    access_token: Option<Secret>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        http: Client,
        reference: &'a Reference,
        plain: bool,
        credentials: Option<&'a Credentials>,
    ) -> Self {
        Self { http, reference, plain, credentials, authorization: Authorization::None }
    }

    /// The manifest's bytes as they are.
    pub(super) async fn manifest(&mut self) -> Result<Vec<u8>, Error> {
        let version = self.reference.version().to_owned();
        let answer = self.get(&format!("manifests/{version}")).await?;
        self.read(answer, MAX_MANIFEST_BYTES).await
    }

    /// At most `size` bytes.
    pub(super) async fn component(
        &mut self,
        digest: Digest,
        size: usize,
    ) -> Result<Vec<u8>, Error> {
        let answer = self.get(&format!("blobs/{digest}")).await?;
        self.read(answer, size).await
    }

    async fn get(&mut self, path: &str) -> Result<Response, Error> {
        let mut answer = self.send(self.request(path)).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && matches!(self.authorization, Authorization::None)
        {
            self.authorization = self.authorize(answer.headers()).await?;
            answer = self.send(self.request(path)).await?;
        }
        self.judge(path, answer).await
    }

    async fn judge(&self, path: &str, answer: Response) -> Result<Response, Error> {
        let (registry, status) = (self.reference.registry().to_owned(), answer.status());
        match status {
            _ if status.is_success() => Ok(answer),
            StatusCode::NOT_FOUND => {
                let what = format!("{}/{path}", self.reference.repository());
                Err(Error::NotFound { registry, what })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Error::Denied { registry, why: self.why(answer).await })
            }
            _ => Err(Error::Unreachable { registry, why: self.why(answer).await }),
        }
    }

    /// The status, and the beginning of what goes with it.
    async fn why(&self, answer: Response) -> String {
        let status = answer.status();
        let body = self.read(answer, MAX_TOKEN_BYTES).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_WHY_CHARS).collect();
        format!("it answers {status} {text}").trim_end().to_owned()
    }

    fn request(&self, path: &str) -> RequestBuilder {
        let scheme = if self.plain { "http" } else { "https" };
        let (registry, repository) = (self.reference.registry(), self.reference.repository());
        let url = format!("{scheme}://{registry}/v2/{repository}/{path}");
        let request = self.http.get(url).header(ACCEPT, MANIFEST);
        match (&self.authorization, self.credentials) {
            (Authorization::Bearer(token), _) => request.bearer_auth(token.reveal()),
            (Authorization::Basic, Some(who)) => self.sign_in(request, who),
            _ => request,
        }
    }

    fn sign_in(&self, request: RequestBuilder, who: &Credentials) -> RequestBuilder {
        request.basic_auth(&who.username, Some(who.password.reveal()))
    }

    /// Answers to how the registry asks who we are.
    async fn authorize(&self, headers: &HeaderMap) -> Result<Authorization, Error> {
        let header = headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        match (header.and_then(Challenge::read), self.credentials) {
            (Some(challenge), _) => self.token(&challenge).await.map(Authorization::Bearer),
            (None, Some(_)) => Ok(Authorization::Basic),
            (None, None) => Err(self.denied("it wants to know who asks")),
        }
    }

    async fn token(&self, challenge: &Challenge) -> Result<Secret, Error> {
        let realm = Url::parse(&challenge.realm).ok();
        let realm = realm.filter(|url| url.scheme() == "https" || self.plain);
        let mut url = realm.ok_or_else(|| self.denied("it names no safe address for a token"))?;
        let scope = format!("repository:{}:pull", self.reference.repository());
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = &challenge.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let request = self.http.get(url);
        let request = match self.credentials {
            Some(who) => self.sign_in(request, who),
            None => request,
        };
        let answer = self.send(request).await?;
        if !answer.status().is_success() {
            return Err(self.denied(&self.why(answer).await));
        }
        let body = self.read(answer, MAX_TOKEN_BYTES).await?;
        // The error could repeat the token.
        let token = serde_json::from_slice::<Token>(&body).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        token.ok_or_else(|| self.denied("its token can't be read"))
    }

    fn denied(&self, why: &str) -> Error {
        Error::Denied { registry: self.reference.registry().to_owned(), why: why.to_owned() }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    /// The body, refused as soon as it is known to be longer than `limit`.
    async fn read(&self, mut answer: Response, limit: usize) -> Result<Vec<u8>, Error> {
        let too_long = || Error::Unreachable {
            registry: self.reference.registry().to_owned(),
            why: format!("it sends more than {}, which is all there should be", Size(limit)),
        };
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + bytes.len() > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// With what lies below: "error sending request" alone helps nobody.
    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let mut why = error.to_string();
        let mut below = std::error::Error::source(error);
        while let Some(error) = below {
            why = format!("{why}: {error}");
            below = error.source();
        }
        Error::Unreachable { registry: self.reference.registry().to_owned(), why }
    }
}

impl Challenge {
    /// The first challenge for a bearer token.
    fn read(header: &str) -> Option<Self> {
        let challenges = ChallengeParser::new(header).filter_map(Result::ok);
        let bearer = challenges.into_iter().find(|c| c.scheme.eq_ignore_ascii_case("Bearer"))?;
        let parameter = |name: &str| {
            let found = bearer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        Some(Self { realm: parameter("realm")?, service: parameter("service") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_says_where_tokens_are() {
        let header = r#"Basic realm="x", Bearer realm="https://auth.example/token",service="reg""#;
        let challenge = Challenge::read(header).unwrap();
        assert_eq!(challenge.realm, "https://auth.example/token");
        assert_eq!(challenge.service.as_deref(), Some("reg"));
        assert!(Challenge::read(r#"Basic realm="x""#).is_none());
        assert!(Challenge::read("Bearer").is_none());
    }
}
