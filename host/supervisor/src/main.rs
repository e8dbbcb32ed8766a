//! The program `lockhouse-supervisor`: PID 1 of a runtime.

mod supervisor;

use std::process::ExitCode;

fn main() -> ExitCode {
    match supervisor::run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            supervisor::say(&why);
            ExitCode::from(2)
        }
    }
}
