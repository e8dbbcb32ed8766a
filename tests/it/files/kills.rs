//! The server is killed while it saves, again and again: what it acknowledged is
//! whole, and nothing is left lying about.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::host::{Host, answer, engine, eventually};

const SAVES: usize = 10_000;
const KILLS: usize = 5;
const WRITERS: usize = 32;

/// Files of each writer.
const FILES: usize = 8;

/// A server that is killed, and what it acknowledged: the version of each file.
struct Saver {
    host: Host,
    acknowledged: HashMap<String, usize>,
    saves: usize,
}

/// Tells its version in each line, so that a mixture shows.
fn content(version: usize) -> String {
    format!("version {version:08}\n").repeat(240)
}

impl Saver {
    async fn start() -> Result<Self, String> {
        let host = Host::start(engine("local").await?).await;
        let created = host.post("/api/v1/projects", json!({ "name": "todo" })).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        Ok(Self { host, acknowledged: HashMap::new(), saves: 0 })
    }

    /// Saves until so many more are acknowledged, and kills the server then.
    async fn saves_until_killed(mut self, more: usize) -> Self {
        let (begin, until) = (self.saves, self.saves + more);
        let count = AtomicUsize::new(begin);
        let pid = server_pid(self.host.data());
        let writers = (0..WRITERS).map(|writer| writes(&self.host, writer, (&count, until, pid)));
        let acknowledged = join_all(writers).await;
        self.acknowledged.extend(acknowledged.into_iter().flatten());
        self.saves = until;
        self.host = self.host.starts_again_after_a_kill().await;
        self
    }

    /// Every file has one version throughout, and none that is older than what was
    /// acknowledged.
    async fn has_all_that_was_acknowledged(&self) {
        for (file, version) in &self.acknowledged {
            let path = format!("/api/v1/projects/todo/content/{file}");
            let text = self.host.get(&path).await.text;
            let found = text.split_whitespace().nth(1).unwrap_or_default().parse().unwrap_or(0);
            assert_eq!(text, content(found), "{file} is a mixture");
            assert!(found >= *version, "{file}: {found}, and {version} was acknowledged");
        }
    }

    async fn has_no_litter(&self) {
        let projects = self.host.data().join("projects");
        eventually("no half-done save lies about", || async {
            let left = litter(&projects);
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
    }
}

/// Saves one version after the other, until the server is killed.
async fn writes(
    host: &Host,
    writer: usize,
    (count, until, pid): (&AtomicUsize, usize, i32),
) -> HashMap<String, usize> {
    let mut acknowledged = HashMap::new();
    for n in 0.. {
        let version = count.load(Ordering::Relaxed) * WRITERS + writer;
        let file = format!("w{writer}/f{}", n % FILES);
        let path = format!("/api/v1/projects/todo/content/{file}");
        let request = host.request(Method::PUT, &path).body(content(version));
        match request.send().await {
            Ok(saved) if saved.status().is_success() => acknowledged.insert(file, version),
            _ => break,
        };
        if count.fetch_add(1, Ordering::Relaxed) + 1 == until {
            let pid = nix::unistd::Pid::from_raw(pid);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
    }
    acknowledged
}

fn server_pid(data: &Path) -> i32 {
    let told = std::fs::read(data.join("server.json")).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    told["pid"].as_i64().unwrap() as i32
}

fn litter(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().map_while(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".lockhouse-") {
            found.push(name);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(litter(&entry.path()));
        }
    }
    found
}

#[tokio::test]
async fn no_acknowledged_save_is_lost_or_torn_by_kills_and_nothing_is_left_lying() {
    let mut saver = need!(local, Saver::start().await);
    for _ in 0..KILLS {
        saver = saver.saves_until_killed(SAVES / KILLS).await;
        saver.has_all_that_was_acknowledged().await;
    }
    assert_eq!(saver.saves, SAVES);
    saver.has_no_litter().await;
}

/// A batch that gives every file the same version.
fn all_files(version: usize) -> serde_json::Value {
    let files =
        (0..40).map(|n| json!({ "path": format!("d{}/f{n}", n % 7), "content": content(version) }));
    files.collect()
}

/// The server is killed in the midst of batches, each a whole or nothing.
async fn killed_in_a_batch(host: Host, version: usize) -> Host {
    let pid = server_pid(host.data());
    let batch = host.request(Method::POST, "/api/v1/projects/todo/files/batch");
    let asked = tokio::spawn(batch.json(&all_files(version)).send());
    // Any moment will do, and each is another one.
    let records = host.data().join("batches");
    let begun = || std::fs::read_dir(&records).is_ok_and(|entries| entries.count() > 0);
    while !begun() && !asked.is_finished() {
        tokio::task::yield_now().await;
    }
    let _ =
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    let _ = asked.await;
    host.starts_again_after_a_kill().await
}

/// The version that all files have.
async fn the_one_version(host: &Host) -> String {
    let mut versions = std::collections::BTreeSet::new();
    for n in 0..40 {
        let path = format!("/api/v1/projects/todo/content/d{}/f{n}", n % 7);
        versions.insert(answer(host.request(Method::GET, &path)).await.text);
    }
    assert_eq!(versions.len(), 1, "{} versions", versions.len());
    versions.pop_first().unwrap()
}

#[tokio::test]
async fn a_batch_in_which_the_server_is_killed_is_done_or_not_done() {
    let Saver { mut host, .. } = need!(local, Saver::start().await);
    let first = host.post("/api/v1/projects/todo/files/batch", all_files(0)).await;
    assert_eq!(first.json["files_written"], 40, "{}", first.text);
    for version in 1..=10 {
        host = killed_in_a_batch(host, version).await;
        let found = the_one_version(&host).await;
        assert!(found == content(version) || found == content(version - 1), "{found:.20}");
        let again = host.post("/api/v1/projects/todo/files/batch", all_files(version)).await;
        assert_eq!(again.json["success"], true, "{}", again.text);
    }
    assert_eq!(std::fs::read_dir(host.data().join("batches")).unwrap().count(), 0);
}
