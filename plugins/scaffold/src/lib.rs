//! The offline agent: reads a prompt's words, plans one of a few kinds of
//! project and writes its files, the same answer for the same words each time.
//!
//! `brief` turns the prompt into a [`brief::Reading`]; `recipes` turns a reading
//! into a plan; `write` renders one file of that plan; `fix` repairs what its
//! commands complain of. `guest` is the thin skin that speaks WIT. The reading
//! travels from the planner to the writer in the
//! plan's notes, so that the writer never guesses a second time.

pub mod brief;
pub mod fix;
// Its symbols are named for a component; a native linker refuses them.
#[cfg(target_family = "wasm")]
mod guest;
pub mod name;
pub mod plan;
pub mod recipes;
mod render;
pub mod settings;
mod words;
pub mod write;
