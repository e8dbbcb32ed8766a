//! Room: runtimes. The preset `registries`: which hosts the package managers of
//! an image use, asked of the image itself.
//!
//! No registry's name is written down. Each package manager in the image is
//! asked, without a network, what it would ask ([`probes`]); then each registry
//! is asked once, from the host, where its downloads are ([`documents`]). So a
//! mirror that is configured in an image works by itself.
//!
//! What was learned is kept per kind and used until the image's digest changes.
//! If a part fails the rest still counts, the failure is told, and the next time
//! it is tried again.

mod documents;
mod fetch;
mod probes;
mod store;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Url;

use super::dial::Dialer;
use super::name::{Host, Target};
use crate::ids::Kind;
use crate::runtimes::engine::{Answer, Engine, Image};
use fetch::Fetcher;
use probes::{PROBES, Probe};
use store::Store;

/// How long one question to an image may take. Starting Java or Ruby in a fresh
/// runtime on a busy machine takes seconds.
const ASK_TIMEOUT: Duration = Duration::from_secs(60);

/// How many hosts one package manager may teach. A page that names more is not
/// an index of packages.
const MAX_HOSTS_PER_MANAGER: usize = 32;

/// What the images of one kind use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    pub kind: Kind,
    /// The image that was asked, and its digest; empty if there is none.
    pub image: String,
    pub digest: String,
    pub hosts: Vec<LearnedHost>,
    /// What could not be learned, each a sentence; empty when all is well.
    pub failures: Vec<String>,
}

/// A host that runtimes of the kind may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedHost {
    pub host: Host,
    pub port: u16,
    /// Who named it, such as `pip` or `pip: downloads`.
    pub source: String,
}

/// What is learned, by kind.
#[derive(Debug, Default)]
pub(super) struct Presets(RwLock<HashMap<Kind, Arc<Learned>>>);

impl Presets {
    pub(super) fn of(&self, kind: Kind) -> Option<Arc<Learned>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&kind).cloned()
    }

    pub(super) fn set(&self, learned: Arc<Learned>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(learned.kind, learned);
    }

    pub(super) fn all(&self) -> Vec<Arc<Learned>> {
        let mut all: Vec<_> =
            self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.sort_by_key(|learned| learned.kind.as_str());
        all
    }
}

/// Asks images and registries.
pub(super) struct Learner {
    fetcher: Fetcher,
    store: Store,
}

impl Learner {
    pub(super) fn new(
        ca_file: Option<&Path>,
        dialer: Dialer,
        dir: PathBuf,
    ) -> Result<Self, super::Error> {
        Ok(Self { fetcher: Fetcher::new(ca_file, dialer)?, store: Store::new(dir) })
    }

    /// What a kind's image uses: recalled, or learned anew if the image is
    /// another one or something was missing.
    pub(super) async fn learn(&self, engine: &dyn Engine, kind: Kind) -> Learned {
        let image = match engine.image(kind).await {
            Ok(image) => image,
            Err(error) => return Learned::nothing(kind, format!("there is no image: {error}")),
        };
        let kept = self.store.load(kind).await.filter(|kept| kept.digest == image.digest);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.failures.is_empty()) {
            return kept.clone();
        }
        let mut learned = self.ask_image(engine, &image).await;
        if let Some(kept) = kept {
            kept.hosts.into_iter().for_each(|host| learned.add(host));
        }
        if let Err(error) = self.store.save(&learned).await {
            tracing::warn!(%kind, %error, "learned registries can't be kept");
        }
        tracing::info!(%kind, hosts = learned.hosts.len(), failures = ?learned.failures,
            "learned which registries an image uses");
        learned
    }

    async fn ask_image(&self, engine: &dyn Engine, image: &Image) -> Learned {
        let mut learned = Learned {
            kind: image.kind,
            image: image.name.clone(),
            digest: image.digest.clone(),
            hosts: Vec::new(),
            failures: Vec::new(),
        };
        let present = match ask(engine, image.kind, &["sh", "-c", &probes::presence()]).await {
            Ok(answer) => answer.stdout,
            Err(why) => return learned.failed(format!("the image can't be asked: {why}")),
        };
        let is_present = |probe: &&Probe| present.lines().any(|line| line.trim() == probe.program);
        for probe in PROBES.iter().filter(is_present) {
            self.ask_manager(engine, probe, &mut learned).await;
        }
        learned
    }

    async fn ask_manager(&self, engine: &dyn Engine, probe: &Probe, learned: &mut Learned) {
        let answer = match ask(engine, learned.kind, probe.argv).await {
            Ok(answer) => answer,
            Err(why) => {
                learned.failures.push(format!("{} can't be asked: {why}", probe.manager));
                return;
            }
        };
        let registries = probes::urls((probe.read)(&answer));
        if registries.is_empty() {
            let said = answer.stderr.lines().last().unwrap_or("nothing").chars().take(200);
            let said = said.collect::<String>();
            learned.failures.push(format!("{} names no registry; it said: {said}", probe.manager));
        }
        for url in registries.into_iter().take(MAX_HOSTS_PER_MANAGER) {
            learned.add_url(&url, probe.manager);
            self.ask_registry(probe, &url, learned).await;
        }
    }

    async fn ask_registry(&self, probe: &Probe, url: &Url, learned: &mut Learned) {
        let downloads = documents::downloads(&self.fetcher, probe.document, url).await;
        let source = format!("{}: downloads", probe.manager);
        let before = learned.hosts.len();
        for url in downloads.found {
            if learned.hosts.len() - before >= MAX_HOSTS_PER_MANAGER {
                let why = format!("{} names more than {MAX_HOSTS_PER_MANAGER} hosts", source);
                learned.failures.push(why);
                break;
            }
            learned.add_url(&url, &source);
        }
        if let Some(why) = downloads.failure {
            let host = url.host_str().unwrap_or_default();
            learned
                .failures
                .push(format!("where {host} keeps downloads for {}: {why}", probe.manager));
        }
    }
}

/// Asks an image; an error says why there is no answer. Exit codes are not
/// looked at: some programs tell what they would reach by failing to.
async fn ask(engine: &dyn Engine, kind: Kind, argv: &[&str]) -> Result<Answer, String> {
    match tokio::time::timeout(ASK_TIMEOUT, engine.ask(kind, argv)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", ASK_TIMEOUT.as_secs())),
    }
}

impl Learned {
    fn nothing(kind: Kind, failure: String) -> Self {
        let (image, digest) = (String::new(), String::new());
        Self { kind, image, digest, hosts: Vec::new(), failures: vec![failure] }
    }

    fn failed(mut self, failure: String) -> Self {
        self.failures.push(failure);
        self
    }

    fn add(&mut self, host: LearnedHost) {
        let known =
            self.hosts.iter().any(|known| known.host == host.host && known.port == host.port);
        if !known {
            self.hosts.push(host);
        }
    }

    /// Takes over the host that a URL names; one that can't be decided on says so.
    fn add_url(&mut self, url: &Url, source: &str) {
        match target_of(url) {
            Some(target) => self.add(LearnedHost {
                host: target.host,
                port: target.port,
                source: source.to_owned(),
            }),
            None => self.failures.push(format!("{source} names a host that is not well formed")),
        }
    }
}

/// The host and port that an `http` or `https` URL leads to.
fn target_of(url: &Url) -> Option<Target> {
    Target::parse(url.host_str()?, url.port_or_known_default()).ok()
}
