//! Door: WebAssembly components that judge commands, plan and write projects, or
//! report to operators.
//!
//! A component is compiled once and instantiated afresh for each call: whatever
//! one call does to a plugin's memory, the next one never sees. Three deadlines
//! hold each call. The epoch of the wasm engines moves every 10 ms, by a thread
//! of its own; at each move a guest that has spent its processor time is
//! interrupted; and a timer outside gives up calls that are blocked in the host.

mod agent;
pub mod beside;
mod bindings;
mod breaker;
pub mod cases;
mod compile;
mod config;
mod convert;
mod fault;
pub mod grant;
mod imports;
mod inspect;
mod instance;
mod library;
mod loaded;
pub mod manifest;
pub mod oci;
mod policy;
mod quarantine;
mod quick;
mod reach;
mod report;
pub mod request;
mod section;
pub mod signature;
mod tape;
mod threads;
mod wasm;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

pub use agent::AgentPlugin;
pub use breaker::{Config as QuarantineConfig, Count, Quarantine};
pub use compile::CodeCacheUse;
pub use config::{Agents, Config, Decisions, OwnLimits, Reports};
pub use fault::{Digest, Error, Fault, FaultKind, Identity, InvalidDigest};
pub use grant::{Grant, Granted, UnknownGrant};
pub use imports::{KvFull, KvStore};
pub use inspect::Role;
pub use library::{
    BindingChange, BuiltIn, Error as LibraryError, Installed, Library, NewBinding, NewVersion,
    Parts as LibraryParts, PluginBinding, Release, Source, State, Status, Version, Watcher,
};
use manifest::Manifest;
pub use policy::PolicyPlugin;
pub use quarantine::QuarantineChange;
pub use reach::{Rooms, Secrets};
pub use report::ReportPlugin;
pub use tape::{HostCall, Played, Stated, Tape};
pub use wasm::Tuning;

use compile::{Code, Compiler, Ready};
use config::Limits;
use loaded::{Loaded, Meters};
use quarantine::Quarantines;
use threads::{AgentThreads, DecisionThreads};

/// Processor time for what is asked once, when a plugin is loaded.
const LOAD_BUDGET: Duration = Duration::from_secs(1);
/// And its time on the wall.
const LOAD_WALL: Duration = Duration::from_secs(10);
/// What a plugin may call itself.
const MAX_ID_BYTES: usize = 64;
const MAX_SUMMARY_BYTES: usize = 400;

/// Loads plugins and runs their calls. Cloning is cheap.
#[derive(Clone)]
pub struct Plugins {
    host: Arc<Host>,
}

/// A plugin by what it is for.
#[derive(Clone)]
pub enum Plugin {
    Policy(PolicyPlugin),
    Agent(AgentPlugin),
    Report(ReportPlugin),
}

/// What a plugin is loaded with. A text alone is its settings, for a plugin
/// that is granted nothing.
#[derive(Debug, Clone)]
pub struct LoadOptions<'a> {
    /// One JSON object.
    pub settings: &'a str,
    pub granted: Granted,
}

impl<'a> From<&'a str> for LoadOptions<'a> {
    fn from(settings: &'a str) -> Self {
        Self { settings, granted: Granted::default() }
    }
}

impl<'a> From<&'a String> for LoadOptions<'a> {
    fn from(settings: &'a String) -> Self {
        settings.as_str().into()
    }
}

impl LoadOptions<'_> {
    /// Of what was given, only what the manifest asks for counts.
    fn asked_by(mut self, manifest: Option<&Manifest>) -> Result<Self, UnknownGrant> {
        if let Some(manifest) = manifest {
            let asked = manifest.grants.iter().map(|grant| grant.parse());
            self.granted = self.granted.asked_by(asked.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(self)
    }
}

/// What every call needs.
struct Host {
    config: Config,
    rooms: Arc<Rooms>,
    secrets: Arc<Secrets>,
    compiler: Arc<Compiler>,
    quarantines: Quarantines,
    decisions: DecisionThreads,
    agents: AgentThreads,
    reports: DecisionThreads,
}

/// What a plugin says of itself, whichever world says it.
struct Description {
    id: String,
    version: String,
    summary: String,
}

impl Plugins {
    /// Starts the wasm engines and their threads. Compiled code is kept in
    /// `folder/cache`, unless the operator names another folder; the server gives
    /// `<data>/plugins`. Plugins reach `rooms` as far as they are granted.
    pub fn start(config: Config, folder: Option<&Path>, rooms: Rooms) -> Result<Self, Error> {
        let clock = rooms.clock.clone();
        let folder = config.code_directory.as_deref().or(folder);
        let host = Host {
            compiler: Arc::new(Compiler::new(&config, folder)?),
            quarantines: Quarantines::new(config.quarantine, clock),
            decisions: DecisionThreads::start(config.decisions.threads)?,
            agents: AgentThreads::start(config.agents.threads, config.agents.calls)?,
            reports: DecisionThreads::start(config.reports.threads)?,
            rooms: Arc::new(rooms),
            secrets: Arc::new(config.secrets.clone()),
            config,
        };
        Ok(Self { host: Arc::new(host) })
    }

    /// A larger component is refused.
    pub fn max_component_bytes(&self) -> usize {
        self.host.config.max_component_bytes
    }

    /// What was chosen for this machine.
    pub fn tuning(&self) -> Tuning {
        self.host.compiler.tuning()
    }

    /// How often compiled code was found on disk, and how often it was not;
    /// `None` where none is kept.
    pub fn code_cache(&self) -> Option<CodeCacheUse> {
        self.host.compiler.cache_use()
    }

    /// Tells of each quarantine that begins, is prolonged or ends. Who falls
    /// behind reads [`Plugin::quarantine`].
    pub fn quarantine_changes(&self) -> broadcast::Receiver<QuarantineChange> {
        self.host.quarantines.subscribe()
    }

    /// Compiles a component, asks it who it is and whether it accepts its
    /// settings. `name` is what errors call it until it has named itself, such
    /// as its file's name.
    pub async fn load<'a>(
        &self,
        name: &str,
        bytes: &[u8],
        options: impl Into<LoadOptions<'a>>,
    ) -> Result<Plugin, Error> {
        let (code, manifest) = self.host.compiler.compile(name, bytes).await?;
        let options = options.into().asked_by(manifest.as_ref())?;
        let identity = Identity { id: name.to_owned(), version: None, digest: code.digest };
        // Before it is asked, its manifest says whose limits it has.
        let own = manifest.as_ref().map_or(name, |manifest| &manifest.id);
        let own = self.host.config.limits.get(own).copied().unwrap_or_default();
        let unnamed = Loaded::new(code, identity, String::new(), &options);
        let unnamed = Arc::new(Loaded { own, ..unnamed });
        check_settings(&unnamed)?;
        let said = self.host.describe(&unnamed).await?;
        check_description(name, &said)?;
        if let Some(manifest) = &manifest {
            manifest.check_description(&said.id, &said.version)?;
        }
        let identity =
            Identity { id: said.id, version: Some(said.version), digest: unnamed.code.digest };
        let code = Arc::clone(&unnamed.code);
        let own = self.host.config.limits.get(&identity.id).copied().unwrap_or_default();
        let loaded = Loaded::new(code, identity, said.summary, &options);
        let loaded = Arc::new(Loaded { own, manifest, ..loaded });
        self.host.validate_settings(&loaded).await?;
        tracing::info!(plugin = %loaded.identity, took_ms = loaded.code.took.as_millis(), "plugin loaded");
        let host = Arc::clone(&self.host);
        Ok(match &loaded.code.ready {
            Ready::Policy(_) => Plugin::Policy(PolicyPlugin { loaded, host }),
            Ready::Agent(_) => Plugin::Agent(AgentPlugin { loaded, host }),
            Ready::Report(_) => Plugin::Report(ReportPlugin::ask(loaded, host).await?),
        })
    }
}

impl Plugin {
    /// What the plugin calls itself, with its version: `layered@0.1.0`.
    pub fn name(&self) -> &str {
        &self.loaded().name
    }

    pub fn identity(&self) -> &Identity {
        &self.loaded().identity
    }

    /// What it says of itself, in one sentence.
    pub fn summary(&self) -> &str {
        &self.loaded().summary
    }

    /// What its author says of it, where the component carries that.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.loaded().manifest.as_ref()
    }

    /// What it took to compile it, or to read its code from the cache.
    pub fn compile_time(&self) -> Duration {
        self.loaded().code.took
    }

    /// Whether its calls are answered without asking it, because it failed too often.
    pub fn quarantine(&self) -> Option<Quarantine> {
        self.loaded().quarantine()
    }

    /// Lets its calls through again, and forgets its faults.
    pub fn end_quarantine(&self) {
        match self {
            Self::Policy(policy) => policy.host.quarantines.reset(&policy.loaded),
            Self::Agent(agent) => agent.host.quarantines.reset(&agent.loaded),
            Self::Report(report) => report.host.quarantines.reset(&report.loaded),
        }
    }

    /// What it can be asked for, by the names of its exports.
    pub fn roles(&self) -> &[Role] {
        &self.loaded().code.roles
    }

    pub fn into_policy(self) -> Result<PolicyPlugin, Error> {
        match self {
            Self::Policy(policy) => Ok(policy),
            Self::Agent(_) | Self::Report(_) => Err(self.wrong_role("command-policy")),
        }
    }

    /// A plugin that plays at least one role of an agent.
    pub fn into_agent(self) -> Result<AgentPlugin, Error> {
        match self {
            Self::Agent(agent) => Ok(agent),
            Self::Policy(_) | Self::Report(_) => Err(self.wrong_role("planner, writer or fixer")),
        }
    }

    pub fn into_report(self) -> Result<ReportPlugin, Error> {
        match self {
            Self::Report(report) => Ok(report),
            Self::Policy(_) | Self::Agent(_) => Err(self.wrong_role("admin-report")),
        }
    }

    fn wrong_role(&self, wanted: &str) -> Error {
        let why = format!("plays {}, not {wanted}", inspect::listed(self.roles()));
        Error::Role { name: self.name().to_owned(), why }
    }

    fn loaded(&self) -> &Loaded {
        match self {
            Self::Policy(policy) => &policy.loaded,
            Self::Agent(agent) => &agent.loaded,
            Self::Report(report) => &report.loaded,
        }
    }
}

impl Loaded {
    fn new(
        code: Arc<Code>,
        identity: Identity,
        summary: String,
        options: &LoadOptions<'_>,
    ) -> Self {
        let name = match &identity.version {
            Some(version) => format!("{}@{version}", identity.id),
            None => identity.id.clone(),
        };
        let (settings, granted) = (Arc::from(options.settings), options.granted.clone());
        let meters = Meters::of(&name);
        let (identity, own) = (Arc::new(identity), OwnLimits::default());
        Self { code, identity, name, summary, settings, granted, meters, own, manifest: None }
    }
}

impl Host {
    /// A component that was just compiled may be slow the first time.
    fn load_limits(&self, loaded: &Loaded) -> Limits {
        let limits = match &loaded.code.ready {
            Ready::Policy(_) => self.config.decisions.limits(),
            Ready::Agent(_) => self.config.agents.limits(),
            Ready::Report(_) => self.config.reports.limits(),
        };
        Limits { budget: LOAD_BUDGET, wall: LOAD_WALL, ..limits.of_its_own(loaded.own) }
    }

    async fn describe(&self, loaded: &Arc<Loaded>) -> Result<Description, Fault> {
        let limits = self.load_limits(loaded);
        match &loaded.code.ready {
            Ready::Policy(_) => {
                let said = self.describe_policy(loaded, limits).await?;
                Ok(Description { id: said.id, version: said.version, summary: said.summary })
            }
            Ready::Agent(_) => {
                let said = self.describe_agent(loaded, limits).await?;
                Ok(Description { id: said.id, version: said.version, summary: said.summary })
            }
            Ready::Report(_) => {
                let said = self.describe_report(loaded, limits).await?;
                Ok(Description { id: said.id, version: said.version, summary: said.summary })
            }
        }
    }

    async fn validate_settings(&self, loaded: &Arc<Loaded>) -> Result<(), Error> {
        let limits = self.load_limits(loaded);
        let problems = match &loaded.code.ready {
            Ready::Policy(_) => self.policy_problems(loaded, limits).await?,
            Ready::Agent(_) => self.agent_problems(loaded, limits).await?,
            Ready::Report(_) => self.report_problems(loaded, limits).await?,
        };
        if problems.is_empty() {
            return Ok(());
        }
        let plugin = Arc::clone(&loaded.identity);
        Err(Error::Settings { plugin, problems: problems.join("; ") })
    }
}

fn check_settings(loaded: &Loaded) -> Result<(), Error> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&loaded.settings) {
        Ok(_) => Ok(()),
        Err(error) => {
            let problems = format!("they must be one JSON object: {error}");
            Err(Error::Settings { plugin: Arc::clone(&loaded.identity), problems })
        }
    }
}

/// Ids and versions stand in logs, metrics and texts for people.
fn check_description(name: &str, said: &Description) -> Result<(), Error> {
    let plain = |text: &str, also: &[u8]| {
        (1..=MAX_ID_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
    };
    let why = if !plain(&said.id, b"-_") {
        "calls itself something else than 1 to 64 letters, digits, “-” or “_”"
    } else if !plain(&said.version, b"-.+") {
        "has a version that is no semantic version"
    } else if said.summary.len() > MAX_SUMMARY_BYTES {
        "has a summary of more than 400 bytes"
    } else {
        return Ok(());
    };
    Err(Error::Role { name: name.to_owned(), why: why.to_owned() })
}
