//! The agent that works through a model: asks it for a plan, for one file after
//! the other, and for what repairs a failure.
//!
//! `ask` asks and asks once more where an answer can't be used; `plan`, `write`
//! and `fix` each put one question together and read its answer strictly;
//! `paths` and `files` hold what they share. All of that is pure and tested
//! natively. `guest` is the thin skin that speaks WIT.

pub mod ask;
pub mod files;
pub mod fix;
// Its symbols are named for a component; a native linker refuses them.
#[cfg(target_family = "wasm")]
mod guest;
pub mod paths;
pub mod plan;
pub mod settings;
pub mod write;
