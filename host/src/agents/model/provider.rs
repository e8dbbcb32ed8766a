//! One model of a provider, over HTTP: within a deadline, its answers bounded,
//! asked again where that helps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use super::config::{Entry, Invalid, ProviderName};
use super::{Model, ModelError, Question, Reply, anthropic, openai};
use crate::runtimes::egress::upstream;
use crate::secret::Secret;

/// To a provider's first byte on the wire, at the latest.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A longer body is no answer.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// How much of a refusal is repeated.
const MAX_WHY_CHARS: usize = 300;

/// How often a question is asked again.
const MAX_RETRIES: u32 = 4;

/// The wait before the first of these; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// A longer key is none.
const MAX_KEY_BYTES: usize = 4 * 1024;

/// What stands for a key wherever a provider repeats it.
const HIDDEN: &str = "…";

#[derive(Debug)]
pub(super) struct Provider {
    alias: String,
    http: Client,
    api: ProviderName,
    url: String,
    key: Option<Secret>,
    model: String,
    /// Whether it has refused the first of the two ways to ask.
    other_way: AtomicBool,
}

/// Which of two ways an API is asked: models differ in what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    First,
    Other,
}

/// Why one attempt gave no answer.
enum Trouble {
    Lasting(ModelError),
    /// Gone after a while, perhaps one that the provider names.
    Passing(ModelError, Option<Duration>),
    /// It wants to be asked the other way.
    OtherWay,
}

impl Provider {
    pub(super) fn open(
        alias: &str,
        entry: &Entry,
        upstream: &upstream::Config,
    ) -> Result<Self, Invalid> {
        // Another provider of TLS may have been chosen first; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let invalid = |why: String| Invalid { alias: alias.to_owned(), why };
        let base = entry.base_url.as_deref();
        let url = match entry.provider {
            ProviderName::Anthropic => anthropic::url(base),
            ProviderName::OpenAi => openai::url(base),
        };
        let parsed = reqwest::Url::parse(&url);
        let is_http = |url: reqwest::Url| ["http", "https"].contains(&url.scheme());
        if !parsed.is_ok_and(is_http) {
            let why = "base_url must be an address such as https://models.example/v1";
            return Err(invalid(why.to_owned()));
        }
        let http = client(&url, upstream).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            alias: alias.to_owned(),
            http,
            api: entry.provider,
            key: key(entry).map_err(invalid)?,
            model: entry.model.clone(),
            // OpenAI's own models want it so, most servers that speak alike do not.
            other_way: AtomicBool::new(entry.provider == ProviderName::OpenAi && base.is_none()),
            url,
        })
    }

    async fn once(&self, question: &Question) -> Result<Reply, Trouble> {
        let way = if self.other_way.load(Ordering::Relaxed) { Way::Other } else { Way::First };
        let key = self.key.as_ref().map(Secret::reveal);
        let request = self.http.post(&self.url);
        let request =
            match self.api {
                ProviderName::Anthropic => anthropic::authorize(request, key)
                    .json(&anthropic::body(&self.model, question, way)),
                ProviderName::OpenAi => {
                    openai::authorize(request, key).json(&openai::body(&self.model, question, way))
                }
            };
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, after) = (answer.status(), retry_after(&answer));
        let body = self.read(answer).await?;
        if !status.is_success() {
            return Err(self.refusal(status, after, &body, way));
        }
        let reply = serde_json::from_slice(&body).ok().and_then(|body: Value| match self.api {
            ProviderName::Anthropic => anthropic::reply(&body),
            ProviderName::OpenAi => openai::reply(&body),
        });
        match reply {
            Some(reply) => Ok(Reply { text: self.hide(reply.text), ..reply }),
            None => {
                Err(Trouble::Lasting(self.unavailable("it answers what is no answer of its API")))
            }
        }
    }

    fn refusal(
        &self,
        status: StatusCode,
        after: Option<Duration>,
        body: &[u8],
        way: Way,
    ) -> Trouble {
        let why = self.why(body);
        let said = format!("it answers {} {why}", status.as_u16());
        let said = said.trim_end();
        match status.as_u16() {
            401 | 403 => Trouble::Lasting(self.unavailable(&format!(
                "{said}; the operator checks models.{}.api_key",
                self.alias
            ))),
            400 | 422 if way == Way::First && self.wants_other_way(&why) => Trouble::OtherWay,
            413 => Trouble::Lasting(ModelError::TooLarge(self.sentence(said))),
            400 | 422 => Trouble::Lasting(ModelError::Invalid(self.sentence(said))),
            408 | 409 | 429 | 500..=599 => Trouble::Passing(self.unavailable(said), after),
            _ => Trouble::Lasting(self.unavailable(said)),
        }
    }

    fn wants_other_way(&self, why: &str) -> bool {
        match self.api {
            ProviderName::Anthropic => anthropic::wants_other_way(why),
            ProviderName::OpenAi => openai::wants_other_way(why),
        }
    }

    /// What the provider says, on one line and without the key.
    fn why(&self, body: &[u8]) -> String {
        let parsed = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let message = parsed["error"]["message"].as_str().or(parsed["message"].as_str());
        let text = message.map_or_else(|| String::from_utf8_lossy(body), Into::into);
        let text = self.hide(text.into_owned());
        text.chars().filter(|c| !c.is_control()).take(MAX_WHY_CHARS).collect()
    }

    /// A provider may repeat the key, and nobody shall see it.
    fn hide(&self, text: String) -> String {
        match self.key.as_ref().map(Secret::reveal) {
            Some(key) if text.contains(key) => text.replace(key, HIDDEN),
            _ => text,
        }
    }

    /// The body, refused as soon as it is known to be longer than it may be.
    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Trouble> {
        let too_long = || {
            let why = format!("it answers with over {MAX_BODY_BYTES} bytes");
            Trouble::Lasting(ModelError::TooLarge(self.sentence(&why)))
        };
        if answer.content_length().is_some_and(|length| length > MAX_BODY_BYTES as u64) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + bytes.len() > MAX_BODY_BYTES {
                return Err(too_long());
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// With what lies below, and without the address: it may carry a password.
    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let mut why = "it can't be reached".to_owned();
        let mut below = std::error::Error::source(error);
        while let Some(error) = below {
            why = format!("{why}: {error}");
            below = error.source();
        }
        Trouble::Passing(self.unavailable(&self.hide(why)), None)
    }

    fn unavailable(&self, why: &str) -> ModelError {
        ModelError::Unavailable(self.sentence(why))
    }

    fn sentence(&self, why: &str) -> String {
        format!("The model “{}” gives no answer: {}.", self.alias, why.trim_end_matches('.'))
    }
}

#[async_trait]
impl Model for Provider {
    async fn ask(&self, question: &Question, until: Instant) -> Result<Reply, ModelError> {
        let mut retries = 0;
        loop {
            let (error, wait) = match self.once(question).await {
                Ok(reply) => return Ok(reply),
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::OtherWay) => {
                    self.other_way.store(true, Ordering::Relaxed);
                    continue;
                }
                Err(Trouble::Passing(error, after)) => {
                    (error, after.unwrap_or(FIRST_WAIT * 2_u32.pow(retries)))
                }
            };
            // Who would wait in vain is told at once.
            if retries == MAX_RETRIES || Instant::now() + wait >= until {
                return Err(error);
            }
            retries += 1;
            tracing::info!(model = self.alias, wait_ms = wait.as_millis(), %error, "asked again");
            metrics::counter!("model_retries_total", "model" => self.alias.clone()).increment(1);
            tokio::time::sleep(wait).await;
        }
    }
}

/// A provider's address is asked directly where it is this machine's own.
fn client(url: &str, upstream: &upstream::Config) -> reqwest::Result<Client> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // A key goes where the operator sends it, and nowhere else.
        .redirect(reqwest::redirect::Policy::none())
        // The environment is not asked; the configuration has done that.
        .no_proxy();
    if !is_loopback(url) {
        for proxy in upstream.proxies()? {
            builder = builder.proxy(proxy);
        }
    }
    builder.build()
}

fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

fn key(entry: &Entry) -> Result<Option<Secret>, String> {
    let Some(file) = &entry.api_key_file else { return Ok(entry.api_key.clone()) };
    if entry.api_key.is_some() {
        return Err("set api_key or api_key_file, not both".to_owned());
    }
    let read = || {
        let mut text = String::new();
        let limit = u64::try_from(MAX_KEY_BYTES).unwrap_or(u64::MAX);
        let file = std::fs::File::open(file)?;
        std::io::Read::read_to_string(&mut std::io::Read::take(file, limit), &mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    let text = read().map_err(|error| format!("api_key_file can't be read: {error}"))?;
    match text.trim() {
        "" => Err("api_key_file is empty".to_owned()),
        key => Ok(Some(Secret::new(key))),
    }
}

/// How long a provider wants to be left alone. A date is not read: providers
/// say seconds.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_by_its_address() {
        assert!(is_loopback("http://127.0.0.1:80/v1") && is_loopback("http://[::1]/v1"));
        assert!(is_loopback("http://localhost:1/"));
        assert!(!is_loopback("https://models.example/127.0.0.1"));
    }

    fn opened(entry: Entry) -> Result<Provider, String> {
        Provider::open("x", &entry, &upstream::Config::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_read_from_a_file_without_its_end_of_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), b"hush\n").unwrap();
        let mut entry = Entry::anthropic(Secret::new(""));
        entry.api_key_file = Some(file.path().to_owned());
        assert!(opened(entry.clone()).unwrap_err().contains("not both"));
        entry.api_key = None;
        let provider = opened(entry).unwrap();
        assert_eq!(provider.key.as_ref().map(Secret::reveal), Some("hush"));
        assert!(!format!("{provider:?}").contains("hush"));
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_its_name() {
        let mut entry = Entry::anthropic(Secret::new("hush"));
        entry.base_url = Some("models.example".to_owned());
        assert!(opened(entry).unwrap_err().starts_with("models.x: base_url"));
    }

    #[test]
    fn what_a_provider_repeats_of_the_key_is_hidden() {
        let provider = opened(Entry::anthropic(Secret::new("hush"))).unwrap();
        let why = provider.why(br#"{"error": {"message": "no such key:\n hush"}}"#);
        assert_eq!(why, "no such key: …");
    }
}
