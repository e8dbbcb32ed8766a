//! Plugins: what they are asked, and what they can't do.

mod fixture;
mod frozen;
pub(crate) mod harness;
mod hostile;
mod imports;
mod layered;
mod loading;
mod rooms;
mod scaffold;
mod wasi;
