//! Plugins: what they are asked, and what they can't do.

mod fixture;
pub(crate) mod harness;
mod hostile;
mod layered;
mod loading;
mod scaffold;
