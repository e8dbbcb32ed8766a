//! Turns a component's bytes into code that is ready to be instantiated, once
//! for each digest.

mod cache;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinError;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::bindings::{described, fixer, planner, policy, report, writer};
use super::breaker;
use super::config::Config;
use super::fault::{Digest, Error};
use super::imports::{link_agents, link_policies};
use super::inspect::{self, Bindings, Interface, Role};
use super::instance::State;
use super::manifest::Manifest;
use super::quarantine::Shared;
use super::quick::Pace;
use super::wasm::{Engines, Tuning};
use cache::CodeCache;

/// One compilation at a time, in the order they were asked for, so that uploads
/// can't take every core; what has been compiled is shared by all who load the
/// same bytes.
pub(super) struct Compiler {
    max_component_bytes: usize,
    engines: Engines,
    policies: Linker<State>,
    agents: Linker<State>,
    reports: Linker<State>,
    cache: Option<CodeCache>,
    quarantine: breaker::Config,
    turns: usize,
    limit: Duration,
    turn: Arc<Semaphore>,
    known: Mutex<Known>,
}

/// Code that is there already.
#[derive(Default)]
struct Known {
    used: HashMap<Digest, Weak<Code>>,
    /// Whoever asked for it may have given up, and will ask again.
    latest: Option<Arc<Code>>,
}

/// A component's code with its imports resolved.
pub(super) struct Code {
    pub(super) digest: Digest,
    pub(super) roles: Vec<Role>,
    pub(super) ready: Ready,
    /// What it took to compile, or to read from the cache.
    pub(super) took: Duration,
    pub(super) breaker: Shared,
    pub(super) pace: Pace,
    /// How many of its calls as a policy may be on threads at once.
    pub(super) turns: Arc<Semaphore>,
}

/// How the code kept on disk served since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeCacheUse {
    pub hits: usize,
    pub misses: usize,
}

pub(super) enum Ready {
    Policy(policy::PolicyPre<State>),
    Agent(Box<Agent>),
    Report(report::AdminReportPre<State>),
}

/// An agent, and where it answers in each role that it plays. A call makes one
/// instance and uses one of them.
pub(super) struct Agent {
    pub(super) instance: InstancePre<State>,
    pub(super) described: described::DescribedIndices,
    pub(super) planner: Option<planner::PlannerPluginIndices>,
    pub(super) writer: Option<writer::WriterPluginIndices>,
    pub(super) fixer: Option<fixer::FixerPluginIndices>,
}

impl Compiler {
    /// Compiled code is kept in `folder`, or not at all.
    pub(super) fn new(config: &Config, folder: Option<&Path>) -> Result<Self, Error> {
        let cache = folder.map(CodeCache::open).transpose();
        let cache = cache.map_err(|error| Error::Machine(format!("{error:#}")))?;
        let engines = Engines::start(config, cache.as_ref().map(CodeCache::wasmtime))?;
        let machine = |error: wasmtime::Error| Error::Machine(format!("{error:#}"));
        Ok(Self {
            max_component_bytes: config.max_component_bytes,
            policies: policies(&engines.decisions).map_err(machine)?,
            agents: agents(&engines.agents).map_err(machine)?,
            reports: reports(&engines.decisions).map_err(machine)?,
            engines,
            cache,
            quarantine: config.quarantine,
            turns: (config.decisions.threads as usize / 2).max(1),
            limit: Duration::from_secs(config.compile_seconds),
            turn: Arc::new(Semaphore::new(1)),
            known: Mutex::default(),
        })
    }

    pub(super) fn tuning(&self) -> Tuning {
        self.engines.tuning
    }

    pub(super) fn cache_use(&self) -> Option<CodeCacheUse> {
        let cache = self.cache.as_ref()?.wasmtime();
        Some(CodeCacheUse { hits: cache.cache_hits(), misses: cache.cache_misses() })
    }

    /// Waits for its turn, and while the code is made or read. A thread that
    /// compiles can't be stopped: one that is given up ends by itself, and what
    /// it made is there for who asks again.
    /// With it comes what its author says of it.
    pub(super) async fn compile(
        self: &Arc<Self>,
        name: &str,
        bytes: &[u8],
    ) -> Result<(Arc<Code>, Option<Manifest>), Error> {
        let (size, limit) = (bytes.len(), self.max_component_bytes);
        if size > limit {
            return Err(Error::TooLarge { name: name.to_owned(), size, limit });
        }
        match tokio::time::timeout(self.limit, self.in_turn(name, bytes.to_owned())).await {
            Ok(code) => code,
            Err(_) => Err(Error::CompileTimeout { name: name.to_owned(), limit: self.limit }),
        }
    }

    async fn in_turn(
        self: &Arc<Self>,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<(Arc<Code>, Option<Manifest>), Error> {
        let called = name.to_owned();
        // A component may be large, so even reading its names is not for here.
        let read = move || {
            let played = inspect::played(&called, &bytes)?;
            let manifest = inspect::manifest(&called, &bytes)?;
            Ok::<_, Error>((played, manifest, Digest::of(&bytes), bytes))
        };
        let (played, manifest, digest, bytes) = blocking(name, read).await??;
        Ok((self.code(name, played, digest, bytes).await?, manifest))
    }

    async fn code(
        self: &Arc<Self>,
        name: &str,
        played: Vec<Interface>,
        digest: Digest,
        bytes: Vec<u8>,
    ) -> Result<Arc<Code>, Error> {
        if let Some(code) = self.known(digest) {
            return Ok(code);
        }
        let ended = |_| Error::Machine("the server ends".to_owned());
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(ended)?;
        // Somebody before us may have loaded the same.
        if let Some(code) = self.known(digest) {
            return Ok(code);
        }
        let (this, called) = (Arc::clone(self), name.to_owned());
        let make = move || {
            let made = this.make(&called, &played, digest, &bytes);
            drop(turn);
            made
        };
        blocking(name, make).await?
    }

    fn known(&self, digest: Digest) -> Option<Arc<Code>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.used.get(&digest).and_then(Weak::upgrade)
    }

    fn make(
        &self,
        name: &str,
        played: &[Interface],
        digest: Digest,
        bytes: &[u8],
    ) -> Result<Arc<Code>, Error> {
        let started = Instant::now();
        let ready = self
            .ready(played, bytes)
            .map_err(|error| Error::Compile { name: name.to_owned(), why: format!("{error:#}") })?;
        let turns = Arc::new(Semaphore::new(self.turns));
        let roles = played.iter().map(|interface| interface.role).collect();
        let (took, breaker) = (started.elapsed(), Shared::new(self.quarantine));
        let pace = ready.pace();
        let code = Arc::new(Code { digest, roles, ready, took, breaker, pace, turns });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.latest = Some(Arc::clone(&code));
        known.used.retain(|_, code| code.strong_count() > 0);
        known.used.insert(digest, Arc::downgrade(&code));
        Ok(code)
    }

    /// Policies and reports stand alone, so one interface tells which engine it
    /// is for.
    fn ready(&self, played: &[Interface], bytes: &[u8]) -> wasmtime::Result<Ready> {
        let plays = |role| played.iter().any(|interface| interface.role == role);
        if plays(Role::CommandPolicy) {
            let component = self.component(&self.engines.decisions, bytes)?;
            let ready = self.policies.instantiate_pre(&component)?;
            return policy::PolicyPre::new(ready).map(Ready::Policy);
        }
        if plays(Role::AdminReport) {
            let component = self.component(&self.engines.decisions, bytes)?;
            let ready = self.reports.instantiate_pre(&component)?;
            return report::AdminReportPre::new(ready).map(Ready::Report);
        }
        let component = self.component(&self.engines.agents, bytes)?;
        let mut agent = Agent::new(self.agents.instantiate_pre(&component)?)?;
        for interface in played {
            agent.add(interface.bindings)?;
        }
        Ok(Ready::Agent(Box::new(agent)))
    }

    fn component(&self, engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
        let Some(cache) = &self.cache else { return Component::from_binary(engine, bytes) };
        cache.remove_unsealed();
        let component = Component::from_binary(engine, bytes);
        cache.seal();
        component
    }
}

impl Ready {
    fn pace(&self) -> Pace {
        let component = match self {
            Self::Policy(ready) => ready.instance_pre().component(),
            Self::Agent(agent) => agent.instance.component(),
            Self::Report(ready) => ready.instance_pre().component(),
        };
        let sort = component.component_type();
        Pace::of(sort.imports(component.engine()).map(|(name, _)| name))
    }
}

impl Agent {
    fn new(instance: InstancePre<State>) -> wasmtime::Result<Self> {
        let described = described::DescribedIndices::new(&instance)?;
        Ok(Self { instance, described, planner: None, writer: None, fixer: None })
    }

    fn add(&mut self, bindings: Bindings) -> wasmtime::Result<()> {
        let instance = &self.instance;
        match bindings {
            Bindings::CommandPolicy0_1 | Bindings::AdminReport0_1 => {}
            Bindings::Planner0_1 => {
                self.planner = Some(planner::PlannerPluginIndices::new(instance)?);
            }
            Bindings::Writer0_1 => {
                self.writer = Some(writer::WriterPluginIndices::new(instance)?);
            }
            Bindings::Fixer0_1 => self.fixer = Some(fixer::FixerPluginIndices::new(instance)?),
        }
        Ok(())
    }
}

/// For what would stall whoever shares its thread.
pub(super) async fn blocking<R: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Error> {
    let ended = |error: JoinError| Error::Compile { name: name.to_owned(), why: error.to_string() };
    tokio::task::spawn_blocking(work).await.map_err(ended)
}

fn policies(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    policy::Policy::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
    link_policies(&mut linker)?;
    Ok(linker)
}

/// Every role of an agent may import the same, so one of them links for all.
fn agents(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    planner::PlannerPlugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
    link_agents(&mut linker)?;
    Ok(linker)
}

fn reports(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    report::AdminReport::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
    link_policies(&mut linker)?;
    Ok(linker)
}
