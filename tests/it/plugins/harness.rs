//! A plugin host for tests, in the product's words.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockhouse::agents::{Brief, MAX_MODEL_TOKENS, Tally};
use lockhouse::ids::{Kind, ProjectId, RequestId};
use lockhouse::plugins::{AgentPlugin, Config, Error, Plugins, PolicyPlugin, Rooms};
use lockhouse::policy::{Binding, Channel, Decision, NetworkMode, Policies, Request, Role};

/// A host with the default limits.
pub(crate) fn host() -> Plugins {
    host_with(Config::default())
}

pub(crate) fn host_with(config: Config) -> Plugins {
    Plugins::start(config, Some(&folder()), Rooms::default()).unwrap()
}

/// Compiled once for all tests: it takes longer than any of them.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins")
}

pub(crate) async fn load_policy(host: &Plugins, bytes: &[u8]) -> PolicyPlugin {
    host.load("fixture.wasm", bytes, "{}").await.unwrap().into_policy().unwrap()
}

pub(crate) async fn load_agent(host: &Plugins, bytes: &[u8]) -> AgentPlugin {
    host.load("fixture.wasm", bytes, "{}").await.unwrap().into_agent().unwrap()
}

/// Why a component is not loaded.
pub(crate) async fn refusal(bytes: &[u8], settings: &str) -> Error {
    host().load("fixture.wasm", bytes, settings).await.err().unwrap()
}

pub(crate) async fn decide(policy: &PolicyPlugin, command: &str) -> Decision {
    let binding = Binding::enforced(Arc::new(policy.clone()));
    Policies::new([binding]).decide(&request(command)).await
}

pub(crate) fn request(command: &str) -> Request {
    Request {
        command: command.to_owned(),
        argv: None,
        cwd: String::new(),
        env_names: Vec::new(),
        channel: Channel::Exec,
        caller: "ada".parse().unwrap(),
        caller_role: Role::Learner,
        project: ProjectId::generate(),
        project_name: "todo".parse().unwrap(),
        kind: Kind::Python,
        network: NetworkMode::Registries,
        request_id: RequestId::generate(),
    }
}

pub(crate) fn brief(prompt: &str) -> Brief {
    Brief {
        prompt: prompt.to_owned(),
        project: ProjectId::generate(),
        project_name: "todo".parse().unwrap(),
        kind: Kind::Python,
        kind_fixed: false,
        caller: "ada".parse().unwrap(),
        caller_role: Role::Learner,
        request_id: RequestId::generate(),
        tally: Tally::new(MAX_MODEL_TOKENS),
    }
}

/// A component that the build of guests left.
pub(crate) fn built(name: &str) -> Option<Vec<u8>> {
    let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/components");
    let mut bytes = Vec::new();
    File::open(components.join(format!("{name}.wasm"))).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
