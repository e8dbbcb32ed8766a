//! Plugins: what they are asked, and what they can't do.

pub(crate) mod fixture;
pub(crate) mod harness;
mod hostile;
mod layered;
mod loading;
mod oci;
mod quarantine;
mod registry;
mod scaffold;
