//! The acceptance tests: what Lockhouse promises, one binary, a module for each
//! room, a story for each file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test stops where something is not as it must be, and starts what it needs"
)]

#[macro_use]
mod need;
#[macro_use]
mod databases;

mod agents;
mod authors;
mod egress;
mod engines;
mod files;
mod host;
mod jobs;
mod library;
mod machine;
mod models;
mod objects;
mod plugins;
mod previews;
mod releases;
mod reports;
mod reviews;
mod runtimes;
mod stores;
mod story;
mod tidy;
