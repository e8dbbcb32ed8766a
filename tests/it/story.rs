//! The main job, told as its user would: a prompt becomes a running, previewed
//! project, and everything around it holds.

mod administrators;
mod browser;
mod chaos;
mod commands;
mod doctor;
mod documented;
mod execs;
mod gate;
mod gvisor;
mod hosts;
mod kill;
mod kinds;
mod lifecycle;
mod limits;
mod logs;
mod metrics;
mod network;
mod openapi;
mod people;
mod pipes;
mod prompt;
mod rates;
mod retries;
mod rush;
mod schemathesis;
mod sessions;
mod shares;
mod terminals;
mod together;
mod traces;
mod uses;
