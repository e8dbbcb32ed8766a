//! What plugins may call, one file for each interface of `wit/host`.

mod log;
mod progress;
mod settings;

pub(super) use log::LogBudget;
