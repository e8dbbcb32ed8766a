//! Lockhouse: a self-hosted server that builds and runs software projects.
//!
//! The house has one-way doors. Each tier imports only from those below it; a
//! test holds the table.
//!
//! ```text
//! frame   main lib cli config server telemetry
//! doors   http (REST, SSE, WebSocket)   plugins (WebAssembly components)
//! rooms   projects files runtimes exec processes terminals previews jobs agents
//!         reports reviews
//! gates   gate auth limits quotas audit drain policy idempotency
//! ground  db events leases tasks command ids origin clock secret artifacts objects traces
//! ```
//!
//! `server` is the only place that builds rooms; `app` names them for the doors.

pub mod agents;
mod app;
pub mod artifacts;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod db;
pub mod drain;
pub mod events;
pub mod exec;
pub mod files;
pub mod gate;
mod http;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod leases;
pub mod limits;
pub mod objects;
pub mod origin;
pub mod plugins;
pub mod policy;
pub mod previews;
pub mod processes;
pub mod projects;
pub mod quotas;
pub mod reports;
pub mod reviews;
pub mod runtimes;
pub mod secret;
mod server;
pub mod tasks;
mod telemetry;
pub mod terminals;
mod traces;

pub use config::Config;
pub use server::{Started, serve};
