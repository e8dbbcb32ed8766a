//! What is kept under keys: in a directory, and in a bucket of a server that speaks S3.
//!
//! That server is rclone's, with a key of its own; `RCLONE` names the program, else the one
//! that `make test` installs, or the machine's.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use lockhouse::objects::{Config, Error, Key, Objects, S3};
use lockhouse::secret::Secret;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::host::PATIENCE;

const BUCKET: &str = "jobs";
const KEY_ID: &str = "lockhouse";
const SECRET: &str = "a-secret-of-the-tests";

/// Somewhere to keep objects.
pub(crate) struct Place {
    pub(crate) objects: Objects,
    /// Where the files are in the end.
    folder: PathBuf,
    _folder: TempDir,
    _server: Option<Child>,
}

/// A server with an empty bucket.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    pub(crate) folder: TempDir,
    child: Child,
}

/// Tells the same story of both.
macro_rules! on_every_storage {
    ($($(#[$doc:meta])* async fn $name:ident($place:ident: Place) $story:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn story($place: Place) $story

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn local() {
                story(Place::local()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn s3() {
                story(need!(s3, Place::s3().await)).await;
            }
        }
    )*};
}
pub(crate) use on_every_storage;

impl Place {
    pub(crate) fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let objects = Objects::open(&config, folder.path().to_owned(), Vec::new()).unwrap();
        Self { objects, folder: folder.path().to_owned(), _folder: folder, _server: None }
    }

    /// For `need!(s3, …)`.
    pub(crate) async fn s3() -> Result<Self, String> {
        let server = Server::start().await?;
        let objects = open(&server.config(SECRET)).unwrap();
        let Server { folder, child, .. } = server;
        let bucket = folder.path().join(BUCKET);
        Ok(Self { objects, folder: bucket, _folder: folder, _server: Some(child) })
    }

    /// How many files there are.
    pub(crate) fn count(&self) -> usize {
        files(&self.folder).len()
    }

    /// Behind the back of whoever put it there.
    pub(crate) async fn remove_all(&self) {
        for file in files(&self.folder) {
            let name = file.strip_prefix(&self.folder).unwrap().to_str().unwrap().to_owned();
            self.objects.delete(&key(&name)).await.unwrap();
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut child = Command::new(program()?)
            .args(["serve", "s3", "--addr", "127.0.0.1:0", "--config", "/dev/null"])
            .args(["--auth-key", &format!("{KEY_ID},{SECRET}")])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let said = BufReader::new(child.stderr.take().unwrap());
        let endpoint = tokio::time::timeout(PATIENCE, endpoint(said)).await;
        let endpoint = endpoint.map_err(|_| "rclone did not say where it listens".to_owned())??;
        Ok(Self { endpoint, folder, child })
    }

    fn config(&self, secret: &str) -> Config {
        let s3 = S3 {
            bucket: Some(BUCKET.to_owned()),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: Some(KEY_ID.to_owned()),
            secret_access_key: Some(Secret::new(secret)),
            ..S3::default()
        };
        Config { s3, ..Config::default() }
    }

    /// What a server of ours is told, by the documented names.
    pub(crate) fn variables(&self) -> &'static [(&'static str, &'static str)] {
        let endpoint: &'static str = self.endpoint.clone().leak();
        Box::leak(Box::new([
            ("S3_BUCKET", BUCKET),
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("LOCKHOUSE_STORAGE__S3__ENDPOINT", endpoint),
        ]))
    }
}

/// It says so once it listens; what it says later is read, so that it is never held back.
async fn endpoint(said: BufReader<tokio::process::ChildStderr>) -> Result<String, String> {
    let mut lines = said.lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, rest)) = line.split_once("Starting s3 server on [") {
            let url = rest.split(']').next().unwrap_or_default();
            let url = url.trim_end_matches('/').to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(url);
        }
    }
    Err("rclone ended before it listened".to_owned())
}

fn program() -> Result<PathBuf, String> {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tests/s3/bin/rclone");
    let named = std::env::var_os("RCLONE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("rclone"));
    let mut all = named.into_iter().chain([installed]).chain(found);
    all.find(|file| file.exists()).ok_or_else(|| "install rclone, or run `make test`".to_owned())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn open(config: &Config) -> Result<Objects, Error> {
    Objects::open(config, PathBuf::from("nowhere"), Vec::new())
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// So many bytes, no two mebibytes of them the same.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

fn body(bytes: &[u8]) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
    let pieces: Vec<_> =
        bytes.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

async fn read(objects: &Objects, name: &str, part: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let body = objects.read(&key(name), part).await.unwrap();
    let pieces: Vec<_> = body.try_collect().await.unwrap();
    pieces.concat()
}

/// More than two parts of an upload.
const LARGE: usize = 17 * 1024 * 1024 + 5;

on_every_storage! {
    async fn what_is_put_is_read_back_whole_and_in_parts(place: Place) {
        let (objects, sent) = (&place.objects, bytes(LARGE));
        let stored = objects.put(&key("jobs/a.zip"), body(&sent)).await.unwrap();
        assert_eq!(stored.size_bytes, LARGE as u64);
        assert_eq!(objects.size(&key("jobs/a.zip")).await.unwrap(), LARGE as u64);
        assert!(read(objects, "jobs/a.zip", None).await == sent);
        assert_eq!(read(objects, "jobs/a.zip", Some(9_000_000..9_000_007)).await, sent[9_000_000..9_000_007]);
        assert_eq!(read(objects, "jobs/a.zip", Some(5..5)).await, b"");
    }

    async fn what_is_put_again_takes_the_place_of_what_was_there(place: Place) {
        let objects = &place.objects;
        let first = objects.put(&key("a"), body(b"first")).await.unwrap();
        let again = objects.put(&key("a"), body(b"again")).await.unwrap();
        assert_ne!(first.blake3, again.blake3);
        assert_eq!(read(objects, "a", None).await, b"again");
        assert_eq!(place.count(), 1);
    }

    async fn what_does_not_come_to_its_end_changes_nothing(place: Place) {
        use futures::StreamExt as _;
        let objects = &place.objects;
        objects.put(&key("a"), body(b"first")).await.unwrap();
        let sent = bytes(LARGE);
        let broken = body(&sent).chain(stream::iter([Err(io::Error::other("gone"))]));
        let refused = objects.put(&key("a"), broken).await;
        assert!(matches!(refused, Err(Error::Body(_))), "{refused:?}");
        assert_eq!(objects.size(&key("a")).await.unwrap(), 5);
        assert_eq!(place.count(), 1);
    }

    async fn what_is_deleted_is_gone_and_deleting_it_again_is_no_error(place: Place) {
        let objects = &place.objects;
        objects.put(&key("jobs/a.zip"), body(b"first")).await.unwrap();
        objects.delete(&key("jobs/a.zip")).await.unwrap();
        assert!(matches!(objects.size(&key("jobs/a.zip")).await, Err(Error::NotFound(_))));
        let read = objects.read(&key("jobs/a.zip"), Some(0..3)).await;
        assert!(matches!(read.err(), Some(Error::NotFound(_))));
        objects.delete(&key("jobs/a.zip")).await.unwrap();
    }

    async fn an_empty_object_is_an_object(place: Place) {
        place.objects.put(&key("a"), body(b"")).await.unwrap();
        assert_eq!(place.objects.size(&key("a")).await.unwrap(), 0);
        assert_eq!(read(&place.objects, "a", Some(0..0)).await, b"");
    }
}

#[tokio::test]
async fn what_a_killed_server_began_to_write_goes_with_its_object() {
    let place = Place::local();
    place.objects.put(&key("jobs/a.zip"), body(b"first")).await.unwrap();
    std::fs::write(place.folder.join("jobs/a.zip#1"), "half").unwrap();
    place.objects.delete(&key("jobs/a.zip")).await.unwrap();
    assert_eq!(place.count(), 0);
}

#[tokio::test]
async fn a_prefix_keeps_ours_apart_in_a_shared_bucket() {
    let server = need!(s3, Server::start().await);
    let mut config = server.config(SECRET);
    config.s3.prefix = "lockhouse/".to_owned();
    let objects = open(&config).unwrap();
    objects.put(&key("jobs/a.zip"), body(b"first")).await.unwrap();
    assert!(server.folder.path().join(BUCKET).join("lockhouse/jobs/a.zip").exists());
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_the_service() {
    let server = need!(s3, Server::start().await);
    let objects = open(&server.config("another")).unwrap();
    let refused = objects.put(&key("a"), body(b"first")).await.unwrap_err();
    assert!(matches!(&refused, Error::Unavailable(why) if !why.contains("another")), "{refused}");
}
