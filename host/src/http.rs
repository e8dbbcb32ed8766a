//! Doors: HTTP, server-sent events and WebSockets. A door parses, passes the
//! gate, calls one room and converts what it gets.

mod admin;
mod agents;
mod assets;
mod audit;
mod description;
mod documented;
mod events;
mod exec;
mod extract;
mod files;
mod health;
mod jobs;
mod layers;
mod networks;
mod once;
mod origin;
mod page;
mod plugins;
mod policies;
mod previews;
mod problem;
mod processes;
mod projects;
mod rates;
mod reports;
mod reviews;
mod routes;
mod runtimes;
mod session;
mod sse;
mod stats;
mod terminals;
mod text;
mod tokens;
mod users;

pub(crate) use previews::mapped::serve_visitors;
pub(crate) use routes::router;
