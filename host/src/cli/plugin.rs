//! `lockhouse plugin`: what authors and operators of plugins need.

mod keygen;
mod sign;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub(super) struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key to sign plugins with.
    Keygen(keygen::Keygen),
    /// Signs a component.
    Sign(sign::Sign),
}

impl Plugin {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Keygen(keygen) => keygen.run(),
            Command::Sign(sign) => sign.run(),
        }
    }
}
