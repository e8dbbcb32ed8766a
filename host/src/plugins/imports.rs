//! What plugins may call, one file for each interface of `wit/host`.

mod clock;
mod kv;
mod log;
mod progress;
mod project_files;
mod secrets;
mod settings;

pub use kv::{Full as KvFull, Store as KvStore};
pub(super) use log::LogBudget;
#[expect(unreachable_pub, reason = "the generated bindings re-export them")]
pub use {project_files::Root, secrets::Handle as SecretHandle};
