//! What plugins may call, one file for each interface of `wit/host`.

mod clock;
mod kv;
mod log;
mod model;
mod progress;
mod project_files;
mod secrets;
mod settings;
mod wasi;

pub use kv::{Full as KvFull, Store as KvStore};
pub(super) use log::LogBudget;
pub(super) use wasi::{link_agents, link_policies};
#[expect(unreachable_pub, reason = "the generated bindings re-export them")]
pub use {project_files::Root, secrets::Handle as SecretHandle};
