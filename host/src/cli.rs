//! Frame: the command line. One file per command.

mod audit;
mod clear;
mod client;
mod doctor;
mod exec;
mod generate;
mod images;
mod plugin;
mod policy;
mod report;
mod review;
mod serve;
mod token;
mod user;

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::config::{self, Config, EngineFlag, Flags, default_data};

/// Exit code of a program whose output nobody reads any more: as a shell tells of those
/// that SIGPIPE ended.
const BROKEN_PIPE: u8 = 128 + 13;

/// A self-hosted server on which people and AI agents build and run projects.
#[derive(Debug, Parser)]
#[command(name = "lockhouse", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the server.
    Serve(serve::Serve),
    /// Runs a command in a project's runtime.
    Exec(exec::Exec),
    /// Has an agent build a project from a prompt.
    Generate(generate::Generate),
    /// Shows, checks and hands out the record of who did what.
    Audit(audit::AuditCommand),
    /// Removes every runtime of this installation; files and history stay.
    Clear(clear::Clear),
    /// Says whether a server can work here, and what to do where it can't.
    Doctor(doctor::Doctor),
    /// Builds and lists what runtimes run on.
    Images(images::Images),
    /// Writes, checks and measures plugins of your own.
    Plugin(plugin::PluginCommand),
    /// Tests policies.
    Policy(policy::PolicyCommand),
    /// Has a report written, or lists those that there are.
    Report(report::Report),
    /// Hands projects in, and reviews what others handed in.
    Review(review::ReviewCommand),
    /// Makes, lists and revokes tokens.
    Token(token::TokenCommand),
    /// Says who may use a server.
    User(user::UserCommand),
}

/// Which installation is meant, for commands that work where its server does.
#[derive(Debug, Clone, clap::Args)]
struct Installation {
    /// Directory of all that the server keeps.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// `auto`, `docker` or `local`.
    #[arg(long, global = true)]
    engine: Option<String>,
    /// Configuration file [default: lockhouse.toml, if it is there].
    #[arg(long, global = true)]
    config: Option<PathBuf>,
}

impl Installation {
    fn load(self) -> Result<Config, config::Invalid> {
        self.load_listening(None)
    }

    fn load_listening(self, listen: Option<SocketAddr>) -> Result<Config, config::Invalid> {
        let engines = self.engine.map(|engine| EngineFlag { engine });
        Config::load(self.config.as_deref(), Flags { listen, data: self.data, engines })
    }
}

/// Where the server is, for commands that speak with one.
#[derive(Debug, Clone, clap::Args)]
struct Server {
    /// The server's URL; by default that of the one running on `--data`.
    #[arg(long, env = "LOCKHOUSE_URL", global = true)]
    url: Option<String>,
    /// A token; by default the administrator's, from the data directory.
    #[arg(long, env = "LOCKHOUSE_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
    /// The data directory of the server on this machine.
    #[arg(long, env = "LOCKHOUSE_DATA", default_value_os_t = default_data(), global = true)]
    data: PathBuf,
}

/// Runs the command line; the result is the process' exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    give_up_reserves();
    let ran = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(arguments.command)));
    ran.unwrap_or_else(|error| match error.downcast_ref::<std::io::Error>() {
        Some(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(BROKEN_PIPE),
        _ => {
            complain(&error);
            ExitCode::FAILURE
        }
    })
}

/// Root may go over the quotas of ext4, and into what it keeps for root. What is written for
/// others may not; the threads of a program take after its first.
fn give_up_reserves() {
    let kept = capabilities(None).and_then(|mut held| {
        held.effective.remove(CapabilitySet::SYS_RESOURCE);
        set_capabilities(None, held)
    });
    if let Err(error) = kept {
        complain(&anyhow::Error::new(error).context("quotas of ext4 may not hold"));
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => serve.run().await,
        Command::Exec(exec) => exec.run().await,
        Command::Generate(generate) => generate.run().await,
        Command::Audit(audit) => audit.run().await,
        Command::Clear(clear) => clear.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Images(images) => images.run().await,
        Command::Plugin(plugin) => plugin.run().await,
        Command::Policy(policy) => policy.run().await,
        Command::Report(report) => report.run().await,
        Command::Review(review) => review.run().await,
        Command::Token(token) => token.run().await,
        Command::User(user) => user.run().await,
    }
}

fn complain(error: &anyhow::Error) {
    // Where nobody hears it, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "lockhouse: {error:#}");
}

/// A line for the user. Where nobody reads on, as behind `| head -1`, the program ends.
fn say(line: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        match error.kind() {
            ErrorKind::BrokenPipe => std::process::exit(BROKEN_PIPE.into()),
            _ => {
                complain(&anyhow::Error::new(error).context("nothing can be printed"));
                std::process::exit(1);
            }
        }
    }
}
