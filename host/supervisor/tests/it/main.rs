//! The supervisor program, driven over a real socket as a host does it.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test may fail, and plays the host and the programs in a runtime itself"
)]

mod codec;
mod execs;
mod handing;
mod harness;
mod hostile;
mod lifecycle;
mod network;
mod process;
mod sessions;
mod terminals;
