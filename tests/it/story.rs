//! The main job, told as its user would: a prompt becomes a running, previewed
//! project, and everything around it holds.

mod browser;
mod chaos;
mod commands;
mod gate;
mod kill;
mod kinds;
mod lifecycle;
mod limits;
mod network;
mod prompt;
mod retries;
mod terminals;
mod together;
