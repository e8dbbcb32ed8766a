//! Stands in for the crate of this name on every target, by `[patch]` in the workspace.
//!
//! The shell parser depends on it through its cache. On WebAssembly the real one asks a
//! JavaScript host for the time, and its bindings leave imports in a component that nothing but
//! a browser offers. On every other target the real one is what this is: the standard library.
//! No guest ever asks for the time; if one did, the standard library would trap.

pub use std::time::*;
