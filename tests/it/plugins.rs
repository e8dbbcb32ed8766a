//! Plugins: what they are asked, and what they can't do.

mod fixture;
mod harness;
mod hostile;
mod layered;
mod loading;
mod oci;
mod quarantine;
mod registry;
mod scaffold;
