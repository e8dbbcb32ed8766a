//! The library of plugins: what is installed judges, whatever happens to it.

mod bindings;
mod cases;
mod lifecycle;
mod record;
mod reports;
mod swap;
mod together;
mod trust;
mod upload;
mod watched;

use std::collections::BTreeSet;
use std::sync::Arc;

use lockhouse::agents::Roster;
use lockhouse::auth::Caller;
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::gate::Permit;
use lockhouse::plugins::{
    BindingChange, BuiltIn, Library, LibraryError, LibraryParts, NewVersion, Source, Status,
    Watcher, oci, signature,
};
use lockhouse::policy::{Decision, Policies, Recorder};
use lockhouse::reports::Catalogue;
use lockhouse::tasks::Tasks;
use tempfile::TempDir;

use crate::databases::Database;
use crate::plugins::fixture::{self, ALLOW};
use crate::plugins::harness::{host, request};
use crate::stores;

/// A library on a database, and what its policies say.
pub(crate) struct Shelf<'a> {
    pub(crate) library: Library,
    pub(crate) policies: Policies,
    pub(crate) reports: Catalogue,
    pub(crate) recorder: Recorder,
    pub(crate) events: Events,
    database: &'a Database,
    folder: Arc<TempDir>,
    built_in: Vec<BuiltIn>,
    signatures: signature::Config,
    caller: Caller,
}

/// A policy called `fixture` that allows everything.
pub(crate) fn allows() -> Vec<u8> {
    fixture::policy("", &format!("(i32.const {ALLOW})"))
}

/// One that denies everything; its version is 2.0.0.
pub(crate) fn denies() -> Vec<u8> {
    let decision = ALLOW + 4;
    let deny = format!("(i32.store8 (i32.const {decision}) (i32.const 1)) (i32.const {ALLOW})");
    named(&fixture::policy("", &deny), b"1.0.0", b"2.0.0")
}

/// The same policy under another name, as long as the first.
pub(crate) fn called(bytes: &[u8], name: &[u8; 7]) -> Vec<u8> {
    named(bytes, b"fixture", name)
}

fn named(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

pub(crate) fn version(bytes: Vec<u8>) -> NewVersion {
    NewVersion {
        bytes,
        source: Source::File("fixture.wasm".to_owned()),
        digest: None,
        signature: None,
        binding: BindingChange::default(),
        grants: None,
    }
}

impl<'a> Shelf<'a> {
    /// With nothing built in.
    pub(crate) async fn empty(database: &'a Database) -> Self {
        Self::with(database, Vec::new()).await
    }

    /// With a policy built in that allows everything.
    pub(crate) async fn with_default(database: &'a Database) -> Self {
        let bytes = called(&allows(), b"default").leak();
        let built_in = BuiltIn { name: "default", bytes, settings: "{}".to_owned(), bound: true };
        Self::with(database, vec![built_in]).await
    }

    /// With these keys for what comes from elsewhere, and nothing built in.
    pub(crate) async fn trusting(database: &'a Database, signatures: signature::Config) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let caller = stores::caller(database, "admin").await;
        Self::open(database, folder, Vec::new(), signatures, caller).await
    }

    async fn with(database: &'a Database, built_in: Vec<BuiltIn>) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let caller = stores::caller(database, "admin").await;
        Self::open(database, folder, built_in, signature::Config::default(), caller).await
    }

    async fn open(
        database: &'a Database,
        folder: Arc<TempDir>,
        built_in: Vec<BuiltIn>,
        signatures: signature::Config,
        caller: Caller,
    ) -> Self {
        let clock = Clock::system();
        let recorder = Recorder::start(database.db.clone(), clock.clone(), &Tasks::new(), 1_000);
        let policies = Policies::new([]).recorded(recorder.clone());
        let (events, reports) = (Events::new(clock.clone()), Catalogue::default());
        let parts = LibraryParts {
            plugins: host(),
            db: database.db.clone(),
            clock,
            events: events.clone(),
            folder: folder.path().join("components"),
            policies: policies.clone(),
            agents: Roster::default(),
            reports: reports.clone(),
            built_in: built_in.clone(),
            signatures: signatures.clone(),
            registries: oci::Registries::new(
                oci::Config::default(),
                lockhouse::runtimes::egress::upstream::Config::default(),
                1024 * 1024,
            ),
        };
        let library = Library::open(parts).await.unwrap();
        Self {
            library,
            policies,
            reports,
            recorder,
            events,
            database,
            folder,
            built_in,
            signatures,
            caller,
        }
    }

    /// The server ends and another starts on the same data.
    pub(crate) async fn restarted(self) -> Self {
        let Self { database, folder, built_in, signatures, caller, .. } = self;
        Self::open(database, folder, built_in, signatures, caller).await
    }

    /// Another server on the same database, with a disk of its own; it follows
    /// what this one changes as long as `tasks` live.
    pub(crate) async fn another(&self, tasks: &Tasks) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let (built_in, signatures) = (self.built_in.clone(), self.signatures.clone());
        let other =
            Self::open(self.database, folder, built_in, signatures, self.caller.clone()).await;
        tasks.run("plugins of other servers", other.library.clone().follow());
        other
    }

    pub(crate) async fn permit(&self) -> Permit {
        stores::permit(&stores::gate(self.database), &self.caller).await
    }

    pub(crate) async fn install(&self, bytes: Vec<u8>) -> Result<Status, LibraryError> {
        self.library.install(&self.permit().await, "fixture", version(bytes)).await
    }

    /// Reports that can be asked for.
    pub(crate) fn reports(&self) -> Vec<String> {
        self.reports.all().iter().map(|report| report.name().to_owned()).collect()
    }

    pub(crate) async fn decides(&self) -> Decision {
        self.policies.decide(&request("ls")).await
    }

    /// Files of components on the disk.
    pub(crate) fn kept_files(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.folder.path().join("components")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// A directory that is watched for components.
    pub(crate) fn watched(&self, tasks: &Tasks) -> std::path::PathBuf {
        let dir = self.folder.path().join("local");
        std::fs::create_dir_all(&dir).unwrap();
        let gate = stores::gate(self.database);
        let user = self.caller.user.id.clone();
        let watcher = Watcher::new(self.library.clone(), gate, user, dir.clone());
        tasks.run("plugins", watcher.watch());
        dir
    }

    pub(crate) fn lose_files(&self) {
        std::fs::remove_dir_all(self.folder.path().join("components")).unwrap();
    }

    /// As a server left it that kept components on its disk alone.
    pub(crate) async fn lose_rows(&self) {
        let lost = sqlx::query("DELETE FROM plugin_components");
        lost.execute(self.database.db.pool()).await.unwrap();
    }
}
