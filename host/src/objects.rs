//! Ground: bytes that are kept whole under a key, in a directory of this machine or in a
//! bucket of a service that speaks S3.
//!
//! What is put is there whole or not at all, and replaces what was there. Reading takes
//! parts. Servers that share a bucket see the same; a directory is one machine's.

use std::fmt;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt as _,
    RetryConfig,
};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

use crate::secret::Secret;

/// Sent to a bucket at once; S3 wants at least 5 MiB of all parts but the last.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts of one object that are under way at once.
const PARTS_AT_ONCE: usize = 2;

/// Read from a file at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The longest key.
const MAX_KEY_BYTES: usize = 512;

/// How long a service may take for a connection, and for the next bytes of an answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How often, and how long altogether, a request that failed is tried again.
const RETRIES: usize = 4;
const RETRY_FOR: Duration = Duration::from_secs(60);

/// Beginnings that a killed server left of one object and that are looked for.
const MAX_LEFT_OVERS: usize = 8;

/// Where objects are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A directory; without it, `objects` in the data directory. Not used with a bucket.
    pub path: Option<PathBuf>,
    pub s3: S3,
}

/// A bucket, if one is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    pub bucket: Option<String>,
    /// Without it: Amazon's own.
    pub endpoint: Option<String>,
    pub region: String,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Secret>,
    /// Before all keys, so that a bucket can be shared with something else.
    pub prefix: String,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            bucket: None,
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key_id: None,
            secret_access_key: None,
            prefix: String::new(),
        }
    }
}

/// Words of letters, digits, `-`, `_` and `.`, with `/` between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no key of an object")]
pub struct InvalidKey(String);

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let word =
            |word: &str| !word.is_empty() && !word.starts_with('.') && word.bytes().all(plain);
        if text.len() <= MAX_KEY_BYTES && text.split('/').all(word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Config(String),
    #[error("there is no object “{0}”")]
    NotFound(String),
    /// What was to be kept did not come to its end.
    #[error("the content did not arrive whole: {0}")]
    Body(io::Error),
    #[error("objects can't be reached: {0}")]
    Unavailable(String),
}

/// What was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub size_bytes: u64,
    /// Of the content, in hexadecimal.
    pub blake3: String,
}

pub type Body = BoxStream<'static, io::Result<Bytes>>;

/// The objects of this installation. Cloning is cheap.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Of those on this machine.
    folder: Option<PathBuf>,
    place: String,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Objects {
    /// Objects in a bucket if one is named, else in a directory, `default` unless another
    /// is. `proxies` lead to the service where it is not this machine.
    pub fn open(
        config: &Config,
        default: PathBuf,
        proxies: Vec<reqwest::Proxy>,
    ) -> Result<Self, Error> {
        match &config.s3.bucket {
            Some(bucket) => Self::in_bucket(bucket, &config.s3, proxies),
            None => Self::in_directory(config.path.clone().unwrap_or(default))
                .map_err(|error| Error::Config(format!("storage.path, {error}"))),
        }
    }

    /// Objects in a directory of this machine, which is made where it is missing.
    pub fn in_directory(folder: PathBuf) -> Result<Self, Error> {
        let wrong =
            |error: &dyn fmt::Display| Error::Config(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(|error| wrong(&error))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|error| wrong(&error))?;
        Ok(Self {
            store: Arc::new(store.with_fsync(true)),
            prefix: Path::default(),
            place: folder.display().to_string(),
            folder: Some(folder),
        })
    }

    fn in_bucket(bucket: &str, config: &S3, proxies: Vec<reqwest::Proxy>) -> Result<Self, Error> {
        let wrong = |error: object_store::Error| Error::Config(format!("storage.s3: {error}"));
        let prefix = Path::parse(config.prefix.trim_matches('/'));
        let prefix = prefix.map_err(|error| wrong(error.into()))?;
        let place = format!("the bucket {bucket}");
        let store = Arc::new(bucket_of(bucket, config, proxies)?.build().map_err(wrong)?);
        let store: Arc<AmazonS3> = store;
        Ok(Self { store, prefix, folder: None, place })
    }

    /// Where they are, for the log.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Keeps what the stream brings, once it has come to its end.
    pub async fn put<S>(&self, key: &Key, mut body: S) -> Result<Stored, Error>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
    {
        let writer = BufWriter::with_capacity(Arc::clone(&self.store), self.at(key), PART_BYTES);
        let mut writer = writer.with_max_concurrency(PARTS_AT_ONCE);
        let (mut hasher, mut size_bytes) = (blake3::Hasher::new(), 0);
        while let Some(piece) = body.next().await {
            let taken = match piece {
                Ok(piece) => {
                    hasher.update(&piece);
                    size_bytes += piece.len() as u64;
                    writer.put(piece).await.map_err(|error| unavailable(&error))
                }
                Err(error) => Err(Error::Body(error)),
            };
            if let Err(error) = taken {
                // What was begun is not seen by anybody; at the worst it takes room.
                let _ = writer.abort().await;
                return Err(error);
            }
        }
        writer.shutdown().await.map_err(|error| unavailable(&error))?;
        Ok(Stored { size_bytes, blake3: hasher.finalize().to_hex().to_string() })
    }

    /// How long an object is.
    pub async fn size(&self, key: &Key) -> Result<u64, Error> {
        let head = self.store.head(&self.at(key)).await;
        head.map(|meta| meta.size).map_err(|error| of(key, error))
    }

    /// An object, or a part of it: services may refuse a part that is the whole.
    pub async fn read(&self, key: &Key, part: Option<Range<u64>>) -> Result<Body, Error> {
        if part.as_ref().is_some_and(Range::is_empty) {
            return Ok(futures::stream::empty().boxed());
        }
        let range = part.map(GetRange::Bounded);
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.store.get_opts(&self.at(key), options).await;
        let found = found.map_err(|error| of(key, error))?;
        let part = found.range.clone();
        match found.payload {
            GetResultPayload::File(file, _) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(SeekFrom::Start(part.start)).await.map_err(Error::Body)?;
                let length = part.end - part.start;
                Ok(ReaderStream::with_capacity(file.take(length), PIECE_BYTES).boxed())
            }
            GetResultPayload::Stream(stream) => Ok(stream.map_err(io::Error::other).boxed()),
        }
    }

    /// Removes an object; one that is not there is no error.
    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        if let Some(folder) = &self.folder {
            remove_left_overs(&folder.join(&key.0)).await;
        }
        match self.store.delete(&self.at(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn at(&self, key: &Key) -> Path {
        key.0.split('/').fold(self.prefix.clone(), |path, word| path.join(word))
    }
}

/// Beginnings of a file that a killed server was writing.
async fn remove_left_overs(file: &FilePath) {
    for number in 1..=MAX_LEFT_OVERS {
        let mut begun = file.as_os_str().to_owned();
        begun.push(format!("#{number}"));
        if tokio::fs::remove_file(&begun).await.is_err() {
            return;
        }
    }
}

fn bucket_of(
    bucket: &str,
    config: &S3,
    proxies: Vec<reqwest::Proxy>,
) -> Result<AmazonS3Builder, Error> {
    let (Some(id), Some(secret)) = (&config.access_key_id, &config.secret_access_key) else {
        return Err(Error::Config(format!(
            "storage.s3 names the bucket {bucket}; set access_key_id and secret_access_key, or \
             the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )));
    };
    let client = client(config.endpoint.as_deref(), proxies)
        .map_err(|error| Error::Config(format!("storage.s3: {error}")))?;
    let retry =
        RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_FOR, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_access_key_id(id)
        .with_secret_access_key(secret.reveal())
        .with_retry(retry)
        .with_http_connector(Connector(client));
    if let Some(endpoint) = &config.endpoint {
        let plain = endpoint.starts_with("http://");
        builder = builder.with_endpoint(endpoint.trim_end_matches('/')).with_allow_http(plain);
    }
    Ok(builder)
}

/// The client that all requests go by.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

/// Some services, rclone's among them, send a part, say which one, and yet call it the
/// whole.
#[derive(Debug)]
struct Service(reqwest::Client);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut answer = HttpService::call(&self.0, request).await?;
        let is_part = answer.headers().contains_key(reqwest::header::CONTENT_RANGE);
        if is_part && answer.status() == reqwest::StatusCode::OK {
            *answer.status_mut() = reqwest::StatusCode::PARTIAL_CONTENT;
        }
        Ok(answer)
    }
}

/// A service on this machine is asked directly.
fn client(
    endpoint: Option<&str>,
    proxies: Vec<reqwest::Proxy>,
) -> reqwest::Result<reqwest::Client> {
    // Another provider may have been chosen first; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // The environment is not asked; the configuration has done that.
        .no_proxy();
    let here = endpoint.is_some_and(is_loopback);
    let proxies = if here { Vec::new() } else { proxies };
    proxies.into_iter().fold(builder, reqwest::ClientBuilder::proxy).build()
}

fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

fn of(key: &Key, error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::NotFound(key.to_string()),
        error => unavailable(&error),
    }
}

fn unavailable(error: &impl fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_nowhere_else() {
        let odd = ["", "/", "a/", "/a", "a//b", "..", "a/../b", "a/.b", "a b", "ä", "a#1"];
        assert!(odd.iter().all(|text| text.parse::<Key>().is_err()));
        assert!("jobs/0190-ab.zip".parse::<Key>().is_ok());
    }

    #[test]
    fn a_bucket_without_a_key_to_it_is_refused_with_what_to_set() {
        let s3 = S3 { bucket: Some("b".to_owned()), ..S3::default() };
        let config = Config { s3, ..Config::default() };
        let refused = Objects::open(&config, PathBuf::from("x"), Vec::new()).unwrap_err();
        assert!(refused.to_string().contains("AWS_ACCESS_KEY_ID"), "{refused}");
    }
}
