//! Judges a shell command by its parse tree. Command policies are thin around this crate.
//!
//! A command is parsed as a shell would read it, each word is expanded as far as that can be
//! known without running anything, and every simple command of the whole tree is judged: in
//! pipelines, substitutions, functions, here-documents, `sh -c`, `find -exec` and the like.
//! The most dangerous part decides. A policy is a guard-rail; the runtime is the boundary.
//!
//! ```text
//! text ─ parse ─▶ tree ─ walk ─▶ word ─ expand ─▶ fields ─ invoke ─▶ rules ─▶ findings ─▶ verdict
//!                  ▲                                          │
//!                  └──────── script of sh -c, eval, … ────────┘
//! ```

mod code;
mod expand;
mod explain;
mod finding;
mod invoke;
mod letters;
mod lex;
mod limits;
mod names;
mod parse;
mod request;
mod rules;
mod sanitise;
mod scope;
mod sed;
mod settings;
mod verdict;
mod walk;
mod word;

pub use explain::explain;
pub use request::Request;
pub use settings::{Problem, Settings};
pub use verdict::{Decision, Risk, Verdict, judge};
