//! Room: runtimes. Egress: who may leave, by host name.
//!
//! A runtime has no network. What it sends to its proxy arrives here as one
//! stream of bytes per connection, and [`Egress::serve`] is an HTTP proxy on
//! that stream: it decides by host name and port, resolves the name itself,
//! refuses addresses outside the public internet, and carries the bytes.
//!
//! ```text
//! stream → head ─ name ok? ─ rules ─ resolve ─ addresses ok? ─ connect ─┬ CONNECT: ClientHello names the host? → bytes
//!          10 s                                └──────── 10 s ─────────┘└ http://: new request, Host = decided host
//! ```
//!
//! Every step that can't be answered with yes refuses. Which hosts are package
//! registries is [learned](learn) from the images, not written down.
//!
//! What this can't see: inside TLS a client may ask an allowed host for another
//! that it serves too. An allowed host is trusted with what it serves.

mod address;
mod config;
mod deadlines;
mod dial;
mod forward;
mod hello;
pub mod learn;
mod lists;
mod name;
mod proxy;
mod refusal;
mod rules;
mod runtime;
mod tunnel;
pub mod upstream;
mod watched;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

pub use config::{Config, InvalidPattern, Pattern, Private};
pub use deadlines::Deadlines;
pub use dial::{Resolve, SystemResolver};
pub use learn::{Learned, LearnedHost};
pub use lists::{Listed, Lists, MAX_LISTED, Source};
pub use name::{Host, InvalidName, Target};
pub use rules::Rule;
pub use runtime::MAX_STREAMS;

use crate::events::{About, Events, What};
use crate::ids::{Kind, ProjectId, ProjectName, UserId};
use crate::policy::NetworkMode;
use crate::runtimes::engine::Engine;
use crate::tasks::Tasks;
use dial::Dialer;
use learn::{Learner, Presets};
use lists::Leave;
use refusal::Refusal;
use rules::Rules;
use runtime::{PROGRESS_PAUSE, RuntimeUse};
use upstream::Upstream;
use watched::{Activity, Watched};

/// How long a stream that is one too many is given to take its answer.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer to a stream that is one too many.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Too many connections at once through Lockhouse\r\n\
    content-length: 0\r\nconnection: close\r\nretry-after: 1\r\n\r\n";

/// Whose stream it is, and what the project may reach.
#[derive(Debug, Clone)]
pub struct Origin {
    pub project: ProjectId,
    pub name: ProjectName,
    pub owner: UserId,
    pub mode: NetworkMode,
    pub kind: Kind,
    pub lists: Lists,
}

/// What a project may reach, all rules taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// In the order in which it is decided.
    pub rules: Vec<Listed>,
    /// Ports at which a host that is listed without one may be reached.
    pub ports: Vec<u16>,
    /// What one connection may send to a registry that nobody listed.
    pub upload_bytes: u64,
    /// What could not be learned of the image's registries.
    pub failures: Vec<String>,
}

/// What egress is made of, besides its configuration.
pub struct Parts {
    pub tasks: Tasks,
    pub events: Events,
    /// [`SystemResolver`], but for tests.
    pub resolver: Arc<dyn Resolve>,
    /// Directory of its own, where learned hosts are kept.
    pub dir: PathBuf,
    pub deadlines: Deadlines,
}

/// The configuration can't be used; the text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Proxy(#[from] upstream::InvalidProxy),
    #[error("`egress.ca_file` can't be used: {0}")]
    CaFile(String),
}

/// The host's side of every runtime's proxy. Cloning is cheap.
#[derive(Clone)]
pub struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    rules: Arc<Rules>,
    dialer: Dialer,
    tasks: Tasks,
    events: Events,
    deadlines: Deadlines,
    upload_bytes: u64,
    presets: Presets,
    learner: Learner,
    runtimes: Mutex<HashMap<ProjectId, Arc<RuntimeUse>>>,
}

impl Egress {
    /// # Errors
    /// When a proxy or the CA file of the configuration can't be used.
    pub fn new(config: &Config, parts: Parts) -> Result<Self, Error> {
        let rules = Arc::new(Rules::new(config));
        let dialer = Dialer {
            rules: Arc::clone(&rules),
            resolver: parts.resolver,
            upstream: Arc::new(Upstream::new(&config.upstream)?),
            connect_timeout: parts.deadlines.connect,
        };
        let learner = Learner::new(config.ca_file.as_deref(), dialer.clone(), parts.dir)?;
        let inner = Inner {
            rules,
            dialer,
            tasks: parts.tasks,
            events: parts.events,
            deadlines: parts.deadlines,
            upload_bytes: config.upload_bytes,
            presets: Presets::default(),
            learner,
            runtimes: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Serves one connection that a program in a runtime made to its proxy, to
    /// its end. Never fails: what goes wrong is told to the client.
    pub async fn serve<S>(&self, from: Origin, mut stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let runtime = self.runtime(&from);
        let Some(_place) = runtime.enter() else {
            self.inner.count("refused", "too-many");
            let farewell = async {
                // The client may be gone; there is nobody else to tell.
                let _ = stream.write_all(TOO_MANY).await;
                let _ = stream.shutdown().await;
            };
            let _ = tokio::time::timeout(FAREWELL_TIMEOUT, farewell).await;
            return;
        };
        let (stream, activity) = Watched::new(stream);
        let (from, watched) = (Arc::new(from), (stream, Arc::clone(&activity)));
        let mut progress = Progress { told: 0, activity: &activity };
        tokio::select! {
            () = runtime.ended() => tracing::debug!("ended an egress stream of a runtime that changed"),
            () = proxy::serve(&self.inner, Arc::clone(&from), Arc::clone(&runtime), watched) => {}
            () = self.inner.tell_progress(&from, &runtime, &mut progress) => {}
            () = activity.idle_for(self.inner.deadlines.idle) => tracing::debug!("ended an idle egress stream"),
        }
        self.inner.tell_received(&from, &runtime, &mut progress, true);
        metrics::counter!("lockhouse_egress_bytes_total", "direction" => "out")
            .increment(activity.received());
        metrics::counter!("lockhouse_egress_bytes_total", "direction" => "in")
            .increment(activity.sent());
    }

    /// Learns which registries the image of a kind uses, or recalls it, and lets
    /// runtimes of that kind reach them from now on. What can't be learned is in
    /// the answer's `failures`.
    pub async fn learn(&self, engine: &dyn Engine, kind: Kind) -> Arc<Learned> {
        let learned = Arc::new(self.inner.learner.learn(engine, kind).await);
        self.inner.presets.set(Arc::clone(&learned));
        learned
    }

    /// What a project of this kind, with this mode and these lists, may reach.
    pub fn effective(&self, kind: Kind, mode: NetworkMode, lists: &Lists) -> Effective {
        let preset = self.inner.presets.of(kind);
        let hosts = preset.as_ref().map(|learned| learned.hosts.as_slice()).unwrap_or_default();
        let unknown = || vec!["the registries of this kind are not learned yet".to_owned()];
        Effective {
            rules: self.inner.rules.effective((mode, lists), hosts),
            ports: self.inner.rules.ports().to_vec(),
            upload_bytes: self.inner.upload_bytes,
            failures: preset.as_ref().map_or_else(unknown, |learned| learned.failures.clone()),
        }
    }

    /// What is learned of each kind, and what failed.
    pub fn learned(&self) -> Vec<Arc<Learned>> {
        self.inner.presets.all()
    }

    /// Forgets what was told of a runtime and ends what it has open; for when it
    /// ends, or may reach something else from now on.
    pub fn forget(&self, project: &ProjectId) {
        let mut runtimes = self.inner.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtimes.remove(project) {
            runtime.end();
        }
    }

    /// The same if the runtime's mode is another than its streams began with: it
    /// may have been changed by way of another server.
    pub fn hold(&self, project: &ProjectId, mode: NetworkMode) {
        let runtimes = self.inner.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = runtimes.get(project).is_some_and(|runtime| runtime.mode() != mode);
        drop(runtimes);
        if changed {
            self.forget(project);
        }
    }

    fn runtime(&self, from: &Origin) -> Arc<RuntimeUse> {
        self.hold(&from.project, from.mode);
        let mut runtimes = self.inner.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = || Arc::new(RuntimeUse::new(from.mode));
        Arc::clone(runtimes.entry(from.project.clone()).or_insert_with(begin))
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("rules", &self.inner.rules).finish_non_exhaustive()
    }
}

/// How much of what a stream has brought is told.
struct Progress<'a> {
    told: u64,
    activity: &'a Activity,
}

impl Inner {
    /// The most bytes that may leave by a tunnel.
    fn most(&self, leave: Leave) -> Option<u64> {
        (leave == Leave::Downloads).then_some(self.upload_bytes)
    }

    /// Tells of bytes that arrive for as long as it is polled.
    async fn tell_progress(
        &self,
        from: &Origin,
        runtime: &RuntimeUse,
        progress: &mut Progress<'_>,
    ) {
        loop {
            tokio::time::sleep(PROGRESS_PAUSE).await;
            self.tell_received(from, runtime, progress, false);
        }
    }

    fn tell_received(
        &self,
        from: &Origin,
        runtime: &RuntimeUse,
        progress: &mut Progress<'_>,
        at_end: bool,
    ) {
        let Some(target) = progress.activity.target() else { return };
        let sent = progress.activity.sent();
        let new = sent.saturating_sub(progress.told);
        if new == 0 {
            return;
        }
        progress.told = sent;
        let host = target.host.bare();
        if let Some(received_bytes) = runtime.received(&host, new, at_end) {
            self.publish(from, What::Transfer { host, received_bytes });
        }
    }

    fn tell_allowed(&self, from: &Origin, runtime: &RuntimeUse, target: &Target) {
        self.count("allowed", "none");
        let (host, port) = (target.host.bare(), target.port);
        tracing::debug!(project = %from.project, host, port, "egress allowed");
        if runtime.first_use(&target.to_string()) {
            let reason = "first use of this host".to_owned();
            self.publish(from, What::Egress { host, port, allowed: true, reason });
        }
    }

    fn tell_refused(&self, from: &Origin, runtime: &RuntimeUse, refusal: &Refusal) {
        let (host, port, rule) = (refusal.host.clone(), refusal.port, refusal.rule.as_str());
        self.count("refused", rule);
        if !runtime.may_tell_refusal(Instant::now()) {
            tracing::debug!(project = %from.project, host, port, rule, "egress refused");
            return;
        }
        tracing::info!(project = %from.project, host, port, rule, "egress refused");
        let reason = format!("{rule}: {}", refusal.reason());
        self.publish(from, What::Egress { host, port, allowed: false, reason });
    }

    fn publish(&self, from: &Origin, what: What) {
        let about = About { owner: from.owner.clone(), project: from.name.clone() };
        self.events.publish(about, what);
    }

    fn count(&self, verdict: &'static str, rule: &'static str) {
        metrics::counter!("lockhouse_egress_requests_total", "verdict" => verdict, "rule" => rule)
            .increment(1);
    }
}
