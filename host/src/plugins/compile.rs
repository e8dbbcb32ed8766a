//! Turns a component's bytes into code that is ready to be instantiated, once
//! for each digest.

mod cache;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use super::bindings::{described, fixer, planner, policy, writer};
use super::config::Config;
use super::fault::{Digest, Error};
use super::imports::{link_agents, link_policies};
use super::inspect::{self, Bindings, Interface, Role};
use super::instance::State;
use super::wasm::{Engines, Tuning};
use cache::CodeCache;

/// One compilation at a time, so that uploads can't take every core; what has
/// been compiled is shared by all who load the same bytes.
pub(super) struct Compiler {
    max_component_bytes: usize,
    engines: Engines,
    policies: Linker<State>,
    agents: Linker<State>,
    cache: Option<CodeCache>,
    known: Mutex<HashMap<Digest, Weak<Code>>>,
}

/// A component's code with its imports resolved.
pub(super) struct Code {
    pub(super) digest: Digest,
    pub(super) roles: Vec<Role>,
    pub(super) ready: Ready,
    /// What it took to compile, or to read from the cache.
    pub(super) took: Duration,
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
            engines,
            cache,
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

    /// Blocks while the code is made or read.
    pub(super) fn compile(&self, name: &str, bytes: &[u8]) -> Result<Arc<Code>, Error> {
        let (size, limit) = (bytes.len(), self.max_component_bytes);
        if size > limit {
            return Err(Error::TooLarge { name: name.to_owned(), size, limit });
        }
        let played = inspect::played(name, bytes)?;
        let digest = Digest::of(bytes);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = known.get(&digest).and_then(Weak::upgrade) {
            return Ok(code);
        }
        let started = Instant::now();
        let ready = self
            .ready(&played, bytes)
            .map_err(|error| Error::Compile { name: name.to_owned(), why: format!("{error:#}") })?;
        let roles = played.iter().map(|interface| interface.role).collect();
        let code = Arc::new(Code { digest, roles, ready, took: started.elapsed() });
        known.retain(|_, code| code.strong_count() > 0);
        known.insert(digest, Arc::downgrade(&code));
        Ok(code)
    }

    /// A policy stands alone, so one interface tells which engine it is for.
    fn ready(&self, played: &[Interface], bytes: &[u8]) -> wasmtime::Result<Ready> {
        if played.iter().any(|interface| interface.role.is_policy()) {
            let component = self.component(&self.engines.decisions, bytes)?;
            let ready = self.policies.instantiate_pre(&component)?;
            return policy::PolicyPre::new(ready).map(Ready::Policy);
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

impl Agent {
    fn new(instance: InstancePre<State>) -> wasmtime::Result<Self> {
        let described = described::DescribedIndices::new(&instance)?;
        Ok(Self { instance, described, planner: None, writer: None, fixer: None })
    }

    fn add(&mut self, bindings: Bindings) -> wasmtime::Result<()> {
        let instance = &self.instance;
        match bindings {
            Bindings::CommandPolicy0_1 => {}
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
