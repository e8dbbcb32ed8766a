//! Plugins: what they are asked, and what they can't do.

mod built_in;
pub(crate) mod fixture;
mod frozen;
pub(crate) mod harness;
mod hostile;
pub(crate) mod imports;
mod loading;
mod oci;
mod quarantine;
mod registry;
pub(crate) mod rooms;
mod scaffold;
mod wasi;
