//! `lockhouse plugin`: what authors of plugins need, one file for each command.
//! All of it works without a server, by the code with which the server itself
//! loads and calls plugins.

mod answer;
mod bench;
mod cases;
mod check;
mod component;
mod files;
mod inspect;
mod judge;
mod keygen;
mod new;
mod pack;
mod run;
mod show;
mod sign;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

pub(super) use files::read;
pub(super) use judge::Judge;

use crate::config::default_data;
use crate::plugins::{Config, Plugin, Plugins, Rooms};

#[derive(Debug, clap::Args)]
pub(super) struct PluginCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Begins a plugin of your own, in a new folder.
    New(new::New),
    /// Makes a plugin of what a compiler wrote, with its `plugin.toml` inside.
    Pack(pack::Pack),
    /// Says whether this host would load a plugin, and if not, what to do.
    Check(check::Check),
    /// Says what is in a plugin: its names, imports, exports, sections.
    Inspect(inspect::Inspect),
    /// Asks a plugin one question.
    Run(run::Run),
    /// Asks a plugin the questions of case files and compares its answers.
    Test(test::Test),
    /// Measures a plugin's calls, each figure beside its limit.
    Bench(bench::Bench),
    /// Makes a key to sign plugins with.
    Keygen(keygen::Keygen),
    /// Signs a component.
    Sign(sign::Sign),
}

/// A plugin and how to load it.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// The plugin, as `lockhouse plugin pack` writes it.
    file: PathBuf,
    /// Its settings, one JSON object.
    #[arg(long, default_value = "{}")]
    settings: String,
    #[command(flatten)]
    place: Place,
}

/// Where compiled code is kept.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// The data directory: compiled code is kept there, as the server keeps it.
    #[arg(long, env = "LOCKHOUSE_DATA", default_value_os_t = default_data())]
    data: PathBuf,
}

impl PluginCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::New(new) => new.run(),
            Command::Pack(pack) => pack.run(),
            Command::Check(check) => check.run().await,
            Command::Inspect(inspect) => inspect.run().await,
            Command::Run(run) => run.run().await,
            Command::Test(test) => test.run().await,
            Command::Bench(bench) => bench.run().await,
            Command::Keygen(keygen) => keygen.run(),
            Command::Sign(sign) => sign.run(),
        }
    }
}

impl Place {
    /// A plugin host with the limits that a server has by default.
    pub(super) fn host(&self) -> anyhow::Result<Plugins> {
        Ok(Plugins::start(Config::default(), Some(&self.data.join("plugins")), Rooms::default())?)
    }
}

impl Source {
    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        read(&self.file, Config::default().max_component_bytes)
    }

    /// How errors call it until it has named itself.
    fn name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    async fn load(&self) -> anyhow::Result<Plugin> {
        let plugin = self.place.host()?.load(&self.name(), &self.bytes()?, &self.settings).await;
        plugin
            .with_context(|| format!("`lockhouse plugin check {}` says more", self.file.display()))
    }
}
