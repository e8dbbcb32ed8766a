//! The `lockhouse` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    lockhouse::cli::main()
}
